"""The events of Sluiceway, as types; ``docs/events.md`` says what each tells.

The rule for what this version doesn't know:

- An event of another type is an :class:`OtherEvent`, whose place among the job's events counts like any other's.
- A field that a newer version of a type has is passed over. One that should be there and is missing, or of another
  form, is an error: by the contract a type never loses a field, and no field changes what it means.
- What the functions call by a word (a state, an operation's type) is text, so that a new word is no error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from sluiceway_airflow.exceptions import MalformedEventError

SOURCE: Final = "sluiceway"
"""What EventBridge's envelope calls the source of all of them."""

_EXCERPT: Final = 400


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


class Metadata(_Part):
    """What all events have.

    :param id: the same however often the event arrives
    :param sequence: its number among the events of its job, from 1, without gaps
    :param version: the version of its type's form
    :param correlation_id: the same for all events of one execution of the job
    :param request_id: the request on whose behalf it happened, if any
    """

    id: str
    sequence: Annotated[int, Field(ge=1, strict=True)]
    version: Annotated[int, Field(ge=1, strict=True)]
    correlation_id: str
    request_id: str | None = None


class Event(_Part):
    """What happened to an execution of a job.

    :param cluster: the cluster by its configured name
    :param job_name: the job; sequence numbers are those of a job on a cluster
    :param flink_job_id: the execution
    :param occurred_at: when it was seen
    """

    metadata: Metadata
    cluster: str
    job_name: str
    flink_job_id: str
    occurred_at: AwareDatetime


class OtherEvent(Event):
    """An event of a type that this version doesn't know.

    :param detail_type: EventBridge's ``detail-type``
    :param data: all of its ``data``
    """

    detail_type: str
    data: dict[str, Any]


class JobStateChanged(Event):
    """An execution was seen in another state.

    :param kind: ``STREAM`` or ``RUN``
    :param attempt: which attempt of its request the execution is
    :param state: ``SUBMITTED``, ``RUNNING``, ``FINISHED``, ``FAILED``, ``CANCELED``, ``REFUSED`` or ``UNKNOWN``
    :param restored_from: the savepoint or checkpoint that it started from; absent when it began without state
    :param failure_code: why it was refused, or what is unknown about it
    :param failure: the same as a sentence
    """

    kind: str
    attempt: int
    state: str
    restored_from: str | None = None
    failure_code: str | None = None
    failure: str | None = None


class OperationCompleted(Event):
    """An operation has done what it was for.

    :param savepoint_path: the savepoint that it left, if any
    :param ending: how an upgrade or a rescaling ended: ``UPGRADED`` or ``RESCALED``
    """

    operation_id: str
    operation_type: str
    created_at: AwareDatetime
    savepoint_path: str | None = None
    ending: str | None = None


class OperationFailed(Event):
    """An operation has failed, or was given up.

    :param operation_state: ``FAILED`` or ``ABANDONED``
    :param failure: why, in a sentence
    :param savepoint_path: the savepoint that it left all the same, if any
    :param ending: how an upgrade or a rescaling ended: ``ROLLED_BACK`` or ``FAILED``
    """

    operation_id: str
    operation_type: str
    created_at: AwareDatetime
    operation_state: str
    failure: str
    savepoint_path: str | None = None
    ending: str | None = None


class SavepointCompleted(Event):
    """A savepoint is complete.

    :param origin: ``USER_REQUEST`` or ``STOP``
    :param verified: whether its ``_metadata`` was seen
    """

    operation_id: str
    origin: str
    savepoint_path: str
    verified: bool


class DataReady(Event):
    """All that the job wrote of a stretch of event time is committed by its sink.

    :param kind: ``STREAM`` or ``RUN``
    :param sink: the name that the program gives the sink
    :param every: the time between two boundaries, such as ``PT1H``, ``P1D``
    :param time_zone: whose midnights the boundaries are counted from
    :param start: the boundary before, ``from`` in the event
    :param until: the boundary; the stretch goes up to it, without it
    """

    kind: str
    sink: str
    every: str
    time_zone: str
    start: Annotated[AwareDatetime, Field(alias="from")]
    until: AwareDatetime


class DataRevised(Event):
    """The job went on from a state behind a boundary that it was told of: it writes again what it wrote before that.

    All of it, or part of it. The next :class:`DataReady` of the job tells that this is committed, too.

    :param until: the last boundary that was told; what lies before it may be written again
    """

    kind: str
    sink: str
    every: str
    time_zone: str
    until: AwareDatetime


_TYPES: Final[Mapping[str, type[Event]]] = {
    "Flink Job State Changed": JobStateChanged,
    "Flink Operation Completed": OperationCompleted,
    "Flink Operation Failed": OperationFailed,
    "Flink Savepoint Completed": SavepointCompleted,
    "Flink Data Ready": DataReady,
    "Flink Data Revised": DataRevised,
}


class _Detail(_Part):
    metadata: dict[str, Any]
    data: dict[str, Any]


class _Envelope(BaseModel):
    source: Literal["sluiceway"]
    detail_type: Annotated[str, Field(alias="detail-type", min_length=1)]
    detail: dict[str, Any]


@dataclass(frozen=True)
class Unreadable:
    """A message that holds no event of Sluiceway's.

    :param message_id: SQS's id of it, if there is one
    :param reason: what is wrong with it, with the beginning of what it holds
    """

    message_id: str | None
    reason: str


@dataclass(frozen=True)
class Messages:
    """What a batch of messages holds, in the order in which they came; an event may be there more than once."""

    events: tuple[Event, ...]
    unreadable: tuple[Unreadable, ...]


def parse_event(detail_type: str, detail: Mapping[str, Any]) -> Event:
    """Read an event as ``list-events`` lists it.

    :param detail_type: EventBridge's ``detail-type``
    :param detail: EventBridge's ``detail``, with ``metadata`` and ``data``
    :raises MalformedEventError: when it isn't of the contract
    """
    kind = _TYPES.get(detail_type)
    try:
        parts = _Detail.model_validate(detail)
        if kind is None:
            more = {"detailType": detail_type, "data": parts.data}
            return OtherEvent.model_validate({**parts.data, **more, "metadata": parts.metadata})
        return kind.model_validate({**parts.data, "metadata": parts.metadata})
    except ValidationError as problem:
        raise MalformedEventError(f"{detail_type} isn't of the contract ({_describe(problem)}).") from None


def parse_message(body: str) -> Event:
    """Read the body of a message of the queue: the envelope in which EventBridge delivers an event.

    :raises MalformedEventError: when it isn't an event of Sluiceway's
    """
    try:
        envelope = _Envelope.model_validate_json(body)
    except ValidationError as problem:
        raise MalformedEventError(f"No event of Sluiceway's ({_describe(problem)}).") from None
    return parse_event(envelope.detail_type, envelope.detail)


def read_messages(asset_events: Iterable[Any]) -> Messages:
    """Read what an asset's watcher took from the queue.

    :param asset_events: the events of the asset, each of which has up to ten messages in its ``extra``, such as
        ``context["triggering_asset_events"][asset]``. One that somebody made by hand, without a payload, has none.
    """
    events: list[Event] = []
    unreadable: list[Unreadable] = []
    for asset_event in asset_events:
        payload = (asset_event.extra or {}).get("payload")
        if payload is None:
            continue
        batch = payload.get("message_batch") if isinstance(payload, Mapping) else None
        if not isinstance(batch, list):
            unreadable.append(Unreadable(None, f"No batch of messages: {_excerpt(payload)}"))
            continue
        for message in batch:
            fields = message if isinstance(message, Mapping) else {}
            try:
                events.append(parse_message(fields.get("Body", "")))
            except MalformedEventError as malformed:
                shown = _excerpt(fields.get("Body", message))
                unreadable.append(Unreadable(fields.get("MessageId"), f"{malformed} {shown}"))
    return Messages(tuple(events), tuple(unreadable))


def _describe(problem: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'event'}: {e['msg']}" for e in problem.errors()[:3])


def _excerpt(value: object) -> str:
    shown = str(value)
    return shown if len(shown) <= _EXCERPT else f"{shown[:_EXCERPT]}…"
