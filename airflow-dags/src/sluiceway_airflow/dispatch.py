"""Which DAG runs follow from a job's events: one for each boundary of event time, and one for each revision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from sluiceway_airflow.events import DataReady, DataRevised

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sluiceway_airflow.events import Event


class Revision(BaseModel):
    """A revision that isn't known to be committed yet.

    :param sequence: the number of the event that told of it
    :param until: the boundary before which data may be written again, as an instant in ISO 8601
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: Annotated[int, Field(ge=1)]
    until: str


class Position(BaseModel):
    """How far a job's events were followed.

    :param sequence: the highest number that was dealt with; None when none was
    :param revision: the last revision, if no boundary was told since
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: Annotated[int | None, Field(ge=1)] = None
    revision: Revision | None = None


@dataclass(frozen=True)
class FollowingRun:
    """A DAG run to be triggered.

    :param run_id: the same however often the event is dealt with, so that a second run can't be made of it
    :param conf: what the run is about
    """

    run_id: str
    conf: dict[str, Any]


def follow(position: Position, events: Iterable[Event]) -> tuple[list[FollowingRun], Position]:
    """Tell which runs follow from a job's next events, and how far they were followed then.

    - Data that is ready: the run ``<job>__<boundary>``, about the time from the boundary before up to this one.
    - Data that was revised: no run yet, since what is written again isn't committed. The next boundary tells that it
      is; before the boundary's own run comes ``<job>__<boundary before>__revised-<sequence>``, about all the time up
      to the boundary of the revision.
    - Any other event: none.

    :param events: those behind the position, in order
    """
    runs: list[FollowingRun] = []
    for event in events:
        sequence = event.metadata.sequence
        revision = position.revision
        match event:
            case DataRevised():
                revision = Revision(sequence=sequence, until=instant(event.until))
            case DataReady():
                if revision is not None:
                    run_id = f"{event.job_name}__{revision.until}__revised-{revision.sequence}"
                    runs.append(FollowingRun(run_id, _conf(event, None, revision.until)))
                    revision = None
                until = instant(event.until)
                runs.append(FollowingRun(f"{event.job_name}__{until}", _conf(event, instant(event.start), until)))
            case _:
                pass
        position = Position(sequence=sequence, revision=revision)
    return runs, position


def instant(moment: datetime) -> str:
    """Write an instant in UTC as Sluiceway's events do, such as ``2013-01-05T11:00:00Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _conf(event: DataReady, start: str | None, until: str) -> dict[str, Any]:
    return {
        "cluster": event.cluster,
        "jobName": event.job_name,
        "flinkJobId": event.flink_job_id,
        "kind": event.kind,
        "sink": event.sink,
        "every": event.every,
        "timeZone": event.time_zone,
        "from": start,
        "until": until,
        "revised": start is None,
        "sequence": event.metadata.sequence,
        "occurredAt": instant(event.occurred_at),
    }
