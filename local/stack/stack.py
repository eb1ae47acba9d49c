"""Brings the stack up, takes it down, and tells how it is."""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import itertools
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack import airflow, tools
from stack.cloud import Cloud
from stack.errors import BusyError, StackError
from stack.parts import Layer, Part, aws_environment, stack_parts
from stack.ports import describe_owner, is_held_by, port_is_free
from stack.processes import Processes
from stack.progress import Progress
from stack.settings import Settings

READY_SECONDS = 120.0


@dataclass(frozen=True)
class PartStatus:
    """How one part is: `running`, `not answering`, `died` or `stopped`."""

    part: str
    state: str
    pid: int | None
    address: str | None
    since: datetime.datetime | None


class Stack:
    """The laptop stack; safe to be brought up or taken down any number of times, in any state."""

    def __init__(
        self,
        settings: Settings,
        progress: Progress,
        parts: Callable[[Settings, Path | None], list[Part]] = stack_parts,
    ) -> None:
        self._settings = settings
        self._progress = progress
        self._parts = parts
        self._processes = Processes(settings.run_dir)

    def up(self, only: Sequence[str] = ()) -> None:
        """Starts what isn't running and deploys what has changed; returns when everything answers.

        A stack of which nothing runs begins empty: Airflow's history, the AWS and Flink's jobs come and go together.

        only: parts to start; with any, nothing is deployed
        """
        with self._alone():
            begins = not self._processes.find()
            jdk = tools.find_jdk()
            if not only:
                tools.find_cdk()
            # Before the parts are made up, which have the keys in their environment.
            airflow.make_keys(self._settings)
            parts = self._chosen(only, jdk)
            due = [part for part in parts if self._start_is_due(part)]
            # All ports first: a stack that can't come up stays as it is.
            self._check_ports(due)
            if begins:
                for name in ("aws", "flink", "managed-flink", "airflow"):
                    shutil.rmtree(self._settings.run_dir / name, ignore_errors=True)
            for part in due:
                if self._processes.is_running(part.name):
                    self._progress.say(f"{part.name} runs with other settings and is started anew.")
            # Children of a part that died would hold its port and write into its files.
            self._stop([part for part in due if self._processes.find([part.name])])
            for layer, members in itertools.groupby(due, key=lambda part: part.layer):
                if layer is Layer.AIRFLOW:
                    self._prepare_airflow()
                for part in members:
                    self._start(part)
            # Flink and Airflow come up meanwhile.
            if not only:
                for part in parts:
                    if part.layer is Layer.AWS:
                        self._await_ready(part)
                self._deploy(self.environment(jdk))
            for part in parts:
                self._await_ready(part)
                where = "" if part.address is None else f": {part.address}"
                self._progress.say(f"{part.name} is ready{where}")

    def down(self) -> None:
        """Ends every process of the stack, whatever state it is in."""
        with self._alone():
            parts = self._parts(self._settings, None)
            names = [part.name for part in parts]
            if not self._processes.find():
                self._processes.stop(names, grace_seconds=0)
                self._progress.say("Nothing is running.")
                return
            self._stop(parts)
            if rest := self._processes.find():
                pids = ", ".join(str(process.pid) for process in rest)
                raise StackError(f"These processes couldn't be ended: {pids}. End them, then run `make down` again.")

    def status(self) -> list[PartStatus]:
        """How each part is, in the order in which they start."""
        return [self._status_of(part) for part in self._parts(self._settings, None)]

    def log_files(self, only: str | None = None) -> list[Path]:
        """The logs of all parts, or of one."""
        parts = self._chosen([] if only is None else [only], jdk=None)
        files = [file for part in parts for file in (self._processes.log_file(part.name), *part.log_files)]
        return [file for file in files if file.exists()]

    def environment(self, jdk: Path | None = None) -> dict[str, str]:
        """The environment in which any program works on this stack: its AWS, its Airflow, its JDK."""
        java = {} if jdk is None else {"JAVA_HOME": str(jdk)}
        base = base_environment()
        return (
            base
            | aws_environment(self._settings)
            | airflow.environment(self._settings)
            | java
            | self._settings.variables()
            | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{base.get('PATH', os.defpath)}"}
        )

    def _chosen(self, only: Sequence[str], jdk: Path | None) -> list[Part]:
        parts = self._parts(self._settings, jdk)
        known = [part.name for part in parts]
        for name in only:
            if name not in known:
                raise StackError(f"There is no part {name!r}. The parts are {', '.join(known)}.")
        return [part for part in parts if not only or part.name in only]

    def _start_is_due(self, part: Part) -> bool:
        record = self._processes.record(part.name)
        if record is not None and self._processes.is_running(part.name):
            return record.fingerprint != part.fingerprint
        return True

    def _check_ports(self, due: Sequence[Part]) -> None:
        # These are ended before anything is started, so what they hold will be free.
        own = self._processes.find([part.name for part in due])
        for part in due:
            for setting, port in part.ports.items():
                if not port_is_free(port) and not is_held_by(port, own):
                    raise StackError(
                        f"Port {port}, which {part.name} needs, is taken by {describe_owner(port)}. "
                        f"End that, or choose another port: {setting}={port + 1000} make up (or in local/settings.env)."
                    )

    def _stop(self, parts: Sequence[Part]) -> None:
        """Ends these parts, the upper layers first."""
        for _, group in itertools.groupby(reversed(parts), key=lambda part: part.layer):
            members = list(group)
            with self._progress.step(f"stop {', '.join(part.name for part in members)}"):
                killed = self._processes.stop(
                    [part.name for part in members], max(part.grace_seconds for part in members)
                )
            for name in killed:
                self._progress.say(f"{name} didn't end when asked and was killed.")

    def _start(self, part: Part) -> None:
        part.prepare()
        self._processes.start(
            part.name,
            part.command,
            base_environment() | dict(part.environment),
            part.directory,
            port=next(iter(part.ports.values()), None),
            fingerprint=part.fingerprint,
        )

    def _await_ready(self, part: Part) -> None:
        record = self._processes.record(part.name)
        if record is None:
            raise StackError(f"{part.name} was stopped while it was to come up. Run `make up` again.")
        log = self._log_of(part)
        deadline = time.monotonic() + READY_SECONDS
        while not part.is_ready(record.started):
            if not self._processes.is_running(part.name):
                raise StackError(f"{part.name} ended instead of coming up. {tools.last_lines(log)}")
            if time.monotonic() > deadline:
                raise StackError(f"{part.name} doesn't answer after {READY_SECONDS:.0f} s. {tools.last_lines(log)}")
            time.sleep(0.2)

    def _log_of(self, part: Part) -> Path:
        written = [file for file in (*part.log_files, self._processes.log_file(part.name)) if file.exists()]
        return written[0] if written else self._processes.log_file(part.name)

    def _prepare_airflow(self) -> None:
        """Gives Airflow an empty database if it has none, and the directory of further DAGs."""
        airflow.added_dags(self._settings).mkdir(parents=True, exist_ok=True)
        database = airflow.database(self._settings)
        if database.exists():
            return
        # It takes as long to load as all of the stack, which most commands can spare.
        from stack import airflow_database  # noqa: PLC0415

        # To make one takes seconds, so it is kept for the next time, until the locked Airflow or its making is another.
        lock = (self._settings.root / "local" / "requirements.lock").read_bytes()
        making_of = hashlib.sha256(lock + Path(airflow_database.__file__).read_bytes()).hexdigest()[:12]
        empty = self._settings.run_dir / f"airflow-empty-{making_of}.db"
        if not empty.exists():
            making = empty.with_suffix(".making")
            with self._progress.step("make Airflow's database"):
                for old in self._settings.run_dir.glob("airflow-empty-*"):
                    old.unlink()
                airflow_database.make(
                    making,
                    self.environment(),
                    self._settings.run_dir,
                    self._settings.run_dir / "log" / "airflow-db.log",
                )
                _copy(making, empty)
                making.unlink()
        _copy(empty, database)

    def _deploy(self, environment: Mapping[str, str]) -> None:
        cloud = Cloud(self._settings)
        with self._progress.step("upload the flights"):
            cloud.upload_flights()
        with self._progress.step("deploy the functions with CDK"):
            cloud.deploy(environment, self._settings.run_dir / "log" / "deploy.log")
        with self._progress.step("upload the job's jars"):
            cloud.upload_jars()

    def _status_of(self, part: Part) -> PartStatus:
        record = self._processes.record(part.name)
        if record is None:
            return PartStatus(part.name, "stopped", None, part.address, None)
        since = datetime.datetime.fromtimestamp(record.started).astimezone()
        if not self._processes.is_running(part.name):
            return PartStatus(part.name, "died", record.pid, part.address, since)
        state = "running" if part.is_ready(record.started) else "not answering"
        return PartStatus(part.name, state, record.pid, part.address, since)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lets no other `up` or `down` of this stack run meanwhile."""
        self._settings.run_dir.mkdir(parents=True, exist_ok=True)
        with (self._settings.run_dir / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(
                    "Another `make up` or `make down` is under way. Wait for it to end, or interrupt it."
                ) from None
            yield


def base_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The user's environment without what could lead a part to another AWS, Airflow or Flink."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith(("AWS_", "AIRFLOW_", "CDK_", "FLINK_", "SLUICEWAY_", "PYTHON"))
    }
    for name in ("no_proxy", "NO_PROXY"):
        hosts = [host for host in kept.get(name, "").split(",") if host]
        kept[name] = ",".join(dict.fromkeys([*hosts, "127.0.0.1", "localhost"]))
    return kept | {"PYTHONUNBUFFERED": "1"}


def _copy(source: Path, target: Path) -> None:
    """Copies an SQLite database, its write-ahead log included, so that the target is there whole or not at all."""
    temporary = target.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(temporary)) as copy:
        origin.backup(copy)
    temporary.replace(target)
