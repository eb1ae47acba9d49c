"""The DAGs against the laptop stack: real functions, a real Flink cluster, a real S3 interface."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from conftest import DAGS, REPORTS, aws_connection, load_dag
from flight_delays.report import parse_rows

ROWS = Path(__file__).parent / "data" / "flight-delays-2013-01-16.jsonl"

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("airflow_database", "stack")]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    port = os.environ.get("SLUICEWAY_AWS_PORT", "4566")
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws_connection(f"http://127.0.0.1:{port}"))


def run(dag_id: str, **kwargs: Any) -> Any:
    return load_dag(DAGS / f"{dag_id}.py", dag_id, in_a_hurry=False).test(**kwargs)


def flink_jobs() -> list[dict[str, Any]]:
    """Ask Flink itself."""
    port = os.environ.get("SLUICEWAY_FLINK_PORT", "8381")
    with urlopen(f"http://127.0.0.1:{port}/jobs/overview", timeout=10) as answer:
        jobs: list[dict[str, Any]] = json.load(answer)["jobs"]
        return jobs


def test_daily_16_january_result_is_that_of_plain_python() -> None:
    dag_run = run("flight_delays_daily", logical_date=datetime.fromisoformat("2013-01-17T12:00:00+00:00"))

    assert dag_run.state == "success"
    rows = dag_run.get_task_instance("read-result").xcom_pull(task_ids="read-result")
    assert rows == parse_rows([ROWS.read_text()])
    report = json.loads((REPORTS / "flight-delays-2013-01-16.json").read_text())
    (job,) = [job for job in flink_jobs() if job["jid"] == report["flink_job_id"]]
    assert (job["name"], job["state"]) == ("flight-delays-2013-01-16", "FINISHED")


def test_stream_once_round_leaves_nothing_running() -> None:
    before = {job["jid"] for job in flink_jobs()}

    dag_run = run("flight_delays_stream")

    assert dag_run.state == "success"
    jobs = [job for job in flink_jobs() if job["jid"] not in before and job["name"] == "flight-delays-stream"]
    assert sorted(job["state"] for job in jobs) == ["CANCELED", "FINISHED"]
