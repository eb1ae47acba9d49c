"""How the demo tells a right upgrade of a stream from one that isn't."""

import datetime
import json
from typing import Any

import pytest

from stack.demo import reference_program
from stack.errors import StackError
from stack.settings import ROOT
from stack.upgrade import Lines, check_versions, in_words, table

REPORT: dict[str, Any] = {
    "ending": "UPGRADED",
    "why": None,
    "seconds": 21.4,
    "seconds_down": 6.6,
    "savepoint": "s3://data/savepoints/flight-delays/0f1e/savepoint-7d1f-0123",
    "old_flink_job_id": "1" * 32,
    "runs": "the new version",
    "flink_job_id": "2" * 32,
}


def at(day: int, hour: int) -> datetime.datetime:
    return datetime.datetime(2013, 1, day, hour, tzinfo=datetime.UTC)


def line(origin: str, hour: int, version: int, worst: str | None = "AA1", delay: int | None = 7, **more: Any) -> str:
    found: dict[str, Any] = {"origin": origin, "hour": f"2013-01-05T{hour:02}:00:00Z", "flights": 3, **more}
    if version == 2:
        found |= {"worstDepartureDelayMinutes": delay, "worstFlight": worst}
    return json.dumps({**found, "weather": None}, separators=(",", ":"))


# The state was saved when the source's clock stood between 10:00 and 11:00 of the 6th: behind the lag after 12:00.
HOURS = [(origin, hour) for origin in ("EWR", "JFK") for hour in range(10, 15)]
FIRST = [line(origin, hour, 1) for origin, hour in HOURS]
SECOND = [line(origin, hour, 2, f"AA{hour}") for origin, hour in HOURS]
# Most flights became known at once; those of 13:00 to 15:00 so late that only the second version saw them.
KNOWN = {
    (origin, f"2013-01-05T{hour:02}:00:00Z", f"AA{hour}"): at(5, hour) if hour < 13 else at(6, 12)
    for origin, hour in HOURS
}


def upgraded() -> list[str]:
    """What was written: the hours up to 11:00 by the first version, the rest by the second, 12:00 without a name."""
    return [
        line(origin, hour, 1) if hour < 12 else line(origin, hour, 2, None if hour == 12 else f"AA{hour}")
        for origin, hour in HOURS
    ]


def test_check_versions_each_line_is_its_versions_counts_them() -> None:
    first, second = check_versions(upgraded(), FIRST, SECOND, KNOWN)

    assert first == Lines(4, "2013-01-05T10:00:00Z", "2013-01-05T11:00:00Z", 0)
    assert second == Lines(6, "2013-01-05T12:00:00Z", "2013-01-05T14:00:00Z", 4)


def test_check_versions_hour_without_departures_has_no_flight_to_name() -> None:
    lines, reference = upgraded(), list(SECOND)
    lines[-1] = reference[-1] = line("JFK", 14, 2, None, None)

    _, second = check_versions(lines, FIRST, reference, KNOWN)

    assert second.named == 3


@pytest.mark.parametrize(
    ("position", "wrong", "words"),
    [
        (0, line("EWR", 10, 1, flights=4), "The first version's line isn't the reference program's"),
        (3, line("EWR", 13, 2, "AA13", 8), "The second version's line isn't the reference program's"),
        (3, line("EWR", 13, 2, "AA14"), "The second version's line isn't the reference program's"),
        (3, line("EWR", 13, 2, "AA13", flights=4), "The second version's line isn't the reference program's"),
        (0, line("EWR", 9, 1), "The reference program has no such hour"),
        # The second version forgets what it has counted itself.
        (3, line("EWR", 13, 2, None), "are named, and up to 2013-01-06 12:00:00.* they aren't"),
        # The second version knows what only the first has seen.
        (2, line("EWR", 12, 2, "AA12"), "are named, and up to"),
        # The first version goes on beside the second.
        (4, line("EWR", 14, 1), "The first version wrote an hour that the second had come to"),
    ],
)
def test_check_versions_line_that_no_version_writes_says_so(position: int, wrong: str, words: str) -> None:
    lines = upgraded()
    lines[position] = wrong

    with pytest.raises(StackError, match=words):
        check_versions(lines, FIRST, SECOND, KNOWN)


def test_check_versions_nothing_is_named_says_so() -> None:
    lines = [
        one if "worst" not in one else one.replace('"AA13"', "null").replace('"AA14"', "null") for one in upgraded()
    ]

    with pytest.raises(StackError, match="named no flight"):
        check_versions(lines, FIRST, SECOND, KNOWN)


@pytest.mark.parametrize("version", [1, 2])
def test_check_versions_one_wrote_all_says_so(version: int) -> None:
    with pytest.raises(StackError, match="so nobody sees that one went on from the other"):
        check_versions({1: FIRST, 2: SECOND}[version], FIRST, SECOND, KNOWN)


def test_table_has_a_row_for_each_version() -> None:
    rows = table(*check_versions(upgraded(), FIRST, SECOND, KNOWN), REPORT)

    assert rows[1:] == [
        ("first", "1" * 32, "2013-01-05 10:00", "2013-01-05 11:00", "-", "4 of 4"),
        ("second", "2" * 32, "2013-01-05 12:00", "2013-01-05 14:00", "4 of 6", "6 of 6"),
    ]


def test_in_words_tells_ending_times_and_savepoint() -> None:
    assert in_words(REPORT) == (
        "The stream flight-delays, upgraded while it ran: UPGRADED after 21 s.\n"
        "For 7 s of these no version ran; then the second, from savepoint-7d1f-0123, had to prove itself."
    )


@pytest.mark.parametrize(
    "differs",
    [{"ending": "ROLLED_BACK", "runs": "the old version"}, {"runs": "nothing"}, {"ending": "FAILED"}],
)
def test_in_words_new_version_doesnt_run_says_what_does(differs: dict[str, Any]) -> None:
    report = {**REPORT, **differs, "why": "It is UNHEALTHY."}

    with pytest.raises(StackError, match=rf"ended as {report['ending']}, and {report['runs']} runs: It is UNHEALTHY"):
        in_words(report)


@pytest.mark.parametrize("down", [None, 0.0, -1.0, 30.0])
def test_in_words_time_without_a_version_cant_be_says_so(down: float | None) -> None:
    with pytest.raises(StackError, match=rf"of these no version ran for {down} s"):
        in_words({**REPORT, "seconds_down": down})


def test_reference_program_isnt_there_says_so() -> None:
    with pytest.raises(StackError, match="isn't there"):
        reference_program(ROOT / "flink-jobs" / "reference" / "none.py")
