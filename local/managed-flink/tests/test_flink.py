"""What the double makes of Flink's answers that a real Flink gives only in passing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from managed_flink.flink import Flink, FlinkError


class StaleFlink(BaseHTTPRequestHandler):
    """Tells of a job as it was some seconds ago, when it ran, and refuses to cancel it with the status of its path."""

    def do_GET(self) -> None:
        self._answer(200, {"state": "RUNNING", "vertices": []})

    def do_PATCH(self) -> None:
        self._answer(int(self.path.split("/")[2].split("?")[0]), {"errors": ["Job cancellation failed."]})

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def flink() -> Iterator[Flink]:
    server = HTTPServer(("127.0.0.1", 0), StaleFlink)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Flink(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


def test_cancel_job_that_has_ended_meanwhile_does_nothing(flink: Flink) -> None:
    flink.cancel("409")


def test_cancel_refused_otherwise_is_an_error(flink: Flink) -> None:
    with pytest.raises(FlinkError, match="Job cancellation failed"):
        flink.cancel("500")
