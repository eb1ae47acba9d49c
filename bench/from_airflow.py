"""Where the time goes between a run of a DAG and a Flink job whose tasks all run, on a stack that is up.

`make bench-airflow` runs it. With --publish the table and the picture go into docs/performance.md.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import os
import re
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import httpx
import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
import page

from stack import airflow
from stack.demo import Airflow, Run, why_failed
from stack.errors import StackError
from stack.progress import Progress
from stack.settings import Settings, load_settings

DAG: Final = "bench_submit_job"
TASK: Final = "submit-job"
FUNCTION: Final = "sluiceway-local-submit-job"
ALIAS: Final = "live"
PICTURE: Final = page.ROOT / "docs" / "airflow-to-running.svg"
PATIENCE_SECONDS: Final = 120
REPORTED: Final = re.compile(r"REPORT RequestId: \S+\tDuration: (\d+(?:\.\d+)?) ms")


@dataclass(frozen=True)
class Round:
    """When each part of one start was over, in milliseconds since the run of the DAG was made.

    cold: whether the function's process had to be started
    queued: the scheduler has handed the task to the executor
    started: the task's process has told Airflow that it begins
    called: Lambda has the call
    handling: the function has the event; at once in a process that was there
    answered: the function has answered, to its last line
    running: all of the job's tasks run
    """

    cold: bool
    queued: float
    started: float
    called: float
    handling: float
    answered: float
    running: float

    def phases(self) -> dict[str, float]:
        """Milliseconds of each phase, in their order; what is left of a call when the tasks run already is none's."""
        ends = [self.queued, self.started, self.called, self.handling, self.answered, self.running]
        bounded = [min(end, self.running) for end in ends]
        return {
            name: end - begin for name, (begin, end) in zip(PHASES, itertools.pairwise([0.0, *bounded]), strict=True)
        }

    def share(self) -> float:
        """What of the whole is the function's, from the start of its process to its answer; 0..1.

        Flink's and AWS's answers to it are in it: the jar's upload, the job's graph, the ledger's writes.
        """
        phases = self.phases()
        return sum(phases[name] for name in OURS) / self.running


PHASES: Final = {
    "Airflow schedules the task": "#c9d3dc",
    "Airflow starts its process": "#9aa5b1",
    "the task reads its DAG and calls": "#6b7885",
    "submit-job's process starts": "#0b6e4f",
    "submit-job, Flink's and AWS's answers in it": "#3da27f",
    "Flink starts the job's tasks": "#e6b35a",
}
OURS: Final = ("submit-job's process starts", "submit-job, Flink's and AWS's answers in it")


def main(argv: Sequence[str] | None = None) -> None:
    """Measures, or reads what was measured, and shows it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("file", type=Path, help="what is written, or with --publish read")
    arguments.add_argument("--rounds", type=int, default=20, help="how many of each kind")
    arguments.add_argument("--publish", action="store_true", help="write into docs/performance.md")
    options = arguments.parse_args(argv)
    if not options.publish:
        options.file.write_text(json.dumps(measure(load_settings(), options.rounds), indent=1) + "\n")
    run = json.loads(options.file.read_text())
    text = table(run)
    print(text)
    target = PICTURE if options.publish else options.file.with_suffix(".svg")
    draw(run, target)
    if options.publish:
        says = "What the time from a DAG run to a running job is spent on, with a cold and a warm function"
        page.publish("from_airflow.py", page.shown(PICTURE, says) + text)


def measure(settings: Settings, rounds: int) -> dict[str, Any]:
    """Starts so many jobs with a cold function and as many with a warm one, by turns; all of it as JSON."""
    progress = Progress()
    lab = Lab(settings)
    measured = []
    with dag(settings), lab.alias():
        lab.await_dag()
        # The first run has Airflow read what the others find in memory.
        lab.start("first", cold=True)
        for number in range(rounds):
            for cold in (True, False):
                one = lab.start(f"{number}-{'cold' if cold else 'warm'}", cold)
                measured.append(one)
                progress.say(
                    f"round {number + 1} of {rounds}, {'cold' if cold else 'warm'}: "
                    f"{one.running / 1000:.1f} s, {one.share():.1%} of it submit-job's"
                )
    return {
        "at": datetime.datetime.now(datetime.UTC).isoformat(),
        "packaging": settings.packaging,
        "rounds": rounds,
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0],
        "samples": [asdict(one) for one in measured],
    }


@contextmanager
def dag(settings: Settings) -> Iterator[None]:
    """Has Airflow know the bench's DAG meanwhile."""
    file = airflow.added_dags(settings) / f"{DAG}.py"
    shutil.copyfile(page.ROOT / "bench" / "dags" / file.name, file)
    try:
        yield
    finally:
        file.unlink()


class Lab:
    """The stack's parts that are asked for their times; they are of one machine and its one clock."""

    def __init__(self, settings: Settings) -> None:
        self._airflow = Airflow(settings)
        self._flink = httpx.Client(base_url=settings.flink_url, timeout=30)
        self._functions = boto3.client("lambda")
        self._logs = boto3.client("logs")
        self._published: list[str] = []
        self._series = f"{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M%S}"

    def await_dag(self) -> None:
        """Waits until Airflow has read the DAG."""
        self._until(
            "Airflow doesn't find the bench's DAG.",
            lambda: any(one["dag_id"] == DAG for one in self._airflow.get("/dags", limit=100)["dags"]),
        )

    @contextmanager
    def alias(self) -> Iterator[None]:
        """Points the alias back to where it pointed, whatever comes, and leaves nothing of what was published."""
        before = self._functions.get_alias(FunctionName=FUNCTION, Name=ALIAS)["FunctionVersion"]
        description = self._functions.get_function_configuration(FunctionName=FUNCTION)["Description"]
        try:
            yield
        finally:
            self._functions.update_alias(FunctionName=FUNCTION, Name=ALIAS, FunctionVersion=before)
            self._functions.update_function_configuration(FunctionName=FUNCTION, Description=description)
            for version in self._published:
                self._functions.delete_function(FunctionName=FUNCTION, Qualifier=version)

    def start(self, name: str, cold: bool) -> Round:
        """Runs the DAG once, waits until the job has ended, and asks everybody when what was."""
        if cold:
            self._renew()
        run_id = f"bench-{self._series}-{name}"
        self._airflow.make_run(DAG, run_id)
        path = f"/dags/{DAG}/dagRuns/{run_id}"
        run = Run(DAG, run_id, run_id)
        self._until("The DAG's run doesn't end.", lambda: self._has_ended(run, path))
        made = _millis(self._airflow.get(path)["queued_at"])
        task = self._airflow.get(f"{path}/taskInstances/{TASK}")
        answer = self._airflow.get(f"{path}/taskInstances/{TASK}/xcomEntries/return_value")["value"]
        job = (json.loads(answer) if isinstance(answer, str) else answer)["job"]["flinkJobId"]
        self._until("The job doesn't end.", lambda: self._get(f"/jobs/{job}")["state"] == "FINISHED")
        answered, lasted, handled = self._call(run_id)
        return Round(
            cold=cold,
            queued=_millis(task["queued_when"]) - made,
            started=_millis(task["start_date"]) - made,
            called=answered - lasted - made,
            handling=answered - (handled if cold else lasted) - made,
            answered=answered - made,
            running=self._running(job) - made,
        )

    def _renew(self) -> None:
        """Publishes the function as a new version, of which no process is there yet, as a deployment does."""
        self._functions.update_function_configuration(
            FunctionName=FUNCTION, Description=f"Made for a bench at {time.time()}"
        )
        version = self._functions.publish_version(FunctionName=FUNCTION)["Version"]
        self._published.append(version)
        self._functions.update_alias(FunctionName=FUNCTION, Name=ALIAS, FunctionVersion=version)

    def _has_ended(self, run: Run, path: str) -> bool:
        state = self._airflow.get(path)["state"]
        if state == "failed":
            raise StackError("\n".join(why_failed(self._airflow, run)))
        return bool(state == "success")

    def _call(self, run_id: str) -> tuple[float, float, float]:
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{FUNCTION}")
        return call([event for one in pages for event in one["events"]], run_id)

    def _running(self, job: str) -> float:
        """When the last of a job's tasks began to run, in milliseconds since the epoch."""
        vertices = [vertex["id"] for vertex in self._get(f"/jobs/{job}")["vertices"]]
        return float(
            max(
                subtask["timestamps"]["RUNNING"]
                for vertex in vertices
                for subtask in self._get(f"/jobs/{job}/vertices/{vertex}/subtasktimes")["subtasks"]
            )
        )

    def _get(self, path: str) -> dict[str, Any]:
        response = self._flink.get(path)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer

    def _until(self, too_late: str, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            if time.monotonic() > deadline:
                raise StackError(too_late)
            time.sleep(1)


def call(events: Sequence[Mapping[str, Any]], job: str) -> tuple[float, float, float]:
    """When the call that started a job was answered, since the epoch; how long it took by Lambda, and by the function.

    events: of the function's log group; a call is a stream
    """
    for event in events:
        message = event["message"]
        line = json.loads(message) if message.startswith("{") else {}
        if line.get("jobName") == job and "outcome" in line:
            stream = [one for one in events if one["logStreamName"] == event["logStreamName"]]
            report = next(found for one in stream if (found := REPORTED.search(one["message"])))
            return event["timestamp"], float(report[1]), line["durationMs"]
    raise StackError(f"The log of {FUNCTION} has no line of a call that started {job}.")


def _millis(instant: str) -> float:
    return datetime.datetime.fromisoformat(instant).timestamp() * 1000


def rounds_of(run: Mapping[str, Any], cold: bool) -> list[Round]:
    """The measured rounds with a cold function, or with a warm one."""
    return [one for sample in run["samples"] if (one := Round(**sample)).cold == cold]


def table(run: Mapping[str, Any]) -> str:
    """Markdown: a row for each phase, the medians of the rounds with a cold and a warm function."""
    kinds = {"cold": rounds_of(run, cold=True), "warm": rounds_of(run, cold=False)}
    lines = [
        f"One run of {run['at'][:10]}, {run['rounds']} starts of each kind in turns; {run['processors']} processors, "
        f"load {run['load']:.1f}, packaging `{run['packaging']}`. Medians, in milliseconds:",
        "",
        "| | cold function | warm function |",
        "|---|---:|---:|",
    ]
    for phase in PHASES:
        cells = [f"{statistics.median(one.phases()[phase] for one in rounds):,.0f}" for rounds in kinds.values()]
        lines.append(f"| {phase} | {' | '.join(cells)} |")
    wholes = [f"{statistics.median(one.running for one in rounds):,.0f}" for rounds in kinds.values()]
    shares = [f"{statistics.median(one.share() for one in rounds):.1%}" for rounds in kinds.values()]
    worst = [f"{max(one.share() for one in rounds):.1%}" for rounds in kinds.values()]
    lines += [
        f"| **from the run of the DAG to all tasks RUNNING** | {' | '.join(wholes)} |",
        f"| **`submit-job`'s share of it** | {' | '.join(shares)} |",
        f"| its largest share in any round | {' | '.join(worst)} |",
    ]
    return "\n".join([*lines, ""])


def draw(run: Mapping[str, Any], target: Path) -> None:
    """Two bars of phases, the medians of the rounds."""
    figure, axis = plt.subplots(figsize=(8, 2.6))
    for row, cold in enumerate((False, True)):
        begin = 0.0
        rounds = rounds_of(run, cold)
        for phase, colour in PHASES.items():
            width = statistics.median(one.phases()[phase] for one in rounds) / 1000
            axis.barh(row, width, left=begin, color=colour, label=phase if cold else None, height=0.6)
            begin += width
    axis.set_yticks([0, 1], ["warm function", "cold function"])
    axis.set_xlabel("seconds since the run of the DAG was made")
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="upper center", ncols=2, fontsize=7, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.78))
    page.save(figure, target)


if __name__ == "__main__":
    main()
