from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from conftest import ROOT, SCHEMAS
from sluiceway_airflow import events
from sluiceway_airflow.events import (
    DataReady,
    DataRevised,
    Event,
    JobStateChanged,
    OperationCompleted,
    OperationFailed,
    OtherEvent,
    SavepointCompleted,
    Unreadable,
    parse_event,
    parse_message,
    read_messages,
)
from sluiceway_airflow.exceptions import MalformedEventError
from sluiceway_events import Json, asset_event, body, listed, ready, revised, running

PAGE = (ROOT / "docs" / "events.md").read_text()
SECTION = r"^## (Flink [^\n]*)\n(?:(?!^## ).)*?<!-- schema: ([a-z-]+)\.event -->\s*```json\n(.*?)```"
EXAMPLE = re.compile(SECTION, re.DOTALL | re.MULTILINE)
EXAMPLES = {found[1]: (found[2], json.loads(found[3])) for found in EXAMPLE.finditer(PAGE)}
COMMON = [
    ("metadata", "id"),
    ("metadata", "sequence"),
    ("data", "cluster"),
    ("data", "jobName"),
    ("data", "occurredAt"),
]


def without(event: Json, part: str, field: str) -> Json:
    detail = event["detail"]
    return {**event, "detail": {**detail, part: {k: v for k, v in detail[part].items() if k != field}}}


def parse(event: Json) -> Event:
    return parse_event(event["detailType"], event["detail"])


class TestParseEvent:
    @pytest.mark.parametrize("detail_type", EXAMPLES)
    def test_parse_example_of_docs_keeps_all_it_says(self, detail_type: str) -> None:
        schema, detail = EXAMPLES[detail_type]

        event = parse_event(detail_type, detail)

        assert (event.metadata.sequence, event.job_name) == (detail["metadata"]["sequence"], detail["data"]["jobName"])
        if isinstance(event, OtherEvent):
            assert event.data == detail["data"]
            return
        properties = json.loads((SCHEMAS / f"{schema}.event.json").read_text())["properties"]["data"]
        fields = {field.alias or to_camel(name): field for name, field in type(event).model_fields.items()}
        assert set(fields) - {"metadata"} == set(properties["properties"])
        required = {alias for alias, field in fields.items() if field.is_required()}
        assert required - {"metadata"} == set(properties["required"])
        assert {k for k, v in event.model_dump(by_alias=True, mode="json").items() if v is not None} - {
            "metadata"
        } == set(detail["data"])

    def test_parse_docs_have_examples_of_types(self) -> None:
        types = {type(parse_event(name, detail)) for name, (_, detail) in EXAMPLES.items()}

        assert {JobStateChanged, OperationCompleted, OperationFailed, SavepointCompleted} <= types

    def test_parse_data_ready_has_bounds(self) -> None:
        event = parse(ready(7, 3))

        assert isinstance(event, DataReady)
        assert event.start == datetime(2013, 1, 1, 13, tzinfo=UTC)
        assert event.until == datetime(2013, 1, 1, 14, tzinfo=UTC)
        assert (event.kind, event.sink, event.every, event.time_zone) == ("STREAM", "results", "PT1H", "UTC")
        assert (event.metadata.sequence, event.job_name, event.cluster) == (7, "flight-hours", "local")

    def test_parse_data_revised_has_boundary(self) -> None:
        event = parse(revised(8, 3))

        assert isinstance(event, DataRevised)
        assert event.until == datetime(2013, 1, 1, 13, tzinfo=UTC)

    def test_parse_type_is_unknown_gives_its_place_and_data(self) -> None:
        event = parse(listed("Flink Job Unhealthy", 9, {"reasons": ["RESTARTING"], "detailType": "x", "data": 1}))

        assert isinstance(event, OtherEvent)
        assert (event.detail_type, event.metadata.sequence) == ("Flink Job Unhealthy", 9)
        assert event.data["reasons"] == ["RESTARTING"]

    def test_parse_newer_version_passes_over_added_fields_and_words(self) -> None:
        event = running(1)
        event["detail"]["metadata"] |= {"version": 2, "added": 1}
        event["detail"]["data"] |= {"added": {"more": True}, "state": "STABLE"}
        event["detail"]["added"] = []

        parsed = parse(event)

        assert isinstance(parsed, JobStateChanged)
        assert (parsed.metadata.version, parsed.state) == (2, "STABLE")

    @pytest.mark.parametrize("detail_type", ["Flink Data Ready", "Flink Job Unhealthy"])
    @pytest.mark.parametrize(("part", "field"), COMMON)
    def test_parse_common_field_is_missing_raises(self, detail_type: str, part: str, field: str) -> None:
        with pytest.raises(MalformedEventError, match=rf"^{detail_type} isn't .*{field}: Field required"):
            parse({**without(ready(1, 0), part, field), "detailType": detail_type})

    @pytest.mark.parametrize(
        ("field", "value"),
        [("from", None), ("until", "soon"), ("until", "2013-01-01T10:00:00"), ("every", 3600), ("timeZone", None)],
    )
    def test_parse_field_is_of_other_form_raises(self, field: str, value: Any) -> None:
        event = ready(1, 0)
        event["detail"]["data"][field] = value

        with pytest.raises(MalformedEventError, match=field):
            parse(event)

    @pytest.mark.parametrize("sequence", [0, -1, "1", True, 1.5, None])
    def test_parse_sequence_is_no_number_raises(self, sequence: Any) -> None:
        event = ready(1, 0)
        event["detail"]["metadata"]["sequence"] = sequence

        with pytest.raises(MalformedEventError, match="sequence"):
            parse(event)


class TestParseMessage:
    def test_parse_envelope_gives_event(self) -> None:
        assert parse_message(body(ready(7, 3))) == parse(ready(7, 3))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "hello",
            "[]",
            "null",
            "{}",
            json.dumps({"source": "sluiceway", "detail": {}}),
            json.dumps({"source": "sluiceway", "detail-type": "Flink Data Ready", "detail": "x"}),
            body(ready(7, 3)).replace('"sluiceway"', '"aws.s3"'),
            json.dumps(body(ready(7, 3))),
        ],
    )
    def test_parse_no_event_raises(self, text: str) -> None:
        with pytest.raises(MalformedEventError, match=r"^No event of Sluiceway's \("):
            parse_message(text)

    def test_parse_envelope_of_malformed_event_raises(self) -> None:
        with pytest.raises(MalformedEventError, match=r"^Flink Data Ready isn't of the contract \(until: "):
            parse_message(body(without(ready(7, 3), "data", "until")))


class TestReadMessages:
    def test_read_batches_keeps_their_order_and_what_comes_twice(self) -> None:
        messages = read_messages([asset_event(body(ready(3, 1)), body(ready(2, 0))), asset_event(body(ready(3, 1)))])

        assert [event.metadata.sequence for event in messages.events] == [3, 2, 3]
        assert messages.unreadable == ()

    def test_read_some_hold_no_event_keeps_them_apart(self) -> None:
        messages = read_messages([asset_event("hello", body(ready(2, 0)), "x" * 5000, None)])

        assert [event.metadata.sequence for event in messages.events] == [2]
        assert [one.message_id for one in messages.unreadable] == ["m0", "m2", "m3"]
        assert messages.unreadable[0].reason.endswith(" hello")
        assert all(len(one.reason) < 800 for one in messages.unreadable)

    @pytest.mark.parametrize("extra", [None, {}, {"from_rest_api": True}])
    def test_read_asset_event_made_by_hand_has_no_messages(self, extra: Any) -> None:
        assert read_messages([SimpleNamespace(extra=extra)]) == events.Messages((), ())

    @pytest.mark.parametrize("payload", ["x", {}, {"message_batch": None}, {"message_batch": "x"}])
    def test_read_payload_is_no_batch_is_kept_apart(self, payload: Any) -> None:
        (one,) = read_messages([SimpleNamespace(extra={"payload": payload})]).unreadable

        assert one == Unreadable(None, f"No batch of messages: {payload}")
