from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from sluiceway_airflow.exceptions import FlinkJobFailedError, FlinkWaitError, MalformedAnswerError, RefusedError
from sluiceway_airflow.operators.flink_job import (
    FlinkWaitOperator,
    WaitForFlinkJobOperator,
    WaitForFlinkOperationOperator,
)

JOB = "0123456789abcdef0123456789abcdef"
FLINK_UI = f"http://127.0.0.1:8381/#/job/{JOB}"
SUBMITTED: dict[str, Any] = {
    "outcome": "STARTED",
    "job": {
        "cluster": "local",
        "name": "flights",
        "kind": "RUN",
        "attempt": 1,
        "flinkJobId": JOB,
        "links": {"flinkUi": FLINK_UI},
    },
}
OPERATION_ID = f"cancel.local.{JOB}.{JOB}"
STOPPING = {
    "outcome": "STARTED",
    "operation": {
        "operationId": OPERATION_ID,
        "type": "CANCEL",
        "state": "IN_PROGRESS",
        "terminal": False,
        "cluster": "local",
        "flinkJobId": JOB,
    },
}


class FakeTaskInstance:
    def __init__(self) -> None:
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value


def context() -> Any:
    return {"ti": FakeTaskInstance()}


def wait_for_job(**kwargs: Any) -> WaitForFlinkJobOperator:
    return WaitForFlinkJobOperator(task_id="wait", function_name="sluiceway-local-job-status", **kwargs)


def deferred(operator: FlinkWaitOperator, in_context: Any = None) -> dict[str, Any]:
    """Run an operator to its deferral; give the trigger's arguments."""
    with pytest.raises(TaskDeferred) as deferral:
        operator.execute(in_context or context())
    assert deferral.value.method_name == "execute_complete"
    assert deferral.value.timeout is None
    arguments: dict[str, Any] = deferral.value.trigger.serialize()[1]
    return arguments


class TestExecute:
    def test_execute_answer_of_submit_waits_for_its_job(self) -> None:
        arguments = deferred(wait_for_job(answer=json.dumps(SUBMITTED), until="RUNNING", min_checkpoints=1))

        assert {key: arguments[key] for key in ("cluster", "flink_job_id", "until", "min_checkpoints")} == {
            "cluster": "local",
            "flink_job_id": JOB,
            "until": "RUNNING",
            "min_checkpoints": 1,
        }

    def test_execute_answer_of_stop_waits_for_job_that_is_stopped(self) -> None:
        arguments = deferred(wait_for_job(answer=json.dumps(STOPPING), until="CANCELED"))

        assert (arguments["cluster"], arguments["flink_job_id"]) == ("local", JOB)

    def test_execute_job_by_name_waits_for_it(self) -> None:
        arguments = deferred(wait_for_job(cluster="local", flink_job_id=JOB))

        assert (arguments["cluster"], arguments["flink_job_id"]) == ("local", JOB)

    def test_execute_answer_of_stop_waits_for_operation(self) -> None:
        operator = WaitForFlinkOperationOperator(
            task_id="wait", function_name="f", answer=json.dumps(STOPPING), region_name="eu-west-1"
        )

        arguments = deferred(operator)

        assert (arguments["operation_id"], arguments["region_name"]) == (OPERATION_ID, "eu-west-1")

    def test_execute_deadline_is_instant_from_now(self) -> None:
        before = datetime.now(UTC)
        arguments = deferred(wait_for_job(answer=json.dumps(SUBMITTED), timeout=timedelta(minutes=7)))

        assert before <= arguments["deadline"] - timedelta(minutes=7) <= datetime.now(UTC)

    def test_execute_no_min_wait_given_asks_when_scheduler_knows_of_deferral(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", "5")
        before = datetime.now(UTC)
        arguments = deferred(wait_for_job(answer=json.dumps(SUBMITTED)))

        # min_heartbeat_interval, and the scheduler's turn.
        assert before <= arguments["not_before"] - timedelta(seconds=5 + 5) <= datetime.now(UTC)

    def test_execute_min_wait_given_asks_then(self) -> None:
        before = datetime.now(UTC)
        arguments = deferred(wait_for_job(answer=json.dumps(SUBMITTED), min_wait=timedelta(0)))

        assert before <= arguments["not_before"] <= datetime.now(UTC)

    def test_execute_answer_has_link_stores_it_before_waiting(self) -> None:
        in_context = context()

        deferred(wait_for_job(answer=json.dumps(SUBMITTED)), in_context)

        assert in_context["ti"].xcoms == {"_link_FlinkJobLink": FLINK_UI}

    def test_execute_answer_is_refusal_raises_its_code(self) -> None:
        refusal = {"code": "JAR_NOT_FOUND", "message": "No jar.", "action": "Upload it.", "retryable": False}
        answer = json.dumps({"outcome": "REFUSED", "error": refusal})

        with pytest.raises(RefusedError, match=r"^JAR_NOT_FOUND: No jar\. Upload it\.$"):
            wait_for_job(answer=answer).execute(context())

    @pytest.mark.parametrize("answer", ["", "None", "{}", json.dumps({"outcome": "OBSERVED", "jobs": []})])
    def test_execute_answer_is_none_of_contract_raises(self, answer: str) -> None:
        with pytest.raises(MalformedAnswerError):
            wait_for_job(answer=answer).execute(context())


class TestInit:
    @pytest.mark.parametrize("naming", [{}, {"answer": "a", "cluster": "local", "flink_job_id": JOB}])
    def test_init_job_named_not_once_is_refused(self, naming: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="Name the job either"):
            wait_for_job(**naming)

    @pytest.mark.parametrize("naming", [{"cluster": "local"}, {"flink_job_id": JOB}])
    def test_init_job_named_by_half_is_refused(self, naming: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="Name the job either"):
            wait_for_job(**naming)

    def test_init_operation_not_named_is_refused(self) -> None:
        with pytest.raises(ValueError, match="Name the operation either"):
            WaitForFlinkOperationOperator(task_id="wait", function_name="f")

    def test_init_no_retries_given_has_none(self) -> None:
        assert wait_for_job(answer="a").retries == 0
        assert wait_for_job(answer="a", retries=2).retries == 2

    def test_init_dag_gives_retries_by_default_has_those_of_its_own_alone(self) -> None:
        with DAG("retried_by_default", schedule=None, default_args={"retries": 2}):
            without = WaitForFlinkJobOperator(task_id="without", function_name="f", answer="a")
            explicit = WaitForFlinkOperationOperator(task_id="explicit", function_name="f", answer="a", retries=3)

        assert (without.retries, explicit.retries) == (0, 3)


class TestExecuteComplete:
    def test_execute_complete_success_gives_answer_as_text(self) -> None:
        answer = json.dumps({"outcome": "OBSERVED", "job": {**SUBMITTED["job"], "state": "FINISHED"}})
        in_context = context()

        event = {"status": "success", "message": None, "answer": answer}

        assert wait_for_job(answer="a").execute_complete(in_context, event) == answer
        assert in_context["ti"].xcoms == {"_link_FlinkJobLink": FLINK_UI}

    def test_execute_complete_job_failed_raises_cause_that_airflow_does_not_retry(self) -> None:
        event = {"status": "failed", "message": "Flink job flights is FAILED: java.io.IOException", "answer": None}

        with pytest.raises(FlinkJobFailedError, match=r"^Flink job flights is FAILED: java\.io\.IOException$") as error:
            wait_for_job(answer="a").execute_complete(context(), event)
        assert isinstance(error.value, AirflowFailException)

    def test_execute_complete_end_unknown_raises_what_airflow_may_retry(self) -> None:
        event = {"status": "unknown", "message": "The wait ended.", "answer": None}

        with pytest.raises(FlinkWaitError, match="The wait ended") as error:
            wait_for_job(answer="a").execute_complete(context(), event)
        assert isinstance(error.value, AirflowException)
        assert not isinstance(error.value, AirflowFailException)
