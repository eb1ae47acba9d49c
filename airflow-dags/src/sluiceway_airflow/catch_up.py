"""From events that come twice, in any order, or not at all, to each event of a job once and in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sluiceway_airflow.events import parse_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sluiceway_airflow.answers import Answer
    from sluiceway_airflow.events import Event


@dataclass(frozen=True)
class Sorted:
    """What is new among some events of a job.

    :param new: the events behind what was seen before, in the order of their numbers, each once
    :param missing: the numbers that lie between, as ranges: those events came by no way yet, or have expired
    :param seen: the highest number up to which nothing is missing
    """

    new: tuple[Event, ...]
    missing: tuple[range, ...]
    seen: int


def sort_out(events: Iterable[Event], seen: int) -> Sorted:
    """Tell what is new among events of one job.

    :param events: in any order, and any of them more than once
    :param seen: the highest number up to which all events were seen before; 0 when none was
    :raises ValueError: when they are of more than one job
    """
    new: dict[int, Event] = {}
    jobs = set()
    for event in events:
        jobs.add((event.cluster, event.job_name))
        if event.metadata.sequence > seen:
            new.setdefault(event.metadata.sequence, event)
    if len(jobs) > 1:
        raise ValueError(f"Numbers are those of one job on one cluster; these events are of {sorted(jobs)}.")
    numbers = sorted(new)
    missing = tuple(
        range(before + 1, number)
        for before, number in zip([seen, *numbers], numbers, strict=False)
        if number > before + 1
    )
    up_to = missing[0].start - 1 if missing else max(numbers, default=seen)
    return Sorted(tuple(new[number] for number in numbers), missing, up_to)


@dataclass(frozen=True)
class Step:
    """A part of what happened to a job.

    :param events: the next events, in order
    :param expired: numbers of events before or between them that nobody can list any more
    :param seen: the number behind which the next step begins
    """

    events: tuple[Event, ...]
    expired: tuple[range, ...]
    seen: int


def catch_up(ask: Callable[[int], Answer], seen: int | None) -> Iterator[Step]:
    """Go through the events behind a number, page by page; none that was recorded by the first question is left out.

    A ledger whose newest event has a lower number than what was seen isn't the one that was seen: it is new, or was
    restored from a backup. It is gone through from its beginning, so that events may come again.

    :param ask: calls ``list-events`` with ``afterSequence``
    :param seen: the highest number that was dealt with; None when nothing is known of before. Then it is no news that
        events have expired.
    :raises MalformedAnswerError: when an answer has no events
    :raises MalformedEventError: when an event isn't of the contract
    """
    known, after = seen is not None, seen or 0
    while True:
        page = ask(after).require_events()
        if page.last_sequence < after:
            known, after = False, 0
            continue
        sorted_out = sort_out((parse_event(one.detail_type, one.detail) for one in page.events), after)
        if not sorted_out.new:
            return
        expired = sorted_out.missing
        if not known and expired and expired[0].start == after + 1:
            expired = expired[1:]
        known, after = True, sorted_out.new[-1].metadata.sequence
        yield Step(sorted_out.new, expired, after)
        if not page.more:
            return
