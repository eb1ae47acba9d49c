"""An upgrade of a stream: its second version takes over from the first, and a task tells how that ended.

Starts the stream `flight-delays` in its first version, and waits until a checkpoint shows that it works. Then
`upgrade-job` stops it with a savepoint, starts the second version from there, which names the worst flight of each
hour, and judges it: it stays once it is stable, after a checkpoint and 5 s without a restart. Otherwise the first
version comes back from the same savepoint, if nothing of the second one is committed. No worker waits meanwhile.

`report-upgrade` says which way it ended (`UPGRADED`, `ROLLED_BACK`, `FAILED`), why, from which savepoint, for how long
no version ran, and what runs now: its log in words, its return value in fields. `check-upgrade` fails the run unless it
is `UPGRADED`. Then the stream is stopped.

The parameter `jar` names another second version: one that goes wrong shows the other endings. The results of both
versions lie in one directory, by the DAG run's id.

Any task may be retried: a call that is repeated finds what the one before it has started. Whatever fails once the
stream was started, the group `clean-up` cancels what runs under its name. While an upgrade is open nobody can do that,
so the clean-up tries again for some minutes.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import Param, TaskGroup, chain, dag, task
from airflow.sdk.exceptions import AirflowFailException

from flight_delays import settings
from flight_delays.stream import call, stop, wait_for_operation, wait_until_running
from flight_delays.upgrade import Report, in_words, report
from sluiceway_airflow.answers import Answer, UpgradeEnding
from sluiceway_airflow.functions import SUBMIT_RETRY_DELAY
from sluiceway_airflow.payloads import Health, Jar, from_answer, job_status, stop_job, submit_job, upgrade_job

JOB = "flight-delays"
# What both versions are told. A stream that is to be restored writes to one directory, in all its executions.
COMMON: dict[str, Any] = {
    "name": JOB,
    "cluster": settings.CLUSTER,
    "args": [
        *("--input", settings.FLIGHTS),
        *("--output", f"s3://{settings.DATA_BUCKET}/results/{JOB}-upgrade/{{{{ run_id }}}}"),
        *("--replay", "21600"),
        *("--checkpoint-interval", "PT2S"),
    ],
    "parallelism": 2,
    "health": Health(settling_time="PT5S"),
}
JUDGE_WITHIN = timedelta(minutes=3)
log = logging.getLogger(__name__)


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    # A stream lives once: a second run would be refused to start another.
    max_active_runs=1,
    params={"jar": Param(settings.FLIGHT_DELAYS_V2_JAR.uri, type="string", description="The new version's jar in S3")},
    # No dagrun_timeout: it would skip the clean-up too. Every call and every wait has a deadline of its own.
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
    tags=["sluiceway", "flink", "flights"],
)
def flight_delays_upgrade() -> None:
    with TaskGroup("first-version"):
        first = call(
            "submit-job",
            submit_job(kind="STREAM", jar=settings.FLIGHT_DELAYS_JAR, restore="NONE", **COMMON),
            retry_delay=SUBMIT_RETRY_DELAY,
        )
        first_works = wait_until_running(first, "wait-for-checkpoint", min_checkpoints=1)

    with TaskGroup("upgrade"):
        upgrading = call(
            "upgrade-job",
            upgrade_job(jar=Jar("{{ params.jar }}"), judge_within="PT3M", **COMMON),
            # As of submit-job, a call takes 2 minutes at most.
            retry_delay=SUBMIT_RETRY_DELAY,
        )
        # Each ending is a matter of report-upgrade. The old version is judged as well when it comes back. Starts take
        # seconds here: where they can take minutes, give it twice the judgement and an hour.
        upgraded = wait_for_operation(
            upgrading, "wait-for-upgrade", timeout=4 * JUDGE_WITHIN, accept=("UPGRADED", "ROLLED_BACK", "FAILED")
        )
        first_id = from_answer(first.task_id, "job.flinkJobId")
        before = call("job-status", job_status(cluster=settings.CLUSTER, flink_job_id=first_id), "look-at-old")
        now = call("job-status", job_status(cluster=settings.CLUSTER, job_name=JOB), "look-at-job")

        @task(task_id="report-upgrade")
        def report_upgrade(ended: str, old: str, job: str) -> Report:
            """Tell which way the upgrade ended, and what runs now."""
            operation, upgrade = Answer.parse(ended).require_upgrade()
            told = report(operation, upgrade, Answer.parse(old).require_job(), Answer.parse(job).require_job())
            for line in in_words(told):
                log.info(line)
            return told

        @task(task_id="check-upgrade")
        def check_upgrade(told: Report) -> None:
            """Fail unless the new version runs."""
            if told["ending"] != UpgradeEnding.UPGRADED:
                raise AirflowFailException(" ".join(in_words(told)))

        answers: list[Any] = [upgraded.output, before.output, now.output]
        told: Any = report_upgrade(*answers)
        checked = check_upgrade(told)
        chain(first_works, upgrading, upgraded, [before, now])

    with TaskGroup("end"):
        stopping = stop(settings.CLUSTER, now, "SAVEPOINT", "stop-job")
        stopped = wait_for_operation(stopping, "wait-for-stop")
        chain(checked, stopping, stopped)

    with TaskGroup("clean-up"):
        left = call(
            "stop-job",
            stop_job(cluster=settings.CLUSTER, job_name=JOB, mode="CANCEL"),
            "stop-stream",
            retries=3,
            retry_delay=timedelta(minutes=2),
        )
        stopped >> left.as_teardown(setups=first)


flight_delays_upgrade()
