"""One Flink job a day over the flights of New York in January 2013, and a report on each day.

Each run starts the Flink job `flight-delays-<day>` over its data interval, one day in New York, waits for it in the
triggerer, reads the hourly result from S3 and writes a report with a plot.

All days are past and the DAG doesn't catch up, so nothing runs by itself. Some days are run by a backfill:

    airflow backfill create --dag-id flight_delays_daily --max-active-runs 2
        --from-date 2013-01-05T00:00:00-05:00 --to-date 2013-01-07T00:00:00-05:00

Clear `submit-job` to compute a day again: that is a new request, hence a new Flink job, and its results lie in a
directory of their own. A run that is triggered by hand takes the day before its logical date.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator
from airflow.sdk import CronDataIntervalTimetable, dag, task
from airflow.sdk.exceptions import AirflowFailException

from flight_delays import report, settings
from sluiceway_airflow.answers import Answer
from sluiceway_airflow.functions import CALL_ONCE, SUBMIT_RETRY_DELAY, function_name
from sluiceway_airflow.operators.flink_job import WaitForFlinkJobOperator
from sluiceway_airflow.payloads import submit_job

NEW_YORK = "America/New_York"
DAY = "{{ data_interval_start.astimezone(dag.timezone).date() }}"
DAY_AFTER = "{{ data_interval_end.astimezone(dag.timezone).date() }}"
RESULTS = f"results/flight-delays/{DAY}"


@dag(
    schedule=CronDataIntervalTimetable("0 0 * * *", timezone=NEW_YORK),
    start_date=pendulum.datetime(2013, 1, 1, tz=NEW_YORK),
    end_date=pendulum.datetime(2013, 1, 31, tz=NEW_YORK),
    # Its days are past. Without catch-up none of them runs by itself, so the DAG needn't be paused either.
    catchup=False,
    is_paused_upon_creation=False,
    # Each run takes one task slot of the cluster.
    max_active_runs=2,
    dagrun_timeout=timedelta(hours=1),
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
    tags=["sluiceway", "flink", "flights"],
)
def flight_delays_daily() -> None:
    submit = LambdaInvokeFunctionOperator(
        task_id="submit-job",
        function_name=function_name("submit-job", settings.STAGE),
        payload=submit_job(
            name=f"flight-delays-{DAY}",
            kind="RUN",
            cluster=settings.CLUSTER,
            jar=settings.FLIGHT_DELAYS_JAR,
            args=[
                *("--input", settings.FLIGHTS),
                *("--output", f"s3://{settings.DATA_BUCKET}/{RESULTS}/{{flinkJobId}}"),
                *("--from", DAY),
                *("--to", DAY_AFTER),
            ],
            parallelism=1,
        ),
        botocore_config=CALL_ONCE,
        # A retry is a higher try of the same request: it adopts the job that a try before it has started, and starts
        # one only if there is none. So late, it doesn't meet a call that is still being made.
        retry_delay=SUBMIT_RETRY_DELAY,
    )
    wait = WaitForFlinkJobOperator(
        task_id="wait-for-job",
        function_name=function_name("job-status", settings.STAGE),
        answer=submit.output,
        timeout=timedelta(minutes=15),
        poll_interval=timedelta(seconds=3),
        # A job that failed is never retried. This is for a scheduler that takes a resumed task for killed.
        retries=2,
    )

    @task(task_id="read-result")
    def read_result(answer: str, results: str) -> list[report.HourlyDelays]:
        """Read the lines that the very job which was waited for has written."""
        job = Answer.parse(answer).require_job()
        s3 = S3Hook()
        directory = f"{results}/{job.flink_job_id}/"
        keys = s3.list_keys(settings.DATA_BUCKET, prefix=directory, delimiter="/")
        rows = report.parse_rows(s3.read_key(key, settings.DATA_BUCKET) for key in keys if key.endswith(".jsonl"))
        if not rows:
            raise AirflowFailException(f"No result in s3://{settings.DATA_BUCKET}/{directory}")
        return rows

    @task(task_id="write-report")
    def write_report(rows: list[report.HourlyDelays], answer: str, day: str) -> dict[str, Any]:
        """Write the day's numbers and plot, and give their addresses."""
        job = Answer.parse(answer).require_job()
        written = report.write_report(report.summarise(rows, day, job.flink_job_id), rows, settings.REPORTS)
        return dict(written)

    answer: Any = wait.output
    rows: Any = read_result(answer, RESULTS)
    write_report(rows, answer, DAY)


flight_delays_daily()
