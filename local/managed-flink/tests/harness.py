"""A double in this process, and boto3 as its caller."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from botocore.validate import ParamValidator

from managed_flink.api_model import ApiModel
from managed_flink.code import CodeStore
from managed_flink.faults import Faults
from managed_flink.flink import Flink
from managed_flink.lifecycle import RESTARTS_WITHOUT_END, Lifecycle, Pace
from managed_flink.server import Api, Control, serve
from managed_flink.service import Quotas, Service
from managed_flink.state import Store

ROLE = "arn:aws:iam::000000000000:role/flink"
# What the model names for no operation, or what says that the double doesn't do something.
EVERYWHERE = {
    "ServiceUnavailableException",
    "ThrottlingException",
    "UnsupportedOperationException",
    "ValidationException",
}
# The model has no error for the snapshots of an application that isn't there.
SURPRISES = {"ListApplicationSnapshots": {"ResourceNotFoundException"}}
QUICK = Pace(passing=0, poll=0.01, start_limit=2, snapshot_limit=2)


@dataclass
class Double:
    """A double that serves, with a client of its API.

    patience: how long an operation may take, in seconds
    """

    url: str
    client: Any
    lifecycle: Lifecycle
    directory: Path
    patience: float

    def create(self, name: str = "app", *, key: str = "job.jar", **more: Any) -> Any:
        """Creates an application with snapshots, from code in the bucket."""
        configuration = code(key) | more.pop("configuration", {})
        request = {
            "ApplicationName": name,
            "RuntimeEnvironment": "FLINK-2_3",
            "ServiceExecutionRole": ROLE,
            "ApplicationConfiguration": configuration,
        }
        return self.client.create_application(**(request | more))["ApplicationDetail"]

    def start(self, name: str = "app", **run: Any) -> Any:
        """Starts an application and waits for the end of that; answers the operation."""
        answer = self.client.start_application(ApplicationName=name, RunConfiguration=run)
        return self.ended(name, answer["OperationId"])

    def running(self, name: str = "app", **more: Any) -> Any:
        """Creates an application and starts it; answers what Describe tells then."""
        self.create(name, **more)
        assert self.start(name)["OperationStatus"] == "SUCCESSFUL"
        return self.describe(name)

    def update(self, name: str = "app", **more: Any) -> Any:
        """Updates an application's current version."""
        version = self.describe(name)["ApplicationVersionId"]
        return self.client.update_application(
            **{"ApplicationName": name, "CurrentApplicationVersionId": version} | more
        )

    def describe(self, name: str = "app") -> Any:
        return self.client.describe_application(ApplicationName=name)["ApplicationDetail"]

    def status(self, name: str = "app") -> str:
        return str(self.describe(name)["ApplicationStatus"])

    def operation(self, name: str, operation_id: str) -> Any:
        answer = self.client.describe_application_operation(ApplicationName=name, OperationId=operation_id)
        return answer["ApplicationOperationInfoDetails"]

    def ended(self, name: str, operation_id: str) -> Any:
        """The operation, once it is no longer in progress."""
        await_that(lambda: self.operation(name, operation_id)["OperationStatus"] != "IN_PROGRESS", self.patience)
        return self.operation(name, operation_id)

    def snapshots(self, name: str = "app") -> list[Any]:
        return list(self.client.list_application_snapshots(ApplicationName=name)["SnapshotSummaries"])

    def fault(self, kind: str, **more: Any) -> str:
        """Asks for a fault, and answers its id."""
        response = httpx.post(f"{self.url}/_double/faults", json={"kind": kind, **more}, trust_env=False)
        assert response.status_code == httpx.codes.OK, response.text
        return str(response.json()["id"])

    def mend(self, fault_id: str) -> None:
        """Takes a fault back."""
        httpx.delete(f"{self.url}/_double/faults/{fault_id}", trust_env=False).raise_for_status()

    def control(self, path: str, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/_double/{path}", json=body, trust_env=False)


def code(key: str = "job.jar", version: str | None = None) -> dict[str, Any]:
    """An ApplicationConfiguration that names code alone."""
    location = {"BucketARN": "arn:aws:s3:::code", "FileKey": key}
    if version is not None:
        location["ObjectVersion"] = version
    return {
        "ApplicationCodeConfiguration": {
            "CodeContentType": "ZIPFILE",
            "CodeContent": {"S3ContentLocation": location},
        }
    }


def code_update(key: str) -> dict[str, Any]:
    """An ApplicationConfigurationUpdate to other code."""
    location = {"FileKeyUpdate": key}
    return {"ApplicationCodeConfigurationUpdate": {"CodeContentUpdate": {"S3ContentLocationUpdate": location}}}


@contextmanager
def served(server: ThreadingHTTPServer) -> Iterator[str]:
    """A server that answers, and its address."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def double(
    flink_url: str,
    directory: Path,
    *,
    s3_url: str | None = None,
    snapshots: str = "file:///snapshots",
    pace: Pace = QUICK,
    quotas: Quotas | None = None,
    operations_lag: float = 0,
    patience: float = 20,
    **options: bool,
) -> Iterator[Double]:
    """A double over a Flink; its state is in the directory."""
    faults = Faults()
    store = CodeStore(s3_url or flink_url, "us-east-1")
    lifecycle = Lifecycle(
        Flink(flink_url),
        store,
        faults,
        Store(directory / "state"),
        snapshots=snapshots,
        properties_file=directory / "application_properties.json",
        flink_settings=RESTARTS_WITHOUT_END,
        pace=pace,
        **options,
    )
    service = Service(
        lifecycle,
        store,
        quotas=quotas or Quotas(),
        region="us-east-1",
        account="000000000000",
        operations_lag=operations_lag,
    )
    server = serve(0, Api(ApiModel(), service, faults), Control(lifecycle, faults), service)
    threading.Thread(target=lifecycle.watch, daemon=True).start()
    with served(server) as url:
        yield Double(url, client(url), lifecycle, directory, patience)
    lifecycle.end()


def client(url: str) -> Any:
    """A client that checks what it sends and gets against the service's model, and never tries twice."""
    config = Config(
        retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=20, proxies={}, max_pool_connections=4
    )
    made: Any = boto3.client("kinesisanalyticsv2", endpoint_url=url, region_name="us-east-1", config=config)

    def check(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if "Error" in parsed:
            named = {shape.name for shape in model.error_shapes} | EVERYWHERE
            assert parsed["Error"]["Code"] in named | SURPRISES.get(model.name, set())
        elif model.output_shape is not None:
            answer = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
            report = ParamValidator().validate(answer, model.output_shape)
            assert not report.has_errors(), report.generate_report()

    made.meta.events.register("after-call.kinesis-analytics-v2.*", check)
    return made


def await_that(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Waits until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it didn't come true in time"
        time.sleep(0.01)
