"""Checks one hour of the stream `flight-hours` against the flights, once it is finished.

`flight_delays_events` triggers a run for each hour, `flight-hours__<end of the hour>`, with the bounds as its
parameters. The run reads what the stream has written about just this hour, and counts its flights in the file that the
stream reads: the flights, the cancelled ones, the mean delay and its 95th percentile have to be the same for each
airport, and each line has to be there once.

A stream that went on from a state before hours that were told writes them again, and what was written stays. That is
told, too; when what was written again is committed, one run, `flight-hours__<instant>__revised-<number>`, checks all
hours up to that instant, and takes no offence at lines that are there more than once. The run of such an hour, cleared
afterwards, does.

A difference fails the run for good; clear it when its cause is gone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task
from airflow.sdk.exceptions import AirflowFailException

from flight_delays import hours


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    # Each runs a process that reads the year's file.
    max_active_runs=2,
    params={
        "from": Param(None, type=["null", "string"], format="date-time", description="None: from the beginning"),
        "until": Param(type="string", format="date-time", description="The end, such as 2013-01-05T11:00:00Z"),
        "revised": Param(False, type="boolean", description="Whether lines may be there more than once"),
    },
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
    tags=["sluiceway", "flink", "flights"],
)
def flight_hour_ready() -> None:
    @task(task_id="check-slice")
    def check_slice(params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Hold the slice of the stream's results against the flights; give its numbers."""
        asked = params or {}
        slice_ = hours.Slice.parse(asked["from"], asked["until"])
        rows = hours.read_rows(slice_)
        wrong = hours.differences(rows, hours.read_flights(slice_), revised=asked["revised"])
        if wrong:
            raise AirflowFailException(f"The hours up to {asked['until']} aren't right: {' '.join(wrong)}")
        counted = {(row["origin"], row["hour"]): row for row in rows}.values()
        return {
            "lines": len(rows),
            "flights": sum(row["flights"] for row in counted),
            "cancelled": sum(row["cancelled"] for row in counted),
        }

    check_slice()


flight_hour_ready()
