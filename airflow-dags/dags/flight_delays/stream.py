"""What a stream's DAGs are made of, whichever cluster it runs on: the calls of functions, and the waits.

A call is sent once in each of its task's tries. A wait decides for good; it is retried for a scheduler that takes a
resumed task for killed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator
from airflow.sdk.exceptions import AirflowFailException

from flight_delays import settings
from sluiceway_airflow.answers import Answer
from sluiceway_airflow.functions import CALL_ONCE, SUBMIT_RETRY_DELAY, function_name
from sluiceway_airflow.operators.flink_job import WaitForFlinkJobOperator, WaitForFlinkOperationOperator
from sluiceway_airflow.payloads import Request, from_answer, stop_job, submit_job

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sluiceway_airflow.functions import Function
    from sluiceway_airflow.payloads import RestoreMode, StopMode
    from sluiceway_airflow.triggers.flink_job import Ending

NAME = "flight-delays-stream"
RESULTS = f"s3://{settings.DATA_BUCKET}/results/{NAME}"
WAIT_RETRIES = 2


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


def submit(cluster: str, output: str, restore: RestoreMode, *more: str) -> LambdaInvokeFunctionOperator:
    """Make the task that starts the stream, which replays the year at six hours a second.

    :param more: further arguments of the job

    Its retry adopts the job that a try before it has started, and starts one only if there is none. It comes so late
    that it doesn't meet a call which is still being made.
    """
    return call(
        "submit-job",
        submit_job(
            name=NAME,
            kind="STREAM",
            cluster=cluster,
            jar=settings.FLIGHT_DELAYS_JAR,
            args=["--input", settings.FLIGHTS, "--output", output, "--replay", "21600", *more],
            parallelism=2,
            restore=restore,
        ),
        retry_delay=SUBMIT_RETRY_DELAY,
    )


def stop(
    cluster: str,
    submitted: LambdaInvokeFunctionOperator,
    mode: StopMode,
    task_id: str,
    **kwargs: Any,  # noqa: ANN401 - BaseOperator types them
) -> LambdaInvokeFunctionOperator:
    """Make a task that stops the execution that another task has started, if it still runs on that task's behalf."""
    payload = stop_job(
        cluster=cluster,
        flink_job_id=from_answer(submitted.task_id, "job.flinkJobId"),
        owner=Request.of_answer(submitted.task_id),
        mode=mode,
    )
    return call("stop-job", payload, task_id, **kwargs)


def wait_until_running(
    submitted: LambdaInvokeFunctionOperator, task_id: str, min_checkpoints: int = 0
) -> WaitForFlinkJobOperator:
    """Make the task that waits until a stream runs and, where asked, shows by checkpoints that it works."""
    return WaitForFlinkJobOperator(
        task_id=task_id,
        function_name=function_name("job-status", settings.STAGE),
        answer=submitted.output,
        until="RUNNING",
        min_checkpoints=min_checkpoints,
        timeout=timedelta(minutes=5),
        poll_interval=timedelta(seconds=2),
        retries=WAIT_RETRIES,
    )


def wait_for_operation(
    started: LambdaInvokeFunctionOperator,
    task_id: str,
    timeout: timedelta = timedelta(minutes=5),
    accept: Sequence[Ending] = ("UPGRADED",),
) -> WaitForFlinkOperationOperator:
    """Make the task that waits for an operation.

    :param accept: the endings of an upgrade with which the task succeeds
    """
    return WaitForFlinkOperationOperator(
        task_id=task_id,
        function_name=function_name("job-status", settings.STAGE),
        answer=started.output,
        timeout=timeout,
        accept=accept,
        poll_interval=timedelta(seconds=2),
        retries=WAIT_RETRIES,
    )


def require_restored(stopped: str, now: str) -> None:
    """See that an execution began with what the one before it has left, by the answers about the stop and about it."""
    left = Answer.parse(stopped).require_operation().savepoint_path
    restored = Answer.parse(now).require_job().restored_from
    if left is None or restored != left:
        raise AirflowFailException(f"The second execution began with {restored}, and the first left {left}.")
