"""Starts, finds again and stops the stack's processes.

A part's processes, its children included, carry a mark in their environment that names the stack's directory and the
part. By that mark they are found again: after a crash of the part's first process, after a lost record, and without
ever mistaking a stranger that got a reused process id.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

MARK = "SLUICEWAY_STACK_PART"


@dataclass(frozen=True)
class Record:
    """What is remembered of a started part.

    pid: of its first process, which leads a session and process group of its own
    started: when that process started, in seconds since the epoch
    port: the port that others reach the part by, if any
    fingerprint: tells whether the part would be started in the same way now
    """

    part: str
    pid: int
    started: float
    port: int | None
    fingerprint: str


class Processes:
    """The processes of one stack, remembered in a directory."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._records = run_dir / "parts"
        self._logs = run_dir / "log"

    def log_file(self, part: str) -> Path:
        """Where the part's standard output and error go; the run before is beside it, ending in `.1`."""
        return self._logs / f"{part}.log"

    def start(
        self,
        part: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: Path,
        *,
        port: int | None = None,
        fingerprint: str = "",
    ) -> Record:
        """Starts a part in the background; it lives on when this process ends."""
        self._records.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        directory.mkdir(parents=True, exist_ok=True)
        log = self.log_file(part)
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        # Not what the system says, which can be a second off.
        started = time.time()
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=directory,
                env={**environment, MARK: f"{self._run_dir}:{part}"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _await_mark(process)
        record = Record(part, process.pid, started, port, fingerprint)
        temporary = self._records / f"{part}.json.new"
        temporary.write_text(json.dumps(asdict(record), indent=2) + "\n")
        temporary.replace(self._record_file(part))
        return record

    def record(self, part: str) -> Record | None:
        """What was remembered when the part was started, or None; says nothing about whether it still runs."""
        try:
            return Record(**json.loads(self._record_file(part).read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            # Half a file, as a full disk leaves it; the processes are found by their mark all the same.
            return None

    def is_running(self, part: str) -> bool:
        """Whether the part's first process is alive."""
        return self._leader(part) is not None

    def find(self, parts: Iterable[str] | None = None) -> list[psutil.Process]:
        """All living processes of these parts, by default of every part, whoever their parents are now."""
        wanted = None if parts is None else set(parts)
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                directory, _, part = process.environ().get(MARK, "").rpartition(":")
                is_wanted = directory == str(self._run_dir) and (wanted is None or part in wanted)
                if is_wanted and process.pid != os.getpid() and _is_alive(process):
                    found.append(process)
        return found

    def stop(self, parts: Sequence[str], grace_seconds: float) -> list[str]:
        """Ends these parts and everything that they started; returns the names of those that had to be killed.

        The first process of each is asked to end, so that it can put its house in order, and killed if it hasn't after
        grace_seconds. Whatever it leaves behind, or left when it crashed, is killed.
        """
        leaders = {part: leader for part in parts if (leader := self._leader(part)) is not None}
        _signal_all(leaders.values(), psutil.Process.terminate)
        stubborn = _await_end(leaders.values(), grace_seconds)
        # A process can start another while it is being killed, so look again until there is none.
        deadline = time.monotonic() + 10
        while (rest := self.find(parts)) and time.monotonic() < deadline:
            _signal_all(rest, psutil.Process.kill)
            _await_end(rest, 1)
        for part in parts:
            if not self.find([part]):
                self._record_file(part).unlink(missing_ok=True)
        return [part for part, leader in leaders.items() if leader in stubborn]

    def _leader(self, part: str) -> psutil.Process | None:
        record = self.record(part)
        return next((process for process in self.find([part]) if record and process.pid == record.pid), None)

    def _record_file(self, part: str) -> Path:
        return self._records / f"{part}.json"


def _await_mark(process: subprocess.Popen[bytes]) -> None:
    """Waits until a new process can be found by its mark: its environment is empty while the system sets it up."""
    deadline = time.monotonic() + 5
    with contextlib.suppress(psutil.Error):
        while (
            process.poll() is None and MARK not in psutil.Process(process.pid).environ() and time.monotonic() < deadline
        ):
            time.sleep(0.005)


def _is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _await_end(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Waits until the processes are gone, zombies that nobody has collected yet included; returns those that aren't."""
    deadline = time.monotonic() + seconds
    while (rest := [process for process in processes if _is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return rest


def _signal_all(processes: Iterable[psutil.Process], send: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            send(process)
