"""Operators that wait for Flink without holding a worker."""
