"""The answers of Sluiceway's functions, as types.

A field that a later version of the functions adds is passed over; one that is missing or of another type is an error.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from sluiceway_airflow.exceptions import MalformedAnswerError, NothingStartedError, RefusedError

_EXCERPT = 400
_THROWN = re.compile(r"\A[A-Z][A-Z0-9_]*: (?P<refusal>\{.*\})\Z", re.DOTALL)


class JobState(StrEnum):
    """Flink's job states."""

    INITIALIZING = "INITIALIZING"
    CREATED = "CREATED"
    RUNNING = "RUNNING"
    FAILING = "FAILING"
    FAILED = "FAILED"
    CANCELLING = "CANCELLING"
    CANCELED = "CANCELED"
    FINISHED = "FINISHED"
    RESTARTING = "RESTARTING"
    SUSPENDED = "SUSPENDED"
    RECONCILING = "RECONCILING"


class HealthState(StrEnum):
    """Whether a job is well.

    ``STABLE``: it runs, has completed a checkpoint since it does, and hasn't been restarted for the settling time.
    ``SETTLING``: nothing is wrong; it just has to go on so. ``UNKNOWN``: nothing is known to be wrong, and what would
    show that it is stable can't be observed. ``UNHEALTHY``: something is wrong.
    """

    STABLE = "STABLE"
    SETTLING = "SETTLING"
    UNKNOWN = "UNKNOWN"
    UNHEALTHY = "UNHEALTHY"


class AttemptState(StrEnum):
    """How far an execution has come, as the functions' ledger knows.

    ``PREPARING``: the cluster hasn't been asked for it yet. ``POSTING``: it is being asked. ``SUBMITTED``: it has it.
    ``REFUSED``: it never ran. ``UNKNOWN``: nobody can tell what became of it.
    """

    PREPARING = "PREPARING"
    POSTING = "POSTING"
    SUBMITTED = "SUBMITTED"
    UNKNOWN = "UNKNOWN"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    REFUSED = "REFUSED"


class OperationState(StrEnum):
    """How far an asynchronous action has come."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    ABANDONED = "ABANDONED"


class UpgradeEnding(StrEnum):
    """How an upgrade ended.

    ``UPGRADED``: the new version runs and is stable. ``ROLLED_BACK``: the old one runs again, from what it was stopped
    with, and is stable. ``FAILED``: neither, or the old version wasn't touched; the operation's failure says which.
    """

    UPGRADED = "UPGRADED"
    ROLLED_BACK = "ROLLED_BACK"
    FAILED = "FAILED"


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


class Links(_Part):
    """Where a person looks on."""

    flink_ui: str | None = None


class Failure(_Part):
    """The first failure of a job: the cause, not what followed from it."""

    message: str | None = None
    root_cause: str
    at: AwareDatetime | None = None


class Owner(_Part):
    """On whose behalf a job runs: the request and try of ``submit-job`` that made or adopted it last."""

    request_id: str
    try_number: Annotated[int, Field(alias="try", ge=1)]


class AttemptFailure(_Part):
    """Why an execution was refused, or what is unknown about it.

    :param code: the word to look up in the table of errors, such as ``RESTORE_FAILED``
    """

    code: str
    message: str


class Checkpoints(_Part):
    """How many checkpoints this execution has completed, savepoints included, and how many failed.

    Each is absent when the cluster can't tell.
    """

    completed: Annotated[int | None, Field(ge=0)] = None
    failed: Annotated[int | None, Field(ge=0)] = None


class Checkpoint(_Part):
    """A completed checkpoint or savepoint.

    :param path: where it is; absent for a checkpoint that the cluster keeps to itself
    """

    id: int
    completed_at: AwareDatetime | None = None
    path: str | None = None


class Reason(_Part):
    """What keeps a job from being stable.

    :param code: what it is, such as ``RESTART_LOOP``
    :param message: a sentence with its numbers
    """

    code: str
    message: str


class Health(_Part):
    """Whether a job is well, by the thresholds of its specification.

    :param reasons: what keeps it from being stable, the worst first; none when it is
    :param running_since: since when at the latest it runs without a restart; absent when it doesn't run, or nobody can
        tell
    """

    state: HealthState
    reasons: tuple[Reason, ...] = ()
    running_since: AwareDatetime | None = None


class Version(_Part):
    """Which version of a job that is, by its program.

    :param jar: where its jar lies
    :param jar_version_id: the version of the jar's object; absent when nobody had to know
    :param jar_sha256: the SHA-256 of the jar; absent until it is known
    :param parallelism: absent: the cluster's default
    """

    jar: str
    jar_version_id: str | None = None
    jar_sha256: str | None = None
    parallelism: int | None = None


class Job(_Part):
    """One execution of a Flink job, as far as the function that answered knows it.

    :param attempt: which attempt of its request it is; absent, as are its state and owner, for a job that Sluiceway
        didn't start
    :param version: which version of the job runs, or ran; absent for a job that Sluiceway didn't start
    :param restored_from: the savepoint or checkpoint that its state came from; absent when it began without state
    :param failure: why it was refused, or what is unknown about it
    :param state: Flink's; absent while the cluster doesn't have the job, and when it never ran
    :param terminal: whether nothing more is to be expected of it
    :param duration: from the start to the end; absent while there is no end
    :param restarts: how often Flink has restarted it
    :param tasks: how many of its tasks are in each of Flink's execution states
    :param health: whether it is well; absent when there is nothing to judge
    :param not_observable: what the cluster can't tell, or not now, such as ``checkpoints.completed``: why
    """

    cluster: str
    name: str
    flink_job_id: str
    kind: str | None = None
    attempt: int | None = None
    attempt_state: AttemptState | None = None
    owner: Owner | None = None
    version: Version | None = None
    restored_from: str | None = None
    failure: AttemptFailure | None = None
    state: JobState | None = None
    terminal: bool = False
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    duration: timedelta | None = None
    restarts: int | None = None
    tasks: dict[str, int] | None = None
    checkpoints: Checkpoints | None = None
    last_checkpoint: Checkpoint | None = None
    last_savepoint: Checkpoint | None = None
    first_failure: Failure | None = None
    health: Health | None = None
    not_observable: dict[str, str] = {}
    links: Links = Links()


class EmittedAgain(_Part):
    """When a version was at work whose output, committed meanwhile, another version emits again."""

    from_: Annotated[AwareDatetime, Field(alias="from")]
    until: AwareDatetime


class Upgrade(_Part):
    """How an upgrade goes, or went.

    :param step: what is being done, or was done last, such as ``JUDGING``
    :param given_up_at: when that is given up; absent while the old version is being stopped
    :param new_flink_job_id: the execution of the new version; absent until it was started, and when it ran already
    :param returned_flink_job_id: the execution in which the old version runs again; absent unless it does
    :param reason: why the new version doesn't stay
    :param emitted_again: when the new version was at work, whose output comes again; absent: it committed nothing
    :param ending: how it ended; absent until it has
    """

    mode: str
    step: str
    rollback_after_commit: str
    given_up_at: AwareDatetime | None = None
    new_flink_job_id: str | None = None
    returned_flink_job_id: str | None = None
    reason: str | None = None
    emitted_again: EmittedAgain | None = None
    ending: UpgradeEnding | None = None


class Operation(_Part):
    """An asynchronous action on a job; its submission is one, too.

    :param job_name: the job's logical name
    :param flink_job_id: the execution that it is about; of an upgrade, that of the old version
    :param upgrade: how an upgrade goes; absent of any other operation
    :param savepoint_path: the savepoint that it left, also when ending the job failed afterwards
    :param failure: why it failed, in a sentence
    """

    operation_id: str
    cluster: str
    job_name: str
    flink_job_id: str
    type: str
    state: OperationState
    terminal: bool
    created_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    savepoint_path: str | None = None
    failure: str | None = None
    upgrade: Upgrade | None = None


class PlannedAction(StrEnum):
    """What a call would do that asked for a dry run.

    ``REPLAY``: an earlier call of its request has done it. ``ADOPT``: another request or try has, and it would be this
    one's. ``WAIT``: another call is at it. ``UNCHANGED``: it is so already. ``NEW_ATTEMPT``: a job would be started.
    ``RESUME``: a start that was interrupted would be gone on with. ``RECORD_STOP``: there is nothing to stop at the
    moment; whoever sees the job first would stop it, or it wouldn't be started.
    """

    REPLAY = "REPLAY"
    ADOPT = "ADOPT"
    WAIT = "WAIT"
    UNCHANGED = "UNCHANGED"
    NEW_ATTEMPT = "NEW_ATTEMPT"
    RESUME = "RESUME"
    TAKE_SAVEPOINT = "TAKE_SAVEPOINT"
    STOP_WITH_SAVEPOINT = "STOP_WITH_SAVEPOINT"
    DRAIN = "DRAIN"
    CANCEL = "CANCEL"
    RECORD_STOP = "RECORD_STOP"
    UPGRADE = "UPGRADE"
    RESCALE_IN_PLACE = "RESCALE_IN_PLACE"
    RESCALE_BY_RESTART = "RESCALE_BY_RESTART"


class Plan(_Part):
    """What a call would do, and why.

    :param because: why, in a sentence
    :param flink_job_id: the execution that would run, or that would be acted on
    :param attempt: which attempt of its request would be started
    :param restores_from: the savepoint or checkpoint that its state would come from
    :param jar_sha256: what its jar is
    :param brings_jar: whether the cluster lacks it
    :param parallelism: how many slots it would take; absent: the cluster's default
    :param savepoint_directory: where a savepoint would be written
    :param mode: where a new version's state would come from
    :param replaces: the execution that a new version would take over from
    :param roll_back_to: what the old version would come back from: a checkpoint, or the directory of a savepoint
    """

    action: PlannedAction
    because: str
    flink_job_id: str | None = None
    attempt: int | None = None
    restores_from: str | None = None
    jar_sha256: Annotated[str | None, Field(alias="jarSha256")] = None
    brings_jar: bool | None = None
    parallelism: int | None = None
    savepoint_directory: str | None = None
    mode: str | None = None
    replaces: str | None = None
    roll_back_to: str | None = None


class ListedEvent(_Part):
    """An event as it was published; ``sluiceway_airflow.events`` reads it into types.

    :param detail_type: EventBridge's ``detail-type``
    :param detail: EventBridge's ``detail``
    """

    detail_type: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class EventPage:
    """A page of a job's events.

    :param last_sequence: the number of the job's newest event; 0 when there is none
    :param more: whether there are events behind this page
    """

    events: tuple[ListedEvent, ...]
    last_sequence: int
    more: bool


class _Refusal(_Part):
    code: str
    message: str = ""
    action: str = ""
    retryable: bool = False

    def error(self) -> RefusedError:
        return RefusedError(self.code, self.message, self.action, retryable=self.retryable)


class Answer(_Part):
    """What a function answered.

    :param outcome: ``STARTED`` by this call; ``REPLAYED`` when an earlier call of the same request had started it;
        ``ADOPTED`` when another request or try had, and it is this one's now; ``IN_PROGRESS`` when an earlier call is
        at it, or was interrupted, and nothing is certain yet; ``OBSERVED``; ``PLANNED`` when the call asked for a dry
        run, and nothing was done
    :param plan: what the call would do, when it was ``PLANNED``; the job and the operation are those that it would
        answer with and that are there already
    :param job: the job that the call was about
    :param operation: the operation that the call started or observed
    :param request_cancelled: whether ``stop-job`` came before the ``submit-job`` that it was to stop, which will be
        refused; then there is neither job nor operation
    :param jobs: a page of jobs, from ``list-jobs``
    :param next_page_token: asks ``list-jobs`` for the page after this one; absent on the last
    :param events: a page of a job's events, from ``list-events``
    :param last_sequence: the number of the job's newest event, from ``list-events``
    :param more: whether there are events behind the page
    """

    outcome: str
    plan: Plan | None = None
    job: Job | None = None
    operation: Operation | None = None
    request_cancelled: bool = False
    jobs: tuple[Job, ...] | None = None
    next_page_token: str | None = None
    events: tuple[ListedEvent, ...] | None = None
    last_sequence: Annotated[int | None, Field(ge=0)] = None
    more: bool = False
    error: _Refusal | None = None

    @classmethod
    def parse(cls, text: str | bytes) -> Answer:
        """Read an answer, such as the XCom of a ``LambdaInvokeFunctionOperator`` (which is a ``str``, not a dict).

        :raises RefusedError: when it is a refusal
        :raises MalformedAnswerError: when it isn't an answer of the contract
        """
        try:
            answer = cls.model_validate_json(text)
        except ValidationError as problem:
            found = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'answer'}: {e['msg']}" for e in problem.errors()[:3])
            raise MalformedAnswerError(f"The answer isn't of the contract ({found}): {_excerpt(text)}") from None
        if answer.error is not None:
            raise answer.error.error()
        if answer.outcome == "REFUSED":
            raise MalformedAnswerError(f"The answer is a refusal without an error: {_excerpt(text)}")
        return answer

    def require_plan(self) -> Plan:
        """Give the plan.

        :raises MalformedAnswerError: when the answer has none
        """
        if self.plan is None:
            raise MalformedAnswerError(f"The answer {self.outcome} has no plan.")
        return self.plan

    def require_carried_out(self) -> None:
        """Check that the call did what it was for.

        :raises NothingStartedError: when it was only planned
        """
        if self.outcome == "PLANNED":
            planned = "" if self.plan is None else f" It would be {self.plan.action}: {self.plan.because}"
            raise NothingStartedError(
                f"The call was a dry run and started nothing, so there is nothing to wait for.{planned}"
            )

    def require_job(self) -> Job:
        """Give the job.

        :raises MalformedAnswerError: when the answer has none
        """
        if self.job is None:
            raise MalformedAnswerError(f"The answer {self.outcome} has no job.")
        return self.job

    def require_execution(self) -> tuple[str, str]:
        """Give the cluster and the Flink job id that the answer is about, be it of a job or of an operation on one.

        :raises MalformedAnswerError: when the answer has neither
        """
        if self.job is not None:
            return self.job.cluster, self.job.flink_job_id
        operation = self.require_operation()
        return operation.cluster, operation.flink_job_id

    def require_operation(self) -> Operation:
        """Give the operation.

        :raises MalformedAnswerError: when the answer has none
        """
        if self.operation is None:
            raise MalformedAnswerError(f"The answer {self.outcome} has no operation.")
        return self.operation

    def require_upgrade(self) -> tuple[Operation, Upgrade]:
        """Give the operation of an upgrade, and how that goes.

        :raises MalformedAnswerError: when the answer has none
        """
        operation = self.require_operation()
        if operation.upgrade is None:
            raise MalformedAnswerError(f"The operation {operation.type} of the answer {self.outcome} is no upgrade.")
        return operation, operation.upgrade

    def require_events(self) -> EventPage:
        """Give the page of events.

        :raises MalformedAnswerError: when the answer has none
        """
        if self.events is None or self.last_sequence is None:
            raise MalformedAnswerError(f"The answer {self.outcome} has no events.")
        return EventPage(self.events, self.last_sequence, self.more)


def parse_function_error(text: str | bytes) -> RefusedError | None:
    """Read the payload that Lambda returns beside ``FunctionError``: a refusal that was thrown, or None for any other.

    Other errors are those of the function's process: out of time, out of memory, gone.
    """
    try:
        message = json.loads(text)["errorMessage"]
    except (ValueError, KeyError, TypeError):
        return None
    match = _THROWN.match(str(message))
    if match is None:
        return None
    try:
        Answer.parse(match["refusal"])
    except RefusedError as refused:
        return refused
    except MalformedAnswerError:
        pass
    return None


def _excerpt(text: str | bytes) -> str:
    shown = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return shown if len(shown) <= _EXCERPT else f"{shown[:_EXCERPT]}…"
