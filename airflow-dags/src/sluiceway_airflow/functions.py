"""The names of Sluiceway's functions, and how to call one exactly once."""

from __future__ import annotations

from typing import Any, Final, Literal

Function = Literal["submit-job", "job-status", "take-savepoint", "stop-job", "list-jobs"]
"""A function by its verb and noun, the same word everywhere."""

CALL_ONCE: Final[dict[str, Any]] = {
    "retries": {"max_attempts": 0},
    "connect_timeout": 10,
    "read_timeout": 150,
    "tcp_keepalive": True,
}
"""A ``botocore_config`` for tasks that call a function.

botocore's own default gives up reading after 60 s and then sends the call again, up to four times more: the functions
survive that (a request runs once), but the task then reads the answer of a call that it doesn't know of. This sends
the call once and waits longer than any function runs; trying again is Airflow's to do, with a try number that says so.
"""


def function_name(function: Function, stage: str) -> str:
    """Name the Lambda function that a stage has deployed.

    :param function: which function
    :param stage: which deployment of Sluiceway, such as ``local`` or ``prod``
    """
    return f"sluiceway-{stage}-{function}"
