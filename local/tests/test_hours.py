"""What the demo makes of hours that have started DAG runs."""

import datetime
from dataclasses import replace
from typing import Any

import pytest

from stack.errors import StackError
from stack.hours import HourRun, check, committed, latency, table

TEN = datetime.datetime(2013, 1, 1, 10, tzinfo=datetime.UTC)
TOLD = datetime.datetime(2026, 11, 23, 4, 0, 30, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
SECOND = datetime.timedelta(seconds=1)


def hour(number: int, state: str = "success") -> HourRun:
    start = TEN + number * HOUR
    return HourRun(f"flight-hours__{start + HOUR}", state, start, start + HOUR, TOLD, TOLD + 2 * SECOND)


def shown(**changes: Any) -> dict[str, Any]:
    return {
        "dag_run_id": "flight-hours__2013-01-01T11:00:00Z",
        "state": "running",
        "start_date": "2026-11-23T04:00:32Z",
        "conf": {
            "from": "2013-01-01T10:00:00Z",
            "until": "2013-01-01T11:00:00Z",
            "occurredAt": "2026-11-23T04:00:30Z",
        },
        **changes,
    }


def test_parse_run_of_an_hour_has_its_bounds_and_times() -> None:
    run = HourRun.parse(shown())

    assert run == replace(hour(0, "running"), run_id="flight-hours__2013-01-01T11:00:00Z")
    assert not run.ended


def test_parse_run_that_waits_has_not_begun() -> None:
    run = HourRun.parse(shown(start_date=None, state="queued"))

    assert run is not None
    assert run.began is None


@pytest.mark.parametrize("conf", [None, {}, {"from": None, "until": "x", "occurredAt": "y"}, {"from": "x"}])
def test_parse_run_of_a_revision_or_of_somebody_is_none(conf: dict[str, Any] | None) -> None:
    assert HourRun.parse(shown(conf=conf)) is None


def test_committed_is_when_the_last_of_its_lines_appeared() -> None:
    files = [
        (TOLD, ["2013-01-01T10:00:00Z", "2013-01-01T11:00:00Z"]),
        (TOLD + SECOND, ["2013-01-01T10:00:00Z"]),
        (TOLD + 2 * SECOND, ["2013-01-01T11:00:00Z"]),
    ]

    assert committed(hour(0), files) == TOLD + SECOND
    assert committed(hour(5), files) is None


def test_check_hours_in_a_row_that_succeeded_is_fine() -> None:
    check([hour(0), hour(1), hour(2)])


def test_check_hour_between_that_has_no_run_is_told() -> None:
    with pytest.raises(StackError, match="Behind the hour up to 2013-01-01 11:00:00"):
        check([hour(0), hour(2)])


def test_check_run_that_has_not_succeeded_is_told() -> None:
    with pytest.raises(StackError, match="flight-hours__2013-01-01 12:00:00"):
        check([hour(0), hour(1, "running")])


def test_table_shows_each_hours_way() -> None:
    rows = table([(hour(0), TOLD - 28 * SECOND), (hour(1), None)], {hour(0).run_id: 3})

    assert rows[1] == ("2013-01-01 10:00", "success", "3", "04:00:02", "04:00:30", "04:00:32", "28 s", "30 s")
    assert rows[2] == ("2013-01-01 11:00", "success", "-", "-", "04:00:30", "04:00:32", "-", "-")


def test_latency_is_that_of_the_hours_with_lines() -> None:
    said = latency([(hour(0), TOLD - 28 * SECOND), (hour(1), TOLD), (hour(2), TOLD - 8 * SECOND), (hour(3), None)])

    assert said.startswith("From a commit to the beginning of its DAG run: 10 s in the middle, 2 to 30 s.")


def test_latency_nothing_was_written_is_told() -> None:
    with pytest.raises(StackError, match="No hour"):
        latency([(hour(0), None)])
