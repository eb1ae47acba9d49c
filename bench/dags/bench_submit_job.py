"""A Flink job that is soon done, started as any team would: by the stock operator. `make bench-airflow` runs it."""

from __future__ import annotations

from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator
from airflow.sdk import DAG
from sluiceway_airflow.functions import CALL_ONCE, function_name
from sluiceway_airflow.payloads import Jar, submit_job

with DAG("bench_submit_job", schedule=None, is_paused_upon_creation=False, doc_md=__doc__):
    LambdaInvokeFunctionOperator(
        task_id="submit-job",
        function_name=function_name("submit-job", "local"),
        payload=submit_job(
            name="{{ run_id }}",
            kind="RUN",
            cluster="local",
            jar=Jar("s3://sluiceway-local-jobs/jars/flight-delays.jar"),
            args=[
                *("--input", "s3://sluiceway-local-data/nycflights13"),
                *("--output", "s3://sluiceway-local-data/results/bench/{flinkJobId}"),
                *("--from", "2013-01-05"),
                *("--to", "2013-01-06"),
            ],
            parallelism=1,
        ),
        botocore_config=CALL_ONCE,
    )
