"""What can go wrong between Airflow and Flink.

Two questions decide which error it is: did Sluiceway answer, and can another try of the *waiting* task help?
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowException, AirflowFailException

if TYPE_CHECKING:
    from sluiceway_airflow.answers import UpgradeEnding


class FlinkJobFailedError(AirflowFailException):
    """The job or operation ended otherwise than awaited, or never came. Airflow makes no other try: the end stays."""


class FlinkUpgradeFailedError(FlinkJobFailedError):
    """An upgrade ended otherwise than the waiting task accepts. Airflow makes no other try: the end stays.

    :param message: what ended how, and why, in a sentence
    :param ending: ``ROLLED_BACK``: the old version runs again; ``FAILED``: what runs now, the message says
    :param failure: why, as the operation says it
    :param savepoint_path: the state that the old version left; None when it left none, or wasn't touched
    """

    def __init__(
        self, message: str, *, ending: UpgradeEnding, failure: str | None = None, savepoint_path: str | None = None
    ) -> None:
        super().__init__(message)
        self.ending = ending
        self.failure = failure
        self.savepoint_path = savepoint_path


class FlinkAttemptFailedError(AirflowException):
    """An attempt of a job ended otherwise than awaited. Another try of the task that submitted it makes the next."""


class FlinkWaitError(AirflowException):
    """The end isn't known: the deadline passed, or ``job-status`` couldn't be asked. Another try waits on."""


class NothingStartedError(AirflowFailException):
    """What was to be waited for was only planned, by a call with ``dry_run``. Airflow makes no other try."""


class RefusedError(AirflowException):
    """A function refused, and says why.

    :param code: the word to look up in the table of errors, such as ``JOB_NOT_FOUND``
    :param message: what was wrong, in a sentence
    :param action: what to do about it, in a sentence
    :param retryable: whether the same call may succeed later
    """

    def __init__(self, code: str, message: str, action: str, *, retryable: bool) -> None:
        super().__init__(f"{code}: {message} {action}".rstrip())
        self.code = code
        self.message = message
        self.action = action
        self.retryable = retryable


class MalformedAnswerError(AirflowException):
    """A function's answer isn't of the contract: the versions of this package and of the functions don't fit."""


class MalformedEventError(AirflowException):
    """What was to be an event of Sluiceway's isn't one of the contract."""
