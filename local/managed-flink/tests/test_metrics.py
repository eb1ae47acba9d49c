"""What the double tells CloudWatch, here one that keeps what it is told."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from managed_flink.metrics import Metrics
from tests.fakes import FakeCluster
from tests.harness import Double, served


class FakeCloudWatch:
    """Keeps the requests that it gets, each with the name of its operation, and takes all."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.url = ""


@pytest.fixture
def cloudwatch() -> Iterator[FakeCloudWatch]:
    fake = FakeCloudWatch()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fake.requests.append((self.headers.get("X-Amz-Target", self.path), body))
            self.send_response(200)
            self.send_header("smithy-protocol", "rpc-v2-cbor")
            self.send_header("Content-Type", "application/cbor")
            self.send_header("Content-Length", "1")
            self.end_headers()
            # An empty map.
            self.wfile.write(b"\xa0")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nobody reads it."""

    with served(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        fake.url = url
        yield fake


def test_put_running_application_tells_what_flink_measures(
    managed: Double, cluster: FakeCluster, cloudwatch: FakeCloudWatch
) -> None:
    managed.running("one")
    managed.create("ready")
    cluster.jobs[0].metrics = {"numRestarts": 3.0, "lastCheckpointDuration": 120.0, "numBytesIn": 9.0}

    Metrics(managed.lifecycle, cloudwatch.url, "us-east-1", period=60).put()

    [(operation, body)] = cloudwatch.requests
    assert operation.endswith("PutMetricData")
    for word in (b"AWS/KinesisAnalytics", b"Application", b"one", b"numRestarts", b"lastCheckpointDuration"):
        assert word in body
    assert b"ready" not in body
    assert b"numBytesIn" not in body


def test_put_nobody_listens_goes_on(managed: Double, cluster: FakeCluster, caplog: pytest.LogCaptureFixture) -> None:
    managed.running()
    cluster.jobs[0].metrics = {"numRestarts": 0.0}

    Metrics(managed.lifecycle, "http://127.0.0.1:1", "us-east-1", period=60).put()

    assert "The metrics of app are lost" in caplog.text
