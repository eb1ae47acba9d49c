"""Builders of the JSON that Sluiceway's functions take.

Each gives the *string* that ``LambdaInvokeFunctionOperator(payload=…)`` needs. Every text value may hold Jinja: it is
rendered when the task runs and encoded as JSON only afterwards, so that no rendered value, whatever quotes, line ends
or braces it has, breaks or alters the JSON around it. This holds with ``render_template_as_native_obj`` too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

JobKind = Literal["RUN", "STREAM"]
"""``RUN``: bounded, succeeds by finishing. ``STREAM``: runs until it is stopped, and has at most one living attempt."""

OnRefusal = Literal["THROW", "ANSWER"]
"""``THROW``: the function fails, and so does the task that called it. ``ANSWER``: the refusal is an answer to read."""

RestoreMode = Literal["NONE", "LATEST"]
"""``NONE``: without state. ``LATEST``: from the newest savepoint or retained checkpoint that the job has left."""

OnUnknown = Literal["REFUSE", "RERUN"]
"""What a repeated request does about a job of which nobody can tell what became of it; ``RERUN`` may run it twice."""

StopMode = Literal["SAVEPOINT", "DRAIN", "CANCEL"]
"""``SAVEPOINT``: to go on later. ``DRAIN``: all windows fire, for good. ``CANCEL``: at once, without a savepoint."""

UpgradeMode = Literal["SAVEPOINT", "LAST_STATE", "STATELESS"]
"""Where a new version takes its state from. ``SAVEPOINT``: one that the old version is stopped with. ``LAST_STATE``:
the newest retained checkpoint of the old version, which is cancelled. ``STATELESS``: it has none."""

RollbackAfterCommit = Literal["REFUSE", "ACCEPT_DUPLICATES"]
"""What is done about a new version that turns out bad when its output is committed. ``REFUSE``: it stays, and the
upgrade fails. ``ACCEPT_DUPLICATES``: the old version comes back, and emits again what the new one has emitted."""


@dataclass(frozen=True)
class Jar:
    """The program.

    :param uri: ``s3://bucket/key.jar``
    :param version_id: the version of that object; the newest by default
    :param sha256: what the bytes must hash to, 64 hexadecimal digits; not checked by default
    """

    uri: str
    version_id: str | None = None
    sha256: str | None = None


Every = Literal[
    "PT1M", "PT5M", "PT10M", "PT15M", "PT20M", "PT30M", "PT1H", "PT2H", "PT3H", "PT4H", "PT6H", "PT8H", "PT12H", "P1D"
]
"""The time between two boundaries of event time: what divides a day."""


@dataclass(frozen=True)
class DataReady:
    """That it is told, boundary by boundary of event time, when all that a job wrote of the time before is committed.

    :param sink: the name that the program gives the sink, by which Flink shows it (as ``<sink>: Writer``)
    :param every: the time between two boundaries
    :param time_zone: whose midnights the boundaries are counted from, such as ``America/New_York``; UTC by default
    :param start: boundaries up to this instant, such as ``2013-01-05T10:00:00Z``, aren't told; by default the first
        that is told is the last that has been passed by the time the job's watermark is first seen
    :param end: the instant at which the job's event time ends, the last boundary; a ``RUN`` needs it
    """

    sink: str
    every: Every
    time_zone: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True)
class Health:
    """When a job counts as well. Durations are one number with its unit, such as ``PT30S``, ``PT5M`` or ``PT1H``.

    :param settling_time: how long it has to run without a restart before it is stable; five minutes by default
    :param restarts: how many failures within ``restart_window`` are a restart loop; 3 by default
    :param restart_window: how far back failures count; ten minutes by default
    :param failed_checkpoints: how many checkpoints in a row may not fail; 3 by default
    :param checkpoint_age: how old the newest checkpoint may be; three intervals by default, and at least five minutes
    :param backpressure_percent: which share of a minute a task may spend waiting for the next; any by default
    :param watermark_lag: how far its watermark may be behind the clock; any by default
    """

    settling_time: str | None = None
    restarts: int | None = None
    restart_window: str | None = None
    failed_checkpoints: int | None = None
    checkpoint_age: str | None = None
    backpressure_percent: int | None = None
    watermark_lag: str | None = None


@dataclass(frozen=True)
class Savepoints:
    """When savepoints of a ``STREAM`` are taken while it runs: exactly one of ``every`` and ``cron``.

    :param every: the time between two, in days, hours and minutes, ``PT5M`` to ``P30D``
    :param cron: at which times, as crontab says it in five fields, such as ``0 4 * * 1-5``; at least 5 minutes apart
    :param time_zone: whose clock ``cron`` means, such as ``America/New_York``; UTC by default
    """

    every: str | None = None
    cron: str | None = None
    time_zone: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no schema takes."""
        if (self.every is None) == (self.cron is None):
            raise ValueError("Savepoints take exactly one of 'every' and 'cron'.")
        if self.time_zone is not None and self.cron is None:
            raise ValueError("'time_zone' needs 'cron'.")


@dataclass(frozen=True)
class Retention:
    """Which savepoints of a ``STREAM`` are kept: what exceeds one of the two goes, what the job may need apart.

    :param count: how many, 1 to 100; 10 by default
    :param age: how long, in days, hours and minutes, ``PT1H`` to ``P3650D``; ``P7D`` by default
    """

    count: int | None = None
    age: str | None = None


@dataclass(frozen=True)
class Restart:
    """That a ``STREAM`` that has failed for good is started again. Durations are like those of :class:`Health`.

    :param limit: how many restarts in a row there are at most; 3 by default
    :param backoff: how long after a failure the first comes, each further one after twice the time; 30 s by default
    :param max_backoff: the longest time that this comes to; 15 minutes by default
    :param reset_after: behind an attempt that ran for so long, restarts are counted anew; an hour by default
    """

    limit: int | None = None
    backoff: str | None = None
    max_backoff: str | None = None
    reset_after: str | None = None


@dataclass(frozen=True)
class Request:
    """Who asks, so that the same request never has a second job.

    :param request_id: the idempotency key: the same for every try of the same request
    :param try_number: which try of it: a number, or a template that renders to one
    """

    request_id: str
    try_number: int | str

    @classmethod
    def of_answer(cls, task_id: str) -> Request:
        """Give, as templates, the request on whose behalf a job runs, for the ``owner`` of ``stop_job``.

        :param task_id: the task that called ``submit-job``, with the prefix of its task group
        """
        return cls(from_answer(task_id, "job.owner.requestId"), from_answer(task_id, "job.owner.try"))

    @classmethod
    def of_task_instance(cls, deployment: str | None = None) -> Request:
        """Give the request of the task instance that will make the call.

        ``max_tries`` belongs to the key because it is what a clear of that very task changes (to the tries made so far
        plus its retries), and nothing else: a retry and a resumption after a deferral keep it, clears of other tasks
        leave it alone. So a retry repeats the request, and a cleared task makes a new one. The try number only grows.

        A task that is cleared while it runs gets its new ``max_tries`` only when the executor reports that the process
        which was stopped ended in success. Otherwise its next try repeats the request, as a retry does.

        :param deployment: tells apart Airflows that call the same functions; without it the environment's
            ``SLUICEWAY_DEPLOYMENT`` where the DAG is parsed, which the worker does too, else ``airflow``
        """
        key = (f"{{{{ ti.{part} }}}}" for part in _REQUEST_KEY)
        return cls("/".join((_deployment(deployment), *key)), "{{ ti.try_number }}")

    @classmethod
    def rendered(cls, task_instance: Any) -> Request:  # noqa: ANN401 - Airflow has a type of its own for each process
        """Give the request of a task instance that runs, as :meth:`of_task_instance` renders it."""
        key = (str(getattr(task_instance, part)) for part in _REQUEST_KEY)
        return cls("/".join((_deployment(), *key)), task_instance.try_number)


_REQUEST_KEY: Final = ("dag_id", "run_id", "task_id", "map_index", "max_tries")


def _deployment(given: str | None = None) -> str:
    return given or os.environ.get("SLUICEWAY_DEPLOYMENT") or "airflow"


@dataclass(frozen=True)
class _Number:
    """A template that renders to an integer."""

    template: str


_Json = str | bool | int | None | _Number | Mapping[str, "_Json"] | Sequence["_Json"]
_JINJA_MARKS: Final = ("{{", "{%", "{#")


def submit_job(
    *,
    name: str,
    kind: JobKind,
    cluster: str,
    jar: Jar,
    entry_class: str | None = None,
    args: Sequence[str] = (),
    parallelism: int | None = None,
    restore: RestoreMode | None = None,
    restore_from: str | None = None,
    allow_non_restored_state: bool = False,
    on_unknown: OnUnknown | None = None,
    data_ready: DataReady | None = None,
    health: Health | None = None,
    savepoints: Savepoints | None = None,
    retention: Retention | None = None,
    restart: Restart | None = None,
    rerun: bool = False,
    request: Request | None = None,
    on_refusal: OnRefusal = "THROW",
    dry_run: bool = False,
) -> str:
    """Build the payload of ``submit-job``, which starts a job once per request.

    :param name: the job's logical name, unique in its cluster
    :param kind: bounded or not
    :param cluster: a cluster by its configured name
    :param jar: the program
    :param entry_class: its main class; the one of the jar's manifest by default
    :param args: the program's arguments
    :param parallelism: how many slots it takes, 1 or more; the cluster's default by default
    :param restore: whether it goes on from its latest state or begins without; by default a ``STREAM`` goes on and a
        ``RUN`` begins without
    :param restore_from: the path of a savepoint or retained checkpoint to start from, instead of ``restore``
    :param allow_non_restored_state: whether state that the program no longer has may be left behind
    :param on_unknown: what a repeated request does about a job of unknown fate; by default it is refused
    :param data_ready: when the data that it writes is told to be complete; never by default
    :param health: when it counts as well, where the defaults don't fit
    :param savepoints: when savepoints are taken while it runs; never by default
    :param retention: which savepoints are kept; all by default
    :param restart: that it is started again when it has failed for good; never by default
    :param rerun: whether this very call runs a job of unknown fate again
    :param request: who asks; the calling task instance by default
    :param on_refusal: how a refusal comes back
    :param dry_run: whether the call only answers with what it would do
    """
    if restore is not None and restore_from is not None:
        raise ValueError("Name a savepoint by restore_from, or a mode by restore, not both.")
    return _encode_payload(
        {
            **_request(request, on_refusal, dry_run=dry_run),
            "rerun": rerun or None,
            "job": {
                "name": name,
                "kind": kind,
                "cluster": cluster,
                "jar": _jar(jar),
                "entryClass": entry_class,
                "args": list(args),
                "parallelism": parallelism,
                "restore": _restore(restore, restore_from),
                "allowNonRestoredState": allow_non_restored_state or None,
                "onUnknown": on_unknown,
                "policies": _policies(data_ready, health, savepoints, retention, restart),
            },
        }
    )


def upgrade_job(
    *,
    name: str,
    cluster: str,
    jar: Jar,
    entry_class: str | None = None,
    args: Sequence[str] = (),
    parallelism: int | None = None,
    mode: UpgradeMode = "SAVEPOINT",
    rollback_after_commit: RollbackAfterCommit = "REFUSE",
    judge_within: str | None = None,
    max_checkpoint_age: str | None = None,
    allow_non_restored_state: bool = False,
    on_unknown: OnUnknown | None = None,
    data_ready: DataReady | None = None,
    health: Health | None = None,
    savepoints: Savepoints | None = None,
    retention: Retention | None = None,
    restart: Restart | None = None,
    request: Request | None = None,
    on_refusal: OnRefusal = "THROW",
    dry_run: bool = False,
) -> str:
    """Build the payload of ``upgrade-job``, which has a new version of a running ``STREAM`` take over from the old one.

    What isn't said of the new version has its default, whatever the old one has.

    :param name: the job's logical name, unique in its cluster
    :param cluster: a cluster by its configured name
    :param jar: the new version's program
    :param entry_class: its main class; the one of the jar's manifest by default
    :param args: the program's arguments
    :param parallelism: how many slots it takes, 1 or more; the cluster's default by default
    :param mode: where it takes its state from
    :param rollback_after_commit: what is done when it turns out bad behind its first checkpoint
    :param judge_within: how long a version has to become stable, in whole minutes below an hour, whole hours, or
        ``P1D``; more than the settling time of ``health``; 15 minutes by default
    :param max_checkpoint_age: how old the old version's newest checkpoint or savepoint may be for the upgrade to begin,
        written like ``judge_within``; not with mode ``STATELESS``; it isn't looked at by default
    :param allow_non_restored_state: whether state that the program no longer has may be left behind; not with mode
        ``STATELESS``
    :param on_unknown: what a repeated request does about a job of unknown fate; by default it is refused
    :param data_ready: when the data that it writes is told to be complete; never by default
    :param health: when it counts as well, where the defaults don't fit
    :param savepoints: when savepoints are taken while it runs; never by default
    :param retention: which savepoints are kept; all by default
    :param restart: that it is started again when it has failed for good; never by default
    :param request: who asks; the calling task instance by default
    :param on_refusal: how a refusal comes back
    :param dry_run: whether the call only answers with what it would do
    """
    if mode == "STATELESS" and allow_non_restored_state:
        raise ValueError("'allow_non_restored_state' needs the mode SAVEPOINT or LAST_STATE.")
    if mode == "STATELESS" and max_checkpoint_age is not None:
        raise ValueError("'max_checkpoint_age' needs the mode SAVEPOINT or LAST_STATE.")
    return _encode_payload(
        {
            **_request(request, on_refusal, dry_run=dry_run),
            "mode": mode,
            "rollbackAfterCommit": rollback_after_commit,
            "judgeWithin": judge_within,
            "maxCheckpointAge": max_checkpoint_age,
            "job": {
                "name": name,
                "kind": "STREAM",
                "cluster": cluster,
                "jar": _jar(jar),
                "entryClass": entry_class,
                "args": list(args),
                "parallelism": parallelism,
                "allowNonRestoredState": allow_non_restored_state or None,
                "onUnknown": on_unknown,
                "policies": _policies(data_ready, health, savepoints, retention, restart),
            },
        }
    )


def job_status(
    *, cluster: str, flink_job_id: str | None = None, job_name: str | None = None, on_refusal: OnRefusal = "THROW"
) -> str:
    """Build the payload of ``job-status`` that observes a job.

    :param cluster: a cluster by its configured name
    :param flink_job_id: the execution, from an answer of ``submit-job``
    :param job_name: instead of it, a ``STREAM`` by its name: the execution that lives, or else the newest
    :param on_refusal: how a refusal comes back
    """
    return _encode_payload({**_target(cluster, flink_job_id, job_name), "onRefusal": on_refusal})


def operation_status(*, operation_id: str, on_refusal: OnRefusal = "THROW") -> str:
    """Build the payload of ``job-status`` that observes an operation.

    :param operation_id: the operation, from an answer of a function that started one, such as ``stop-job``
    :param on_refusal: how a refusal comes back
    """
    return _encode_payload({"operationId": operation_id, "onRefusal": on_refusal})


def take_savepoint(
    *,
    cluster: str,
    flink_job_id: str | None = None,
    job_name: str | None = None,
    pin: bool = False,
    request: Request | None = None,
    on_refusal: OnRefusal = "THROW",
    dry_run: bool = False,
) -> str:
    """Build the payload of ``take-savepoint``, which triggers a savepoint of a running job.

    :param cluster: a cluster by its configured name
    :param flink_job_id: the execution, from an answer of ``submit-job``
    :param job_name: instead of it, a ``STREAM`` by its name: the execution that lives
    :param pin: whether it is kept whatever the job's retention says
    :param request: who asks; the calling task instance by default
    :param on_refusal: how a refusal comes back
    :param dry_run: whether the call only answers with what it would do
    """
    return _encode_payload(
        {
            **_request(request, on_refusal, dry_run=dry_run),
            **_target(cluster, flink_job_id, job_name),
            "pin": pin or None,
        }
    )


def stop_job(
    *,
    cluster: str,
    flink_job_id: str | None = None,
    job_name: str | None = None,
    owner: Request | None = None,
    mode: StopMode = "SAVEPOINT",
    request: Request | None = None,
    on_refusal: OnRefusal = "THROW",
    dry_run: bool = False,
) -> str:
    """Build the payload of ``stop-job``.

    :param cluster: a cluster by its configured name
    :param flink_job_id: the execution, from an answer of ``submit-job``
    :param job_name: instead of it, a ``STREAM`` by its name: the execution that lives. With ``owner``, the execution
        that the owner's request came to, of a ``RUN`` too
    :param owner: on whose behalf the job has to run, else the stop is refused with ``STALE_OWNER``, such as
        ``Request.of_answer(submit.task_id)``; whoever it runs for by default
    :param mode: how it is to end
    :param request: who asks; the calling task instance by default
    :param on_refusal: how a refusal comes back
    :param dry_run: whether the call only answers with what it would do
    """
    return _encode_payload(
        {
            **_request(request, on_refusal, dry_run=dry_run),
            **_target(cluster, flink_job_id, job_name),
            "owner": None if owner is None else _identity(owner),
            "mode": mode,
        }
    )


def rescale_job(
    *,
    cluster: str,
    job_name: str,
    parallelism: int,
    rollback_after_commit: RollbackAfterCommit = "REFUSE",
    judge_within: str | None = None,
    owner: Request | None = None,
    request: Request | None = None,
    on_refusal: OnRefusal = "THROW",
    dry_run: bool = False,
) -> str:
    """Build the payload of ``rescale-job``, which gives a running ``STREAM`` another parallelism.

    :param cluster: a cluster by its configured name
    :param job_name: the job's logical name
    :param parallelism: how many slots it is to take, 1 or more
    :param rollback_after_commit: what is done where going back would emit again what is committed
    :param judge_within: how long the cluster has for the change, and then the job to become stable, in whole minutes
        below an hour, whole hours, or ``P1D``; more than the settling time of the job's health policy; 15 minutes by
        default
    :param owner: on whose behalf the job has to run, else it is refused with ``STALE_OWNER``; whoever it runs for by
        default
    :param request: who asks; the calling task instance by default
    :param on_refusal: how a refusal comes back
    :param dry_run: whether the call only answers with what it would do
    """
    return _encode_payload(
        {
            **_request(request, on_refusal, dry_run=dry_run),
            "cluster": cluster,
            "jobName": job_name,
            "parallelism": parallelism,
            "rollbackAfterCommit": rollback_after_commit,
            "judgeWithin": judge_within,
            "owner": None if owner is None else _identity(owner),
        }
    )


def list_jobs(
    *, cluster: str, page_size: int | None = None, page_token: str | None = None, on_refusal: OnRefusal = "THROW"
) -> str:
    """Build the payload of ``list-jobs``.

    :param cluster: a cluster by its configured name
    :param page_size: how many jobs at most, 1 to 1000
    :param page_token: the ``nextPageToken`` of the page before
    :param on_refusal: how a refusal comes back
    """
    return _encode_payload(
        {"cluster": cluster, "onRefusal": on_refusal, "pageSize": page_size, "pageToken": page_token}
    )


def list_events(
    *,
    cluster: str,
    job_name: str,
    after_sequence: int | None = None,
    page_size: int | None = None,
    on_refusal: OnRefusal = "THROW",
) -> str:
    """Build the payload of ``list-events``.

    :param cluster: a cluster by its configured name
    :param job_name: the job's name
    :param after_sequence: the number behind which the page begins; absent: with the oldest event that is kept
    :param page_size: how many events at most, 1 to 100
    :param on_refusal: how a refusal comes back
    """
    return _encode_payload(
        {
            "cluster": cluster,
            "jobName": job_name,
            "onRefusal": on_refusal,
            "afterSequence": after_sequence,
            "pageSize": page_size,
        }
    )


def from_answer(task_id: str, path: str) -> str:
    """Give a template for a value of another task's answer, to be used as an argument of a builder.

    It names the task only inside a template, where Airflow doesn't see it: the DAG has to say that it runs before.

    :param task_id: the task that called the function, with the prefix of its task group
    :param path: the value by its field names, such as ``job.flinkJobId`` or ``operation.savepointPath``
    """
    keys = "".join(f"[{json.dumps(key)}]" for key in path.split("."))
    return f"{{{{ macros.json.loads(ti.xcom_pull(task_ids={json.dumps(task_id)})){keys} }}}}"


def _request(request: Request | None, on_refusal: OnRefusal, *, dry_run: bool) -> dict[str, _Json]:
    asked = _identity(request or Request.of_task_instance())
    return {**asked, "onRefusal": on_refusal, "dryRun": dry_run or None}


def _identity(request: Request) -> dict[str, _Json]:
    number = request.try_number
    return {"requestId": request.request_id, "try": _Number(number) if isinstance(number, str) else number}


def _target(cluster: str, flink_job_id: str | None, job_name: str | None) -> dict[str, _Json]:
    if (flink_job_id is None) == (job_name is None):
        raise ValueError("Name the job either by flink_job_id or by job_name.")
    return {"cluster": cluster, "flinkJobId": flink_job_id, "jobName": job_name}


def _jar(jar: Jar) -> Mapping[str, _Json]:
    return {"uri": jar.uri, "versionId": jar.version_id, "sha256": jar.sha256}


def _restore(mode: RestoreMode | None, path: str | None) -> Mapping[str, _Json] | None:
    if path is not None:
        return {"mode": "SAVEPOINT", "path": path}
    return None if mode is None else {"mode": mode}


def _policies(
    data_ready: DataReady | None,
    health: Health | None,
    savepoints: Savepoints | None,
    retention: Retention | None,
    restart: Restart | None,
) -> Mapping[str, _Json] | None:
    policies: dict[str, _Json] = {}
    if data_ready is not None:
        policies["dataReady"] = {
            "sink": data_ready.sink,
            "every": data_ready.every,
            "timeZone": data_ready.time_zone,
            "start": data_ready.start,
            "end": data_ready.end,
        }
    if health is not None:
        policies["health"] = {
            "settlingTime": health.settling_time,
            "restarts": health.restarts,
            "restartWindow": health.restart_window,
            "failedCheckpoints": health.failed_checkpoints,
            "checkpointAge": health.checkpoint_age,
            "backpressurePercent": health.backpressure_percent,
            "watermarkLag": health.watermark_lag,
        }
    if savepoints is not None:
        policies["savepoints"] = {
            "every": savepoints.every,
            "cron": savepoints.cron,
            "timeZone": savepoints.time_zone,
        }
    if retention is not None:
        policies["retention"] = {"count": retention.count, "age": retention.age}
    if restart is not None:
        policies["restart"] = {
            "limit": restart.limit,
            "backoff": restart.backoff,
            "maxBackoff": restart.max_backoff,
            "resetAfter": restart.reset_after,
        }
    return policies or None


def _encode_payload(payload: Mapping[str, _Json]) -> str:
    # JSON allows the leading space; Python's literals don't, so that Jinja's native mode leaves the text a text.
    return " " + _encode(payload)


def _encode(value: _Json) -> str:
    match value:
        case _Number(template):
            return template
        case str():
            if not any(mark in value for mark in _JINJA_MARKS):
                return json.dumps(value)
            # The space keeps a native environment from turning a rendered "007" into a number; it is cut off again.
            return f"{{% set text %}} {value}{{% endset %}}{{{{ text[1:] | tojson }}}}"
        case None | bool() | int():
            return json.dumps(value)
        case Mapping():
            fields = (f"{json.dumps(key)}: {_encode(part)}" for key, part in value.items() if part is not None)
            return "{" + ", ".join(fields) + "}"
        case _:
            return "[" + ", ".join(_encode(part) for part in value) + "]"
