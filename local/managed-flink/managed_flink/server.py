"""The double's door: the API by AWS JSON 1.1 at /, and what steers the double below /_double/."""

from __future__ import annotations

import dataclasses
import json
import logging
import socket
import time
import uuid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from managed_flink.api_model import ApiModel, violation_message
from managed_flink.configuration import Json
from managed_flink.errors import ApiError, ErrorCode
from managed_flink.faults import Fault, FaultKind, Faults
from managed_flink.flink import FlinkError
from managed_flink.lifecycle import Lifecycle
from managed_flink.service import Service
from managed_flink.state import Application, Status

LOG = logging.getLogger(__name__)

_JSON = "application/x-amz-json-1.1"
_MAX_BODY = 100 * 1024 * 1024


class Api:
    """Answers requests of the API: checks them, lets faults hit them, and checks the answers."""

    def __init__(self, model: ApiModel, service: Service, faults: Faults) -> None:
        self._model = model
        self._service = service
        self._faults = faults

    def answer(self, target: str, body: bytes) -> tuple[int, Json] | None:
        """The status and the body of an answer; None when a fault lets the connection break."""
        prefix, _, operation = target.partition(".")
        try:
            if prefix != self._model.target_prefix or operation not in self._model.operations:
                raise ApiError(ErrorCode.UNKNOWN_OPERATION, f"There is no operation {target!r}.")
            request = _parse(body)
            return self._answer(operation, request)
        except ApiError as error:
            return error.code.http_status, {"__type": error.code, "message": error.message}
        except Exception as error:
            LOG.exception("%s failed", target)
            return 500, {"__type": ErrorCode.INTERNAL_FAILURE, "message": f"The double is at fault: {error}"}

    def _answer(self, operation: str, request: Json) -> tuple[int, Json] | None:
        name = request.get("ApplicationName")
        application = name if isinstance(name, str) else None
        if slow := self._faults.take(FaultKind.SLOW, application, operation):
            time.sleep(slow.seconds)
        if self._faults.take(FaultKind.LOSE_REQUEST, application, operation):
            return None
        if refused := self._faults.take(FaultKind.REFUSE, application, operation):
            raise ApiError(refused.error, refused.message)
        if wrong := self._model.request_violations(operation, request):
            raise ApiError(ErrorCode.VALIDATION, violation_message(wrong))
        answer = self._service.call(operation, request)
        if wrong := self._model.answer_violations(operation, answer):
            raise ApiError(ErrorCode.INTERNAL_FAILURE, f"The double's answer is wrong: {violation_message(wrong)}")
        if self._faults.take(FaultKind.LOSE_ANSWER, application, operation):
            return None
        return 200, answer


class Control:
    """What tests and people do to the double beside its API."""

    def __init__(self, lifecycle: Lifecycle, faults: Faults) -> None:
        self._lifecycle = lifecycle
        self._faults = faults

    def answer(self, method: str, path: list[str], body: bytes) -> tuple[int, Any]:
        """The status and the body of an answer."""
        try:
            return 200, self._do(method, path, body)
        except LookupError as error:
            return 404, {"error": str(error.args[0])}
        except (ApiError, FlinkError, ValueError, TypeError) as error:
            return 400, {"error": str(error)}

    def _do(self, method: str, path: list[str], body: bytes) -> object:
        answer: object
        match method, path:
            case "GET", ["health"]:
                answer = {"flink": self._lifecycle.flink.version()}
            case "GET", ["faults"]:
                answer = [dataclasses.asdict(fault) for fault in self._faults.all()]
            case "POST", ["faults"]:
                fault = Fault.of(_parse(body))
                self._faults.add(fault)
                answer = dataclasses.asdict(fault)
            case "DELETE", ["faults", *ids] if len(ids) <= 1:
                answer = {"removed": self._faults.remove(ids[0] if ids else None)}
            case "GET", ["applications", name]:
                with self._lifecycle.lock:
                    answer = dataclasses.asdict(self._application(name))
            case "POST", ["applications", name, "maintenance"]:
                with self._lifecycle.lock:
                    application = self._application(name, Status.READY, Status.RUNNING)
                    answer = {"OperationId": self._lifecycle.maintain(application).id}
            case "POST", ["applications", name, "autoscaling"]:
                parallelism = _parse(body).get("parallelism")
                if not isinstance(parallelism, int) or parallelism < 1:
                    raise ValueError('Say which parallelism: {"parallelism": 2}.')
                with self._lifecycle.lock:
                    application = self._application(name, Status.RUNNING)
                    answer = {"OperationId": self._lifecycle.scale(application, parallelism).id}
            case _:
                raise LookupError(f"There is no {method} /_double/{'/'.join(path)}.")
        return answer

    def _application(self, name: str, *allowed: Status) -> Application:
        application = self._lifecycle.applications.get(name)
        if application is None:
            raise LookupError(f"There is no application {name}.")
        if allowed and application.status not in allowed:
            raise ValueError(f"Application {name} is {application.status}.")
        return application


def serve(port: int, api: Api, control: Control, service: Service) -> ThreadingHTTPServer:
    """A server on 127.0.0.1 that is ready for serve_forever(); port 0 is any that is free."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self._body()
            if body is None:
                return
            if "Origin" in self.headers:
                # Programs don't send it: it is a page in a browser on this machine.
                self._send_json(403, {"error": "No page may steer this."}, "application/json")
                return
            path = _control_path(self.path)
            if path is not None:
                self._send_json(*control.answer("POST", path, body), "application/json")
                return
            answer = api.answer(self.headers.get("X-Amz-Target", ""), body)
            if answer is None:
                self._break_off()
            else:
                self._send_json(*answer, _JSON)

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            path = _control_path(url.path)
            if path is not None:
                self._send_json(*control.answer("GET", path, b""), "application/json")
            elif url.path == "/flinkdashboard":
                self._redirect(service.open_dashboard(parse_qs(url.query).get("authToken", [""])[0]))
            else:
                self._send_json(404, {"error": "POST requests of the API to /."}, "application/json")

        def do_DELETE(self) -> None:
            path = _control_path(self.path)
            if path is None:
                self._send_json(404, {"error": "There is nothing to delete here."}, "application/json")
            else:
                self._send_json(*control.answer("DELETE", path, b""), "application/json")

        def _body(self) -> bytes | None:
            length = self.headers.get("Content-Length", "0")
            if not length.isdecimal() or int(length) > _MAX_BODY:
                self._send_json(413, {"error": "The body has no length, or is too long."}, "application/json")
                self.close_connection = True
                return None
            return self.rfile.read(int(length))

        def _send_json(self, status: int, body: object, content_type: str) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
            self.end_headers()
            self.wfile.write(content)

        def _redirect(self, location: str | None) -> None:
            if location is None:
                self._send_json(403, {"error": "This URL isn't valid any more."}, "application/json")
                return
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _break_off(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002
            # The path of a presigned URL is a secret.
            LOG.debug("%s %s", self.command, self.headers.get("X-Amz-Target", ""))

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    return server


def _control_path(path: str) -> list[str] | None:
    parts = path.strip("/").split("/")
    return parts[1:] if parts[0] == "_double" else None


def _parse(body: bytes) -> Json:
    try:
        value = json.loads(body or b"{}")
    except ValueError as error:
        raise ApiError(ErrorCode.SERIALIZATION, f"The body isn't JSON: {error}") from error
    if not isinstance(value, dict):
        raise ApiError(ErrorCode.SERIALIZATION, "The body isn't a JSON object.")
    return value
