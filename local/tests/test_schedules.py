"""When schedules are due; the expected times are those of the Scheduler's user guide and of the calendar."""

from datetime import UTC, datetime, timedelta

import pytest

from stack.schedules import ExpressionError, parse

CREATED = datetime(2026, 11, 23, 10, 0, 7, 500_000, tzinfo=UTC)


def due(expression: str, after: str, times: int = 3, zone: str = "UTC") -> list[str]:
    """The next due moments after another, in UTC."""
    parsed = parse(expression, zone, CREATED)
    moment: datetime | None = datetime.fromisoformat(after).replace(tzinfo=UTC)
    found: list[str] = []
    while len(found) < times and moment is not None:
        moment = parsed.next_after(moment)
        if moment is not None:
            found.append(moment.strftime("%Y-%m-%d %H:%M"))
    return found


def test_at_is_due_once_in_its_zone() -> None:
    assert due("at(2026-12-24T18:00:00)", "2026-11-23", zone="Europe/Zurich") == ["2026-12-24 17:00"]
    assert due("at(2026-12-24T18:00:00)", "2026-12-24 17:00", zone="Europe/Zurich") == []


def test_rate_is_due_at_once_and_after_each_interval() -> None:
    rate = parse("rate(5 minutes)", "UTC", CREATED)

    assert rate.next_after(CREATED - timedelta(hours=1)) == CREATED
    assert rate.next_after(CREATED) == CREATED + timedelta(minutes=5)
    assert rate.next_after(CREATED + timedelta(minutes=12)) == CREATED + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("text", "interval"),
    [("rate(1 minute)", timedelta(minutes=1)), ("rate(1 hours)", timedelta(hours=1)), ("rate(2 days)", timedelta(2))],
)
def test_rate_each_unit_is_known(text: str, interval: timedelta) -> None:
    assert parse(text, "UTC", CREATED).next_after(CREATED) == CREATED + interval


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 8 * * ? *)", ["2026-11-23 08:00", "2026-11-24 08:00", "2026-11-25 08:00"]),
        ("cron(15 10 ? * 6L *)", ["2026-11-27 10:15", "2026-12-25 10:15", "2027-01-29 10:15"]),
        ("cron(15 10 ? * FRIL *)", ["2026-11-27 10:15", "2026-12-25 10:15", "2027-01-29 10:15"]),
        ("cron(0 10 ? * 2#1 *)", ["2026-12-07 10:00", "2027-01-04 10:00", "2027-02-01 10:00"]),
        ("cron(0 10 ? * TUE#5 *)", ["2026-12-29 10:00", "2027-03-30 10:00", "2027-06-29 10:00"]),
        ("cron(0 10 L * ? *)", ["2026-11-30 10:00", "2026-12-31 10:00", "2027-01-31 10:00"]),
        ("cron(0 10 15W * ? *)", ["2026-12-15 10:00", "2027-01-15 10:00", "2027-02-15 10:00"]),
        ("cron(0 10 1W AUG ? *)", ["2027-08-02 10:00", "2028-08-01 10:00", "2029-08-01 10:00"]),
        ("cron(0 10 ? * 1 *)", ["2026-11-29 10:00", "2026-12-06 10:00", "2026-12-13 10:00"]),
        ("cron(0 10 ? * L *)", ["2026-11-28 10:00", "2026-12-05 10:00", "2026-12-12 10:00"]),
        ("cron(0 10 ? * MON-WED,7 *)", ["2026-11-23 10:00", "2026-11-24 10:00", "2026-11-25 10:00"]),
        ("cron(0/25 8 * * ? *)", ["2026-11-23 08:00", "2026-11-23 08:25", "2026-11-23 08:50"]),
        ("cron(0 0 1 jan,JUL ? 2027-2028)", ["2027-01-01 00:00", "2027-07-01 00:00", "2028-01-01 00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00:00", "2032-02-29 00:00", "2036-02-29 00:00"]),
        ("cron(0 12 24 12 ? 2026)", ["2026-12-24 12:00"]),
        ("cron(0 12 24 12 ? 2025)", []),
    ],
)
def test_cron_each_form_is_due_when_the_calendar_says(expression: str, expected: list[str]) -> None:
    assert due(expression, "2026-11-23") == expected


def test_cron_time_zone_follows_its_clocks() -> None:
    assert due("cron(0 8 * * ? *)", "2026-10-23 12:00", zone="Europe/Zurich") == [
        "2026-10-24 06:00",
        "2026-10-25 07:00",
        "2026-10-26 07:00",
    ]


def test_cron_time_that_the_clocks_skip_is_left_out() -> None:
    assert due("cron(30 2 * * ? *)", "2026-03-27 12:00", zone="Europe/Zurich") == [
        "2026-03-28 01:30",
        "2026-03-30 00:30",
        "2026-03-31 00:30",
    ]


def test_cron_time_that_the_clocks_show_twice_is_due_once() -> None:
    assert due("cron(30 2 * * ? *)", "2026-10-24 12:00", times=2, zone="Europe/Zurich") == [
        "2026-10-25 00:30",
        "2026-10-26 01:30",
    ]


def test_cron_every_minute_pauses_while_the_clocks_repeat_their_hour() -> None:
    assert due("cron(* * * * ? *)", "2026-10-25 00:58", times=3, zone="Europe/Zurich") == [
        "2026-10-25 00:59",
        "2026-10-25 02:00",
        "2026-10-25 02:01",
    ]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("every(1 minute)", "neither at"),
        ("rate(0 minutes)", "isn't rate"),
        ("rate(1 week)", "isn't rate"),
        ("at(2026-12-24 18:00)", "isn't at"),
        ("cron(0 8 * * ?)", "5 fields"),
        ("cron(0 8 * * * *)", r"\? as its day"),
        ("cron(0 8 ? * ? *)", r"\? as its day"),
        ("cron(0 8 LW * ? *)", "'LW' as the days of the month"),
        ("cron(0 8 L-3 * ? *)", "'L-3' as the days of the month"),
        ("cron(0 8 1,15W * ? *)", "'W' can only be used"),
        ("cron(0 8 ? * 8 *)", "'8' as the days of the week"),
        ("cron(0 8 ? * 2#1,4#1 *)", "more than the one day of the week"),
        ("cron(50-10 * * * ? *)", "counts down"),
        ("cron(60 * * * ? *)", "can't play"),
        ("cron(0 8 1 1 ? 2150)", "can't play"),
    ],
)
def test_parse_what_it_cannot_play_says_so(expression: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        parse(expression, "UTC", CREATED)


@pytest.mark.parametrize("zone", ["Europe/Zurick", "../etc/passwd", ""])
def test_parse_unknown_time_zone_says_so(zone: str) -> None:
    with pytest.raises(ExpressionError, match="There is no time zone"):
        parse("cron(0 8 * * ? *)", zone, CREATED)
