"""What the service tells CloudWatch of its applications."""

from __future__ import annotations

import datetime
import logging
import threading
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from managed_flink.flink import FlinkError
from managed_flink.lifecycle import Lifecycle

LOG = logging.getLogger(__name__)

NAMESPACE = "AWS/KinesisAnalytics"

# What Flink itself measures of the service's metrics of the level APPLICATION, by the same names. The service has no
# fullRestarts any more from Flink 2.2 on.
_UNITS = {
    "numRestarts": "Count",
    "numberOfFailedCheckpoints": "Count",
    "lastCheckpointDuration": "Milliseconds",
    "lastCheckpointSize": "Bytes",
    "uptime": "Milliseconds",
    "downtime": "Milliseconds",
    "runningTime": "Milliseconds",
    "restartingTime": "Milliseconds",
    "cancellingTime": "Milliseconds",
    "failingTime": "Milliseconds",
}


class Metrics:
    """Puts each application's metrics into CloudWatch, or what plays it, once in each period."""

    def __init__(self, lifecycle: Lifecycle, endpoint: str, region: str, period: float) -> None:
        self._lifecycle = lifecycle
        self._period = period
        self._ended = threading.Event()
        config = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2, "mode": "standard"})
        self._client: Any = boto3.client("cloudwatch", endpoint_url=endpoint, region_name=region, config=config)

    def run(self) -> None:
        """Goes on until end() is called."""
        while not self._ended.wait(self._period):
            self.put()

    def end(self) -> None:
        self._ended.set()

    def put(self) -> None:
        """Puts the metrics of all jobs of now."""
        with self._lifecycle.lock:
            jobs = {application.name: application.job_id for application in self._lifecycle.applications.values()}
        for name, job_id in jobs.items():
            if job_id is not None:
                try:
                    self._put(name, job_id)
                except (FlinkError, ClientError, BotoCoreError) as error:
                    LOG.warning("The metrics of %s are lost: %s", name, error)

    def _put(self, name: str, job_id: str) -> None:
        values = self._lifecycle.flink.metrics(job_id, tuple(_UNITS))
        now = datetime.datetime.now(datetime.UTC)
        data = [
            {
                "MetricName": metric,
                "Dimensions": [{"Name": "Application", "Value": name}],
                "Timestamp": now,
                "Value": value,
                "Unit": _UNITS[metric],
            }
            for metric, value in values.items()
        ]
        if data:
            self._client.put_metric_data(Namespace=NAMESPACE, MetricData=data)
