from __future__ import annotations

import random
from typing import Any

import pytest

from sluiceway_airflow.dispatch import FollowingRun, Position, Revision, follow
from sluiceway_airflow.events import Event, parse_event
from sluiceway_events import FLINK_JOB_ID, Json, hour, listed, ready, revised, running


def parse(*events: Json) -> list[Event]:
    return [parse_event(one["detailType"], one["detail"]) for one in events]


def conf(sequence: int, start: int | None, until: int) -> dict[str, Any]:
    return {
        "cluster": "local",
        "jobName": "flight-hours",
        "flinkJobId": FLINK_JOB_ID,
        "kind": "STREAM",
        "sink": "results",
        "every": "PT1H",
        "timeZone": "UTC",
        "from": None if start is None else hour(start),
        "until": hour(until),
        "revised": start is None,
        "sequence": sequence,
        "occurredAt": "2026-11-23T04:00:01.500000Z",
    }


def test_follow_data_ready_is_one_run_by_job_and_boundary() -> None:
    runs, position = follow(Position(), parse(ready(4, 0)))

    assert runs == [FollowingRun("flight-hours__2013-01-01T11:00:00Z", conf(4, 0, 1))]
    assert position == Position(sequence=4)


def test_follow_other_events_are_no_runs_and_move_position() -> None:
    unknown = listed("Flink Job Unhealthy", 6)

    assert follow(Position(sequence=4), parse(running(5), unknown)) == ([], Position(sequence=6))


def test_follow_no_events_stays() -> None:
    position = Position(sequence=4, revision=Revision(sequence=3, until=hour(2)))

    assert follow(position, []) == ([], position)


def test_follow_revision_is_a_run_of_its_own_before_next_boundary() -> None:
    runs, position = follow(Position(sequence=4), parse(revised(5, 3), running(6), ready(7, 3), ready(8, 4)))

    assert runs == [
        FollowingRun("flight-hours__2013-01-01T13:00:00Z__revised-5", conf(7, None, 3)),
        FollowingRun("flight-hours__2013-01-01T14:00:00Z", conf(7, 3, 4)),
        FollowingRun("flight-hours__2013-01-01T15:00:00Z", conf(8, 4, 5)),
    ]
    assert position == Position(sequence=8)


def test_follow_revision_without_boundary_behind_it_waits() -> None:
    runs, position = follow(Position(sequence=4), parse(revised(5, 3), revised(6, 3)))

    assert runs == []
    assert position == Position(sequence=6, revision=Revision(sequence=6, until=hour(3)))
    assert Position.model_validate_json(position.model_dump_json(exclude_none=True)) == position


def test_follow_offset_of_boundary_is_written_in_utc() -> None:
    event = ready(1, 0)
    event["detail"]["data"]["until"] = "2013-01-01T06:30:00-05:00"

    (run,), _ = follow(Position(), parse(event))

    assert run.run_id == "flight-hours__2013-01-01T11:30:00Z"


@pytest.mark.parametrize("seed", range(50))
def test_follow_history_in_any_parts_and_again_gives_same_runs(seed: int) -> None:
    """Runs hang on the events alone: not on how they were paged, nor on how often they are gone through."""
    chance = random.Random(seed)
    events: list[Json] = []
    boundary = 0
    for sequence in range(1, 40):
        match chance.randrange(4):
            case 0 if boundary:
                events.append(revised(sequence, boundary))
            case 1:
                events.append(running(sequence))
            case _:
                events.append(ready(sequence, boundary))
                boundary += 1
    whole, end = follow(Position(), parse(*events))

    position, parts = Position(), list[FollowingRun]()
    while (position.sequence or 0) < len(events):
        behind = events[position.sequence or 0 :]
        runs, after = follow(position, parse(*behind[: chance.randint(1, 7)]))
        parts += runs
        if chance.random() < 0.7:
            # Otherwise it was interrupted before it kept how far it came.
            position = after

    by_id = {run.run_id: run for run in parts}
    assert by_id == {run.run_id: run for run in whole}
    assert list(by_id) == [run.run_id for run in whole]
    assert position == end
    assert [run.run_id for run in whole if run.conf["from"]] == [
        f"flight-hours__{hour(number + 1)}" for number in range(boundary)
    ]
