"""The laptop stack's Airflow and Flink, as tests reach them: by their REST APIs, and the triggerer by its processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import psutil

from conftest import ROOT
from sluiceway_airflow.answers import Answer

RUN = ROOT / "local" / "run"
ADDED_DAGS = RUN / "airflow" / "dags"

PATIENCE = 180.0
TRIES = 5

T = TypeVar("T")


def until(look: Callable[[], T], describe: Callable[[], object]) -> T:
    """Look again and again until there is something true to see."""
    end = time.monotonic() + PATIENCE
    while not (seen := look()):
        assert time.monotonic() < end, describe()
        time.sleep(0.3)
    return seen


class FlinkCluster:
    """What Flink itself tells."""

    def __init__(self) -> None:
        port = os.environ.get("SLUICEWAY_FLINK_PORT", "8381")
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)

    def states(self, name: str) -> dict[str, str]:
        """The states of all jobs of a name that were ever started, the first of them first, by their ids."""
        jobs = sorted(self._get("/jobs/overview")["jobs"], key=lambda job: job["start-time"])
        return {job["jid"]: job["state"] for job in jobs if job["name"] == name}

    def living(self, prefix: str) -> list[str]:
        """The jobs that live and whose names begin so."""
        ended = {"FINISHED", "CANCELED", "FAILED"}
        jobs = self._get("/jobs/overview")["jobs"]
        return [job["jid"] for job in jobs if job["name"].startswith(prefix) and job["state"] not in ended]

    def checkpoints(self, jid: str) -> int:
        """How many checkpoints a job has completed."""
        return int(self._get(f"/jobs/{jid}/checkpoints")["counts"]["completed"])

    def savepoints(self, jid: str) -> int:
        """How many savepoints a job has completed."""
        history = self._get(f"/jobs/{jid}/checkpoints")["history"]
        return sum(one["is_savepoint"] and one["status"] == "COMPLETED" for one in history)

    def await_savepoint(self, jid: str) -> None:
        """Wait until Flink tells of a savepoint: what it answers with can be some seconds old."""
        until(lambda: self.savepoints(jid) == 1, lambda: f"{jid} has {self.savepoints(jid)} savepoints")

    def stop(self, jid: str) -> None:
        """Have a job end as FINISHED, with a savepoint."""
        self._client.post(f"/jobs/{jid}/stop", json={"drain": False}).raise_for_status()

    def cancel(self, jid: str) -> None:
        # One that has ended meanwhile is as it has to be.
        with suppress(httpx.HTTPStatusError):
            self._client.patch(f"/jobs/{jid}", params={"mode": "cancel"}).raise_for_status()

    def await_states(self, name: str, *expected: str) -> list[str]:
        """Wait until the jobs of a name are in these states, the oldest first; give their ids."""

        def look() -> list[str]:
            jobs = self.states(name)
            return list(jobs) if tuple(jobs.values()) == expected else []

        return until(look, lambda: f"{name} is {self.states(name)}, and not {expected}")

    def await_progress(self, jid: str) -> None:
        """Wait until a job shows by further checkpoints that it goes on."""
        begin = self.checkpoints(jid)
        until(lambda: self.checkpoints(jid) >= begin + 2, lambda: f"{jid} completes no checkpoints")

    def _get(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = self._client.get(path).raise_for_status().json()
        return answer


@dataclass(frozen=True)
class Task:
    """A task of a run, by the API of the Airflow that runs it."""

    run: DagRun
    task_id: str

    def state(self) -> str | None:
        state: str | None = self._details()["state"]
        return state

    def try_number(self) -> int:
        return int(self._details()["try_number"])

    def max_tries(self) -> int:
        return int(self._details()["max_tries"])

    def log(self, try_number: int | None = None) -> str:
        """The log of a try, by default of the current one."""
        number = self.try_number() if try_number is None else try_number
        return self.run.airflow.text("GET", f"{self._path}/logs/{number}?full_content=true")

    def answer(self) -> Answer:
        value = self.run.airflow.send("GET", f"{self._path}/xcomEntries/return_value")["value"]
        return Answer.parse(value if isinstance(value, str) else json.dumps(value))

    def mark(self, state: str) -> None:
        self.run.airflow.send("PATCH", self._path, json={"new_state": state})

    def clear(self, *, downstream: bool = False) -> None:
        self.run.airflow.send(
            "POST",
            f"/dags/{self.run.dag_id}/clearTaskInstances",
            json={
                "dag_run_id": self.run.run_id,
                "task_ids": [self.task_id],
                "include_downstream": downstream,
                "only_failed": False,
                "dry_run": False,
            },
        )

    def await_state(self, state: str, try_number: int | None = None) -> None:
        until(
            lambda: self.state() == state and try_number in (None, self.try_number()),
            lambda: f"{self.task_id} is {self._details()}, and not {state}; its log: {self.log()}",
        )

    def await_log(self, text: str, times: int = 1, try_number: int | None = None) -> None:
        until(
            lambda: self.log(try_number).count(text) >= times,
            lambda: f"{self.task_id} is {self.state()} and doesn't say {text!r}: {self.log(try_number)}",
        )

    def await_wait(self, try_number: int = 1) -> None:
        """Wait until the triggerer has seen, on behalf of this task, that the job runs."""
        self.await_state("deferred", try_number)
        self.await_log("it is RUNNING")

    @property
    def _path(self) -> str:
        return f"/dags/{self.run.dag_id}/dagRuns/{self.run.run_id}/taskInstances/{self.task_id}"

    def _details(self) -> dict[str, Any]:
        return self.run.airflow.send("GET", self._path)


@dataclass(frozen=True)
class DagRun:
    """A run of a DAG."""

    airflow: RealAirflow
    dag_id: str
    run_id: str

    def task(self, task_id: str) -> Task:
        return Task(self, task_id)

    def state(self) -> str:
        return str(self.airflow.send("GET", self._path)["state"])

    def mark(self, state: str) -> None:
        self.airflow.send("PATCH", self._path, json={"state": state})

    @property
    def _path(self) -> str:
        return f"/dags/{self.dag_id}/dagRuns/{self.run_id}"


class RealAirflow:
    """The REST API of the stack's Airflow, which asks for no log-in but wants a token."""

    def __init__(self) -> None:
        port = os.environ.get("SLUICEWAY_AIRFLOW_PORT", "8380")
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)
        token = self._client.get("/auth/token").raise_for_status().json()["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def dag_ids(self) -> set[str]:
        return {dag["dag_id"] for dag in self.send("GET", "/dags?limit=100")["dags"]}

    def start(self, dag_id: str, **conf: Any) -> DagRun:
        run = DagRun(self, dag_id, f"killed-{uuid4().hex[:12]}")
        body = {"dag_run_id": run.run_id, "logical_date": None, "conf": conf}
        self.send("POST", f"/dags/{dag_id}/dagRuns", json=body)
        return run

    def send(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.text(method, path, **content))
        return answer

    def text(self, method: str, path: str, **content: Any) -> str:
        for _ in range(TRIES):
            response = self._client.request(method, f"/api/v2{path}", **content)
            # SQLite was locked for too long, and nothing was done.
            if not response.is_server_error:
                break
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.text


class Triggerer:
    """The stack's triggerer, as processes."""

    def __init__(self) -> None:
        # The stack takes its ports from the environment, and Airflow's settings from nobody.
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT / "local")}

    def kill(self) -> None:
        """End it without giving it time for anything."""
        group = self._leader()
        os.killpg(group, signal.SIGKILL)
        self._await_end(group)

    def terminate(self) -> None:
        """Have it shut down."""
        leader = self._leader()
        os.kill(leader, signal.SIGTERM)
        self._await_end(leader)

    def start(self) -> None:
        """Start it unless it runs; return when it works."""
        command = [sys.executable, "-m", "stack", "up", "airflow-triggerer"]
        subprocess.run(command, check=True, cwd=ROOT, env=self._environment)  # noqa: S603 - it's the stack

    def _leader(self) -> int:
        return int(json.loads((RUN / "parts" / "airflow-triggerer.json").read_text())["pid"])

    def _await_end(self, group: int) -> None:
        # Who started the stack may not collect what has ended as long as it runs itself.
        def is_gone() -> bool:
            return not any(is_alive(process) for process in psutil.process_iter() if group_of(process) == group)

        until(is_gone, lambda: f"The triggerer, process group {group}, hasn't ended.")


def group_of(process: psutil.Process) -> int | None:
    with suppress(ProcessLookupError):
        return os.getpgid(process.pid)
    return None


def is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False
