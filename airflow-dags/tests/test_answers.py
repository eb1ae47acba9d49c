from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator

from conftest import SCHEMAS
from sluiceway_airflow.answers import Answer, HealthState, Plan, PlannedAction, UpgradeEnding
from sluiceway_airflow.exceptions import MalformedAnswerError, NothingStartedError

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


PLAN = {
    "action": "UPGRADE",
    "because": "Job 7d1f8c3b2a4e5f60718293a4b5c6d7e8 runs another version: it is stopped.",
    "flinkJobId": "b4c3d2e1f00f1e2d3c4b5a69788796a5",
    "attempt": 1,
    "restoresFrom": "s3://state/checkpoints/7/chk-3",
    "jarSha256": "5b" * 32,
    "bringsJar": True,
    "parallelism": 2,
    "savepointDirectory": "s3://state/savepoints/1",
    "mode": "LAST_STATE",
    "replaces": "7d1f8c3b2a4e5f60718293a4b5c6d7e8",
    "rollBackTo": "s3://state/checkpoints/7/chk-3",
}


def plan_schema(verb: str) -> dict[str, dict[str, list[str]]]:
    """Give the properties of a plan in the answers of a verb."""
    schema = json.loads((SCHEMAS / f"{verb}.answer.json").read_text())
    planned = next(one for one in schema["oneOf"] if one["properties"]["outcome"].get("const") == "PLANNED")
    properties: dict[str, dict[str, list[str]]] = planned["properties"]["plan"]["properties"]
    return properties


def test_parse_plan_has_every_field_of_the_contract() -> None:
    text = json.dumps({"outcome": "PLANNED", "plan": PLAN})
    Draft202012Validator(json.loads((SCHEMAS / "upgrade-job.answer.json").read_text())).validate(json.loads(text))

    plan = Answer.parse(text).require_plan()

    assert plan.action is PlannedAction.UPGRADE
    assert set(plan_schema("upgrade-job")) == set(PLAN)
    assert plan.model_dump(mode="json", by_alias=True) == PLAN


def test_planned_actions_are_those_of_the_contract() -> None:
    verbs = [path.name.removesuffix(".answer.json") for path in SCHEMAS.glob("*.answer.json")]
    planned = [verb for verb in verbs if '"PLANNED"' in (SCHEMAS / f"{verb}.answer.json").read_text()]

    assert {action for verb in planned for action in plan_schema(verb)["action"]["enum"]} == set(PlannedAction)
    assert {field for verb in planned for field in plan_schema(verb)} == {
        field.alias for field in Plan.model_fields.values()
    }


def test_require_carried_out_plan_says_that_nothing_was_started() -> None:
    planned = Answer.parse(json.dumps({"outcome": "PLANNED", "plan": PLAN}))

    with pytest.raises(NothingStartedError, match=r"dry run and started nothing.*UPGRADE: Job 7d1f.* is stopped\."):
        planned.require_carried_out()


def test_require_plan_of_what_was_done_is_malformed() -> None:
    with pytest.raises(MalformedAnswerError, match="has no plan"):
        Answer.parse(answer()).require_plan()


UPGRADE = {"mode": "SAVEPOINT", "rollbackAfterCommit": "REFUSE", "step": "JUDGING"}
OPERATION = {
    "operationId": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "type": "UPGRADE_JOB",
    "state": "IN_PROGRESS",
    "terminal": False,
    "cluster": "local",
    "jobName": "flight-delays",
    "flinkJobId": "7d1f8c3b2a4e5f60718293a4b5c6d7e8",
    "createdAt": "2026-11-23T04:00:57Z",
}


def test_parse_upgrade_that_goes_on_has_its_step_and_no_ending() -> None:
    given = {**UPGRADE, "givenUpAt": "2026-11-23T04:16:02Z", "newFlinkJobId": "1" * 32}
    answer_ = {"outcome": "STARTED", "operation": {**OPERATION, "upgrade": given}}
    Draft202012Validator(json.loads((SCHEMAS / "upgrade-job.answer.json").read_text())).validate(answer_)

    operation, upgrade = Answer.parse(json.dumps(answer_)).require_upgrade()

    assert operation.flink_job_id == OPERATION["flinkJobId"]
    assert (upgrade.step, upgrade.ending) == ("JUDGING", None)
    assert upgrade.given_up_at == datetime(2026, 11, 23, 4, 16, 2, tzinfo=UTC)
    assert (upgrade.new_flink_job_id, upgrade.returned_flink_job_id) == ("1" * 32, None)


def test_upgrade_endings_all_are_those_of_the_contract() -> None:
    schema = json.loads((SCHEMAS / "upgrade-job.answer.json").read_text())
    operation = schema["oneOf"][0]["properties"]["operation"]["properties"]

    assert set(UpgradeEnding) == set(operation["upgrade"]["properties"]["ending"]["enum"])


def test_require_upgrade_of_another_operation_says_what_it_is() -> None:
    stop = {"outcome": "STARTED", "operation": {**OPERATION, "type": "CANCEL"}}

    with pytest.raises(MalformedAnswerError, match="The operation CANCEL of the answer STARTED is no upgrade"):
        Answer.parse(json.dumps(stop)).require_upgrade()
