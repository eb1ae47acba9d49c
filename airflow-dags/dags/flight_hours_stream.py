"""Starts the stream `flight-hours`, whose finished hours start `flight_hour_ready`.

The stream replays the year's flights, by default six minutes of it a second, and writes each airport's hours into one
directory. Its policy `dataReady` has Sluiceway tell, hour by hour, that all of it is committed; `flight_delays_events`
hears of that. The first hour comes when the replay has gone 23: flights are waited for, as the most delayed left 22
hours late.

The run ends when a checkpoint shows that the stream works. The stream goes on until `stop-job` stops it, and the next
run goes on from there. While it lives, another run adopts it, or is refused if it asks for another speed.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, dag

from flight_delays import settings
from flight_delays.hours import JOB, RESULTS, SINK
from sluiceway_airflow.functions import function_name
from sluiceway_airflow.operators.flink_job import RunFlinkJobOperator
from sluiceway_airflow.payloads import DataReady, submit_job


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    max_active_runs=1,
    params={"replay": Param(360, type="integer", minimum=1, description="Seconds of the year in one second")},
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
    tags=["sluiceway", "flink", "flights"],
)
def flight_hours_stream() -> None:
    RunFlinkJobOperator(
        task_id="run-stream",
        function_name=function_name("submit-job", settings.STAGE),
        status_function_name=function_name("job-status", settings.STAGE),
        payload=submit_job(
            name=JOB,
            kind="STREAM",
            cluster=settings.CLUSTER,
            jar=settings.FLIGHT_DELAYS_JAR,
            args=[
                *("--input", settings.FLIGHTS),
                *("--output", f"s3://{settings.DATA_BUCKET}/{RESULTS}"),
                *("--replay", "{{ params.replay }}"),
                *("--checkpoint-interval", "PT2S"),
            ],
            parallelism=2,
            # The first flights left at 10:00 UTC, 5 in the morning of the first of January.
            data_ready=DataReady(sink=SINK, every="PT1H", start="2013-01-01T10:00:00Z"),
        ),
        until="RUNNING",
        min_checkpoints=1,
        wait_timeout=timedelta(minutes=5),
        poll_interval=timedelta(seconds=2),
    )


flight_hours_stream()
