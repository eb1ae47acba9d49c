from __future__ import annotations

import json
from importlib import import_module, resources

from airflow.providers_manager import ProvidersManager
from jsonschema import Draft7Validator

from sluiceway_airflow.get_provider_info import get_provider_info


def test_get_provider_info_is_of_airflows_schema() -> None:
    schema = json.loads((resources.files("airflow") / "provider_info.schema.json").read_text())

    Draft7Validator(schema).validate(get_provider_info())


def test_get_provider_info_modules_are_there() -> None:
    info = get_provider_info()

    for part in ("operators", "triggers"):
        for entry in info[part]:
            for module in entry["python-modules"]:
                import_module(module)


def test_providers_manager_installed_package_is_known_with_its_link() -> None:
    manager = ProvidersManager()

    assert "sluiceway-airflow" in manager.providers
    assert "sluiceway_airflow.links.flink_job.FlinkJobLink" in manager.extra_links_class_names
