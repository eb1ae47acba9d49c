"""Airflow's keys, bundles and database."""

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from stack import airflow, airflow_database
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


def test_make_last_trigger_is_deleted_next_has_another_number(settings: Settings, tmp_path: Path) -> None:
    database = tmp_path / "made.db"

    airflow_database.make(database, os.environ | airflow.environment(settings), tmp_path, tmp_path / "log")

    with closing(sqlite3.connect(database)) as connection:
        first = add_trigger(connection)
        connection.execute("DELETE FROM trigger")
        second = add_trigger(connection)
        indexes = [name for (name,) in connection.execute("SELECT name FROM pragma_index_list('trigger')")]
        referring = connection.execute("SELECT * FROM pragma_foreign_key_list('task_instance')").fetchall()

    assert (first, second) == (1, 2)
    # What Airflow has made besides is as before.
    assert indexes == ["idx_trigger_team_name"]
    assert "trigger" in {table for _, _, table, *_ in referring}


def add_trigger(connection: sqlite3.Connection) -> int | None:
    return connection.execute(
        "INSERT INTO trigger (classpath, kwargs, created_date) VALUES ('a.Trigger', '', '2026-01-01')"
    ).lastrowid
