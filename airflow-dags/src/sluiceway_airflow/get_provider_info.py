"""What Airflow learns about this package when it looks for providers."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Describe the package in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "sluiceway-airflow",
        "name": "Sluiceway",
        "description": "Run Apache Flink jobs through Sluiceway's functions and wait for them.",
        "integrations": [
            {
                "integration-name": "Sluiceway",
                "external-doc-url": "https://flink.apache.org/",
                "tags": ["apache", "aws", "service"],
            }
        ],
        "operators": [
            {
                "integration-name": "Sluiceway",
                "python-modules": ["sluiceway_airflow.operators.flink_job", "sluiceway_airflow.operators.flink_events"],
            },
        ],
        "triggers": [
            {"integration-name": "Sluiceway", "python-modules": ["sluiceway_airflow.triggers.flink_job"]},
        ],
        "extra-links": ["sluiceway_airflow.links.flink_job.FlinkJobLink"],
    }
