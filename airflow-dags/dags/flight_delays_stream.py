"""Once round the life of a stream: start, savepoint, stop with a savepoint, start again from there, end.

Starts the unbounded job `flight-delays-stream`, waits until a checkpoint shows that it works, takes a savepoint, stops
the job with another one, starts it again with its latest state, sees that this state is the stop's and that this
execution is the only one that lives, and cancels it.

Any task may be retried: a call that is repeated finds what the one before it has started.

Whatever fails after a `submit-job` has answered, the group `clean-up` cancels the execution that it started, unless
another request has adopted it; cancelling one that has ended does nothing. When no try of a `submit-job` gets its
answer, this run doesn't know of an execution that it may have started, and its clean-up is `upstream_failed`: look at
the cluster's jobs.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import TaskGroup, chain, dag, task
from airflow.sdk.exceptions import AirflowFailException

from flight_delays.settings import CLUSTER
from flight_delays.stream import (
    NAME,
    RESULTS,
    call,
    require_restored,
    stop,
    submit,
    wait_for_operation,
    wait_until_running,
)
from sluiceway_airflow.answers import Answer, JobState
from sluiceway_airflow.payloads import from_answer, list_jobs, take_savepoint

# So often results are written, and a checkpoint shows that the stream works.
CHECKPOINTS = ("--checkpoint-interval", "PT2S")


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    # A stream lives once: a second run would start a second one beside it.
    max_active_runs=1,
    # No dagrun_timeout: it would skip the clean-up too. Every call and every wait has a deadline of its own.
    # A retry is a higher try of the same request: it takes over the job, the savepoint or the stop that a try before it
    # has asked for, and asks again only for what has failed.
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
    tags=["sluiceway", "flink", "flights"],
)
def flight_delays_stream() -> None:
    with TaskGroup("first-life"):
        # A new life begins without the state that an earlier one has left.
        first = submit(CLUSTER, f"{RESULTS}/{{flinkJobId}}", "NONE", *CHECKPOINTS)
        first_works = wait_until_running(first, "wait-for-checkpoint", min_checkpoints=1)
        first_id = from_answer(first.task_id, "job.flinkJobId")
        saving = call("take-savepoint", take_savepoint(cluster=CLUSTER, flink_job_id=first_id))
        saved = wait_for_operation(saving, "wait-for-savepoint")
        stopping = stop(CLUSTER, first, "SAVEPOINT", "stop-job")
        stopped = wait_for_operation(stopping, "wait-for-stop")
        chain(first, first_works, saving, saved, stopping, stopped)

    with TaskGroup("second-life"):
        # It goes on in the directory of its first life, from the newest state that this has left.
        second = submit(CLUSTER, f"{RESULTS}/{first_id}", "LATEST", *CHECKPOINTS)
        second_works = wait_until_running(second, "wait-for-checkpoint", min_checkpoints=1)
        listing = call("list-jobs", list_jobs(cluster=CLUSTER, page_size=1000))

        @task(task_id="check-jobs")
        def check_jobs(listed: str, before: str, stopped: str, now: str) -> None:
            """See that the second execution has the first one's last state, and is the only one that lives."""
            first_job = Answer.parse(before).require_job().flink_job_id
            second_job = Answer.parse(now).require_job().flink_job_id
            require_restored(stopped, now)
            page = Answer.parse(listed)
            if page.next_page_token is not None:
                raise AirflowFailException("The cluster has more jobs than a page holds; this check reads only one.")
            jobs = {job.flink_job_id: job for job in page.jobs or () if job.name == NAME}
            ended_first = jobs.get(first_job)
            if ended_first is None:
                raise AirflowFailException(f"The cluster doesn't list the first execution, {first_job}.")
            if ended_first.state != JobState.FINISHED:
                raise AirflowFailException(f"The first execution, {first_job}, is {ended_first.state}.")
            living = {job.flink_job_id for job in jobs.values() if not job.terminal}
            if living != {second_job}:
                raise AirflowFailException(f"Living are {sorted(living)}, and not only the second, {second_job}.")

        answers: list[Any] = [listing.output, first.output, stopped.output, second_works.output]
        checked = check_jobs(*answers)
        ending = stop(CLUSTER, second, "CANCEL", "stop-job")
        ended = wait_for_operation(ending, "wait-for-stop")
        chain(stopped, second, second_works, listing, checked, ending, ended)

    with TaskGroup("clean-up"):
        for submitted, last, task_id in ((first, stopped, "stop-first-life"), (second, ended, "stop-second-life")):
            left = stop(CLUSTER, submitted, "CANCEL", task_id, retries=3)
            last >> left.as_teardown(setups=submitted)


flight_delays_stream()
