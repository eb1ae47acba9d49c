"""Operators that wait for a Flink job or an operation on one, without holding a worker."""

from __future__ import annotations

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.configuration import conf

from sluiceway_airflow.answers import Answer
from sluiceway_airflow.exceptions import FlinkJobFailedError, FlinkWaitError
from sluiceway_airflow.links.flink_job import FlinkJobLink
from sluiceway_airflow.triggers.flink_job import Awaited, FlinkJobTrigger, FlinkOperationTrigger

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow.sdk import BaseOperatorLink, Context, XComArg

    from sluiceway_airflow.triggers.flink_job import FlinkStatusTrigger

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
    def trigger(self) -> FlinkStatusTrigger:
        """Give the trigger that waits for what this task names."""

    def execute(self, context: Context) -> None:
        """Defer."""
        if self.answer is not None:
            FlinkJobLink.persist(context, self.earlier_answer())
        self.defer(trigger=self.trigger(), method_name=self.execute_complete.__name__)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> str:
        """Take the trigger's event.

        :returns: the last answer, as JSON text
        :raises FlinkJobFailedError: when the job or operation ended otherwise than awaited; the text is its cause
        :raises FlinkWaitError: when the end isn't known
        """
        text = event["answer"]
        match event["status"]:
            case "success":
                FlinkJobLink.persist(context, Answer.parse(text))
                return str(text)
            case "failed":
                raise FlinkJobFailedError(event["message"])
            case _:
                raise FlinkWaitError(event["message"])

    def earlier_answer(self) -> Answer:
        """Read the answer that the task was given.

        :raises MalformedAnswerError: when it isn't one
        """
        return Answer.parse(str(self.answer))

    def trigger_arguments(self) -> dict[str, Any]:
        """Give the arguments that every trigger takes; its instants are fixed here."""
        now = datetime.now(UTC)
        min_wait = self.min_wait
        if min_wait is None:
            min_wait = timedelta(seconds=conf.getint("workers", "min_heartbeat_interval")) + _SCHEDULER_TURN
        return {
            "function_name": self.function_name,
            "deadline": now + self.timeout,
            "not_before": now + min_wait,
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

    :param cluster: the cluster by its configured name (templated)
    :param flink_job_id: the execution (templated)
    :param until: the state: ``FINISHED`` is the success of a bounded job, ``RUNNING`` the start of a stream
    :param min_checkpoints: how many checkpoints the job must have completed besides. With ``until="RUNNING"``, one
        shows that a stream works: a job in a restart loop is RUNNING too, but completes none.
    """

    template_fields: Sequence[str] = (*FlinkWaitOperator.template_fields, "cluster", "flink_job_id")
    operator_extra_links: Collection[BaseOperatorLink] = (FlinkJobLink(),)

    def __init__(
        self,
        *,
        cluster: str | None = None,
        flink_job_id: str | None = None,
        until: Awaited = "FINISHED",
        min_checkpoints: int = 0,
        **kwargs: Any,  # noqa: ANN401 - the base class types them
    ) -> None:
        super().__init__(**kwargs)
        self.cluster = cluster
        self.flink_job_id = flink_job_id
        self.until = until
        self.min_checkpoints = min_checkpoints
        named = [name is not None for name in (cluster, flink_job_id)]
        if not all(named) if self.answer is None else any(named):
            raise ValueError("Name the job either by answer, or by cluster and flink_job_id.")

    def trigger(self) -> FlinkJobTrigger:
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
            **self.trigger_arguments(),
        )


class WaitForFlinkOperationOperator(FlinkWaitOperator):
    """Waits for an operation, such as a savepoint or a stop, to be completed.

    The operation is named by the ``answer`` of the task that started it, or by ``operation_id``. The answer that the
    task gives on holds the path of the savepoint that the operation left.

    :param operation_id: the operation (templated)
    """

    template_fields: Sequence[str] = (*FlinkWaitOperator.template_fields, "operation_id")
    operator_extra_links: Collection[BaseOperatorLink] = (FlinkJobLink(),)

    def __init__(self, *, operation_id: str | None = None, **kwargs: Any) -> None:  # noqa: ANN401 - as above
        super().__init__(**kwargs)
        self.operation_id = operation_id
        if (self.answer is None) == (operation_id is None):
            raise ValueError("Name the operation either by answer or by operation_id.")

    def trigger(self) -> FlinkOperationTrigger:
        """Give the trigger that waits for the operation."""
        if self.answer is not None:
            operation_id = self.earlier_answer().require_operation().operation_id
        else:
            operation_id = str(self.operation_id)
        return FlinkOperationTrigger(operation_id=operation_id, **self.trigger_arguments())
