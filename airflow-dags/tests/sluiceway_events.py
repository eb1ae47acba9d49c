"""Events as the functions publish and list them, and messages as the queue delivers them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

Json = dict[str, Any]

FLINK_JOB_ID = "7d1f8c3b2a4e5f60718293a4b5c6d7e8"
FIRST_HOUR = datetime(2013, 1, 1, 10, tzinfo=UTC)


def hour(number: int) -> str:
    """The beginning of an hour of event time, by its number."""
    return f"{FIRST_HOUR + timedelta(hours=number):%Y-%m-%dT%H:%M:%SZ}"


def listed(detail_type: str, sequence: int, data: Json | None = None, job: str = "flight-hours") -> Json:
    """An event as ``list-events`` has it."""
    return {
        "detailType": detail_type,
        "detail": {
            "metadata": {
                "id": f"{sequence:032x}",
                "sequence": sequence,
                "version": 1,
                "correlationId": FLINK_JOB_ID,
            },
            "data": {
                "cluster": "local",
                "jobName": job,
                "flinkJobId": FLINK_JOB_ID,
                "occurredAt": "2026-11-23T04:00:01.5Z",
                **(data or {}),
            },
        },
    }


def ready(sequence: int, number: int, job: str = "flight-hours") -> Json:
    """The hour of a number is ready."""
    bounds = {"from": hour(number), "until": hour(number + 1)}
    return listed("Flink Data Ready", sequence, {**_POLICY, **bounds}, job)


def revised(sequence: int, number: int) -> Json:
    """The job writes again what it wrote up to the hour of a number, without it."""
    return listed("Flink Data Revised", sequence, {**_POLICY, "until": hour(number)})


def running(sequence: int) -> Json:
    return listed("Flink Job State Changed", sequence, {"kind": "STREAM", "attempt": 1, "state": "RUNNING"})


def body(event: Json) -> str:
    """An event as EventBridge puts it into the queue."""
    envelope = {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": event["detailType"],
        "source": "sluiceway",
        "account": "000000000000",
        "time": "2026-11-23T04:00:01Z",
        "region": "us-east-1",
        "resources": [],
        "detail": event["detail"],
    }
    return json.dumps(envelope)


def asset_event(*bodies: Any) -> Any:
    """An event of an asset, as the watcher makes it of a batch of messages."""
    batch = [{"MessageId": f"m{n}", "ReceiptHandle": "r", "Body": text} for n, text in enumerate(bodies)]
    return SimpleNamespace(
        extra={"from_trigger": True, "payload": {"status": "success", "message_batch": batch}},
    )


_POLICY = {"kind": "STREAM", "sink": "results", "every": "PT1H", "timeZone": "UTC"}
