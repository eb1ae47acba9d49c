"""When a schedule of EventBridge Scheduler is due: its expressions `at(…)`, `rate(…)` and `cron(…)`.

The rules are those of the Scheduler's user guide, chapter "Schedule types".
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import CroniterBadCronError, CroniterBadDateError, croniter

_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}

_NUMBER = r"\d{1,4}"
_MONTH = rf"({_NUMBER}|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"
_DAY = r"([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)"
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}


class ExpressionError(ValueError):
    """An expression that isn't one, or that can't be played here; the text is a sentence for the user."""


class Expression(ABC):
    """The moments at which a schedule is due."""

    @abstractmethod
    def next_after(self, moment: datetime) -> datetime | None:
        """The first due moment after another, in UTC, or None if there is none any more."""


@dataclass(frozen=True)
class At(Expression):
    """Once. A time of day that the zone's clocks skip is never."""

    local: datetime
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> datetime | None:
        due = _instant(self.local, self.zone)
        return due if due is not None and due > moment else None


@dataclass(frozen=True)
class Rate(Expression):
    """At once, and then again and again after the same time."""

    first: datetime
    interval: timedelta

    def next_after(self, moment: datetime) -> datetime | None:
        if moment < self.first:
            return self.first
        return self.first + ((moment - self.first) // self.interval + 1) * self.interval


@dataclass(frozen=True)
class Cron(Expression):
    """By the zone's clocks: a time that they skip in spring is left out, one that they show twice counts once.

    fields: as croniter takes them: minute, hour, day of month, month, day of week, second, year
    """

    fields: str
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> datetime | None:
        times = croniter(self.fields, moment.astimezone(self.zone).replace(tzinfo=None))
        while True:
            try:
                due = _instant(times.get_next(datetime), self.zone)
            except CroniterBadDateError:
                return None
            if due is not None and due > moment:
                return due


def parse(text: str, zone: str, first: datetime) -> Expression:
    """What an expression says; raises ExpressionError.

    zone: the name of a time zone, such as `Europe/Zurich`, for `at` and `cron`
    first: when a `rate` is due for the first time: at the schedule's StartDate, or without one when it was created
    """
    match = re.fullmatch(r"\s*(at|rate|cron)\((.*)\)\s*", text)
    if match is None:
        raise ExpressionError(f"{text!r} is neither at(…), nor rate(…), nor cron(…).")
    kind, inner = match.groups()
    match kind:
        case "at":
            return At(_local_time(inner, text), _zone(zone))
        case "rate":
            return Rate(first, _interval(inner, text))
        case _:
            return Cron(_cron_fields(inner, text), _zone(zone))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ExpressionError(f"There is no time zone {name!r}.") from error


def _local_time(inner: str, text: str) -> datetime:
    try:
        return datetime.strptime(f"{inner}+00:00", "%Y-%m-%dT%H:%M:%S%z").replace(tzinfo=None)
    except ValueError as error:
        raise ExpressionError(f"{text!r} isn't at(yyyy-mm-ddThh:mm:ss).") from error


def _interval(inner: str, text: str) -> timedelta:
    match = re.fullmatch(r"\s*([1-9]\d*)\s+(minute|hour|day)s?\s*", inner)
    if match is None:
        raise ExpressionError(f"{text!r} isn't rate(N minutes), rate(N hours) or rate(N days), N being 1 or more.")
    return int(match[1]) * _UNITS[match[2]]


def _cron_fields(inner: str, text: str) -> str:
    fields = inner.upper().split()
    if len(fields) != 6:
        raise ExpressionError(
            f"{text!r} has {len(fields)} fields, but minutes, hours, days, months, weekdays, years are 6."
        )
    minute, hour, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?"):
        raise ExpressionError(f"{text!r} has to have ? as its day of the month or as its day of the week, not as both.")
    steps = rf"(\*|{_NUMBER}(-{_NUMBER})?)(/{_NUMBER})?"
    names = (
        _list(minute, steps, "minutes", text),
        _list(hour, steps, "hours", text),
        _list(day, rf"\?|L|{_NUMBER}W|{steps}", "days of the month", text),
        _list(month, rf"(\*|{_MONTH}(-{_MONTH})?)(/{_NUMBER})?", "months", text),
        _weekdays(weekday, text),
        "0",
        _list(year, steps, "years", text),
    )
    expression = " ".join(names).replace("?", "*").lower()
    try:
        croniter(expression)
    except CroniterBadCronError as error:
        raise ExpressionError(f"The stack's ticker can't play {text!r}: {error}.") from error
    return expression


def _list(field: str, item: str, what: str, text: str) -> str:
    for part in field.split(","):
        if re.fullmatch(item, part) is None:
            raise ExpressionError(f"The stack's ticker can't play {part!r} as the {what} of {text!r}.")
        first, dash, last = part.partition("/")[0].partition("-")
        if dash and first.isdigit() and last.isdigit() and int(first) > int(last):
            raise ExpressionError(f"The stack's ticker can't play {part!r}, which counts down, in {text!r}.")
    return field


def _weekdays(field: str, text: str) -> str:
    """The days of the week as croniter counts them, from 0, Sunday; the Scheduler counts from 1."""
    _list(field, rf"\?|\*|L|{_DAY}L|{_DAY}#[1-5]|{_DAY}(-{_DAY})?", "days of the week", text)
    if "#" in field and "," in field:
        raise ExpressionError(f"{text!r} has more than the one day of the week that there may be with #.")

    def number(day: str) -> str:
        return str(_DAYS[day] if day in _DAYS else int(day) - 1)

    def convert(part: str) -> str:
        if part in ("?", "*"):
            return part
        if part == "L":
            # The last day of the week.
            return number("SAT")
        if part.endswith("L"):
            return f"L{number(part[:-1])}"
        if "#" in part:
            day, _, nth = part.partition("#")
            return f"{number(day)}#{nth}"
        return "-".join(number(day) for day in part.split("-"))

    return ",".join(convert(part) for part in field.split(","))


def _instant(local: datetime, zone: ZoneInfo) -> datetime | None:
    """The moment at which the zone's clocks show a time, the first one if they show it twice, None if they skip it."""
    instant = local.replace(tzinfo=zone).astimezone(UTC)
    return instant if instant.astimezone(zone).replace(tzinfo=None) == local else None
