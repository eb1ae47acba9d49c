"""Once round the life of a stream on Amazon Managed Service for Apache Flink: the DAG `flight_delays_stream` there.

Starts the unbounded job `flight-delays-stream` as an application, takes a savepoint, which is a snapshot there, stops
it with another one, starts it again with its latest state, sees that this state is the stop's, and stops it.

What differs from a session cluster, and why:

- the job's arguments have no checkpoint interval: the application has it, by the cluster's settings;
- the service tells of no checkpoints, so the waits are for `RUNNING` alone, and the second execution, too, is stopped
  with a savepoint: what it has computed by then is written;
- Flink's own id of the job isn't the `flinkJobId` that Sluiceway answers, so the results lie in a directory by the DAG
  run's id. Trigger a new run rather than clear the first life of an old one, which would write there twice;
- a job has one application, and `list-jobs` shows its current execution alone.

Any task may be retried, and whatever fails is cleaned up, as in `flight_delays_stream`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import TaskGroup, chain, dag, task
from airflow.sdk.exceptions import AirflowFailException

from flight_delays.settings import MANAGED_CLUSTER
from flight_delays.stream import RESULTS, call, require_restored, stop, submit, wait_for_operation, wait_until_running
from sluiceway_airflow.answers import Answer
from sluiceway_airflow.payloads import from_answer, list_jobs, take_savepoint

OUTPUT = f"{RESULTS}/{{{{ run_id }}}}"


@dag(
    schedule=None,
    is_paused_upon_creation=False,
    # A stream lives once: a second run would start a second one beside it.
    max_active_runs=1,
    # No dagrun_timeout: it would skip the clean-up too. Every call and every wait has a deadline of its own.
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
    tags=["sluiceway", "flink", "flights"],
)
def flight_delays_stream_managed() -> None:
    with TaskGroup("first-life"):
        # A new life begins without the state that an earlier one has left.
        first = submit(MANAGED_CLUSTER, OUTPUT, "NONE")
        first_runs = wait_until_running(first, "wait-for-start")
        first_id = from_answer(first.task_id, "job.flinkJobId")
        saving = call("take-savepoint", take_savepoint(cluster=MANAGED_CLUSTER, flink_job_id=first_id))
        saved = wait_for_operation(saving, "wait-for-savepoint")
        stopping = stop(MANAGED_CLUSTER, first, "SAVEPOINT", "stop-job")
        stopped = wait_for_operation(stopping, "wait-for-stop")
        chain(first, first_runs, saving, saved, stopping, stopped)

    with TaskGroup("second-life"):
        # It goes on in the directory of its first life, from the newest state that this has left.
        second = submit(MANAGED_CLUSTER, OUTPUT, "LATEST")
        second_runs = wait_until_running(second, "wait-for-start")
        listing = call("list-jobs", list_jobs(cluster=MANAGED_CLUSTER, page_size=1000))

        @task(task_id="check-jobs")
        def check_jobs(listed: str, before: str, stopped: str, now: str) -> None:
            """See that the second execution has the first one's last state, and has taken its place."""
            require_restored(stopped, now)
            first_job = Answer.parse(before).require_job().flink_job_id
            second_job = Answer.parse(now).require_job().flink_job_id
            living = {job.flink_job_id for job in Answer.parse(listed).jobs or () if not job.terminal}
            if second_job not in living or first_job in living:
                raise AirflowFailException(f"Living are {sorted(living)}: {second_job} has to be, {first_job} not.")

        answers: list[Any] = [listing.output, first.output, stopped.output, second_runs.output]
        checked = check_jobs(*answers)
        ending = stop(MANAGED_CLUSTER, second, "SAVEPOINT", "stop-job")
        ended = wait_for_operation(ending, "wait-for-stop")
        chain(stopped, second, second_runs, listing, checked, ending, ended)

    with TaskGroup("clean-up"):
        for submitted, last, task_id in ((first, stopped, "stop-first-life"), (second, ended, "stop-second-life")):
            left = stop(MANAGED_CLUSTER, submitted, "CANCEL", task_id, retries=3)
            last >> left.as_teardown(setups=submitted)


flight_delays_stream_managed()
