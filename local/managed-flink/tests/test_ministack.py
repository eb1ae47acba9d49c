"""The double beside the AWS of the laptop: code in versions from its S3, metrics into its CloudWatch."""

import datetime
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from managed_flink.metrics import NAMESPACE, Metrics
from tests.fakes import FakeCluster
from tests.harness import await_that, code, double
from tests.real_flink import unused_ports

pytestmark = pytest.mark.slow


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[str]:
    """The address of a MiniStack of its own."""
    [port] = unused_ports(1)
    url = f"http://127.0.0.1:{port}"
    settings = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(tmp_path / "aws"),
        "S3_DATA_DIR": str(tmp_path / "s3"),
    }
    with (tmp_path / "aws.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env={**os.environ, **settings}, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        await_that(lambda: is_up(url), seconds=60)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/_ministack/health", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def test_code_by_version_from_its_s3_and_metrics_in_its_cloudwatch(
    aws: str, cluster: FakeCluster, cluster_url: str, tmp_path: Path
) -> None:
    def client(service: str) -> Any:
        return boto3.client(service, endpoint_url=aws, region_name="us-east-1")

    s3 = client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_bucket_versioning(Bucket="code", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="code", Key="job.jar", Body=b"RUNS")["VersionId"]
    s3.put_object(Bucket="code", Key="job.jar", Body=b"THROWS")

    with double(cluster_url, tmp_path, s3_url=aws) as managed:
        managed.running(configuration=code(version=first))
        cluster.jobs[0].metrics = {"numRestarts": 2.0}
        Metrics(managed.lifecycle, aws, "us-east-1", period=60).put()

    now = datetime.datetime.now(datetime.UTC)
    minute = datetime.timedelta(minutes=1)
    statistics = client("cloudwatch").get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName="numRestarts",
        Dimensions=[{"Name": "Application", "Value": "app"}],
        StartTime=now - 5 * minute,
        EndTime=now + minute,
        Period=60,
        Statistics=["Maximum"],
    )
    assert [point["Maximum"] for point in statistics["Datapoints"]] == [2.0]
