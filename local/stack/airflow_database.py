"""Makes Airflow's SQLite database; for whoever only uses one, what is imported here would be too much to load."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy
from alembic.migration import MigrationContext
from alembic.operations import Operations

from stack import airflow, tools


def make(file: Path, environment: Mapping[str, str], directory: Path, log: Path) -> None:
    """Makes an empty database that gives no trigger the number that a deleted one had.

    environment: what makes `airflow` belong to a stack
    directory: where it runs
    log: what it says is appended there
    """
    tools.run(
        [Path(sys.executable).with_name("airflow"), "db", "migrate"],
        {**environment, **airflow.use_database(file)},
        directory,
        log,
    )
    _number_triggers_once(file)


def _number_triggers_once(file: Path) -> None:
    # SQLite numbers on from the highest that is there, unless told AUTOINCREMENT, and Airflow (3.3.1) tells it so for
    # other tables only. A triggerer that hasn't learned yet of the end of trigger 7 takes the next trigger 7 for the
    # same: the task that waits for the next one's job is resumed with what became of the other's.
    engine = sqlalchemy.create_engine(f"sqlite:///{file}")
    try:
        with engine.begin() as connection:
            operations = Operations(MigrationContext.configure(connection))
            with operations.batch_alter_table(
                "trigger", recreate="always", table_kwargs={"sqlite_autoincrement": True}
            ):
                pass
    finally:
        engine.dispose()
