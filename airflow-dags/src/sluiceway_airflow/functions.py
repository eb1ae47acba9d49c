"""The names of Sluiceway's functions, and how to call one exactly once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Literal

Function = Literal[
    "submit-job",
    "job-status",
    "take-savepoint",
    "stop-job",
    "upgrade-job",
    "rescale-job",
    "list-jobs",
    "list-events",
    "monitor-jobs",
]
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

SUBMIT_RETRY_DELAY: Final = timedelta(minutes=3)
"""A ``retry_delay`` for tasks that call ``submit-job`` with the stock operator.

A call of ``submit-job`` is over after 2 minutes, and what it left unsettled may be taken up half a minute later. So a
retry after 3 minutes never meets its own unfinished call (``IN_PROGRESS``): it adopts the job that the call before it
started, or goes on where that was interrupted. Airflow's own default, 5 minutes, serves as well.
"""


def function_name(function: Function, stage: str) -> str:
    """Name the Lambda function that a stage has deployed, by the alias that says which version is to be called.

    :param function: which function
    :param stage: which deployment of Sluiceway, such as ``local`` or ``prod``
    """
    return f"sluiceway-{stage}-{function}:live"
