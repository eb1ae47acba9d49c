"""The hours of a stream that have started runs of a DAG by event: what the demo shows of them."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stack.errors import StackError

HOUR: Final = datetime.timedelta(hours=1)


@dataclass(frozen=True)
class HourRun:
    """A DAG run that an hour has started.

    start: where the hour begins; `until` is where it ends
    told: when Sluiceway told that it is committed
    began: when the run began; None while it waits
    """

    run_id: str
    state: str
    start: datetime.datetime
    until: datetime.datetime
    told: datetime.datetime
    began: datetime.datetime | None

    @classmethod
    def parse(cls, run: Mapping[str, Any]) -> HourRun | None:
        """The run as Airflow's API shows it; None for one that no single hour has started."""
        conf = run["conf"] or {}
        if not conf.get("from") or "occurredAt" not in conf:
            return None
        began = run["start_date"]
        return cls(
            run_id=run["dag_run_id"],
            state=run["state"],
            start=_instant(conf["from"]),
            until=_instant(conf["until"]),
            told=_instant(conf["occurredAt"]),
            began=None if began is None else _instant(began),
        )

    @property
    def ended(self) -> bool:
        """Whether it has come to its end."""
        return self.state in ("success", "failed")


def committed(hour: HourRun, files: Iterable[tuple[datetime.datetime, Sequence[str]]]) -> datetime.datetime | None:
    """When the last line of an hour was committed; None for an hour without flights.

    files: when each appeared, and the beginnings of the hours that its lines are about, as the stream writes them
    """
    beginning = f"{hour.start.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
    return max((at for at, hours in files if beginning in hours), default=None)


def check(runs: Sequence[HourRun]) -> None:
    """Raises StackError unless each hour of a stretch without gaps has one run that succeeded."""
    if failed := [run.run_id for run in runs if run.state != "success"]:
        raise StackError(f"The runs of these hours haven't succeeded: {', '.join(failed)}.")
    for before, behind in itertools.pairwise(runs):
        if behind.start != before.until:
            raise StackError(f"Behind the hour up to {before.until} comes the one from {behind.start}.")


def table(runs: Iterable[tuple[HourRun, datetime.datetime | None]], lines: Mapping[str, int]) -> list[tuple[str, ...]]:
    """A row for each hour: when it was committed, told and dealt with, and how long that took.

    lines: of each run, how many lines of its hour it has held against the flights
    """
    rows: list[tuple[str, ...]] = [
        ("HOUR", "DAG RUN", "LINES", "COMMITTED", "TOLD", "RUN BEGAN", "TOLD AFTER", "BEGAN AFTER")
    ]
    rows.extend(
        (
            f"{run.start.astimezone(datetime.UTC):%Y-%m-%d %H:%M}",
            run.state,
            str(lines.get(run.run_id, "-")),
            _time(at),
            _time(run.told),
            _time(run.began),
            _seconds(at, run.told),
            _seconds(at, run.began),
        )
        for run, at in runs
    )
    return rows


def latency(runs: Iterable[tuple[HourRun, datetime.datetime | None]]) -> str:
    """How long it took from a commit to the beginning of the hour's run, in a sentence."""
    took = sorted((run.began - at).total_seconds() for run, at in runs if at is not None and run.began is not None)
    if not took:
        raise StackError("No hour has both a line and a run.")
    middle = took[len(took) // 2]
    return (
        f"From a commit to the beginning of its DAG run: {middle:.0f} s in the middle, "
        f"{took[0]:.0f} to {took[-1]:.0f} s.\n"
        "Sweeps come each minute, and an hour takes two of them; runs wait for each other, two at a time."
    )


def _instant(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def _time(moment: datetime.datetime | None) -> str:
    return "-" if moment is None else f"{moment.astimezone(datetime.UTC):%H:%M:%S}"


def _seconds(begin: datetime.datetime | None, end: datetime.datetime | None) -> str:
    return "-" if begin is None or end is None else f"{(end - begin).total_seconds():.0f} s"
