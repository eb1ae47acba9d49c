"""Small DAGs that the tests run. ``dag.test()`` runs only what it finds in a bundle, hence this folder."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator
from airflow.sdk import DAG, task

from sluiceway_airflow.answers import Answer
from sluiceway_airflow.functions import CALL_ONCE, function_name
from sluiceway_airflow.operators.flink_job import SubmitFlinkJobOperator, WaitForFlinkJobOperator
from sluiceway_airflow.payloads import Jar, list_jobs, submit_job

SUBMIT_JOB = function_name("submit-job", "local")


def payload(name: str, *args: str) -> str:
    return submit_job(name=name, kind="RUN", cluster="local", jar=Jar("s3://jars/a.jar"), args=args)


@task
def name_type(value: Any) -> str:
    return type(value).__name__


@task
def read_answer(answer: Any) -> list[str]:
    job = Answer.parse(answer).require_job()
    return [str(job.state), str(job.duration)]


with DAG("retried", schedule=None):
    LambdaInvokeFunctionOperator(
        task_id="submit-job",
        function_name=SUBMIT_JOB,
        payload=payload("x"),
        botocore_config=CALL_ONCE,
        retries=2,
        retry_delay=timedelta(0),
    )

with DAG("repeated", schedule=None):
    SubmitFlinkJobOperator(
        task_id="submit-job",
        function_name=SUBMIT_JOB,
        payload=payload("x"),
        min_wait=timedelta(0),
        poll_interval=timedelta(0),
        retries=2,
    )

with DAG("mapped", schedule=None):
    LambdaInvokeFunctionOperator.partial(
        task_id="submit-job", function_name=SUBMIT_JOB, botocore_config=CALL_ONCE
    ).expand(payload=[payload("a"), payload("b")])

for native in (False, True):
    with DAG(f"nasty_{native}".lower(), schedule=None, render_template_as_native_obj=native):
        LambdaInvokeFunctionOperator(
            task_id="submit-job",
            function_name=SUBMIT_JOB,
            payload=payload("x", "{{ dag_run.conf.nasty }}", "007", "{{ '007' }}", "{{ ['a'] }}", "{{ '' }}", "1e3"),
            botocore_config=CALL_ONCE,
        )

with DAG("listed", schedule=None):
    listing = LambdaInvokeFunctionOperator(
        task_id="list-jobs",
        function_name=function_name("list-jobs", "local"),
        payload=list_jobs(cluster="local"),
        botocore_config=CALL_ONCE,
    )
    name_type(listing.output)

with DAG("waited", schedule=None):
    submit = LambdaInvokeFunctionOperator(
        task_id="submit-job", function_name=SUBMIT_JOB, payload=payload("x"), botocore_config=CALL_ONCE
    )
    wait = WaitForFlinkJobOperator(
        task_id="wait-for-job", function_name=function_name("job-status", "local"), answer=submit.output
    )
    read_answer(wait.output)
