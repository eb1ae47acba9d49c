"""What the fast tests run the double against: Flink's REST interface and S3, as far as the double uses them."""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BUCKET = "code"
STACK_TRACE = (
    "org.apache.flink.runtime.rest.handler.RestHandlerException: Could not execute application.\n"
    "\tat org.apache.flink.runtime.webmonitor.handlers.JarRunHandler\n"
    "Caused by: java.lang.IllegalStateException: main() has no idea.\n\t... 3 more"
)


@dataclass
class FakeJob:
    """A job of the fake Flink; tests set its state and metrics."""

    id: str
    jar: bytes
    run: dict[str, Any]
    state: str = "RUNNING"
    metrics: dict[str, float] = field(default_factory=dict)


class FakeCluster:
    """A Flink session cluster without Flink. What a jar does is its content: THROWS, FAILS, FINISHES, WAITS or RUNS."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.jars: dict[str, bytes] = {}
        self.jobs: list[FakeJob] = []
        self.savepoints: set[str] = set()
        self.saving: dict[str, tuple[FakeJob, str, bool]] = {}
        self.saves_fail = False
        self.saves_hang = False
        self.objects: dict[tuple[str, str | None], bytes] = {}

    @property
    def running(self) -> list[FakeJob]:
        return [job for job in self.jobs if job.state == "RUNNING"]

    def put(self, key: str, content: bytes, version: str | None = None) -> None:
        """Puts an object into the fake S3's bucket."""
        self.objects[key, version] = content
        self.objects[key, None] = content

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        with self.lock:
            return self._answer(method, path.strip("/").split("/"), query, body)

    def _answer(self, method: str, path: list[str], query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        result: tuple[int, Any]
        match method, path:
            case "GET", ["config"]:
                result = 200, {"flink-version": "2.3.0"}
            case "GET", ["code", *key]:
                content = self.objects.get(("/".join(key), query.get("versionId", [None])[0]))
                result = (404, b"<Error><Code>NoSuchKey</Code></Error>") if content is None else (200, content)
            case "POST", ["jars", "upload"]:
                name = f"{uuid.uuid4()}_application.jar"
                # The one part of a multipart body: between the empty line and the boundary's repetition.
                self.jars[name] = body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]
                result = 200, {"filename": f"/some/where/{name}", "status": "success"}
            case "POST", ["jars", name, "run"]:
                result = self._run(self.jars[name], json.loads(body))
            case "DELETE", ["jars", name]:
                result = (200, {}) if self.jars.pop(name, None) is not None else (404, {"errors": ["No jar."]})
            case "POST", ["savepoint-disposal"]:
                self.savepoints.discard(json.loads(body)["savepoint-path"])
                result = 202, {"request-id": "disposal"}
            case "GET", ["savepoint-disposal", _]:
                result = 200, {"status": {"id": "COMPLETED"}, "operation": {}}
            case _, ["jobs", job_id, *rest]:
                job = next((job for job in self.jobs if job.id == job_id), None)
                result = (404, {"errors": ["No job."]}) if job is None else self._job(method, job, rest, query, body)
            case _:
                result = 404, {"errors": [f"No {method} {path}."]}
        return result

    def _run(self, jar: bytes, run: dict[str, Any]) -> tuple[int, Any]:
        if jar == b"THROWS":
            return 400, {"errors": ["Internal server error.", STACK_TRACE]}
        state = {b"FAILS": "FAILED", b"FINISHES": "FINISHED"}.get(jar, "RUNNING")
        if run.get("savepointPath") is not None and run["savepointPath"] not in self.savepoints:
            state = "FAILED"
        self.jobs.append(FakeJob(uuid.uuid4().hex, jar, run, state))
        return 200, {"jobid": self.jobs[-1].id}

    def _job(
        self, method: str, job: FakeJob, path: list[str], query: dict[str, list[str]], body: bytes
    ) -> tuple[int, Any]:
        result: tuple[int, Any]
        match method, path:
            case "GET", []:
                waiting = 1 if job.jar == b"WAITS" else 0
                result = 200, {"state": job.state, "status-counts": {"SCHEDULED": waiting, "RUNNING": 1}}
            case "PATCH", []:
                job.state = "CANCELED"
                result = 202, {}
            case "GET", ["execution-result"]:
                result = 200, {"job-execution-result": {"failure-cause": {"stack-trace": STACK_TRACE}}}
            case "GET", ["plan"]:
                result = 200, {"plan": {"name": "the plan"}}
            case "GET", ["metrics"]:
                names = query["get"][0].split(",")
                found = [{"id": name, "value": str(value)} for name, value in job.metrics.items() if name in names]
                result = 200, found
            case "POST", ["savepoints"]:
                result = self._trigger(job, json.loads(body)["target-directory"], stops=False)
            case "POST", ["stop"]:
                result = self._trigger(job, json.loads(body)["targetDirectory"], stops=True)
            case "GET", ["savepoints", trigger]:
                result = self._saved(trigger)
            case _:
                result = 404, {"errors": [f"No {method} {path}."]}
        return result

    def _trigger(self, job: FakeJob, directory: str, *, stops: bool) -> tuple[int, Any]:
        trigger = uuid.uuid4().hex
        self.saving[trigger] = (job, f"{directory}/savepoint-{trigger[:6]}", stops)
        return 202, {"request-id": trigger}

    def _saved(self, trigger: str) -> tuple[int, Any]:
        job, path, stops = self.saving[trigger]
        if self.saves_fail or job.state != "RUNNING":
            failure = {"failure-cause": {"class": "CheckpointException", "stack-trace": "CheckpointException: no."}}
            return 200, {"status": {"id": "COMPLETED"}, "operation": failure}
        if self.saves_hang:
            return 200, {"status": {"id": "IN_PROGRESS"}}
        self.savepoints.add(path)
        if stops:
            job.state = "FINISHED"
        return 200, {"status": {"id": "COMPLETED"}, "operation": {"location": path}}


def serve_cluster(cluster: FakeCluster) -> ThreadingHTTPServer:
    """The fake's server, on any free port of 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = cluster.answer(self.command, url.path, parse_qs(url.query), body)
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nobody reads it."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)
