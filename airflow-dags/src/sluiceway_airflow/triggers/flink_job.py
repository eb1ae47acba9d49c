"""Triggers that ask a function from the triggerer until a job or an operation is where a task wants it."""

from __future__ import annotations

import asyncio
import random
from abc import abstractmethod
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from airflow.providers.amazon.aws.hooks.lambda_function import LambdaHook
from airflow.sdk import TaskInstanceState
from airflow.triggers.base import BaseTrigger, TriggerEvent
from botocore.exceptions import ClientError

from sluiceway_airflow.answers import Answer, AttemptState, JobState, OperationState, parse_function_error
from sluiceway_airflow.exceptions import FlinkWaitError, MalformedAnswerError, RefusedError
from sluiceway_airflow.payloads import job_status, operation_status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sluiceway_airflow.answers import Job, Upgrade

Awaited = Literal["RUNNING", "FINISHED", "CANCELED"]
"""The state that a task waits for."""

Ending = Literal["UPGRADED", "ROLLED_BACK", "FAILED"]
"""How an upgrade ends; the values of ``UpgradeEnding``."""

STATUS_CALL: dict[str, Any] = {
    "retries": {"max_attempts": 0},
    "connect_timeout": 5,
    "read_timeout": 40,
    "tcp_keepalive": True,
}
"""The ``botocore_config`` of a status call: short, since the trigger itself asks again."""

SUBMIT_CALL: dict[str, Any] = {**STATUS_CALL, "read_timeout": 150}
"""The ``botocore_config`` of a call of ``submit-job``, which may take 2 minutes."""

WAITING_TRY: Final = "flink_waiting_try"
"""The key of the XCom by which a task tells which of its tries has been deferred last."""

_COMING = frozenset({AttemptState.PREPARING, AttemptState.POSTING, AttemptState.SUBMITTED})
_NEVER_CAME = frozenset({AttemptState.REFUSED, AttemptState.UNKNOWN})
_ENDED = frozenset({AttemptState.FINISHED, AttemptState.FAILED, AttemptState.CANCELED})
_PERMANENT = frozenset({"AccessDeniedException", "InvalidRequestContentException", "ResourceNotFoundException"})
_CLOSE_LIMIT = timedelta(seconds=5)
_JITTER = 0.2

_STOP_LIMIT = timedelta(seconds=60)
"""How long the stop of a killed task's job may take. A triggerer needs some seconds to answer its first question."""

_STOP_PAUSE = timedelta(seconds=2)

_stopping: set[asyncio.Task[None]] = set()


@dataclass(frozen=True)
class Ended:
    """The wait is over.

    :param failure: why it ended badly, in a sentence; None when it ended as awaited
    """

    failure: str | None = None


@dataclass(frozen=True)
class Going:
    """The wait goes on.

    :param seen: what was last seen, in a few words
    """

    seen: str


class FlinkStatusTrigger(BaseTrigger):
    """Asks a function, mostly ``job-status``, again and again, and fires one event when the wait is over.

    The deadline is an instant, not a duration: a triggerer that starts again, or hands the trigger to another, doesn't
    move it. It is looked at after an observation, so that what ended in time counts as such even when nobody was there
    to see it; the event comes at most a minute after the deadline.

    The event's payload has a ``status`` (``success``, ``failed``, or ``unknown`` when the end isn't known), a
    ``message`` (None on success) and the last ``answer`` that was read, as JSON text (None when there was none).

    :param function_name: the Lambda function that is asked
    :param deadline: when to give up; aware of its timezone
    :param not_before: when to ask first; aware of its timezone. At once by default. An event that comes sooner than the
        scheduler has learned that the task's process has ended can fail the task.
    :param poll_interval: seconds between two questions, give or take a fifth
    :param max_failed_calls: how many calls in a row may fail before the wait is given up; one that can't succeed, for
        want of the function or of a right to call it, ends the wait at once
    :param aws_conn_id: the Airflow connection that holds the credentials
    :param region_name: the region; the connection's by default
    :param verify: whether, or by which certificates, TLS is verified
    :param botocore_config: settings of the client; those of ``default_config`` by default
    """

    default_config: ClassVar[dict[str, Any]] = STATUS_CALL
    call_limit: ClassVar[timedelta] = timedelta(seconds=60)

    def __init__(
        self,
        *,
        function_name: str,
        deadline: datetime,
        not_before: datetime | None = None,
        poll_interval: float = 10.0,
        max_failed_calls: int = 30,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if deadline.utcoffset() is None:
            raise ValueError("deadline has no timezone")
        if not_before is not None and not_before.utcoffset() is None:
            raise ValueError("not_before has no timezone")
        self.function_name = function_name
        self.deadline = deadline
        self.not_before = not_before
        self.poll_interval = poll_interval
        self.max_failed_calls = max_failed_calls
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config

    @abstractmethod
    def question(self) -> str:
        """Give the payload to ask with."""

    @abstractmethod
    def judge(self, answer: Answer) -> Ended | Going:
        """Tell from an answer whether the wait is over.

        :raises MalformedAnswerError: when the answer lacks what was asked for
        """

    @abstractmethod
    def awaited(self) -> str:
        """Say what is waited for, in words that continue a sentence."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class and the arguments from which Airflow makes the trigger again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "function_name": self.function_name,
                "deadline": self.deadline,
                "not_before": self.not_before,
                "poll_interval": self.poll_interval,
                "max_failed_calls": self.max_failed_calls,
                "aws_conn_id": self.aws_conn_id,
                "region_name": self.region_name,
                "verify": self.verify,
                "botocore_config": self.botocore_config,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then fire the one event."""
        yield TriggerEvent(await self._wait())

    def hook(self) -> LambdaHook:
        """Give the hook whose client calls the function."""
        return LambdaHook(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            config=self.default_config if self.botocore_config is None else self.botocore_config,
        )

    def now(self) -> datetime:
        """Give the present instant."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def _wait(self) -> dict[str, Any]:
        if self.not_before is not None and (early := (self.not_before - self.now()).total_seconds()) > 0:
            await self.sleep(early)
        connection = AsyncExitStack()
        try:
            return await self._ask_until_over(connection)
        finally:
            await self._close(connection)

    async def _ask_until_over(self, connection: AsyncExitStack) -> dict[str, Any]:
        client: Any = None
        text: str | None = None
        seen = "not seen yet"
        failed_calls = 0
        while True:
            try:
                async with asyncio.timeout(self.call_limit.total_seconds()):
                    if client is None:
                        # A hook keeps the connection that it has read, and with it the credentials.
                        client = await connection.enter_async_context(await self.hook().get_async_conn())
                    text = await _invoke(client, self.function_name, self.question())
                verdict = self.judge(Answer.parse(text))
            except MalformedAnswerError as malformed:
                return _event("unknown", str(malformed), text)
            except RefusedError as refused:
                if not refused.retryable:
                    return _event("failed", str(refused), text)
                problem: Exception | None = refused
            except Exception as failed:  # whatever broke the call, the next one may succeed
                if _is_permanent(failed):
                    return _event("unknown", str(failed), text)
                problem = failed
            else:
                problem = None
                failed_calls = 0
                match verdict:
                    case Ended(failure):
                        return _event("success" if failure is None else "failed", failure, text)
                    case Going():
                        if verdict.seen != seen:
                            self.log.info("Waiting for %s: %s.", self.awaited(), verdict.seen)
                        seen = verdict.seen

            if problem is not None:
                failed_calls += 1
                reason = str(problem) or type(problem).__name__
                self.log.warning("Call %d in a row failed: %s", failed_calls, reason)
                if failed_calls >= self.max_failed_calls:
                    message = f"{self.function_name} failed {failed_calls} times in a row, at last: {reason}"
                    return _event("unknown", message, text)
                # A broken connection or expired credentials go with the client; the next call makes a new one.
                await self._close(connection)
                client = None

            left = (self.deadline - self.now()).total_seconds()
            if left <= 0:
                deadline = self.deadline.isoformat(timespec="seconds")
                return _event("unknown", f"The wait for {self.awaited()} ended at {deadline}: {seen}.", text)
            spread = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - nothing secret hangs on it
            await self.sleep(min(self.poll_interval * spread, left))

    async def _close(self, connection: AsyncExitStack) -> None:
        """Close the client, if there is one; one that doesn't close must not cost the wait its answer."""
        try:
            async with asyncio.timeout(_CLOSE_LIMIT.total_seconds()):
                await connection.aclose()
        except Exception as failed:
            self.log.warning("The client didn't close: %s", str(failed) or type(failed).__name__)


class FlinkJobTrigger(FlinkStatusTrigger):
    """Waits until a job is in a state, or can't come to it any more.

    :param cluster: the cluster by its configured name
    :param flink_job_id: the execution
    :param until: the state
    :param min_checkpoints: how many checkpoints the job must have completed besides
    :param stop_function_name: the Lambda function ``stop-job``, called when the waiting task is killed
    :param stop_payload: what it is called with; it names the job's owner, so that what somebody else has adopted lives
        on. Without both, a job outlives the task that waits for it.
    """

    def __init__(
        self,
        *,
        cluster: str,
        flink_job_id: str,
        until: Awaited = "FINISHED",
        min_checkpoints: int = 0,
        stop_function_name: str | None = None,
        stop_payload: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - the base class types them
    ) -> None:
        super().__init__(**kwargs)
        if (stop_function_name is None) != (stop_payload is None):
            raise ValueError("stop_function_name and stop_payload go together.")
        self.cluster = cluster
        self.flink_job_id = flink_job_id
        self.until = until
        self.min_checkpoints = min_checkpoints
        self.stop_function_name = stop_function_name
        self.stop_payload = stop_payload

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class and the arguments from which Airflow makes the trigger again."""
        path, arguments = super().serialize()
        return path, {
            **arguments,
            "cluster": self.cluster,
            "flink_job_id": self.flink_job_id,
            "until": self.until,
            "min_checkpoints": self.min_checkpoints,
            "stop_function_name": self.stop_function_name,
            "stop_payload": self.stop_payload,
        }

    def question(self) -> str:
        """Ask for the job."""
        return job_status(cluster=self.cluster, flink_job_id=self.flink_job_id, on_refusal="ANSWER")

    def awaited(self) -> str:
        """Name the job and its awaited state."""
        checkpoints = f" with {self.min_checkpoints} checkpoint(s)" if self.min_checkpoints else ""
        return f"Flink job {self.flink_job_id} on {self.cluster} to be {self.until}{checkpoints}"

    def judge(self, answer: Answer) -> Ended | Going:
        """Compare the job's state with the awaited one."""
        job = answer.require_job()
        if job.attempt_state in _NEVER_CAME:
            # Whatever the cluster shows of it: it isn't, or isn't any more, the execution that was asked for.
            return Ended(failure=self._describe_absence(job))
        if job.state is None:
            if job.attempt_state not in _COMING:
                raise MalformedAnswerError(f"{self.function_name} doesn't tell the job's state.")
            return Going(f"the cluster doesn't have it yet, its submission is {job.attempt_state}")
        completed = (job.checkpoints.completed if job.checkpoints else None) or 0
        # A job that turns up after its end was recorded is cancelled by the functions; it counts for nothing.
        surplus = job.attempt_state in _ENDED and not job.terminal
        if job.state == self.until and completed >= self.min_checkpoints and not surplus:
            return Ended()
        if job.terminal:
            return Ended(failure=self._describe_end(job))
        unseen = job.not_observable.get("checkpoints.completed")
        if self.min_checkpoints and unseen is not None:
            return Ended(failure=f"{self.awaited()} can't be awaited, since nobody can tell of checkpoints: {unseen}")
        seen = [f"it is {job.state}"]
        if self.min_checkpoints:
            seen.append(f"{completed} checkpoint(s)")
        if job.restarts:
            seen.append(f"{job.restarts} restart(s)")
        if job.first_failure is not None:
            seen.append(f"first failure: {job.first_failure.root_cause}")
        return Going(", ".join(seen))

    async def on_kill(self) -> None:
        """Stop the job of a task that was killed: cleared, marked, or skipped when its run is out of time.

        The triggerer calls this for each trigger that is no longer its own. That is so, too, when it was out of touch
        for so long that another triggerer took the trigger over (apache/airflow#73454): then the try still waits, and
        its job goes on. When Airflow doesn't tell whether it waits, the job goes on as well.
        """
        if self.stop_function_name is None or self.stop_payload is None:
            return
        stopping = asyncio.create_task(self._stop_unless_waiting(self.stop_function_name, self.stop_payload))
        # The loop itself doesn't hold its tasks.
        _stopping.add(stopping)
        stopping.add_done_callback(_stopping.discard)
        while not stopping.done():
            # Airflow (3.3.1) cancels a killed trigger again every second, and its on_kill with it; so the stop runs
            # beside it, and has a limit of its own.
            with suppress(asyncio.CancelledError):
                await asyncio.shield(stopping)

    async def _stop_unless_waiting(self, function_name: str, payload: str) -> None:
        try:
            async with asyncio.timeout(_STOP_LIMIT.total_seconds()):
                if await self.still_waits():
                    self.log.info("Its task waits in another triggerer: Flink job %s goes on.", self.flink_job_id)
                    return
                await self._stop(function_name, payload)
        except Exception as failed:
            reason = str(failed) or type(failed).__name__
            self.log.warning("Flink job %s may go on, its stop isn't confirmed: %s", self.flink_job_id, reason)

    async def still_waits(self) -> bool:
        """Ask Airflow whether the task is deferred, now, in the try whose trigger this is.

        A task that was cleared may be deferred again before the triggerer learns of the clear: that is another try. One
        that doesn't tell of its tries counts as being in the same.
        """
        # Only the triggerer needs them; whoever parses a DAG doesn't.
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
        from airflow.sdk.execution_time.xcom import XCom

        task = self.task_instance
        if task is None:
            raise FlinkWaitError("The trigger belongs to no task.")
        states = await asyncio.to_thread(
            RuntimeTaskInstance.get_task_states,
            dag_id=task.dag_id,
            map_index=task.map_index,
            task_ids=[task.task_id],
            run_ids=[task.run_id],
        )
        (state,) = states[task.run_id].values()
        if state != TaskInstanceState.DEFERRED:
            return False
        waiting = await asyncio.to_thread(
            XCom.get_one,
            key=WAITING_TRY,
            dag_id=task.dag_id,
            map_index=task.map_index,
            task_id=task.task_id,
            run_id=task.run_id,
        )
        return waiting is None or bool(waiting == task.try_number)

    async def _stop(self, function_name: str, payload: str) -> None:
        while True:
            try:
                async with await self.hook().get_async_conn() as client:
                    text = await _invoke(client, function_name, payload)
                answer = Answer.parse(text)
            except RefusedError as refused:
                if not refused.retryable:
                    # Above all STALE_OWNER: somebody has adopted the job, which is theirs to stop now.
                    self.log.info("Flink job %s is left alone: %s", self.flink_job_id, refused)
                    return
                problem: Exception = refused
            except Exception as failed:  # whatever broke the call, the next one may succeed
                if _is_permanent(failed):
                    raise
                problem = failed
            else:
                self.log.info("Flink job %s is stopped with its task: %s.", self.flink_job_id, answer.outcome)
                return
            self.log.warning(
                "The stop of Flink job %s failed: %s", self.flink_job_id, problem or type(problem).__name__
            )
            await self.sleep(_STOP_PAUSE.total_seconds())

    def _describe_absence(self, job: Job) -> str:
        what = f"Flink job {job.name} ({self.flink_job_id} on {self.cluster})"
        why = "no cause is given" if job.failure is None else f"{job.failure.code}: {job.failure.message}"
        if job.attempt_state == AttemptState.REFUSED:
            return f"{what} was refused and never ran: {why}"
        return f"{what} is {job.attempt_state}, nobody can tell what became of it: {why}"

    def _describe_end(self, job: Job) -> str:
        end = f"Flink job {job.name} ({self.flink_job_id} on {self.cluster}) is {job.state}"
        if job.first_failure is not None:
            return f"{end}: {job.first_failure.root_cause}"
        if job.state == JobState.FAILED:
            return f"{end}; Flink gives no cause."
        return f"{end}; {self.until} was awaited."


class FlinkOperationTrigger(FlinkStatusTrigger):
    """Waits until an operation is completed, or can't be any more.

    :param operation_id: the operation, from the answer of the function that started it
    :param accept: the endings of an upgrade with which the wait succeeds
    """

    def __init__(
        self,
        *,
        operation_id: str,
        accept: Sequence[Ending] = ("UPGRADED",),
        **kwargs: Any,  # noqa: ANN401 - the base class types them
    ) -> None:
        super().__init__(**kwargs)
        self.operation_id = operation_id
        self.accept = tuple(accept)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class and the arguments from which Airflow makes the trigger again."""
        path, arguments = super().serialize()
        return path, {**arguments, "operation_id": self.operation_id, "accept": list(self.accept)}

    def question(self) -> str:
        """Ask for the operation."""
        return operation_status(operation_id=self.operation_id, on_refusal="ANSWER")

    def awaited(self) -> str:
        """Name the operation."""
        return f"operation {self.operation_id}"

    def judge(self, answer: Answer) -> Ended | Going:
        """Look whether the operation has ended."""
        operation = answer.require_operation()
        match operation.state:
            case OperationState.COMPLETED:
                return Ended()
            case OperationState.FAILED | OperationState.ABANDONED:
                if operation.upgrade is not None and operation.upgrade.ending in self.accept:
                    return Ended()
                cause = operation.failure or "no cause is given"
                saved = f" Its savepoint is {operation.savepoint_path}." if operation.savepoint_path else ""
                return Ended(f"Operation {operation.type} ({operation.operation_id}) {operation.state}: {cause}{saved}")
            case OperationState.PENDING | OperationState.IN_PROGRESS:
                if operation.upgrade is None:
                    return Going(f"it is {operation.state}")
                return Going(_describe_step(operation.upgrade))


class FlinkSubmissionTrigger(FlinkStatusTrigger):
    """Repeats one call of ``submit-job``, the very same, until it is certain what has come of the request.

    :param payload: the whole request
    """

    default_config = SUBMIT_CALL
    call_limit = timedelta(seconds=170)

    def __init__(self, *, payload: str, **kwargs: Any) -> None:  # noqa: ANN401 - the base class types them
        super().__init__(**kwargs)
        self.payload = payload

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class and the arguments from which Airflow makes the trigger again."""
        path, arguments = super().serialize()
        return path, {**arguments, "payload": self.payload}

    def question(self) -> str:
        """Submit again."""
        return self.payload

    def awaited(self) -> str:
        """Name the submission."""
        return "the submission"

    def judge(self, answer: Answer) -> Ended | Going:
        """Look whether the submission has come to an end."""
        job = answer.require_job()
        if answer.outcome == "IN_PROGRESS":
            return Going(f"Flink job {job.flink_job_id} is {job.attempt_state}")
        return Ended()


def _describe_step(upgrade: Upgrade) -> str:
    until = upgrade.given_up_at
    limit = "" if until is None else f", which is given up at {until.isoformat(timespec='seconds')}"
    return f"it is at {upgrade.step}{limit}" + ("" if upgrade.reason is None else f": {upgrade.reason}")


async def _invoke(client: Any, function_name: str, payload: str) -> str:  # noqa: ANN401 - aiobotocore makes it
    response = await client.invoke(FunctionName=function_name, Payload=payload.encode())
    async with response["Payload"] as stream:
        text = str((await stream.read()).decode())
    if "FunctionError" in response:
        raise parse_function_error(text) or FlinkWaitError(f"{function_name} broke: {text}")
    return text


def _is_permanent(failure: Exception) -> bool:
    return isinstance(failure, ClientError) and failure.response.get("Error", {}).get("Code") in _PERMANENT


def _event(status: str, message: str | None, answer: str | None) -> dict[str, Any]:
    return {"status": status, "message": message, "answer": answer}
