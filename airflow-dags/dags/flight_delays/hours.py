"""The hours that the stream `flight-hours` has finished, held against the flights that it reads."""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from airflow.providers.amazon.aws.hooks.s3 import S3Hook

from flight_delays import settings
from flight_delays.report import HourlyDelays, parse_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

JOB: Final = "flight-hours"
SINK: Final = "results"
RESULTS: Final = f"results/{JOB}"
"""Where the stream writes, in the bucket of data; the same in all its lives, so that it can go on there."""

HOUR: Final = timedelta(hours=1)
_SHOWN: Final = 5


@dataclass(frozen=True)
class Slice:
    """The hours that end behind one instant and not behind another.

    :param start: None: all hours from the first on
    """

    start: datetime | None
    until: datetime

    @classmethod
    def parse(cls, start: str | None, until: str) -> Slice:
        """Make a slice of a run's ``from`` and ``until``, instants in ISO 8601."""
        return cls(None if start is None else datetime.fromisoformat(start), datetime.fromisoformat(until))

    def has(self, hour: str) -> bool:
        """Tell whether an hour belongs to it, by its beginning, such as ``2013-01-05T11:00:00Z``."""
        # Texts of this form have the order of their instants, and the year's flights are many.
        return (self.start is None or _text(self.start - HOUR) < hour) and hour <= _text(self.until - HOUR)


@dataclass(frozen=True)
class Counted:
    """An airport's hour, by the flights.

    :param mean: the mean delay of those that departed, in minutes; None when none did
    :param p95: the 95th percentile of their delays, in minutes
    """

    flights: int
    cancelled: int
    mean: float | None
    p95: float | None


Hours = dict[tuple[str, str], Counted]
"""By airport and beginning of the hour."""


def read_rows(of: Slice) -> list[HourlyDelays]:
    """Read what the stream has written about a slice.

    A file holds what came between two checkpoints, not an hour; so all are looked through for the slice's lines.
    """
    s3 = S3Hook()
    keys = s3.list_keys(settings.DATA_BUCKET, prefix=f"{RESULTS}/", delimiter="/")
    rows = parse_rows(s3.read_key(key, settings.DATA_BUCKET) for key in keys if key.endswith(".jsonl"))
    return [row for row in rows if of.has(row["hour"])]


def read_flights(of: Slice) -> Hours:
    """Count the flights of a slice in the year's file, which is what the stream reads, too."""
    bucket, key = S3Hook.parse_s3_url(f"{settings.FLIGHTS}/flights.csv")
    lines = S3Hook().get_key(key, bucket).get()["Body"].iter_lines()
    return count((line.decode() for line in lines), of)


def count(lines: Iterable[str], of: Slice) -> Hours:
    """Count flights by airport and hour.

    :param lines: of ``flights.csv``, the first of which names the columns and the last column of which is the hour
    """
    delays: defaultdict[tuple[str, str], list[int | None]] = defaultdict(list)
    for row in csv.DictReader(_lines_of(lines, of)):
        delay = None if row["dep_delay"] == "NA" else int(row["dep_delay"])
        delays[row["origin"], row["time_hour"]].append(delay)
    return {hour: _sum_up(known) for hour, known in delays.items()}


def differences(rows: Iterable[HourlyDelays], expected: Hours, *, revised: bool) -> list[str]:
    """Say what is wrong with the rows of a slice, in sentences; nothing is when there is none.

    :param revised: whether the stream may have written the slice again, so that its rows may be there more than once
    """
    times: Counter[tuple[str, str]] = Counter()
    wrong = []
    for row in rows:
        hour = (row["origin"], row["hour"])
        times[hour] += 1
        found = Counted(
            row["flights"], row["cancelled"], row["meanDepartureDelayMinutes"], row["p95DepartureDelayMinutes"]
        )
        if hour in expected and not _same(found, expected[hour]):
            wrong.append(f"{_name(hour)} is {found}, but by the flights {expected[hour]}.")
    wrong += [f"{_name(hour)} is missing." for hour in expected if hour not in times]
    wrong += [f"{_name(hour)} is there, but has no flights." for hour in times if hour not in expected]
    if not revised:
        wrong += [f"{_name(hour)} is there {n} times." for hour, n in times.items() if n > 1]
    return wrong if len(wrong) <= _SHOWN else [*wrong[:_SHOWN], f"{len(wrong) - _SHOWN} more differences."]


def _lines_of(lines: Iterable[str], of: Slice) -> Iterator[str]:
    lines = iter(lines)
    yield next(lines)
    yield from (line for line in lines if of.has(line.rstrip().rpartition(",")[2]))


def _sum_up(delays: list[int | None]) -> Counted:
    departed = sorted(delay for delay in delays if delay is not None)
    cancelled = len(delays) - len(departed)
    if not departed:
        return Counted(len(delays), cancelled, None, None)
    rank = math.ceil(len(departed) * 95 / 100)
    return Counted(len(delays), cancelled, sum(departed) / len(departed), departed[rank - 1])


def _same(found: Counted, expected: Counted) -> bool:
    if found.mean is None or expected.mean is None:
        return found == expected
    exact = (found.flights, found.cancelled, found.p95) == (expected.flights, expected.cancelled, expected.p95)
    return exact and math.isclose(found.mean, expected.mean, rel_tol=1e-9, abs_tol=1e-9)


def _name(hour: tuple[str, str]) -> str:
    return f"{hour[1]} of {hour[0]}"


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
