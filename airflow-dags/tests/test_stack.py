"""The DAGs against the laptop stack: real functions, a real Flink cluster, a real S3 interface."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

import pytest

from conftest import DAGS, REPORTS, aws_connection, load_dag
from flight_delays.report import parse_rows
from sluiceway_airflow.answers import Answer, AttemptState, UpgradeEnding

ROWS = Path(__file__).parent / "data" / "flight-delays-2013-01-16.jsonl"

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("airflow_database", "stack")]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    port = os.environ.get("SLUICEWAY_AWS_PORT", "4566")
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws_connection(f"http://127.0.0.1:{port}"))
    # The stack remembers requests, and a run of a given logical date has the same run id each time.
    monkeypatch.setenv("SLUICEWAY_DEPLOYMENT", f"tests-{uuid4()}")


def run(dag_id: str, **kwargs: Any) -> Any:
    return load_dag(DAGS / f"{dag_id}.py", dag_id, in_a_hurry=False).test(**kwargs)


def answer(dag_run: Any, task_id: str) -> Answer:
    # Airflow's own tables give the text of an answer as what it is the JSON of.
    text = dag_run.get_task_instance(task_id).xcom_pull(task_ids=task_id)
    return Answer.parse(text if isinstance(text, str) else json.dumps(text))


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
    assert answer(dag_run, "wait-for-job").require_job().attempt_state == AttemptState.FINISHED


def test_stream_once_round_leaves_nothing_running() -> None:
    before = {job["jid"] for job in flink_jobs()}

    dag_run = run("flight_delays_stream")

    assert dag_run.state == "success"
    jobs = [job for job in flink_jobs() if job["jid"] not in before and job["name"] == "flight-delays-stream"]
    assert sorted(job["state"] for job in jobs) == ["CANCELED", "FINISHED"]
    first = answer(dag_run, "first-life.submit-job").require_job()
    second = answer(dag_run, "second-life.wait-for-checkpoint").require_job()
    stopped = answer(dag_run, "first-life.wait-for-stop").require_operation()
    assert {first.flink_job_id, second.flink_job_id} == {job["jid"] for job in jobs}
    # It goes on from the state that the stop has left, without having been told where that is.
    assert first.restored_from is None
    assert second.restored_from == stopped.savepoint_path
    assert second.restored_from is not None


def test_upgrade_new_version_takes_over_from_the_old_ones_savepoint_and_leaves_nothing_running() -> None:
    before = {job["jid"] for job in flink_jobs()}

    dag_run = run("flight_delays_upgrade")

    assert dag_run.state == "success"
    old = answer(dag_run, "first-version.submit-job").require_job()
    operation, upgrade = answer(dag_run, "upgrade.wait-for-upgrade").require_upgrade()
    new = answer(dag_run, "upgrade.look-at-job").require_job()
    assert upgrade.ending == UpgradeEnding.UPGRADED
    assert (operation.flink_job_id, upgrade.new_flink_job_id) == (old.flink_job_id, new.flink_job_id)
    assert new.restored_from == operation.savepoint_path
    assert new.restored_from is not None
    assert new.version is not None
    assert new.version.jar.endswith("/flight-delays-v2.jar")
    told = dag_run.get_task_instance("upgrade.report-upgrade").xcom_pull(task_ids="upgrade.report-upgrade")
    assert (told["ending"], told["runs"], told["flink_job_id"]) == ("UPGRADED", "the new version", new.flink_job_id)
    assert 0 < told["seconds_down"] <= told["seconds"]
    jobs = {job["jid"]: job["state"] for job in flink_jobs() if job["jid"] not in before}
    assert jobs == {old.flink_job_id: "FINISHED", new.flink_job_id: "FINISHED"}


def test_upgrade_jar_isnt_there_fails_and_cancels_the_old_version() -> None:
    before = {job["jid"] for job in flink_jobs()}

    dag_run = run("flight_delays_upgrade", run_conf={"jar": "s3://sluiceway-local-jobs/jars/none.jar"})

    assert dag_run.state == "failed"
    assert dag_run.get_task_instance("clean-up.stop-stream").state == "success"
    assert [job["state"] for job in flink_jobs() if job["jid"] not in before] == ["CANCELED"]
