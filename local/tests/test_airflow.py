"""Airflow's keys."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stack import airflow
from stack.settings import Settings, load_settings

NAMES = {"AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__CORE__FERNET_KEY"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(load_settings(environment={}), run_dir=tmp_path)


def test_environment_no_keys_were_made_has_none_and_makes_none(settings: Settings) -> None:
    assert NAMES.isdisjoint(airflow.environment(settings))
    assert list(settings.run_dir.iterdir()) == []


def test_make_keys_are_there_keeps_them(settings: Settings) -> None:
    airflow.make_keys(settings)
    before = airflow.environment(settings)
    airflow.make_keys(settings)

    assert before.keys() >= NAMES
    assert airflow.environment(settings) == before


def test_make_keys_file_is_this_users_only(settings: Settings) -> None:
    airflow.make_keys(settings)

    (file,) = settings.run_dir.iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_environment_bundles_are_the_examples_and_what_is_added(settings: Settings) -> None:
    bundles = json.loads(airflow.environment(settings)["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])

    assert {bundle["name"]: bundle["kwargs"] for bundle in bundles} == {
        "dags-folder": {},
        "added-dags": {"path": str(settings.run_dir / "airflow" / "dags")},
    }
