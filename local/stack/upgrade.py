"""A stream that was upgraded while it ran: its lines, by the version that wrote them, held against the reference."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from stack.errors import StackError

HOUR: Final = datetime.timedelta(hours=1)
# How long the job waits for the flights of an hour that has ended, unless it is told otherwise.
LAG: Final = datetime.timedelta(hours=22)
# What the second version's lines have besides.
LONGEST: Final = "worstDepartureDelayMinutes"
WORST: Final = "worstFlight"

FlightKey: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True)
class Lines:
    """What one version wrote.

    first, last: the hours that it wrote about, as their beginnings
    named: how many of the hours name their worst flight
    """

    count: int
    first: str
    last: str
    named: int


def check_versions(
    lines: Iterable[str],
    first_version: Iterable[str],
    second_version: Iterable[str],
    known: Mapping[FlightKey, datetime.datetime],
) -> tuple[Lines, Lines]:
    """What each version wrote; raises StackError if a line isn't one that it has to write.

    The first version's lines are the reference program's. The second's are, too, except that one doesn't name its worst
    flight when the first version has counted that: then it became known before the state was saved, and the state has
    its delay alone. The source's clock stood at that moment behind the end of the last hour that the first version
    wrote, and the lag after it, and before that of the first hour that the second wrote.

    first_version, second_version: what the reference program says of the hours that are looked at, for either version
    known: when each flight became known, by airport, hour, and carrier with number
    """
    expected: Mapping[tuple[str, str], tuple[str, str]] = {
        _key(one): (one, two) for one, two in zip(sorted(first_version), sorted(second_version), strict=True)
    }
    ours: list[str] = []
    theirs: list[str] = []
    named: list[datetime.datetime] = []
    unnamed: list[datetime.datetime] = []
    for line in lines:
        found = json.loads(line)
        if _key(line) not in expected:
            raise StackError(f"The reference program has no such hour: {line}")
        one, two = expected[_key(line)]
        if WORST not in found:
            ours.append(line)
            if line != one:
                raise StackError(f"The first version's line isn't the reference program's: {line} instead of {one}")
            continue
        theirs.append(line)
        worst = json.loads(two)
        moment = None if worst[WORST] is None else known[found["origin"], found["hour"], worst[WORST]]
        if line == two:
            if moment is not None:
                named.append(moment)
        elif moment is not None and line == _without_name(two):
            unnamed.append(moment)
        else:
            raise StackError(f"The second version's line isn't the reference program's: {line} instead of {two}")
    if not ours or not theirs:
        raise StackError(
            f"The first version wrote {len(ours)} lines and the second {len(theirs)}, so nobody sees that one went on "
            "from the other."
        )
    _check_moments(max(map(_hour, ours)) + HOUR + LAG, min(map(_hour, theirs)) + HOUR + LAG, named, unnamed)
    return _lines(ours), _lines(theirs)


def table(first: Lines, second: Lines, report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """A row for each version: what it wrote, in which hours, and how many of them name their worst flight.

    report: what the DAG's task `report-upgrade` has returned
    """
    return [
        ("VERSION", "FLINK JOB", "FIRST HOUR", "LAST HOUR", "WORST FLIGHT NAMED", "LINES = REFERENCE"),
        _row("first", report["old_flink_job_id"], first, "-"),
        _row("second", report["flink_job_id"], second, f"{second.named} of {second.count}"),
    ]


def in_words(report: Mapping[str, Any]) -> str:
    """How the upgrade ended, and what it cost; raises StackError unless the new version runs."""
    if report["ending"] != "UPGRADED" or report["runs"] != "the new version":
        raise StackError(f"The upgrade ended as {report['ending']}, and {report['runs']} runs: {report['why']}")
    down = report["seconds_down"]
    if down is None or not 0 < down <= report["seconds"]:
        raise StackError(f"The upgrade took {report['seconds']} s, but of these no version ran for {down} s.")
    savepoint = str(report["savepoint"]).rpartition("/")[2]
    return (
        f"The stream flight-delays, upgraded while it ran: {report['ending']} after {report['seconds']:.0f} s.\n"
        f"For {down:.0f} s of these no version ran; then the second, from {savepoint}, had to prove itself."
    )


def _check_moments(
    earliest: datetime.datetime,
    latest: datetime.datetime,
    named: Sequence[datetime.datetime],
    unnamed: Sequence[datetime.datetime],
) -> None:
    """Sees that whether a flight is named depends on one moment alone, the one at which the state was saved."""
    if earliest >= latest:
        raise StackError(
            f"The first version wrote an hour that the second had come to: up to {earliest - LAG}, from {latest - LAG}."
        )
    if not named:
        raise StackError("The second version named no flight.")
    last = max(unnamed, default=earliest)
    if min(named) < earliest or last >= latest or last > min(named):
        raise StackError(
            f"Flights that became known from {min(named)} on are named, and up to {last} they aren't; "
            f"the state was saved between {earliest} and {latest}."
        )


def _row(version: str, flink_job_id: str, lines: Lines, named: str) -> tuple[str, ...]:
    hours = [hour.replace("T", " ").removesuffix(":00Z") for hour in (lines.first, lines.last)]
    return (version, flink_job_id, *hours, named, f"{lines.count} of {lines.count}")


def _lines(lines: Sequence[str]) -> Lines:
    hours = [json.loads(line) for line in lines]
    beginnings = [hour["hour"] for hour in hours]
    return Lines(len(lines), min(beginnings), max(beginnings), sum(hour.get(WORST) is not None for hour in hours))


def _key(line: str) -> tuple[str, str]:
    hour = json.loads(line)
    return hour["origin"], hour["hour"]


def _hour(line: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(json.loads(line)["hour"])


def _without_name(line: str) -> str:
    """The line as the second version writes it when the first has counted its worst flight."""
    return json.dumps({**json.loads(line), WORST: None}, separators=(",", ":"))
