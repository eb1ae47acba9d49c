from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from flight_delays.hours import Counted, Slice, count, differences
from flight_delays.report import HourlyDelays, parse_rows

DATA = Path(__file__).parent / "data"
FLIGHTS = (DATA / "flights-2013-01-16.csv").read_text().splitlines()
ROWS = parse_rows([(DATA / "flight-delays-2013-01-16.jsonl").read_text()])
DAY = Slice.parse(None, "2013-01-17T05:00:00Z")
HOUR = Slice.parse("2013-01-16T13:00:00Z", "2013-01-16T14:00:00Z")


def rows(of: Slice) -> list[HourlyDelays]:
    return [row for row in ROWS if of.has(row["hour"])]


@pytest.mark.parametrize(
    ("start", "until", "hours"),
    [
        ("2013-01-16T13:00:00Z", "2013-01-16T14:00:00Z", [13]),
        ("2013-01-16T12:00:00Z", "2013-01-16T14:00:00Z", [12, 13]),
        ("2013-01-16T07:00:00-05:00", "2013-01-16T13:00:00+00:00", [12]),
        (None, "2013-01-16T02:00:00Z", [0, 1]),
        # An hour is written when it has ended.
        ("2013-01-16T13:30:00Z", "2013-01-16T14:30:00Z", [13]),
        ("2013-01-16T13:00:00Z", "2013-01-16T13:30:00Z", []),
    ],
)
def test_slice_has_hours_that_end_in_it(start: str | None, until: str, hours: list[int]) -> None:
    of = Slice.parse(start, until)

    assert [hour for hour in range(24) if of.has(f"2013-01-16T{hour:02}:00:00Z")] == hours


def test_slice_of_instants_with_offset_is_in_utc() -> None:
    assert Slice.parse("2013-01-16T08:00:00-05:00", "2013-01-16T14:00:00Z") == Slice(
        datetime(2013, 1, 16, 13, tzinfo=UTC), datetime(2013, 1, 16, 14, tzinfo=UTC)
    )


@pytest.mark.parametrize("of", [DAY, HOUR], ids=["day", "hour"])
def test_differences_of_what_flink_wrote_and_the_flights_are_none(of: Slice) -> None:
    expected = count(FLIGHTS, of)

    assert len(expected) == len(rows(of)) == (53 if of is DAY else 3)
    assert differences(rows(of), expected, revised=False) == []


def test_count_slice_without_flights_is_empty() -> None:
    night = Slice.parse("2013-01-16T08:00:00Z", "2013-01-16T09:00:00Z")

    assert count(FLIGHTS, night) == {}
    assert differences([], {}, revised=False) == []


def test_count_nothing_departed_has_no_delays() -> None:
    lines = ["dep_delay,origin,time_hour", "NA,JFK,2013-01-16T13:00:00Z", "NA,JFK,2013-01-16T13:00:00Z"]

    assert count(lines, HOUR) == {("JFK", "2013-01-16T13:00:00Z"): Counted(2, 2, None, None)}


def test_count_percentile_is_by_nearest_rank() -> None:
    lines = ["dep_delay,origin,time_hour", *(f"{delay},JFK,2013-01-16T13:00:00Z" for delay in range(20, 0, -1))]

    assert count(lines, HOUR) == {("JFK", "2013-01-16T13:00:00Z"): Counted(20, 0, 10.5, 19)}


@pytest.mark.parametrize(
    "change",
    [
        {"flights": 1000},
        {"cancelled": 1000},
        {"meanDepartureDelayMinutes": 0.5},
        {"meanDepartureDelayMinutes": None},
        {"p95DepartureDelayMinutes": 1000},
    ],
)
def test_differences_row_says_otherwise_is_told(change: HourlyDelays) -> None:
    first, *others = rows(HOUR)

    (wrong,) = differences([{**first, **change}, *others], count(FLIGHTS, HOUR), revised=True)

    assert wrong.startswith("2013-01-16T13:00:00Z of EWR is Counted(")


def test_differences_row_is_missing_or_too_much_is_told() -> None:
    expected = count(FLIGHTS, HOUR)
    first, *others = rows(HOUR)

    assert differences(others, expected, revised=False) == ["2013-01-16T13:00:00Z of EWR is missing."]
    assert differences([*others, first, {**first, "origin": "BOS"}], expected, revised=True) == [
        "2013-01-16T13:00:00Z of BOS is there, but has no flights."
    ]


def test_differences_row_is_there_twice_is_told_unless_it_was_revised() -> None:
    expected = count(FLIGHTS, HOUR)
    twice = [*rows(HOUR), *rows(HOUR)[:1]]

    assert differences(twice, expected, revised=False) == ["2013-01-16T13:00:00Z of EWR is there 2 times."]
    assert differences(twice, expected, revised=True) == []


def test_differences_many_are_cut() -> None:
    told = differences([], count(FLIGHTS, DAY), revised=False)

    assert len(told) == 6
    assert told[-1] == "48 more differences."
