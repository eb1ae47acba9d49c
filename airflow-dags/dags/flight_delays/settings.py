"""Where the flight-delays DAGs find things. Each setting is an environment variable of the DAG processor and workers.

| variable | means | default |
| --- | --- | --- |
| SLUICEWAY_STAGE | which deployment of the functions | local |
| SLUICEWAY_CLUSTER | the Flink cluster by its configured name | the stage |
| SLUICEWAY_MANAGED_CLUSTER | the Managed Flink cluster by its configured name | managed |
| SLUICEWAY_JOBS_BUCKET | the bucket of jars | sluiceway-STAGE-jobs |
| SLUICEWAY_DATA_BUCKET | the bucket of flights and results | sluiceway-STAGE-data |
| SLUICEWAY_AIRFLOW_QUEUE | the URL of the queue of events, the stack's output AirflowQueue | none: the clock alone |
| SLUICEWAY_REPORTS | where reports go: a directory, or s3://bucket/prefix | s3://DATA_BUCKET/reports |
"""

from __future__ import annotations

import os
from typing import Final

from sluiceway_airflow.payloads import Jar

STAGE: Final = os.environ.get("SLUICEWAY_STAGE", "local")
CLUSTER: Final = os.environ.get("SLUICEWAY_CLUSTER", STAGE)
MANAGED_CLUSTER: Final = os.environ.get("SLUICEWAY_MANAGED_CLUSTER", "managed")
JOBS_BUCKET: Final = os.environ.get("SLUICEWAY_JOBS_BUCKET", f"sluiceway-{STAGE}-jobs")
DATA_BUCKET: Final = os.environ.get("SLUICEWAY_DATA_BUCKET", f"sluiceway-{STAGE}-data")
AIRFLOW_QUEUE: Final = os.environ.get("SLUICEWAY_AIRFLOW_QUEUE")
REPORTS: Final = os.environ.get("SLUICEWAY_REPORTS", f"s3://{DATA_BUCKET}/reports")

FLIGHT_DELAYS_JAR: Final = Jar(f"s3://{JOBS_BUCKET}/jars/flight-delays.jar")
FLIGHT_DELAYS_V2_JAR: Final = Jar(f"s3://{JOBS_BUCKET}/jars/flight-delays-v2.jar")
FLIGHTS: Final = f"s3://{DATA_BUCKET}/nycflights13"
