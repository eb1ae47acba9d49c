"""Airflow's keys."""

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
