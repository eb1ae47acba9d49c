"""Airflow's own triggerer, as a process, with triggers of tasks that Airflow takes for deferred."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.jobs.job import Job
from airflow.models.asset import AssetEvent
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.models.trigger import Trigger
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from conftest import DAGS, HOME, PROBES, load_dag
from fake_aws import FakeAws, FakeFlink
from sluiceway_airflow.events import read_messages
from sluiceway_airflow.payloads import Request, stop_job
from sluiceway_airflow.triggers.flink_job import WAITING_TRY, FlinkJobTrigger
from sluiceway_events import body, ready

PATIENCE = 180.0

pytestmark = pytest.mark.usefixtures("airflow_database")


@dataclass(frozen=True)
class Waiting:
    task: UUID
    trigger: int
    flink_job_id: str


def wait_for_stream(flink: FakeFlink, name: str) -> Waiting:
    """Have a task of a run of its own wait for a stream to finish."""
    dag_run: Any = load_dag(PROBES / "probes.py", "waited").test()
    spec = {"name": name, "kind": "STREAM", "cluster": "local", "jar": {"uri": "s3://jars/a.jar"}}
    flink_job_id: str = flink.submit({"requestId": name, "try": 1, "job": spec})["job"]["flinkJobId"]
    trigger = FlinkJobTrigger(
        function_name="sluiceway-local-job-status",
        deadline=datetime.now(UTC) + timedelta(minutes=10),
        poll_interval=0.5,
        cluster="local",
        flink_job_id=flink_job_id,
        stop_function_name="sluiceway-local-stop-job",
        stop_payload=stop_job(
            cluster="local",
            flink_job_id=flink_job_id,
            owner=Request(name, 1),
            mode="CANCEL",
            request=Request(f"kill-{name}", 1),
            on_refusal="ANSWER",
        ),
    )
    with create_session() as session:
        row = Trigger.from_object(trigger)
        session.add(row)
        session.flush()
        task: TaskInstance = session.merge(dag_run.get_task_instance("wait-for-job"))
        task.state = TaskInstanceState.DEFERRED
        task.trigger_id = row.id
        return Waiting(task.id, row.id, flink_job_id)


def tell_waiting_try(task: TaskInstance, more: int, session: Session) -> None:
    """Leave the XCom that a task leaves when it is deferred, in so many tries after the present one."""
    XComModel.set(
        key=WAITING_TRY,
        value=task.try_number + more,
        dag_id=task.dag_id,
        task_id=task.task_id,
        run_id=task.run_id,
        map_index=task.map_index,
        # As the API stores what a task has made JSON of.
        serialize=False,
        session=session,
    )


@contextmanager
def triggerer() -> Iterator[None]:
    environment = {**os.environ, "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO"}
    command = [sys.executable, "-m", "airflow", "triggerer", "--skip-serve-logs"]
    with (HOME / "triggerer.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)  # noqa: S603 - it's Airflow
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()


def logs() -> str:
    return "\n".join(file.read_text() for file in HOME.rglob("*trigger*.log"))


def await_true(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, logs()
        time.sleep(0.1)


@pytest.fixture
def no_other_triggers() -> None:
    """Drop what earlier tests have left in the database: a triggerer runs whatever triggers there are."""
    with create_session() as session:
        session.execute(update(TaskInstance).values(trigger_id=None))
        session.execute(delete(Trigger))


@pytest.mark.usefixtures("no_other_triggers")
def test_triggerer_stops_jobs_of_killed_tasks_alone(aws: FakeAws) -> None:
    flink = FakeFlink(aws)
    waits = tuple(wait_for_stream(flink, name) for name in ("a", "b", "c", "d", "e"))
    marked, cleared, cleared_and_back, taken_over, _ = waits

    def observed() -> set[str]:
        return {request["flinkJobId"] for request in aws.requests("job-status")}

    def stopped() -> set[str]:
        return {request["flinkJobId"] for request in aws.requests("stop-job")}

    with triggerer():
        await_true(lambda: {wait.flink_job_id for wait in waits} <= observed())
        with create_session() as session:
            session.get_one(TaskInstance, marked.task).set_state(TaskInstanceState.FAILED, session=session)
            other = Job(
                job_type="TriggererJob", state="running", latest_heartbeat=datetime.now(UTC) + timedelta(hours=1)
            )
            session.add(other)
            session.flush()
            for wait, tries in ((cleared_and_back, 1), (taken_over, 0)):
                session.get_one(Trigger, wait.trigger).triggerer_id = other.id
                tell_waiting_try(session.get_one(TaskInstance, wait.task), tries, session)
            task = session.get_one(TaskInstance, cleared.task)
            clear_task_instances([task], session=session)
            # As the scheduler does; before, Airflow doesn't drop the trigger.
            task.state = TaskInstanceState.SCHEDULED

        await_true(lambda: len(stopped()) >= 3)
        await_true(
            lambda: f"Its task waits in another triggerer: Flink job {taken_over.flink_job_id} goes on." in logs()
        )

    # The last one waits while the triggerer shuts down.
    assert stopped() == {marked.flink_job_id, cleared.flink_job_id, cleared_and_back.flink_job_id}
    assert aws.problems == []


def heard() -> list[int]:
    """The numbers of what the watched asset has told, in order."""
    with create_session() as session:
        events = session.scalars(select(AssetEvent).order_by(AssetEvent.id)).all()
        messages = read_messages(events)
    assert messages.unreadable == ()
    return [event.metadata.sequence for event in messages.events]


@pytest.mark.usefixtures("no_other_triggers")
def test_triggerer_watches_queue_batch_after_batch(aws: FakeAws) -> None:
    with create_session() as session:
        session.execute(delete(AssetEvent))
    DagBundlesManager().sync_bundles_to_db()
    bag = BundleDagBag(dag_folder=DAGS / "flight_delays_events.py", bundle_path=DAGS, bundle_name="dags-folder")
    sync_bag_to_db(bag, "dags-folder", None)
    aws.messages += [body(ready(number + 1, number)) for number in range(12)]

    with triggerer():
        await_true(lambda: len(heard()) == 12)
        with create_session() as session:
            # A question for messages takes ten at most.
            assert len(session.scalars(select(AssetEvent)).all()) == 2
        aws.messages.append(body(ready(13, 12)))
        await_true(lambda: len(heard()) == 13)

    assert heard() == list(range(1, 14))
    assert aws.messages == []
