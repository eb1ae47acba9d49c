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
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator
from airflow.sdk import TaskGroup, chain, dag, task
from airflow.sdk.exceptions import AirflowFailException

from flight_delays import settings
from sluiceway_airflow.answers import Answer, JobState
from sluiceway_airflow.functions import CALL_ONCE, SUBMIT_RETRY_DELAY, function_name
from sluiceway_airflow.operators.flink_job import WaitForFlinkJobOperator, WaitForFlinkOperationOperator
from sluiceway_airflow.payloads import Request, from_answer, list_jobs, stop_job, submit_job, take_savepoint

if TYPE_CHECKING:
    from sluiceway_airflow.functions import Function
    from sluiceway_airflow.payloads import RestoreMode, StopMode

NAME = "flight-delays-stream"
# What the wait itself decides is final. This is for a scheduler that takes a resumed task for killed.
WAIT_RETRIES = 2
RESULTS = f"s3://{settings.DATA_BUCKET}/results/{NAME}"


def call(
    function: Function,
    payload: str,
    task_id: str | None = None,
    **kwargs: Any,  # noqa: ANN401 - BaseOperator types them
) -> LambdaInvokeFunctionOperator:
    """Make a task that calls a function, once in each of its tries."""
    return LambdaInvokeFunctionOperator(
        task_id=task_id or function,
        function_name=function_name(function, settings.STAGE),
        payload=payload,
        botocore_config=CALL_ONCE,
        **kwargs,
    )


def submit(output: str, restore: RestoreMode) -> LambdaInvokeFunctionOperator:
    """Make the task that starts the stream, which replays the year at six hours a second.

    Its retry adopts the job that a try before it has started, and starts one only if there is none. It comes so late
    that it doesn't meet a call which is still being made.
    """
    return call(
        "submit-job",
        submit_job(
            name=NAME,
            kind="STREAM",
            cluster=settings.CLUSTER,
            jar=settings.FLIGHT_DELAYS_JAR,
            args=[
                *("--input", settings.FLIGHTS),
                *("--output", output),
                *("--replay", "21600"),
                *("--checkpoint-interval", "PT2S"),
            ],
            parallelism=2,
            restore=restore,
        ),
        retry_delay=SUBMIT_RETRY_DELAY,
    )


def stop(
    submitted: LambdaInvokeFunctionOperator,
    mode: StopMode,
    task_id: str,
    **kwargs: Any,  # noqa: ANN401 - BaseOperator types them
) -> LambdaInvokeFunctionOperator:
    """Make a task that stops the execution that another task has started, if it still runs on that task's behalf."""
    payload = stop_job(
        cluster=settings.CLUSTER,
        flink_job_id=from_answer(submitted.task_id, "job.flinkJobId"),
        owner=Request.of_answer(submitted.task_id),
        mode=mode,
    )
    return call("stop-job", payload, task_id, **kwargs)


def wait_until_it_works(submitted: LambdaInvokeFunctionOperator) -> WaitForFlinkJobOperator:
    """Make the task that waits until a stream shows by a checkpoint that it works."""
    return WaitForFlinkJobOperator(
        task_id="wait-for-checkpoint",
        function_name=function_name("job-status", settings.STAGE),
        answer=submitted.output,
        until="RUNNING",
        min_checkpoints=1,
        timeout=timedelta(minutes=5),
        poll_interval=timedelta(seconds=2),
        retries=WAIT_RETRIES,
    )


def wait_for_operation(started: LambdaInvokeFunctionOperator, task_id: str) -> WaitForFlinkOperationOperator:
    """Make the task that waits for an operation."""
    return WaitForFlinkOperationOperator(
        task_id=task_id,
        function_name=function_name("job-status", settings.STAGE),
        answer=started.output,
        timeout=timedelta(minutes=5),
        poll_interval=timedelta(seconds=2),
        retries=WAIT_RETRIES,
    )


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
        first = submit(f"{RESULTS}/{{flinkJobId}}", restore="NONE")
        first_works = wait_until_it_works(first)
        first_id = from_answer(first.task_id, "job.flinkJobId")
        saving = call("take-savepoint", take_savepoint(cluster=settings.CLUSTER, flink_job_id=first_id))
        saved = wait_for_operation(saving, "wait-for-savepoint")
        stopping = stop(first, "SAVEPOINT", "stop-job")
        stopped = wait_for_operation(stopping, "wait-for-stop")
        chain(first, first_works, saving, saved, stopping, stopped)

    with TaskGroup("second-life"):
        # It goes on in the directory of its first life, from the newest state that this has left.
        second = submit(f"{RESULTS}/{first_id}", restore="LATEST")
        second_works = wait_until_it_works(second)
        listing = call("list-jobs", list_jobs(cluster=settings.CLUSTER, page_size=1000))

        @task(task_id="check-jobs")
        def check_jobs(listed: str, before: str, stopped: str, now: str) -> None:
            """See that the second execution has the first one's last state, and is the only one that lives."""
            first_job = Answer.parse(before).require_job().flink_job_id
            second_job = Answer.parse(now).require_job().flink_job_id
            left = Answer.parse(stopped).require_operation().savepoint_path
            restored = Answer.parse(now).require_job().restored_from
            if left is None or restored != left:
                raise AirflowFailException(f"The second execution began with {restored}, and the first left {left}.")
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
        ending = stop(second, "CANCEL", "stop-job")
        ended = wait_for_operation(ending, "wait-for-stop")
        chain(stopped, second, second_works, listing, checked, ending, ended)

    with TaskGroup("clean-up"):
        for submitted, last, task_id in ((first, stopped, "stop-first-life"), (second, ended, "stop-second-life")):
            left = stop(submitted, "CANCEL", task_id, retries=3)
            last >> left.as_teardown(setups=submitted)


flight_delays_stream()
