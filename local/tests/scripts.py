"""Small programs that stand for parts of the stack; each prints `up` when it does what it is for."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"

# Starts a child, and another one in a session of its own.
PARENT = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {SLEEPER!r}])
subprocess.Popen([sys.executable, "-c", {SLEEPER!r}], start_new_session=True)
time.sleep(600)
"""

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    do_HEAD = do_GET
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""

# The server is a child in a session of its own.
FORKING_SERVER = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {SERVER!r}, sys.argv[1]], start_new_session=True)
time.sleep(600)
"""


def command(script: str, *arguments: str) -> tuple[str, ...]:
    """What runs such a program."""
    return (sys.executable, "-c", script, *arguments)


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Waits until the condition holds; fails if it doesn't in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition didn't come to hold in time"
        time.sleep(0.02)


def unused_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port


def says_up(log: Path, times: int = 1) -> Callable[[], bool]:
    """Whether the programs that write to this log have said `up` that often."""
    return lambda: log.exists() and log.read_text().count("up") >= times


@contextmanager
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that doesn't belong to any stack."""
    process = subprocess.Popen(command(SLEEPER), stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
