from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from sluiceway_airflow.answers import Answer
from sluiceway_airflow.catch_up import Step, catch_up, sort_out
from sluiceway_airflow.events import Event, parse_event
from sluiceway_airflow.exceptions import MalformedAnswerError, MalformedEventError
from sluiceway_events import Json, ready

MANY = 2000


def event(sequence: int, job: str = "flight-hours") -> Event:
    one = ready(sequence, sequence, job)
    return parse_event(one["detailType"], one["detail"])


def numbers(events: Sequence[Event]) -> list[int]:
    return [one.metadata.sequence for one in events]


@dataclass
class FakeLedger:
    """A job's events behind ``list-events``."""

    kept: list[int]
    last: int
    page_size: int = 3
    asked: list[int] = field(default_factory=list)

    def ask(self, after: int) -> Answer:
        self.asked.append(after)
        behind = [number for number in self.kept if number > after]
        page: Json = {
            "outcome": "OBSERVED",
            "events": [ready(number, number) for number in behind[: self.page_size]],
            "lastSequence": self.last,
            "more": len(behind) > self.page_size,
        }
        return Answer.parse(json.dumps(page))


def follow(ledger: FakeLedger, seen: int | None) -> list[Step]:
    return list(catch_up(ledger.ask, seen))


class TestSortOut:
    def test_sort_out_batch_without_gap_is_new_in_order(self) -> None:
        found = sort_out([event(3), event(2), event(3), event(1)], seen=1)

        assert (numbers(found.new), found.missing, found.seen) == ([2, 3], (), 3)

    def test_sort_out_all_was_seen_is_nothing_new(self) -> None:
        found = sort_out([event(3), event(5)], seen=5)

        assert (found.new, found.missing, found.seen) == ((), (), 5)

    def test_sort_out_gaps_are_told_and_end_what_was_seen(self) -> None:
        found = sort_out([event(9), event(6), event(5)], seen=2)

        assert (numbers(found.new), found.missing, found.seen) == ([5, 6, 9], (range(3, 5), range(7, 9)), 2)

    def test_sort_out_gap_behind_new_ones_is_told(self) -> None:
        found = sort_out([event(3), event(5)], seen=2)

        assert (found.missing, found.seen) == ((range(4, 5),), 3)

    def test_sort_out_events_of_two_jobs_raises(self) -> None:
        with pytest.raises(ValueError, match="one job"):
            sort_out([event(3), event(4, "other")], seen=0)

    def test_sort_out_any_batches_tell_each_event_once(self) -> None:
        """Whatever is delivered again, late or never: new and missing together are all behind what was seen."""
        chance = random.Random(20130101)
        for _ in range(MANY):
            last = chance.randint(0, 12)
            seen = chance.randint(0, last)
            delivered = chance.choices(range(1, last + 1), k=chance.randint(0, 15)) if last else []

            found = sort_out([event(number) for number in delivered], seen)

            new = numbers(found.new)
            missing = [number for gap in found.missing for number in gap]
            assert new == sorted({number for number in delivered if number > seen})
            assert sorted(new + missing) == list(range(seen + 1, max([seen, *new]) + 1))
            assert all(number in new for number in range(seen + 1, found.seen + 1))
            assert found.seen + 1 not in new

    def test_sort_out_batch_after_batch_tells_all_once_nothing_is_missing(self) -> None:
        """Who keeps what is behind a gap, and goes on from what was seen, comes to each event once, in order."""
        chance = random.Random(20130102)
        for _ in range(MANY // 10):
            last = chance.randint(1, 30)
            deliveries = [*range(1, last + 1), *chance.choices(range(1, last + 1), k=10)]
            chance.shuffle(deliveries)
            seen, waiting, told = 0, list[Event](), list[int]()
            while deliveries:
                batch = [event(deliveries.pop()) for _ in range(min(len(deliveries), chance.randint(1, 5)))]
                found = sort_out([*waiting, *batch], seen)
                told += [number for number in numbers(found.new) if number <= found.seen]
                waiting = [one for one in found.new if one.metadata.sequence > found.seen]
                seen = found.seen
            assert told == list(range(1, last + 1))


class TestCatchUp:
    def test_catch_up_nothing_is_new_asks_once(self) -> None:
        ledger = FakeLedger([1, 2, 3], last=3)

        assert follow(ledger, 3) == []
        assert ledger.asked == [3]

    def test_catch_up_goes_from_page_to_page(self) -> None:
        ledger = FakeLedger(list(range(1, 9)), last=8)

        steps = follow(ledger, 1)

        assert [numbers(step.events) for step in steps] == [[2, 3, 4], [5, 6, 7], [8]]
        assert [step.seen for step in steps] == [4, 7, 8]
        assert ledger.asked == [1, 4, 7]

    def test_catch_up_events_expired_tells_which(self) -> None:
        steps = follow(FakeLedger([5, 6, 8], last=8), 2)

        assert [step.expired for step in steps] == [(range(3, 5), range(7, 8))]

    def test_catch_up_nothing_was_seen_begins_with_oldest_that_is_kept(self) -> None:
        steps = follow(FakeLedger([5, 6, 8, 9], last=9), None)

        assert [(numbers(step.events), step.expired) for step in steps] == [([5, 6, 8], (range(7, 8),)), ([9], ())]

    def test_catch_up_job_without_events_has_none(self) -> None:
        assert follow(FakeLedger([], last=0), None) == []

    def test_catch_up_all_have_expired_goes_on_when_next_comes(self) -> None:
        ledger = FakeLedger([], last=9)
        assert follow(ledger, 4) == []

        ledger.kept, ledger.last = [10], 10
        (step,) = follow(ledger, 4)

        assert (numbers(step.events), step.expired) == ([10], (range(5, 10),))

    def test_catch_up_ledger_is_another_begins_anew(self) -> None:
        ledger = FakeLedger([2, 3], last=3)

        steps = follow(ledger, 57)

        assert [(numbers(step.events), step.expired, step.seen) for step in steps] == [([2, 3], (), 3)]
        assert ledger.asked == [57, 0]

    def test_catch_up_answer_has_no_events_raises(self) -> None:
        with pytest.raises(MalformedAnswerError, match="has no events"):
            list(catch_up(lambda _: Answer.parse('{"outcome": "OBSERVED"}'), 3))

    def test_catch_up_event_is_malformed_raises_behind_pages_before(self) -> None:
        ledger = FakeLedger([1, 2, 3, 4], last=4)

        def ask(after: int) -> Answer:
            page = ledger.ask(after).model_dump(by_alias=True, exclude_none=True)
            for one in page["events"]:
                if one["detail"]["metadata"]["sequence"] == 4:
                    del one["detail"]["data"]["until"]
            return Answer.parse(json.dumps(page))

        steps = catch_up(ask, None)

        assert next(steps).seen == 3
        with pytest.raises(MalformedEventError, match="until"):
            next(steps)

    def test_catch_up_interrupted_anywhere_tells_all_in_order(self) -> None:
        """Whatever is kept, recorded meanwhile, and interrupted: what isn't told has expired, and nothing is twice."""
        chance = random.Random(20130103)
        for _ in range(MANY // 4):
            last = chance.randint(0, 20)
            first = chance.randint(1, last + 1)
            ledger = FakeLedger(list(range(first, last + 1)), last, page_size=chance.randint(1, 5))
            seen = chance.choice([None, chance.randint(0, last)])
            begun, told, expired = seen or 0, list[int](), list[int]()
            while True:
                before = seen
                for step in catch_up(ledger.ask, seen):
                    told += numbers(step.events)
                    expired += [number for gap in step.expired for number in gap]
                    seen = step.seen
                    if chance.random() < 0.3:
                        break
                    if chance.random() < 0.2:
                        ledger.last += 1
                        ledger.kept.append(ledger.last)
                if seen == before:
                    break
            kept = [number for number in ledger.kept if number > begun]
            assert told == kept
            if before is not None and begun and kept:
                assert expired == list(range(begun + 1, kept[0]))
