"""An AWS of three services, behind real HTTP: Lambda, whose functions are Python here, an S3, and an SQS.

Requests and answers of Sluiceway's functions are held against the JSON Schemas of the contract.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
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
    :param messages: the bodies of the messages that wait in the one queue
    """

    schemas: Path
    functions: dict[str, Callable[[Json], Json]] = field(default_factory=dict)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.body()
                if (action := self.headers.get("X-Amz-Target")) is not None:
                    answer = fake.queue(action, json.loads(body))
                    self.answer(200, json.dumps(answer).encode(), {"Content-Type": "application/x-amz-json-1.0"})
                    return
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
        function = lambda_name.removeprefix("sluiceway-local-").removesuffix(":live")
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

    def queue(self, action: str, request: Json) -> Json:
        """Be the queue; a message that is received is gone for others."""
        match action:
            case "AmazonSQS.ReceiveMessage":
                count = request.get("MaxNumberOfMessages", 1)
                taken, self.messages = self.messages[:count], self.messages[count:]
                if not taken:
                    # As long polling does, if shorter.
                    time.sleep(0.2)
                return {
                    "Messages": [
                        {
                            "MessageId": f"m{n}",
                            "ReceiptHandle": f"r{n}",
                            "Body": body,
                            "MD5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
                        }
                        for n, body in enumerate(taken)
                    ]
                }
            case "AmazonSQS.DeleteMessageBatch":
                return {"Successful": [{"Id": entry["Id"]} for entry in request["Entries"]], "Failed": []}
            case _:
                raise AssertionError(action)

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
    """A cluster and a ledger behind the functions. A job and an operation need one observation each to get on.

    :param aws: where the functions are
    :param on_finished: what a bounded job does when it finishes
    :param fails_with: the root cause with which every job fails, if any
    :param jobs: what the cluster shows, by Flink job id
    :param attempts: what the ledger knows besides, by Flink job id
    :param requests: which try of each submission counts, and what it asked for, by request id
    :param asked: the operations of other requests, by request id
    :param upgrades_end: how upgrades end; one that is ``FAILED`` leaves the new version running
    :param managed: whether it is a Managed Flink: it shows a job's newest execution only, by its application's name,
        and no checkpoints
    """

    aws: FakeAws
    on_finished: Callable[[Json], None] = lambda job: None
    fails_with: str | None = None
    jobs: dict[str, Json] = field(default_factory=dict)
    attempts: dict[str, Json] = field(default_factory=dict)
    requests: dict[str, Json] = field(default_factory=dict)
    operations: dict[str, Json] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    upgrades_end: str = "UPGRADED"
    managed: bool = False

    def __post_init__(self) -> None:
        self.aws.functions = {
            "submit-job": self.submit,
            "job-status": self.status,
            "take-savepoint": lambda request: self.trigger("TAKE_SAVEPOINT", request),
            "stop-job": self.stop,
            "upgrade-job": self.upgrade,
            "list-jobs": lambda request: {"outcome": "OBSERVED", "jobs": self._listed()},
        }

    def _listed(self) -> list[Json]:
        if not self.managed:
            return list(self.jobs.values())
        newest = {job["name"]: job for job in self.jobs.values()}
        return [{**job, "name": f"sluiceway-local-{name}"} for name, job in newest.items()]

    def submit(self, request: Json) -> Json:
        """Start once per request; what a higher try means is for the state of the attempt before to say."""
        known = self.requests.get(request["requestId"])
        if known is not None:
            if request["try"] < known["try"]:
                return refuse(request, "STALE_TRY")
            higher = request["try"] > known["try"]
            if request["job"] != known["job"]:
                return refuse(request, "REQUEST_CONFLICT")
            known["try"] = request["try"]
            state = self.jobs[known["flinkJobId"]]["state"]
            if not higher or state == "FINISHED":
                return self._submitted("REPLAYED", known["flinkJobId"])
            if state not in ("FAILED", "CANCELED"):
                return self._adopt(request, known["flinkJobId"])
        living = self._living(request["job"])
        if living is not None:
            if self.attempts[living]["spec"] != request["job"]:
                return refuse(request, "JOB_ALREADY_RUNNING")
            return self._adopt(request, living)
        return self._start(request, attempt=1 if known is None else known["attempt"] + 1)

    def _start(self, request: Json, attempt: int) -> Json:
        spec = request["job"]
        flink_job_id = f"{len(self.jobs) + 1:032x}"
        restore = spec.get("restore", {"mode": "LATEST" if spec["kind"] == "STREAM" else "NONE"})
        latest = self._latest_savepoint(spec) if restore["mode"] == "LATEST" else None
        restored_from = restore.get("path", latest)
        self.requests[request["requestId"]] = {
            "try": request["try"],
            "job": spec,
            "attempt": attempt,
            "flinkJobId": flink_job_id,
        }
        self.attempts[flink_job_id] = {
            "spec": spec,
            "ledger": {
                "kind": spec["kind"],
                "attempt": attempt,
                "attemptState": "SUBMITTED",
                "owner": {"requestId": request["requestId"], "try": request["try"]},
                "version": {"jar": spec["jar"]["uri"]},
                "links": {"flinkUi": f"http://127.0.0.1:8381/#/job/{flink_job_id}"},
            }
            | ({} if restored_from is None else {"restoredFrom": restored_from}),
        }
        self.add_job(spec["name"], flink_job_id, spec["cluster"])
        return self._submitted("STARTED", flink_job_id)

    def add_job(self, name: str, flink_job_id: str, cluster: str = "local") -> Json:
        """Put a job on the cluster, behind the functions' back unless they do it."""
        self.jobs[flink_job_id] = {
            "cluster": cluster,
            "name": name,
            "flinkJobId": flink_job_id,
            "state": "INITIALIZING",
            "terminal": False,
            "startedAt": "2013-01-06T05:00:01Z",
            "tasks": {},
        }
        return self.jobs[flink_job_id]

    def _living(self, spec: Json) -> str | None:
        if spec["kind"] == "RUN":
            return None
        of_name = (id_ for id_, attempt in self.attempts.items() if attempt["spec"]["name"] == spec["name"])
        return next((id_ for id_ in of_name if not self.jobs[id_]["terminal"]), None)

    def _latest_savepoint(self, spec: Json) -> str | None:
        of_name = (operation for operation in self.operations.values() if operation["jobName"] == spec["name"])
        return next((o["savepointPath"] for o in reversed(list(of_name)) if "savepointPath" in o), None)

    def _adopt(self, request: Json, flink_job_id: str) -> Json:
        self.requests[request["requestId"]] = {
            "try": request["try"],
            "job": request["job"],
            "attempt": self.attempts[flink_job_id]["ledger"]["attempt"],
            "flinkJobId": flink_job_id,
        }
        self.attempts[flink_job_id]["ledger"]["owner"] = {"requestId": request["requestId"], "try": request["try"]}
        return self._submitted("ADOPTED", flink_job_id)

    def _submitted(self, outcome: str, flink_job_id: str) -> Json:
        job = self.jobs[flink_job_id]
        seen = {key: value for key, value in job.items() if key not in ("tasks", "duration", "startedAt", "endedAt")}
        operation = {
            "operationId": f"{int(flink_job_id, 16) + 2**64:032x}",
            "type": "SUBMIT_JOB",
            "state": "COMPLETED",
            "terminal": True,
            "cluster": job["cluster"],
            "jobName": job["name"],
            "flinkJobId": flink_job_id,
            "createdAt": "2013-01-06T05:00:00Z",
        }
        ledger = self.attempts[flink_job_id]["ledger"]
        return {"outcome": outcome, "job": {**seen, **ledger}, "operation": operation}

    def status(self, request: Json) -> Json:
        if "operationId" in request:
            operation = self.operations[request["operationId"]]
            seen = dict(operation)
            if not operation["terminal"]:
                self._advance_operation(operation)
            return {"outcome": "OBSERVED", "operation": seen, "job": self._observed(operation["flinkJobId"])}
        flink_job_id = self._named(request)
        answer = {"outcome": "OBSERVED", "job": self._observed(flink_job_id)}
        self._advance(flink_job_id)
        return answer

    def _named(self, request: Json) -> str:
        if "flinkJobId" in request:
            return str(request["flinkJobId"])
        of_name = [id_ for id_, attempt in self.attempts.items() if attempt["spec"]["name"] == request["jobName"]]
        return next((id_ for id_ in of_name if not self.jobs[id_]["terminal"]), of_name[-1])

    def _advance_operation(self, operation: Json) -> None:
        operation["endedAt"] = "2013-01-06T05:00:09Z"
        if operation["type"] == "UPGRADE_JOB":
            self._end_upgrade(operation)
            return
        operation |= {"state": "COMPLETED", "terminal": True}
        if operation["type"] != "CANCEL":
            operation["savepointPath"] = f"s3://sluiceway-local-data/savepoints/{operation['operationId']}"

    def _end_upgrade(self, operation: Json) -> None:
        upgrade = operation["upgrade"] = {**operation["upgrade"], "ending": self.upgrades_end}
        operation |= {"state": "COMPLETED", "terminal": True}
        if self.upgrades_end != "UPGRADED":
            why = "It is UNHEALTHY: It failed 3 times."
            operation |= {"state": "FAILED", "failure": f"{why} That is how it ended."}
            upgrade["reason"] = why
        if self.upgrades_end == "ROLLED_BACK":
            self.jobs[upgrade["newFlinkJobId"]] |= _ended("CANCELED")
            old = self.attempts[operation["flinkJobId"]]
            back = self._start({**old["ledger"]["owner"], "job": old["spec"]}, attempt=1)["job"]["flinkJobId"]
            upgrade |= {"step": "JUDGING_RETURN", "returnedFlinkJobId": back}
            self._go_on(back, operation["savepointPath"])

    def upgrade(self, request: Json) -> Json:
        """Stop the old version and start the new one; the first question after that tells how it ended."""
        spec = request["job"]
        if request["requestId"] not in self.asked and self._living(spec) is None:
            return refuse(request, "JOB_NOT_RUNNING")
        answer = self.trigger("UPGRADE_JOB", {**request, "flinkJobId": self._named({"jobName": spec["name"]})})
        if answer["outcome"] != "STARTED":
            return answer
        operation = self.operations[answer["operation"]["operationId"]]
        if self.attempts[operation["flinkJobId"]]["spec"]["jar"] == spec["jar"]:
            unchanged = {"mode": "SAVEPOINT", "rollbackAfterCommit": "REFUSE", "step": "STOPPING", "ending": "UPGRADED"}
            operation |= {"state": "COMPLETED", "terminal": True, "upgrade": unchanged}
            operation["endedAt"] = operation["createdAt"]
            return {"outcome": "UNCHANGED", "operation": dict(operation)}
        self.jobs[operation["flinkJobId"]] |= _ended("FINISHED")
        path = f"s3://sluiceway-local-data/savepoints/{operation['operationId']}"
        new = self._start(request, attempt=1)["job"]["flinkJobId"]
        self._go_on(new, path)
        operation |= {
            "savepointPath": path,
            "upgrade": {
                "mode": request["mode"],
                "rollbackAfterCommit": request["rollbackAfterCommit"],
                "step": "JUDGING",
                "newFlinkJobId": new,
            },
        }
        return {"outcome": "STARTED", "operation": dict(operation)}

    def _go_on(self, flink_job_id: str, savepoint: str) -> None:
        self.attempts[flink_job_id]["ledger"]["restoredFrom"] = savepoint
        self.attempts[flink_job_id]["observed"] = {
            "health": {"state": "STABLE", "runningSince": "2013-01-06T05:00:13.5Z", "reasons": []}
        }
        self.jobs[flink_job_id] |= {"state": "RUNNING", "tasks": {"RUNNING": 3}}

    def _observed(self, flink_job_id: str) -> Json:
        attempt = self.attempts[flink_job_id]
        job = {**self.jobs[flink_job_id], **attempt.get("observed", {}), **attempt["ledger"]}
        return {**job, "attemptState": job["state"]} if job["terminal"] else job

    def stop(self, request: Json) -> Json:
        mode = request.get("mode", "SAVEPOINT")
        flink_job_id = self._named(request)
        request = {**request, "flinkJobId": flink_job_id}
        if request["requestId"] in self.asked:
            return self.trigger(mode, request)
        if "owner" in request and request["owner"] != self.attempts[flink_job_id]["ledger"]["owner"]:
            return refuse(request, "STALE_OWNER")
        job = self.jobs[flink_job_id]
        if job["terminal"]:
            assert mode == "CANCEL"
            answer = self.trigger(mode, request)
            answer["outcome"] = "REPLAYED"
            return answer
        job |= _ended("CANCELED" if mode == "CANCEL" else "FINISHED")
        return self.trigger("CANCEL" if mode == "CANCEL" else "STOP_WITH_SAVEPOINT", request)

    def trigger(self, operation_type: str, request: Json) -> Json:
        """Start an operation, once per request; a higher try adopts it."""
        known = self.operations.get(self.asked.get(request["requestId"], ""))
        if known is not None:
            return {"outcome": "REPLAYED" if known["terminal"] else "ADOPTED", "operation": dict(known)}
        operation_id = f"{len(self.operations) + 2**32:032x}"
        self.asked[request["requestId"]] = operation_id
        self.operations[operation_id] = {
            "operationId": operation_id,
            "type": operation_type,
            "state": "IN_PROGRESS",
            "terminal": False,
            "cluster": self.jobs[request["flinkJobId"]]["cluster"],
            "jobName": self.jobs[request["flinkJobId"]]["name"],
            "flinkJobId": request["flinkJobId"],
            "createdAt": "2013-01-06T05:00:05Z",
        }
        return {"outcome": "STARTED", "operation": dict(self.operations[operation_id])}

    def _advance(self, flink_job_id: str) -> None:
        job = self.jobs[flink_job_id]
        if job["terminal"]:
            return
        if self.fails_with is not None:
            failure = {"message": "Recovery is suppressed", "rootCause": self.fails_with, "at": "2013-01-06T05:00:02Z"}
            job |= _ended("FAILED")
            self.attempts[flink_job_id]["observed"] = {"firstFailure": failure}
        elif self.attempts[flink_job_id]["ledger"]["kind"] == "RUN":
            job |= _ended("FINISHED")
            self.on_finished(job)
        else:
            job |= {"state": "RUNNING", "tasks": {} if self.managed else {"RUNNING": 3}}
            if not self.managed:
                self.attempts[flink_job_id]["observed"] = {"checkpoints": {"completed": 1, "failed": 0}}


@dataclass
class FakeEvents:
    """A job's events behind ``list-events``.

    :param aws: where the function is
    :param events: as it lists them, in order
    :param page_size: how many it lists at most
    """

    aws: FakeAws
    events: list[Json]
    page_size: int = 100

    def __post_init__(self) -> None:
        self.aws.functions["list-events"] = self.answer

    def answer(self, request: Json) -> Json:
        numbered = {event["detail"]["metadata"]["sequence"]: event for event in self.events}
        behind = [number for number in sorted(numbered) if number > request.get("afterSequence", 0)]
        return {
            "outcome": "OBSERVED",
            "events": [numbered[number] for number in behind[: self.page_size]],
            "lastSequence": max(numbered, default=0),
            "more": len(behind) > self.page_size,
        }


def refuse(request: Json, code: str, retryable: bool = False) -> Json:
    """Refuse as the request wants to hear of it."""
    error = {"code": code, "message": "It isn't so.", "action": "Look again.", "retryable": retryable}
    refusal = {"outcome": "REFUSED", "error": error}
    if request.get("onRefusal") == "ANSWER":
        return refusal
    raise FunctionError(f"{code}: {json.dumps(refusal)}")


def _ended(state: str) -> Json:
    return {"state": state, "terminal": True, "endedAt": "2013-01-06T05:00:09.5Z", "duration": "PT8.5S"}
