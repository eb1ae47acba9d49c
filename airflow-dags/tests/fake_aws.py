"""An AWS of two services, behind real HTTP: Lambda, whose functions are Python here, and an S3.

Requests and answers of Sluiceway's functions are held against the JSON Schemas of the contract.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from jsonschema import Draft202012Validator

Json = dict[str, Any]


class FunctionError(Exception):
    """What a function throws; Lambda reports it beside ``X-Amz-Function-Error``."""


@dataclass
class FakeAws:
    """The server.

    :param schemas: the directory of the contract's schemas
    :param functions: what each function does, by its verb and noun
    :param calls: every call that was received, in order: the function and its request
    :param objects: what S3 holds, by bucket and key
    """

    schemas: Path
    functions: dict[str, Callable[[Json], Json]] = field(default_factory=dict)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.body()
                path = urlsplit(self.path).path.split("/")
                assert path[1:3] == ["2015-03-31", "functions"], self.path
                payload, failed = fake.invoke(unquote(path[3]), body)
                self.answer(200, payload, {"X-Amz-Function-Error": "Unhandled"} if failed else {})

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                query = parse_qs(url.query)
                bucket, _, key = unquote(url.path).lstrip("/").partition("/")
                if "list-type" in query:
                    prefix = query.get("prefix", [""])[0]
                    self.answer(200, fake.listing(bucket, prefix, query.get("delimiter", [""])[0]), {})
                else:
                    data = fake.objects.get((bucket, key))
                    self.answer(404 if data is None else 200, data or b"", {"ETag": '"0"'})

            def do_PUT(self) -> None:
                bucket, _, key = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
                fake.objects[bucket, key] = self.body()
                self.answer(200, b"", {"ETag": '"0"'})

            def do_HEAD(self) -> None:
                self.do_GET()

            def body(self) -> bytes:
                return self.rfile.read(int(self.headers["Content-Length"]))

            def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def invoke(self, lambda_name: str, body: bytes) -> tuple[bytes, bool]:
        """Run a function; give its payload and whether it failed."""
        function = lambda_name.removeprefix("sluiceway-local-")
        request = json.loads(body)
        self._check(function, "request", request)
        self.calls.append((function, request))
        try:
            answer = self.functions[function](request)
        except FunctionError as error:
            return json.dumps({"errorMessage": str(error), "errorType": "ApplicationException"}).encode(), True
        self._check(function, "answer", answer)
        return json.dumps(answer).encode(), False

    def requests(self, function: str) -> list[Json]:
        """Give what one function was asked, in order."""
        return [request for called, request in self.calls if called == function]

    def listing(self, bucket: str, prefix: str, delimiter: str) -> bytes:
        """Answer ``ListObjectsV2``."""
        keys = [key for of, key in sorted(self.objects) if of == bucket and key.startswith(prefix)]
        if delimiter:
            keys = [key for key in keys if delimiter not in key.removeprefix(prefix)]
        written = "<LastModified>2013-01-17T05:00:09.000Z</LastModified><Size>1</Size>"
        contents = "".join(f"<Contents><Key>{escape(key)}</Key>{written}</Contents>" for key in keys)
        return (
            f"<ListBucketResult><Name>{bucket}</Name><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
        ).encode()

    def _check(self, function: str, kind: str, document: Json) -> None:
        schema = json.loads((self.schemas / f"{function}.{kind}.json").read_text())
        for error in Draft202012Validator(schema).iter_errors(document):
            self.problems.append(f"{function}.{kind}: {error.json_path}: {error.message}")


@dataclass
class FakeFlink:
    """A cluster behind the functions. A job and an operation need one observation each to get where they go.

    :param aws: where the functions are
    :param on_finished: what a bounded job does when it finishes
    :param fails_with: the root cause with which every job fails, if any
    """

    aws: FakeAws
    on_finished: Callable[[Json], None] = lambda job: None
    fails_with: str | None = None
    jobs: dict[str, Json] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    operations: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.aws.functions = {
            "submit-job": self.submit,
            "job-status": self.status,
            "take-savepoint": lambda request: self.trigger("TAKE_SAVEPOINT", request),
            "stop-job": self.stop,
            "list-jobs": lambda request: {
                "outcome": "OBSERVED",
                "jobs": [{k: v for k, v in job.items() if k in _OVERVIEW} for job in self.jobs.values()],
            },
        }

    def submit(self, request: Json) -> Json:
        spec = request["job"]
        flink_job_id = f"{len(self.jobs) + 1:032x}"
        self.kinds[flink_job_id] = spec["kind"]
        self.jobs[flink_job_id] = {
            "cluster": spec["cluster"],
            "name": spec["name"],
            "flinkJobId": flink_job_id,
            "state": "INITIALIZING",
            "terminal": False,
            "startedAt": "2013-01-06T05:00:01Z",
            "tasks": {},
            "links": {"flinkUi": f"http://127.0.0.1:8381/#/job/{flink_job_id}"},
        }
        return {
            "outcome": "STARTED",
            "job": {
                "cluster": spec["cluster"],
                "name": spec["name"],
                "kind": spec["kind"],
                "attempt": request["try"],
                "flinkJobId": flink_job_id,
                "state": "INITIALIZING",
                "links": {"flinkUi": f"http://127.0.0.1:8381/#/job/{flink_job_id}"},
            },
        }

    def status(self, request: Json) -> Json:
        if "operationId" in request:
            operation = dict(self.operations[request["operationId"]])
            self.operations[request["operationId"]] |= {"state": "COMPLETED", "terminal": True}
            if operation["type"] != "CANCEL":
                self.operations[request["operationId"]]["savepointPath"] = (
                    f"s3://sluiceway-local-data/savepoints/{operation['operationId']}"
                )
            return {"outcome": "OBSERVED", "operation": operation, "job": self.jobs[operation["flinkJobId"]]}
        job = self.jobs[request["flinkJobId"]]
        seen = dict(job)
        self._advance(job)
        return {"outcome": "OBSERVED", "job": seen}

    def stop(self, request: Json) -> Json:
        mode = request.get("mode", "SAVEPOINT")
        job = self.jobs[request["flinkJobId"]]
        if job["terminal"]:
            assert mode == "CANCEL"
            answer = self.trigger(mode, request)
            answer["outcome"] = "REPLAYED"
            return answer
        job |= _ended("CANCELED" if mode == "CANCEL" else "FINISHED")
        return self.trigger("CANCEL" if mode == "CANCEL" else "STOP_WITH_SAVEPOINT", request)

    def trigger(self, operation_type: str, request: Json) -> Json:
        operation_id = ".".join(
            (
                operation_type.lower().replace("_", "-"),
                request["cluster"],
                request["flinkJobId"],
                f"{len(self.operations):032x}",
            )
        )
        operation = {
            "operationId": operation_id,
            "type": operation_type,
            "state": "IN_PROGRESS",
            "terminal": False,
            "cluster": request["cluster"],
            "flinkJobId": request["flinkJobId"],
        }
        self.operations[operation_id] = operation
        return {"outcome": "STARTED", "operation": dict(operation)}

    def _advance(self, job: Json) -> None:
        if job["terminal"]:
            return
        if self.fails_with is not None:
            failure = {"message": "Recovery is suppressed", "rootCause": self.fails_with, "at": "2013-01-06T05:00:02Z"}
            job |= {**_ended("FAILED"), "firstFailure": failure}
        elif self.kinds[job["flinkJobId"]] == "RUN":
            job |= _ended("FINISHED")
            self.on_finished(job)
        else:
            job |= {"state": "RUNNING", "tasks": {"RUNNING": 3}, "checkpoints": {"completed": 1, "failed": 0}}


_OVERVIEW = {"cluster", "name", "flinkJobId", "state", "terminal", "startedAt", "endedAt", "duration", "tasks"}


def _ended(state: str) -> Json:
    return {"state": state, "terminal": True, "endedAt": "2013-01-06T05:00:09.5Z", "duration": "PT8.5S"}
