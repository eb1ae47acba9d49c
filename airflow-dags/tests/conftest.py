"""Airflow for the tests: a database of its own, the project's DAGs, and a connection to the fake AWS."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.sdk import DAG

HOME = Path(tempfile.mkdtemp(prefix="sluiceway-airflow-tests-"))
ROOT = Path(__file__).resolve().parents[2]
DAGS = ROOT / "airflow-dags" / "dags"
SCHEMAS = ROOT / "functions" / "src" / "main" / "resources" / "schemas"
PROBES = Path(__file__).resolve().parent / "dags"

LOCAL_BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"
BUNDLES = [
    {"name": name, "classpath": LOCAL_BUNDLE, "kwargs": {"path": str(path)}}
    for name, path in (("dags-folder", DAGS), ("probes", PROBES))
]

# Airflow reads these when it is imported, and the DAGs theirs when they are.
os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__CORE__DAGS_FOLDER=str(DAGS),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=json.dumps(BUNDLES),
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{HOME / 'airflow.db'}",
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(HOME / "logs"),
    AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
    SLUICEWAY_STAGE="local",
    SLUICEWAY_DEPLOYMENT="tests",
    SLUICEWAY_REPORTS=str(HOME / "reports"),
    # Only its path counts: the connection leads to the fake AWS.
    SLUICEWAY_AIRFLOW_QUEUE="http://127.0.0.1/000000000000/sluiceway-local-airflow-events",
)

from fake_aws import FakeAws  # noqa: E402 - see above

REPORTS = HOME / "reports"


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """A metadata database, as ``dag.test()`` needs it."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """A fake AWS, to which the connection ``aws_default`` leads."""
    with FakeAws(SCHEMAS) as fake:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws_connection(fake.url))
        yield fake


def load_dag(file: Path, dag_id: str, *, in_a_hurry: bool = True) -> DAG:
    """Import a DAG as Airflow does; in a hurry, take the waiting before retries and between polls out of it."""
    from airflow.dag_processing.dagbag import DagBag

    from sluiceway_airflow.operators.flink_job import FlinkWaitOperator, SubmitFlinkJobOperator

    bag = DagBag(dag_folder=file, bundle_path=file.parent, bundle_name="dags-folder")
    assert bag.import_errors == {}
    dag: DAG = bag.dags[dag_id]
    for task in dag.tasks:
        task.retry_delay = timedelta(0)
        if in_a_hurry and isinstance(task, FlinkWaitOperator | SubmitFlinkJobOperator):
            task.min_wait = task.poll_interval = timedelta(0)
    return dag


def aws_connection(endpoint: str) -> str:
    return json.dumps(
        {
            "conn_type": "aws",
            "login": "test",
            "password": "test",
            "extra": {"region_name": "us-east-1", "endpoint_url": endpoint},
        }
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("SLUICEWAY_STACK") == "1":
        return
    for item in items:
        if "stack" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs the laptop stack: bring it up and set SLUICEWAY_STACK=1"))


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
