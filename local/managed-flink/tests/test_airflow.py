"""Airflow's own operators, sensors and triggers for the service drive the double."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import FakeCluster
from tests.harness import ROLE, Double, code


@pytest.fixture(autouse=True)
def airflow(managed: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An Airflow whose connection leads to the double, and which keeps its files to the test."""
    monkeypatch.setenv("AIRFLOW_HOME", os.environ.get("AIRFLOW_HOME", str(tmp_path / "airflow")))
    connection = {"conn_type": "aws", "extra": {"endpoint_url": managed.url, "region_name": "us-east-1"}}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))


def create_operator(**more: Any) -> Any:
    from airflow.providers.amazon.aws.operators.kinesis_analytics import (  # noqa: PLC0415
        KinesisAnalyticsV2CreateApplicationOperator,
    )

    return KinesisAnalyticsV2CreateApplicationOperator(
        task_id="create",
        application_name="app",
        runtime_environment="FLINK-2_3",
        service_execution_role=ROLE,
        **more,
    )


def start_operator(**more: Any) -> Any:
    from airflow.providers.amazon.aws.operators.kinesis_analytics import (  # noqa: PLC0415
        KinesisAnalyticsV2StartApplicationOperator,
    )

    options = {"waiter_delay": 1, "waiter_max_attempts": 20} | more
    return KinesisAnalyticsV2StartApplicationOperator(task_id="start", application_name="app", **options)


def stop_operator(**more: Any) -> Any:
    from airflow.providers.amazon.aws.operators.kinesis_analytics import (  # noqa: PLC0415
        KinesisAnalyticsV2StopApplicationOperator,
    )

    options = {"waiter_delay": 1, "waiter_max_attempts": 20} | more
    return KinesisAnalyticsV2StopApplicationOperator(task_id="stop", application_name="app", **options)


def test_operators_create_start_stop_and_start_again_from_the_snapshot(managed: Double, cluster: FakeCluster) -> None:
    arn = "arn:aws:kinesisanalytics:us-east-1:000000000000:application/app"
    create = create_operator(create_application_kwargs={"ApplicationConfiguration": code()})

    assert create.execute({}) == {"ApplicationARN": arn}
    assert start_operator().execute({}) == {"ApplicationARN": arn}
    assert managed.status() == "RUNNING"
    assert stop_operator().execute({}) == {"ApplicationARN": arn}
    assert managed.status() == "READY"
    [snapshot] = managed.snapshots()
    restore = {"ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT", "SnapshotName": snapshot["SnapshotName"]}
    start_operator(run_configuration={"ApplicationRestoreConfiguration": restore}).execute({})

    assert cluster.running[0].run["savepointPath"] in cluster.savepoints
    stop_operator(force=True).execute({})
    assert cluster.running == []


def test_operators_where_the_api_refuses_fail_with_its_message(managed: Double) -> None:
    from airflow.sdk.exceptions import AirflowException  # noqa: PLC0415

    managed.create()

    with pytest.raises(AirflowException, match="Application already exists: app"):
        create_operator().execute({})
    with pytest.raises(AirflowException, match="cannot be stopped in 'READY' state"):
        stop_operator().execute({})
    managed.start()
    with pytest.raises(AirflowException, match="cannot be started in 'RUNNING' state"):
        start_operator().execute({})


def test_start_operator_main_throws_fails(managed: Double) -> None:
    from botocore.exceptions import WaiterError  # noqa: PLC0415

    managed.create(key="throws.jar")

    with pytest.raises(WaiterError, match="terminal failure state"):
        start_operator().execute({})


def test_sensors_see_the_end_of_a_start_and_of_a_stop(managed: Double) -> None:
    from airflow.providers.amazon.aws.sensors.kinesis_analytics import (  # noqa: PLC0415
        KinesisAnalyticsV2StartApplicationCompletedSensor,
        KinesisAnalyticsV2StopApplicationCompletedSensor,
    )
    from airflow.sdk.exceptions import AirflowException  # noqa: PLC0415

    started = KinesisAnalyticsV2StartApplicationCompletedSensor(task_id="started", application_name="app")
    stopped = KinesisAnalyticsV2StopApplicationCompletedSensor(task_id="stopped", application_name="app")
    managed.create()
    with pytest.raises(AirflowException, match="start failed"):
        started.poke({})
    hold = managed.fault("HOLD", status="STARTING")
    operation = managed.client.start_application(ApplicationName="app", RunConfiguration={})["OperationId"]
    assert started.poke({}) is False
    managed.mend(hold)
    managed.ended("app", operation)
    assert started.poke({}) is True
    assert stopped.poke({}) is False
    managed.ended("app", managed.client.stop_application(ApplicationName="app")["OperationId"])
    assert stopped.poke({}) is True


def test_deferred_operators_are_woken_by_their_triggers(managed: Double) -> None:
    from airflow.sdk.exceptions import AirflowException, TaskDeferred  # noqa: PLC0415

    async def first_event(trigger: Any) -> Any:
        async for event in trigger.run():
            return event.payload
        return None

    managed.create()
    for operator, status in ((start_operator(deferrable=True), "RUNNING"), (stop_operator(deferrable=True), "READY")):
        with pytest.raises(TaskDeferred) as deferred:
            operator.execute({})
        event = asyncio.run(first_event(deferred.value.trigger))
        assert event == {"status": "success", "application_name": "app"}
        assert operator.execute_complete({}, event)["ApplicationARN"].endswith("/app")
        assert managed.status() == status

    managed.fault("FAIL_START")
    operator = start_operator(deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute({})
    event = asyncio.run(first_event(deferred.value.trigger))
    with pytest.raises(AirflowException, match="Error while starting"):
        operator.execute_complete({}, event)
