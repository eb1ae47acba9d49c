"""Triggers `flight_hour_ready` for each hour that the stream `flight-hours` has finished.

The asset `flight-delays` stands for what the stream writes. Its watcher takes Sluiceway's events from their queue, each
batch of messages is an event of the asset, and starts a run here, which looks what `list-events` has behind the last
event that was dealt with. A message can get lost on its way, for example while this DAG is paused; so it also runs
every quarter of an hour, whether there was a message or not. An hour has one run however often it is told.

Where no queue is set, there is only the clock.
"""

from __future__ import annotations

from datetime import timedelta

import pendulum
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag

from flight_delays import settings
from flight_delays.hours import JOB
from sluiceway_airflow.assets import flink_events
from sluiceway_airflow.functions import function_name
from sluiceway_airflow.operators.flink_events import DispatchFlinkDataOperator

CLOCK = CronTriggerTimetable("*/15 * * * *", timezone="UTC")


@dag(
    schedule=CLOCK
    if settings.AIRFLOW_QUEUE is None
    else AssetOrTimeSchedule(timetable=CLOCK, assets=[flink_events("flight-delays", settings.AIRFLOW_QUEUE)]),
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    is_paused_upon_creation=False,
    # One run at a time keeps how far it came. What comes meanwhile waits for the next, which deals with all of it.
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
    tags=["sluiceway", "flink", "flights"],
)
def flight_delays_events() -> None:
    DispatchFlinkDataOperator(
        task_id="dispatch",
        cluster=settings.CLUSTER,
        job_name=JOB,
        trigger_dag_id="flight_hour_ready",
        function_name=function_name("list-events", settings.STAGE),
        # It must not hold up the runs behind it for ever.
        execution_timeout=timedelta(minutes=10),
    )


flight_delays_events()
