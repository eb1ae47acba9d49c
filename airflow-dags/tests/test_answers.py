from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator

from conftest import SCHEMAS
from sluiceway_airflow.answers import Answer, HealthState
from sluiceway_airflow.exceptions import MalformedAnswerError

JOB = {
    "cluster": "local",
    "name": "flight-delays",
    "flinkJobId": "7d1f8c3b2a4e5f60718293a4b5c6d7e8",
    "terminal": False,
    "links": {"flinkUi": "https://flink.example/"},
}


def answer(**job: object) -> str:
    text = json.dumps({"outcome": "OBSERVED", "job": {**JOB, **job}})
    schema = json.loads((SCHEMAS / "job-status.answer.json").read_text())
    Draft202012Validator(schema).validate(json.loads(text))
    return text


@pytest.mark.parametrize("state", HealthState)
def test_parse_health_has_state_and_reasons(state: HealthState) -> None:
    text = answer(
        health={
            "state": state.value,
            "runningSince": "2013-01-05T10:00:00Z",
            "reasons": [{"code": "RESTART_LOOP", "message": "It failed 3 times."}],
        }
    )

    health = Answer.parse(text).require_job().health

    assert health is not None
    assert health.state is state
    assert health.running_since == datetime(2013, 1, 5, 10, tzinfo=UTC)
    assert [(reason.code, reason.message) for reason in health.reasons] == [("RESTART_LOOP", "It failed 3 times.")]


def test_parse_without_health_is_nothing_to_judge() -> None:
    assert Answer.parse(answer()).require_job().health is None


def test_parse_health_of_another_state_is_malformed() -> None:
    text = answer(health={"state": "STABLE", "reasons": []}).replace("STABLE", "BRILLIANT")

    with pytest.raises(MalformedAnswerError, match=r"health\.state"):
        Answer.parse(text)
