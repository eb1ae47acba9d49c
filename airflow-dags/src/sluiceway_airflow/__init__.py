"""Run Apache Flink jobs from Airflow through Sluiceway's functions."""

from __future__ import annotations

__version__ = "0.1.0"
