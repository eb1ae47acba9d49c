"""The REST interface of the Flink session cluster that runs the applications' jobs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx

# main() of the job runs within this call.
RUN_SECONDS = 300
_CALL_SECONDS = 30


class JobState(StrEnum):
    """Flink's org.apache.flink.api.common.JobStatus."""

    INITIALIZING = "INITIALIZING"
    CREATED = "CREATED"
    RUNNING = "RUNNING"
    FAILING = "FAILING"
    FAILED = "FAILED"
    CANCELLING = "CANCELLING"
    CANCELED = "CANCELED"
    FINISHED = "FINISHED"
    RESTARTING = "RESTARTING"
    SUSPENDED = "SUSPENDED"
    RECONCILING = "RECONCILING"

    @property
    def is_terminal(self) -> bool:
        return self in {JobState.FAILED, JobState.CANCELED, JobState.FINISHED}


@dataclass(frozen=True)
class Job:
    """A job as Flink tells it.

    waiting: how many of its tasks have no slot yet
    """

    state: JobState
    waiting: int

    @property
    def is_up(self) -> bool:
        """Whether it got what it needs to run; it may fail and restart all the same."""
        return self.state in {JobState.RESTARTING, JobState.FAILING} or (
            self.state is JobState.RUNNING and self.waiting == 0
        )


@dataclass(frozen=True)
class Run:
    """How a jar is run.

    restore_path: the savepoint that it starts from, if any
    configuration: Flink's settings for this job alone
    """

    parallelism: int
    restore_path: str | None
    allow_non_restored_state: bool
    configuration: Mapping[str, str]


class FlinkError(Exception):
    """What Flink refused or failed at; the text is for people and says why in its first line."""


class Flink:
    """A client of one session cluster. Safe to be used by several threads at once."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(base_url=self.url, timeout=_CALL_SECONDS, trust_env=False)

    def version(self) -> str:
        """Flink's own version, such as 2.3.0."""
        return str(self._call("GET", "/config")["flink-version"])

    def run(self, jar: bytes, run: Run) -> str:
        """Runs a jar's main() and returns the id of the job that it submitted.

        Raises FlinkError when main() throws, or when the job can't be submitted.
        """
        file = {"jarfile": ("application.jar", jar, "application/java-archive")}
        uploaded = self._call("POST", "/jars/upload", seconds=RUN_SECONDS, files=file)
        jar_id = str(uploaded["filename"]).rsplit("/", maxsplit=1)[-1]
        body: dict[str, Any] = {
            "parallelism": run.parallelism,
            "allowNonRestoredState": run.allow_non_restored_state,
            "flinkConfiguration": dict(run.configuration),
        }
        if run.restore_path is not None:
            body["savepointPath"] = run.restore_path
        try:
            return str(self._call("POST", f"/jars/{jar_id}/run", seconds=RUN_SECONDS, json=body)["jobid"])
        finally:
            # The job has a copy of its own.
            self._call("DELETE", f"/jars/{jar_id}", may_miss=True)

    def job(self, job_id: str) -> Job | None:
        """What the job does now; None when Flink doesn't know it."""
        answer = self._call("GET", f"/jobs/{job_id}", may_miss=True)
        if answer is None:
            return None
        counts = answer.get("status-counts", {})
        return Job(JobState(answer["state"]), sum(counts.get(state, 0) for state in ("CREATED", "SCHEDULED")))

    def failure(self, job_id: str) -> str:
        """Why a job failed, as Flink tells it."""
        # A job that couldn't even be set up has no exceptions.
        result = self._call("GET", f"/jobs/{job_id}/execution-result", may_miss=True) or {}
        cause = result.get("job-execution-result", {}).get("failure-cause") or {}
        return _reason(str(cause.get("stack-trace") or "Flink tells no reason."))

    def cancel(self, job_id: str) -> None:
        """Asks a job to end at once, without a savepoint; does nothing if it has ended."""
        job = self.job(job_id)
        if job is not None and not job.state.is_terminal:
            # What Flink tells of a job can be seconds old; one that has ended meanwhile is a conflict.
            self._call("PATCH", f"/jobs/{job_id}?mode=cancel", may_miss=True, may_conflict=True)

    def savepoint(self, job_id: str, directory: str) -> str:
        """Triggers a savepoint and returns the trigger's id."""
        body = {"target-directory": directory, "cancel-job": False}
        return str(self._call("POST", f"/jobs/{job_id}/savepoints", json=body)["request-id"])

    def stop(self, job_id: str, directory: str) -> str:
        """Triggers a stop with a savepoint and returns the trigger's id."""
        body = {"targetDirectory": directory, "drain": False}
        return str(self._call("POST", f"/jobs/{job_id}/stop", json=body)["request-id"])

    def saved(self, job_id: str, trigger_id: str) -> str | None:
        """The path of a triggered savepoint, None while it is written. Raises FlinkError when it failed."""
        answer = self._call("GET", f"/jobs/{job_id}/savepoints/{trigger_id}")
        operation = _completed(answer)
        return None if operation is None else str(operation["location"])

    def dispose(self, path: str, pause: Callable[[], None]) -> None:
        """Deletes a savepoint's files, and returns when they are gone."""
        trigger = self._call("POST", "/savepoint-disposal", json={"savepoint-path": path})["request-id"]
        while _completed(self._call("GET", f"/savepoint-disposal/{trigger}")) is None:
            pause()

    def metrics(self, job_id: str, names: tuple[str, ...]) -> dict[str, float]:
        """The job's metrics of these names that it has."""
        answer = self._call("GET", f"/jobs/{job_id}/metrics?get={','.join(names)}", may_miss=True) or []
        return {metric["id"]: float(metric["value"]) for metric in answer}

    def plan(self, job_id: str) -> str:
        """The job's plan, as JSON."""
        return json.dumps((self._call("GET", f"/jobs/{job_id}/plan", may_miss=True) or {}).get("plan", {}))

    def _call(
        self,
        method: str,
        path: str,
        *,
        seconds: float = _CALL_SECONDS,
        may_miss: bool = False,
        may_conflict: bool = False,
        **content: Any,
    ) -> Any:
        try:
            response = self._client.request(method, path, timeout=seconds, **content)
        except httpx.HTTPError as error:
            raise FlinkError(f"Flink at {self.url} doesn't answer: {error}") from error
        if may_miss and response.status_code == httpx.codes.NOT_FOUND:
            return None
        if may_conflict and response.status_code == httpx.codes.CONFLICT:
            return None
        if response.is_error:
            raise FlinkError(_reason(_errors(response)))
        return response.json()


def _completed(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The result of one of Flink's asynchronous operations, None while it goes on."""
    if answer["status"]["id"] != "COMPLETED":
        return None
    operation: Mapping[str, Any] = answer.get("operation") or {}
    cause = operation.get("failure-cause")
    if cause:
        raise FlinkError(_reason(str(cause.get("stack-trace") or cause.get("class"))))
    return operation


def _errors(response: httpx.Response) -> str:
    try:
        return "\n".join(str(error) for error in response.json()["errors"])
    except (ValueError, KeyError, TypeError):
        return f"Flink answered {response.status_code} {response.reason_phrase}"


def _reason(text: str) -> str:
    """What a stack trace begins with, and the last of its causes, which says most."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [
        line for line in lines if line and not re.match(r"(at |\.\.\. \d+ more|Internal server error|<Exception)", line)
    ]
    causes = [line for line in lines if line.startswith("Caused by: ")]
    first = lines[0] if lines else text.strip()
    return f"{first}\n{causes[-1]}" if causes else first
