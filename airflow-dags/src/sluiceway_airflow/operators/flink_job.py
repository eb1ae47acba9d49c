"""Operators that submit a Flink job, wait for one or for an operation on one, or do both, without holding a worker."""

from __future__ import annotations

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator
from airflow.sdk import BaseOperator
from airflow.sdk.configuration import conf

from sluiceway_airflow.answers import Answer, UpgradeEnding, parse_function_error
from sluiceway_airflow.exceptions import (
    FlinkAttemptFailedError,
    FlinkJobFailedError,
    FlinkUpgradeFailedError,
    FlinkWaitError,
    MalformedAnswerError,
    RefusedError,
)
from sluiceway_airflow.functions import CALL_ONCE
from sluiceway_airflow.links.flink_job import FlinkJobLink
from sluiceway_airflow.payloads import Request, stop_job
from sluiceway_airflow.triggers.flink_job import (
    WAITING_TRY,
    Awaited,
    Ended,
    FlinkJobTrigger,
    FlinkOperationTrigger,
    FlinkSubmissionTrigger,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow.sdk import BaseOperatorLink, Context, XComArg

    from sluiceway_airflow.payloads import StopMode
    from sluiceway_airflow.triggers.flink_job import Ending, FlinkStatusTrigger

KillPolicy = Literal["DETACH", "STOP_WITH_SAVEPOINT", "CANCEL"]
"""What becomes of a job when the task that waits for it is killed. ``DETACH``: it goes on."""

_STOP_MODES: Final[dict[KillPolicy, StopMode]] = {"STOP_WITH_SAVEPOINT": "SAVEPOINT", "CANCEL": "CANCEL"}
_SUBMITTED: Final = frozenset({"STARTED", "REPLAYED", "ADOPTED", "IN_PROGRESS"})

_SCHEDULER_TURN = timedelta(seconds=5)
"""How long the scheduler may take, generously, to learn from its executor that a process has ended."""


class FlinkWaitOperator(BaseOperator):
    """Defers to a trigger that asks ``job-status``, and gives the last answer, as JSON text, to the tasks after it.

    It has no retries unless the task itself sets some, whatever the DAG's ``default_args`` say: another try can't run a
    failed job again. A job that ended badly raises ``FlinkJobFailedError``, which Airflow doesn't retry in any case.

    :param function_name: the Lambda function ``job-status`` (templated)
    :param answer: the answer of an earlier task, such as ``submit.output`` (templated)
    :param timeout: how long to wait at most, from the start of the try. Airflow's ``execution_timeout`` isn't enforced
        while a task waits in the triggerer.
    :param min_wait: the time from the deferral to the first question. Airflow (3.3.1, 3.3.2) may fail a task that is
        resumed before its scheduler has learned that the process which deferred it has ended. That takes up to
        ``[workers] min_heartbeat_interval`` and a turn of the scheduler; by default the time is that interval and 5 s.
    :param poll_interval: the time between two questions, give or take a fifth
    :param max_failed_calls: how many calls of ``job-status`` in a row may fail before the wait is given up
    :param aws_conn_id: the Airflow connection that holds the credentials (templated)
    :param region_name: the region; the connection's by default (templated)
    :param verify: whether, or by which certificates, TLS is verified (templated)
    :param botocore_config: settings of the client; short timeouts and no retries of its own by default
    """

    template_fields: Sequence[str] = ("function_name", "answer", "aws_conn_id", "region_name", "verify")
    ui_color: str = "#e6526f"
    ui_fgcolor: str = "#ffffff"

    def __init__(
        self,
        *,
        function_name: str,
        answer: str | XComArg | None = None,
        timeout: timedelta = timedelta(hours=1),
        min_wait: timedelta | None = None,
        poll_interval: timedelta = timedelta(seconds=10),
        max_failed_calls: int = 30,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        **kwargs: Any,  # noqa: ANN401 - BaseOperator types them
    ) -> None:
        # Were it a parameter here, Airflow would fill it from default_args.
        super().__init__(**{"retries": 0, **kwargs})
        self.function_name = function_name
        self.answer = answer
        self.timeout = timeout
        self.min_wait = min_wait
        self.poll_interval = poll_interval
        self.max_failed_calls = max_failed_calls
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config

    @abstractmethod
    def trigger(self, context: Context) -> FlinkStatusTrigger:
        """Give the trigger that waits for what this task names."""

    def execute(self, context: Context) -> str | None:
        """Defer."""
        if self.answer is not None:
            FlinkJobLink.persist(context, self.earlier_answer())
        self.defer(trigger=self.trigger(context), method_name=self.execute_complete.__name__)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> str:
        """Take the trigger's event.

        :returns: the last answer, as JSON text
        :raises FlinkJobFailedError: when the job or operation ended otherwise than awaited; the text is its cause
        :raises FlinkWaitError: when the end isn't known
        """
        return _take_event(context, event)

    def earlier_answer(self) -> Answer:
        """Read the answer that the task was given.

        :raises MalformedAnswerError: when it isn't one
        :raises NothingStartedError: when it is a plan
        """
        answer = Answer.parse(str(self.answer))
        answer.require_carried_out()
        return answer

    def trigger_arguments(self) -> dict[str, Any]:
        """Give the arguments that every trigger takes; its instants are fixed here."""
        now = datetime.now(UTC)
        return {
            "function_name": self.function_name,
            "deadline": now + self.timeout,
            "not_before": now + _min_wait(self.min_wait),
            "poll_interval": self.poll_interval.total_seconds(),
            "max_failed_calls": self.max_failed_calls,
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "verify": self.verify,
            "botocore_config": self.botocore_config,
        }


class WaitForFlinkJobOperator(FlinkWaitOperator):
    """Waits for a job to be in a state; a job that can't come to it any more fails the task with its first failure.

    The job is named by the ``answer`` of an earlier task, or by ``cluster`` and ``flink_job_id``.

    A job that the cluster doesn't have yet is waited for like any other. The wait itself never submits: it has neither
    the payload nor the request of ``submit-job``, so a submission that was interrupted is gone on with only when its
    task is retried, or made by a ``SubmitFlinkJobOperator``. One that nobody repeats is given up by the functions after
    15 minutes, and then fails this task like any job that never came.

    ``kill_policy`` says what becomes of the job when this task is killed while it waits in the triggerer, by a clear, a
    mark, or the end of its run. It needs the ``answer`` of ``submit-job`` itself, which says on whose behalf the job
    runs: the stop is on that owner's behalf, so that a job which somebody has adopted since isn't stopped. A ``STREAM``
    that this submission itself has only adopted goes on, unless ``kill_adopted``.

    There is no ``on_kill`` here, on the worker. A process that waits in no triggerer yet gets the same signal when its
    worker shuts down as when its task is killed, and a shutdown must not stop a job.

    :param cluster: the cluster by its configured name (templated)
    :param flink_job_id: the execution (templated)
    :param until: the state: ``FINISHED`` is the success of a bounded job, ``RUNNING`` the start of a stream
    :param min_checkpoints: how many checkpoints the job must have completed besides. With ``until="RUNNING"``, one
        shows that a stream works: a job in a restart loop is RUNNING too, but completes none.
    :param kill_policy: ``DETACH`` by default: a job outlives the task that waits for it
    :param kill_adopted: whether the policy holds for a ``STREAM`` that ``submit-job`` answers to have ``ADOPTED``, too
    :param stop_function_name: the Lambda function ``stop-job``, which every policy but ``DETACH`` needs (templated)
    """

    template_fields: Sequence[str] = (
        *FlinkWaitOperator.template_fields,
        "cluster",
        "flink_job_id",
        "stop_function_name",
    )
    operator_extra_links: Collection[BaseOperatorLink] = (FlinkJobLink(),)

    def __init__(
        self,
        *,
        cluster: str | None = None,
        flink_job_id: str | None = None,
        until: Awaited = "FINISHED",
        min_checkpoints: int = 0,
        kill_policy: KillPolicy = "DETACH",
        kill_adopted: bool = False,
        stop_function_name: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - the base class types them
    ) -> None:
        super().__init__(**kwargs)
        self.cluster = cluster
        self.flink_job_id = flink_job_id
        self.until = until
        self.min_checkpoints = min_checkpoints
        self.kill_policy = kill_policy
        self.kill_adopted = kill_adopted
        self.stop_function_name = stop_function_name
        named = [name is not None for name in (cluster, flink_job_id)]
        if not all(named) if self.answer is None else any(named):
            raise ValueError("Name the job either by answer, or by cluster and flink_job_id.")
        if kill_policy != "DETACH":
            _check_kill_policy(kill_policy)
            if self.answer is None or stop_function_name is None:
                raise ValueError(f"kill_policy {kill_policy} needs the answer of submit-job, and stop_function_name.")

    def trigger(self, context: Context) -> FlinkJobTrigger:
        """Give the trigger that waits for the job."""
        if self.answer is not None:
            cluster, flink_job_id = self.earlier_answer().require_execution()
        else:
            cluster, flink_job_id = str(self.cluster), str(self.flink_job_id)
        return FlinkJobTrigger(
            cluster=cluster,
            flink_job_id=flink_job_id,
            until=self.until,
            min_checkpoints=self.min_checkpoints,
            **({} if self.kill_policy == "DETACH" else _stop_arguments(self, self.earlier_answer(), context)),
            **self.trigger_arguments(),
        )


class WaitForFlinkOperationOperator(FlinkWaitOperator):
    """Waits for an operation, such as a savepoint, a stop, an upgrade or a rescaling, to be completed.

    The operation is named by the ``answer`` of the task that started it, or by ``operation_id``. The answer that the
    task gives on holds the path of the savepoint that the operation left.

    An upgrade that was rolled back, or failed otherwise, raises ``FlinkUpgradeFailedError``, unless ``accept`` names
    this ending: then the task succeeds, and the answer tells the tasks after it how the upgrade ended and why.

    :param operation_id: the operation (templated)
    :param accept: the endings of an upgrade with which the task succeeds: ``UPGRADED`` by default; ``ROLLED_BACK``
        beside it where it suffices that a version runs
    """

    template_fields: Sequence[str] = (*FlinkWaitOperator.template_fields, "operation_id")
    operator_extra_links: Collection[BaseOperatorLink] = (FlinkJobLink(),)

    def __init__(
        self,
        *,
        operation_id: str | None = None,
        accept: Sequence[Ending] = ("UPGRADED",),
        **kwargs: Any,  # noqa: ANN401 - the base class types them
    ) -> None:
        super().__init__(**kwargs)
        self.operation_id = operation_id
        self.accept = accept
        if "UPGRADED" not in accept or not set(accept) <= set(UpgradeEnding):
            raise ValueError(f"accept is {accept!r}: it is UPGRADED, and any of {', '.join(UpgradeEnding)}.")
        if (self.answer is None) == (operation_id is None):
            raise ValueError("Name the operation either by answer or by operation_id.")

    def execute(self, context: Context) -> str | None:
        """Defer, unless there is no operation: a stop may come before the submission that it cancels."""
        if self.answer is not None and self.earlier_answer().request_cancelled:
            return str(self.answer)
        return super().execute(context)

    def trigger(self, context: Context) -> FlinkOperationTrigger:  # noqa: ARG002
        """Give the trigger that waits for the operation."""
        if self.answer is not None:
            operation_id = self.earlier_answer().require_operation().operation_id
        else:
            operation_id = str(self.operation_id)
        return FlinkOperationTrigger(operation_id=operation_id, accept=sorted(self.accept), **self.trigger_arguments())

    def execute_complete(self, context: Context, event: dict[str, Any]) -> str:
        """Take the trigger's event.

        :returns: the last answer, as JSON text
        :raises FlinkUpgradeFailedError: when an upgrade ended otherwise than the task accepts
        :raises FlinkJobFailedError: when another operation failed; the text is its cause
        :raises FlinkWaitError: when the end isn't known
        """
        try:
            return super().execute_complete(context, event)
        except FlinkJobFailedError as failed:
            raise _of_upgrade(failed, event["answer"]) or failed from None


class SubmitFlinkJobOperator(LambdaInvokeFunctionOperator):
    """Calls ``submit-job``, and calls it again, from the triggerer, until it is certain what has come of the request.

    The stock ``LambdaInvokeFunctionOperator`` is enough while each try of its task comes after the call of the try
    before it has come to an end, as it does with ``SUBMIT_RETRY_DELAY``. A try that comes sooner is answered
    ``IN_PROGRESS``, with a job that is there only if the other call carries it through. Should that have been
    interrupted, nobody but a repeated submission goes on with it. So does this operator: it repeats the very same
    request while the answer is ``IN_PROGRESS`` or a refusal that says ``retryable``.

    It takes what the stock operator takes, gives the same answer, and sends each call once by default. A refusal that
    can't change fails the task at once and finally. The payload, which has the program's arguments, isn't logged.

    Killed while it waits, it leaves alone what it has submitted.

    :param payload: what ``sluiceway_airflow.payloads.submit_job`` gives (templated)
    :param timeout: how long to repeat at most, from the first call
    :param min_wait: as for a wait
    :param poll_interval: the time between two calls, give or take a fifth
    :param max_failed_calls: how many calls in a row may fail before the task fails
    """

    operator_extra_links: Collection[BaseOperatorLink] = (FlinkJobLink(),)

    def __init__(
        self,
        *,
        timeout: timedelta = timedelta(minutes=10),
        min_wait: timedelta | None = None,
        poll_interval: timedelta = timedelta(seconds=10),
        max_failed_calls: int = 30,
        botocore_config: dict[str, Any] | None = None,
        **kwargs: Any,  # noqa: ANN401 - the base class types them
    ) -> None:
        super().__init__(botocore_config=botocore_config or CALL_ONCE, **kwargs)
        self.timeout = timeout
        self.min_wait = min_wait
        self.poll_interval = poll_interval
        self.max_failed_calls = max_failed_calls

    def execute(self, context: Context) -> str:  # noqa: RET503 - to defer is to raise
        """Submit; defer when nothing is certain yet.

        :returns: the answer, as JSON text
        :raises FlinkJobFailedError: when the function refuses for good
        """
        try:
            text = self._submit()
            answer = Answer.parse(text)
        except RefusedError as refused:
            if not refused.retryable:
                raise FlinkJobFailedError(str(refused)) from None
            self.log.info("Submitting again: %s", refused)
        else:
            FlinkJobLink.persist(context, answer)
            if answer.outcome != "IN_PROGRESS":
                return self.submitted(context, text)
            self.log.info("Submitting again: an earlier call is at it, or was interrupted.")
        now = datetime.now(UTC)
        trigger = FlinkSubmissionTrigger(
            function_name=self.function_name,
            payload=str(self.payload),
            deadline=now + self.timeout,
            not_before=now + _min_wait(self.min_wait),
            poll_interval=self.poll_interval.total_seconds(),
            max_failed_calls=self.max_failed_calls,
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            botocore_config=self.botocore_config,
        )
        self.defer(trigger=trigger, method_name=self.execute_complete.__name__)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> str:
        """Take the event of the trigger that submitted again.

        :returns: the last answer, as JSON text
        :raises FlinkJobFailedError: when the function refuses for good
        :raises FlinkWaitError: when nothing has become certain in time
        """
        return self.submitted(context, _take_event(context, event))

    def submitted(self, context: Context, text: str) -> str:  # noqa: ARG002
        """Go on from the answer to the submission, as JSON text, once it is certain."""
        return text

    def _submit(self) -> str:
        response = self.hook.invoke_lambda(function_name=self.function_name, payload=self.payload)
        text = str(response["Payload"].read().decode())
        if "FunctionError" in response:
            raise parse_function_error(text) or FlinkWaitError(f"{self.function_name} broke: {text}")
        return text


class RunFlinkJobOperator(SubmitFlinkJobOperator):
    """Submits a job as ``SubmitFlinkJobOperator`` does, then waits for it as ``WaitForFlinkJobOperator`` does.

    One task instead of two, so a retry is another try of the submission, not of the wait alone: it adopts the job
    while that lives, takes the stored answer of one that is ``FINISHED``, and runs one that failed again, as the next
    attempt of its request. So here a job that fails leaves Airflow the retries that the task has.

    Killed before the wait has begun, it leaves alone what it has submitted; while it waits, ``kill_policy`` holds.

    :param status_function_name: the Lambda function ``job-status`` (templated)
    :param until: the state: ``FINISHED`` is the success of a bounded job, ``RUNNING`` the start of a stream
    :param min_checkpoints: how many checkpoints the job must have completed besides
    :param wait_timeout: how long to wait for the job at most, once it is submitted; ``timeout`` is the submission's
    :param kill_policy: what becomes of the job when the task is killed while it waits; ``DETACH``: it goes on
    :param kill_adopted: whether the policy holds for a ``STREAM`` that was ``ADOPTED``, too
    :param stop_function_name: the Lambda function ``stop-job``, which every policy but ``DETACH`` needs (templated)
    """

    template_fields: Sequence[str] = (
        *SubmitFlinkJobOperator.template_fields,
        "status_function_name",
        "stop_function_name",
    )

    def __init__(
        self,
        *,
        status_function_name: str,
        until: Awaited = "FINISHED",
        min_checkpoints: int = 0,
        wait_timeout: timedelta = timedelta(hours=1),
        kill_policy: KillPolicy = "DETACH",
        kill_adopted: bool = False,
        stop_function_name: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - the base class types them
    ) -> None:
        super().__init__(**kwargs)
        self.status_function_name = status_function_name
        self.until = until
        self.min_checkpoints = min_checkpoints
        self.wait_timeout = wait_timeout
        self.kill_policy = kill_policy
        self.kill_adopted = kill_adopted
        self.stop_function_name = stop_function_name
        if kill_policy != "DETACH":
            _check_kill_policy(kill_policy)
            if stop_function_name is None:
                raise ValueError(f"kill_policy {kill_policy} needs stop_function_name.")

    def submitted(self, context: Context, text: str) -> str:  # noqa: RET503 - as above
        """Wait for the job that was submitted, unless it is there already.

        :raises NothingStartedError: when the submission was only planned
        """
        answer = Answer.parse(text)
        answer.require_carried_out()
        cluster, flink_job_id = answer.require_execution()
        now = datetime.now(UTC)
        trigger = FlinkJobTrigger(
            cluster=cluster,
            flink_job_id=flink_job_id,
            until=self.until,
            min_checkpoints=self.min_checkpoints,
            function_name=self.status_function_name,
            deadline=now + self.wait_timeout,
            not_before=now + _min_wait(self.min_wait),
            poll_interval=self.poll_interval.total_seconds(),
            max_failed_calls=self.max_failed_calls,
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            **({} if self.kill_policy == "DETACH" else _stop_arguments(self, answer, context)),
        )
        if trigger.judge(answer) == Ended():
            return text
        self.defer(trigger=trigger, method_name=self.execute_waited.__name__)

    def execute_waited(self, context: Context, event: dict[str, Any]) -> str:
        """Take the event of the trigger that waited.

        :returns: the last answer, as JSON text
        :raises FlinkAttemptFailedError: when the job ended otherwise than awaited; the text is its first root cause
        :raises FlinkWaitError: when the end isn't known
        """
        try:
            return _take_event(context, event)
        except FlinkJobFailedError as failed:
            raise FlinkAttemptFailedError(str(failed)) from None


def _check_kill_policy(kill_policy: str) -> None:
    if kill_policy not in _STOP_MODES:
        raise ValueError(f"kill_policy is {kill_policy!r}, none of DETACH, {', '.join(_STOP_MODES)}.")


def _stop_arguments(
    operator: WaitForFlinkJobOperator | RunFlinkJobOperator, answer: Answer, context: Context
) -> dict[str, Any]:
    """Give what the trigger needs to stop the job of a killed task; nothing when the job is to go on."""
    job = answer.require_job()
    if answer.outcome not in _SUBMITTED or job.owner is None:
        raise MalformedAnswerError(f"kill_policy needs the answer of submit-job; this is one of {answer.outcome}.")
    # Also where this job is to go on: the trigger of an earlier try asks whether it is still its own that waits.
    context["ti"].xcom_push(key=WAITING_TRY, value=context["ti"].try_number)
    # A bounded job is never another request's; what adopted it is a retry of the task that started it.
    if answer.outcome == "ADOPTED" and job.kind != "RUN" and not operator.kill_adopted:
        operator.log.info("Flink job %s was adopted: it goes on if this task is killed.", job.flink_job_id)
        return {}
    return {
        "stop_function_name": operator.stop_function_name,
        "stop_payload": stop_job(
            cluster=job.cluster,
            flink_job_id=job.flink_job_id,
            owner=Request(job.owner.request_id, job.owner.try_number),
            mode=_STOP_MODES[operator.kill_policy],
            request=Request.rendered(context["ti"]),
            on_refusal="ANSWER",
        ),
    }


def _take_event(context: Context, event: dict[str, Any]) -> str:
    text = event["answer"]
    match event["status"]:
        case "success":
            FlinkJobLink.persist(context, Answer.parse(text))
            return str(text)
        case "failed":
            raise FlinkJobFailedError(event["message"])
        case _:
            raise FlinkWaitError(event["message"])


def _of_upgrade(failed: FlinkJobFailedError, text: str | None) -> FlinkUpgradeFailedError | None:
    """Give the error of an upgrade that ended badly; None when that isn't what the last answer tells."""
    try:
        operation = None if text is None else Answer.parse(text).operation
    except RefusedError:
        return None
    if operation is None or operation.upgrade is None or operation.upgrade.ending is None:
        return None
    return FlinkUpgradeFailedError(
        str(failed),
        ending=operation.upgrade.ending,
        failure=operation.failure,
        savepoint_path=operation.savepoint_path,
    )


def _min_wait(given: timedelta | None) -> timedelta:
    if given is not None:
        return given
    return timedelta(seconds=conf.getint("workers", "min_heartbeat_interval")) + _SCHEDULER_TURN
