from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, CronTriggerTimetable
from airflow.sdk.timezone import coerce_datetime
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.assets import AssetOrTimeSchedule
from airflow.timetables.base import TimeRestriction

from conftest import DAGS
from flight_delays import settings
from sluiceway_airflow.answers import UpgradeEnding
from sluiceway_airflow.operators.flink_job import FlinkWaitOperator, WaitForFlinkOperationOperator

TASKS = {
    "flight_delays_daily": {"submit-job", "wait-for-job", "read-result", "write-report"},
    "flight_delays_stream": {
        "first-life.submit-job",
        "first-life.wait-for-checkpoint",
        "first-life.take-savepoint",
        "first-life.wait-for-savepoint",
        "first-life.stop-job",
        "first-life.wait-for-stop",
        "second-life.submit-job",
        "second-life.wait-for-checkpoint",
        "second-life.list-jobs",
        "second-life.check-jobs",
        "second-life.stop-job",
        "second-life.wait-for-stop",
        "clean-up.stop-first-life",
        "clean-up.stop-second-life",
    },
    "flight_delays_stream_managed": {
        "first-life.submit-job",
        "first-life.wait-for-start",
        "first-life.take-savepoint",
        "first-life.wait-for-savepoint",
        "first-life.stop-job",
        "first-life.wait-for-stop",
        "second-life.submit-job",
        "second-life.wait-for-start",
        "second-life.list-jobs",
        "second-life.check-jobs",
        "second-life.stop-job",
        "second-life.wait-for-stop",
        "clean-up.stop-first-life",
        "clean-up.stop-second-life",
    },
    "flight_delays_upgrade": {
        "first-version.submit-job",
        "first-version.wait-for-checkpoint",
        "upgrade.upgrade-job",
        "upgrade.wait-for-upgrade",
        "upgrade.look-at-old",
        "upgrade.look-at-job",
        "upgrade.report-upgrade",
        "upgrade.check-upgrade",
        "end.stop-job",
        "end.wait-for-stop",
        "clean-up.stop-stream",
    },
    "flight_delays_events": {"dispatch"},
    "flight_hour_ready": {"check-slice"},
    "flight_hours_stream": {"run-stream"},
}
CALLING = ["flight_delays_daily", "flight_delays_stream", "flight_delays_stream_managed", "flight_delays_upgrade"]


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return DagBag(dag_folder=DAGS, bundle_path=DAGS, bundle_name="dags-folder")


def dag_of(bag: DagBag, dag_id: str) -> DAG:
    dag: DAG = bag.dags[dag_id]
    return dag


def test_import_all_files_without_error_within_seconds(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert {file.file.strip("/") for file in bag.dagbag_stats} == {f"{dag_id}.py" for dag_id in TASKS}
    # Airflow gives up after core.dagbag_import_timeout, 30 s.
    assert all(file.duration < timedelta(seconds=10) for file in bag.dagbag_stats)


@pytest.mark.parametrize("dag_id", TASKS)
def test_import_each_dag_has_docs_tags_and_its_tasks(bag: DagBag, dag_id: str) -> None:
    dag = dag_of(bag, dag_id)

    assert dag.doc_md
    assert {"sluiceway", "flink"} <= dag.tags
    assert {task.task_id for task in dag.tasks} == TASKS[dag_id]


@pytest.mark.parametrize("dag_id", CALLING)
def test_import_each_wait_has_a_deadline_and_asks_again_when_airflow_lost_it(bag: DagBag, dag_id: str) -> None:
    waits = [task for task in dag_of(bag, dag_id).tasks if isinstance(task, FlinkWaitOperator)]

    assert waits
    for wait in waits:
        assert wait.retries == 2
        assert wait.timeout <= timedelta(minutes=15)


@pytest.mark.parametrize("dag_id", CALLING)
def test_import_each_call_is_sent_once_per_try_and_tried_again(bag: DagBag, dag_id: str) -> None:
    calls = [task for task in dag_of(bag, dag_id).tasks if task.task_type == "LambdaInvokeFunctionOperator"]

    assert calls
    for call in calls:
        assert getattr(call, "botocore_config", {}).get("retries") == {"max_attempts": 0}
        assert call.retries == (3 if call.is_teardown else 2)
        # A call of these takes 2 minutes at most, and what it left unsettled half a minute more.
        assert call.label not in ("submit-job", "upgrade-job") or call.retry_delay > timedelta(minutes=2, seconds=30)


def test_daily_schedule_is_the_days_of_january_in_new_york(bag: DagBag) -> None:
    scheduled = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag_of(bag, "flight_delays_daily")))
    timetable = scheduled.timetable
    may_run = TimeRestriction(coerce_datetime(scheduled.start_date), coerce_datetime(scheduled.end_date), catchup=True)

    days = []
    last = None
    while (info := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=may_run)) is not None:
        last = info.data_interval
        assert last is not None
        days.append(last.start.in_timezone("America/New_York"))

    assert [day.date() for day in days] == [date(2013, 1, 1) + timedelta(days=n) for n in range(31)]
    assert {day.time().isoformat() for day in days} == {"00:00:00"}


def test_daily_nobody_asks_never_runs_by_itself(bag: DagBag) -> None:
    dag = dag_of(bag, "flight_delays_daily")
    scheduled = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))

    assert dag.is_paused_upon_creation is False
    assert scheduled.next_dagrun_info(last_automated_run_info=None) is None


@pytest.mark.parametrize("dag_id", ["flight_delays_stream", "flight_delays_stream_managed", "flight_delays_upgrade"])
def test_stream_clean_up_is_a_teardown_that_does_not_hide_a_failure(bag: DagBag, dag_id: str) -> None:
    dag = dag_of(bag, dag_id)

    # It would skip the clean-up.
    assert dag.dagrun_timeout is None
    for task in dag.tasks:
        assert task.is_teardown == task.task_id.startswith("clean-up.")
        assert not task.on_failure_fail_dagrun


def test_events_schedule_is_the_watched_asset_or_a_quarter_of_an_hour(bag: DagBag) -> None:
    dag = dag_of(bag, "flight_delays_events")
    scheduled = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))

    assert isinstance(scheduled.timetable, AssetOrTimeSchedule)
    (asset,) = [asset for _, asset in scheduled.timetable.asset_condition.iter_assets()]
    (watcher,) = asset.watchers
    assert asset.name == "flight-delays"
    assert watcher.trigger["classpath"] == "airflow.providers.amazon.aws.triggers.sqs.SqsSensorTrigger"
    assert watcher.trigger["kwargs"]["sqs_queue"].endswith("/000000000000/sluiceway-local-airflow-events")
    assert watcher.trigger["kwargs"]["delete_message_on_reception"] is True
    # A question that the service doesn't keep mustn't be asked without a pause.
    assert watcher.trigger["kwargs"]["waiter_delay"] > 0
    soon = scheduled.next_dagrun_info(last_automated_run_info=None)
    assert soon is not None
    assert soon.run_after <= datetime.now(UTC) + timedelta(minutes=15)
    # Those that are missed while it is paused aren't made up for: one looks at all there is.
    assert (dag.catchup, dag.max_active_runs) == (False, 1)


def test_events_without_queue_has_the_clock_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "AIRFLOW_QUEUE", None)

    clock = DagBag(dag_folder=DAGS / "flight_delays_events.py", bundle_path=DAGS, bundle_name="dags-folder")

    assert clock.import_errors == {}
    assert isinstance(dag_of(clock, "flight_delays_events").timetable, CronTriggerTimetable)


def test_events_dispatch_has_a_deadline(bag: DagBag) -> None:
    assert dag_of(bag, "flight_delays_events").get_task("dispatch").execution_timeout == timedelta(minutes=10)


def test_upgrade_wait_outlasts_both_versions_trials_and_takes_each_ending(bag: DagBag) -> None:
    dag = dag_of(bag, "flight_delays_upgrade")
    wait, call = dag.get_task("upgrade.wait-for-upgrade"), dag.get_task("upgrade.upgrade-job")

    assert isinstance(wait, WaitForFlinkOperationOperator)
    assert wait.timeout == 4 * timedelta(minutes=3)
    assert '"judgeWithin": "PT3M"' in getattr(call, "payload", "")
    assert set(wait.accept) == set(UpgradeEnding)


def test_upgrade_clean_up_outlasts_an_upgrade_that_is_open(bag: DagBag) -> None:
    clean_up = dag_of(bag, "flight_delays_upgrade").get_task("clean-up.stop-stream")

    assert clean_up.retries is not None
    assert clean_up.retries * clean_up.retry_delay >= 2 * timedelta(minutes=3)
