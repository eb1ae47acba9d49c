"""The operator that starts DAG runs for what streams have finished."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.lambda_function import LambdaHook
from airflow.sdk import BaseOperator, Variable
from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError, ErrorType
from pydantic import ValidationError

from sluiceway_airflow.answers import Answer, parse_function_error
from sluiceway_airflow.catch_up import catch_up
from sluiceway_airflow.dispatch import Position, follow
from sluiceway_airflow.events import read_messages
from sluiceway_airflow.exceptions import FlinkWaitError, RefusedError
from sluiceway_airflow.functions import CALL_ONCE
from sluiceway_airflow.payloads import list_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from sluiceway_airflow.dispatch import FollowingRun


class DispatchFlinkDataOperator(BaseOperator):
    """Triggers a DAG once for each boundary of event time up to which a job's data is ready.

    The run's id is ``<job>__<boundary>``, and ``sluiceway_airflow.dispatch`` says which runs follow from which events
    and what is in their ``conf``. A run that is there already isn't made again, so dealing with an event twice is
    harmless.

    What the messages of the queue tell isn't relied on: they are a reason to look. Which events there are is asked of
    ``list-events``, behind the last that was dealt with, at every run of this task. So a message that got lost is made
    up for by the next that comes, or by a run on a schedule. How far it came is kept in an Airflow variable,
    ``sluiceway_events__<cluster>__<job>``; without it the oldest events that are kept are begun with. Let one run of
    this task at a time touch it: give the DAG ``max_active_runs=1``.

    Once everything that can be dealt with is, messages that hold no event, and events that have expired before they
    were asked for, fail the task, without a retry.

    :param cluster: the job's cluster by its configured name (templated)
    :param job_name: the job (templated). One that Sluiceway has never started has no events.
    :param trigger_dag_id: the DAG to trigger (templated). Runs of a paused DAG wait in its queue.
    :param function_name: the Lambda function ``list-events`` (templated)
    :param aws_conn_id: the Airflow connection that holds the credentials (templated)
    :param region_name: the region; the connection's by default (templated)
    :param verify: whether, or by which certificates, TLS is verified (templated)
    :param botocore_config: settings of the client; ``CALL_ONCE`` by default
    """

    template_fields: Sequence[str] = (
        "cluster",
        "job_name",
        "trigger_dag_id",
        "function_name",
        "aws_conn_id",
        "region_name",
        "verify",
    )
    ui_color: str = "#e6526f"
    ui_fgcolor: str = "#ffffff"

    def __init__(
        self,
        *,
        cluster: str,
        job_name: str,
        trigger_dag_id: str,
        function_name: str,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        **kwargs: Any,  # noqa: ANN401 - BaseOperator types them
    ) -> None:
        super().__init__(**kwargs)
        self.cluster = cluster
        self.job_name = job_name
        self.trigger_dag_id = trigger_dag_id
        self.function_name = function_name
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config

    def execute(self, context: Context) -> dict[str, Any]:
        """Trigger what is due.

        :returns: the ids of the runs that were ``triggered``, of those that were ``there`` before, and the
            ``sequence`` up to which the job's events are dealt with (None when it has none)
        :raises AirflowFailException: when a message holds no event, or when events have expired
        :raises RefusedError: when ``list-events`` refuses
        :raises FlinkWaitError: when ``list-events`` breaks
        """
        messages = read_messages(chain.from_iterable(context["triggering_asset_events"].values()))
        self.log.info("%d event(s) came in messages, to look at what there is.", len(messages.events))
        problems = [f"message {one.message_id}: {one.reason}" for one in messages.unreadable]

        position = self._load()
        triggered: list[str] = []
        there: list[str] = []
        try:
            for step in catch_up(self._ask, position.sequence):
                runs, position = follow(position, step.events)
                for run in runs:
                    (triggered if self._trigger(run) else there).append(run.run_id)
                # Behind the runs: what is interrupted before is done again.
                self._keep(position)
                for gap in step.expired:
                    problems.append(f"expired events: {gap.start} to {gap.stop - 1}")
                    # Told at once, too, since a retry begins behind them.
                    self.log.error("Nobody can tell what the events %d to %d were.", gap.start, gap.stop - 1)
        except RefusedError as refused:
            if refused.code != "JOB_NOT_FOUND":
                raise
            self.log.info("Nothing to do yet: %s", refused)
        if problems:
            raise AirflowFailException(
                f"All that is known of {self.job_name} on {self.cluster} is dealt with, but: {'; '.join(problems)}"
            )
        return {"triggered": triggered, "there": there, "sequence": position.sequence}

    @property
    def variable(self) -> str:
        """The key of the Airflow variable that keeps how far the job's events were followed."""
        return f"sluiceway_events__{self.cluster}__{self.job_name}"

    def _load(self) -> Position:
        kept = Variable.get(self.variable, default=None)
        if kept is None:
            return Position()
        try:
            return Position.model_validate_json(kept)
        except ValidationError as problem:
            raise AirflowFailException(
                f"The variable {self.variable} holds {kept!r}, which is no position. Delete it to begin with "
                f"the oldest events that are kept. ({problem.errors()[0]['msg']})"
            ) from None

    def _keep(self, position: Position) -> None:
        Variable.set(self.variable, position.model_dump_json(exclude_none=True), "Kept by DispatchFlinkDataOperator")

    def _ask(self, after: int) -> Answer:
        payload = list_events(cluster=self.cluster, job_name=self.job_name, after_sequence=after)
        hook = LambdaHook(
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
            verify=self.verify,
            config=CALL_ONCE if self.botocore_config is None else self.botocore_config,
        )
        response = hook.invoke_lambda(function_name=self.function_name, payload=payload)
        text = str(response["Payload"].read().decode())
        if "FunctionError" in response:
            raise parse_function_error(text) or FlinkWaitError(f"{self.function_name} broke: {text}")
        return Answer.parse(text)

    def _trigger(self, run: FollowingRun) -> bool:
        """Make a run; tell whether there was none before."""
        # What TriggerDagRunOperator comes to as well, which makes one run in a process of its own.
        from airflow.sdk.execution_time import task_runner
        from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun

        answer = task_runner.SUPERVISOR_COMMS.send(
            TriggerDagRun(dag_id=self.trigger_dag_id, run_id=run.run_id, conf=run.conf)
        )
        if not isinstance(answer, ErrorResponse):
            self.log.info("Triggered %s of %s.", run.run_id, self.trigger_dag_id)
            return True
        if answer.error != ErrorType.DAGRUN_ALREADY_EXISTS:
            raise AirflowRuntimeError(answer)
        self.log.info("%s of %s is there already.", run.run_id, self.trigger_dag_id)
        return False
