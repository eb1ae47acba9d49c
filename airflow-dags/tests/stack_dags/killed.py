"""DAGs whose tasks are killed, for the Airflow of the laptop stack. A run's id begins the names of its Flink jobs."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator
from airflow.sdk import DAG, TaskGroup, task
from airflow.sdk.exceptions import AirflowException

from sluiceway_airflow.functions import CALL_ONCE, function_name
from sluiceway_airflow.operators.flink_job import KillPolicy, RunFlinkJobOperator, WaitForFlinkJobOperator
from sluiceway_airflow.payloads import Jar, JobKind, submit_job

SUBMIT_JOB = function_name("submit-job", "local")
JOB_STATUS = function_name("job-status", "local")
STOP_JOB = function_name("stop-job", "local")

POLICIES: tuple[KillPolicy, ...] = ("DETACH", "STOP_WITH_SAVEPOINT", "CANCEL")
# Each try of these tasks that isn't a retry has so many retries left.
RETRIES = 2


class SubmitOperator(LambdaInvokeFunctionOperator):
    """The stock operator, whose first try can be kept from giving the answer that it has got."""

    def execute(self, context: Any) -> Any:
        answer = super().execute(context)
        if context["ti"].try_number == 1:
            match context["dag_run"].conf.get("first_try"):
                case "lingers":
                    time.sleep(timedelta(minutes=10).total_seconds())
                case "fails":
                    raise AirflowException("The answer is lost.")
        return answer


def payload(name: str, kind: JobKind) -> str:
    """A job that lives until it is stopped, on one task slot."""
    return submit_job(
        name=name,
        kind=kind,
        cluster="local",
        jar=Jar("s3://sluiceway-local-jobs/jars/flight-delays.jar"),
        args=[
            *("--input", "s3://sluiceway-local-data/nycflights13"),
            *("--output", "s3://sluiceway-local-data/results/killed/{flinkJobId}"),
            *("--replay", "3600"),
            *("--checkpoint-interval", "PT1S"),
        ],
        parallelism=1,
    )


def submit_and_wait(name: str, kill_policy: KillPolicy, **kwargs: Any) -> None:
    submit = SubmitOperator(
        task_id="submit-job",
        function_name=SUBMIT_JOB,
        payload=payload(name, "STREAM"),
        botocore_config=CALL_ONCE,
        retries=RETRIES,
        # Time to clear something between two tries.
        retry_delay=timedelta(seconds=10),
    )
    WaitForFlinkJobOperator(
        task_id="wait-for-job",
        function_name=JOB_STATUS,
        answer=submit.output,
        poll_interval=timedelta(seconds=1),
        kill_policy=kill_policy,
        stop_function_name=STOP_JOB,
        **kwargs,
    )


with DAG("killed_waits", schedule=None, is_paused_upon_creation=False):
    for policy in POLICIES:
        with TaskGroup(policy):
            submit_and_wait(f"{{{{ run_id }}}}-{policy.lower().replace('_', '-')}", policy)

with DAG("killed_submit", schedule=None, is_paused_upon_creation=False):

    @task
    def other() -> None:
        """Do something else."""

    other()
    submit_and_wait("{{ run_id }}", "CANCEL", kill_adopted=True)

with DAG("killed_run", schedule=None, is_paused_upon_creation=False):
    RunFlinkJobOperator(
        task_id="run-job",
        function_name=SUBMIT_JOB,
        status_function_name=JOB_STATUS,
        payload=payload("{{ run_id }}", "RUN"),
        poll_interval=timedelta(seconds=1),
        kill_policy="CANCEL",
        stop_function_name=STOP_JOB,
        retries=RETRIES,
    )
