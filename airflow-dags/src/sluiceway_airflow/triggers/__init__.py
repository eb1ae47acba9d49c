"""Triggers that watch Flink from the triggerer."""
