from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.amazon.aws.operators.lambda_function import LambdaInvokeFunctionOperator
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred
from jsonschema import Draft202012Validator

from conftest import SCHEMAS
from sluiceway_airflow.answers import Answer, UpgradeEnding
from sluiceway_airflow.exceptions import (
    FlinkAttemptFailedError,
    FlinkJobFailedError,
    FlinkUpgradeFailedError,
    FlinkWaitError,
    MalformedAnswerError,
    NothingStartedError,
    RefusedError,
)
from sluiceway_airflow.functions import CALL_ONCE
from sluiceway_airflow.operators.flink_job import (
    FlinkWaitOperator,
    KillPolicy,
    RunFlinkJobOperator,
    SubmitFlinkJobOperator,
    WaitForFlinkJobOperator,
    WaitForFlinkOperationOperator,
)
from sluiceway_airflow.triggers.flink_job import WAITING_TRY

JOB = "0123456789abcdef0123456789abcdef"
OPERATION_ID = "fedcba9876543210fedcba9876543210"


def operation(operation_type: str, state: str) -> dict[str, Any]:
    return {
        "operationId": OPERATION_ID,
        "type": operation_type,
        "state": state,
        "terminal": state == "COMPLETED",
        "cluster": "local",
        "jobName": "flights",
        "flinkJobId": JOB,
        "createdAt": "2013-01-06T05:00:00Z",
    }


def upgrade_ended(ending: str) -> dict[str, Any]:
    """Tell of an upgrade whose new version didn't stay."""
    return {
        "outcome": "OBSERVED",
        "operation": {
            **operation("UPGRADE_JOB", "FAILED"),
            "terminal": True,
            "savepointPath": "s3://data/savepoints/1",
            "failure": "It isn't STABLE. The old version runs again.",
            "upgrade": {
                "mode": "SAVEPOINT",
                "rollbackAfterCommit": "REFUSE",
                "step": "JUDGING_RETURN",
                "newFlinkJobId": "1" * 32,
                "returnedFlinkJobId": "2" * 32,
                "reason": "It isn't STABLE.",
                "ending": ending,
            },
        },
    }


FLINK_UI = f"http://127.0.0.1:8381/#/job/{JOB}"
SUBMITTED: dict[str, Any] = {
    "outcome": "STARTED",
    "job": {
        "cluster": "local",
        "name": "flights",
        "kind": "RUN",
        "attempt": 1,
        "attemptState": "SUBMITTED",
        "flinkJobId": JOB,
        "owner": {"requestId": "tests/d/r/submit-job/-1/2", "try": 2},
        "terminal": False,
        "links": {"flinkUi": FLINK_UI},
    },
    "operation": operation("SUBMIT_JOB", "COMPLETED"),
}
ADOPTED = json.dumps({**SUBMITTED, "outcome": "ADOPTED", "job": {**SUBMITTED["job"], "kind": "STREAM"}})
STOPPING = {"outcome": "STARTED", "operation": operation("CANCEL", "IN_PROGRESS")}
OBSERVED = {"outcome": "OBSERVED", "job": SUBMITTED["job"]}
PLANNED = {
    **SUBMITTED,
    "job": {**SUBMITTED["job"], "version": {"jar": "s3://jars/flights.jar"}},
    "outcome": "PLANNED",
    "plan": {"action": "ADOPT", "because": "It lives on behalf of another request.", "flinkJobId": JOB},
}


class FakeTaskInstance:
    dag_id = "d"
    run_id = "r"
    task_id = "wait"
    map_index = -1
    max_tries = 2
    try_number = 1

    def __init__(self) -> None:
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value


def context() -> Any:
    return {"ti": FakeTaskInstance()}


def wait_for_job(**kwargs: Any) -> WaitForFlinkJobOperator:
    return WaitForFlinkJobOperator(task_id="wait", function_name="sluiceway-local-job-status", **kwargs)


def wait_for_operation(**kwargs: Any) -> WaitForFlinkOperationOperator:
    return WaitForFlinkOperationOperator(task_id="wait", function_name="f", operation_id=OPERATION_ID, **kwargs)


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

    @pytest.mark.parametrize("operator_class", [WaitForFlinkJobOperator, WaitForFlinkOperationOperator])
    def test_execute_plan_has_nothing_to_wait_for(self, operator_class: Any) -> None:
        Draft202012Validator(json.loads((SCHEMAS / "submit-job.answer.json").read_text())).validate(PLANNED)
        operator = operator_class(task_id="wait", function_name="f", answer=json.dumps(PLANNED))

        with pytest.raises(NothingStartedError, match=r"a dry run and started nothing.*ADOPT: It lives"):
            operator.execute(context())

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

    def test_execute_accepts_what_it_is_told(self) -> None:
        assert deferred(wait_for_operation())["accept"] == ["UPGRADED"]
        assert deferred(wait_for_operation(accept=("UPGRADED", "ROLLED_BACK")))["accept"] == ["ROLLED_BACK", "UPGRADED"]

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

    def test_execute_stop_came_before_its_job_has_nothing_to_wait_for(self) -> None:
        answer = json.dumps({"outcome": "STARTED", "requestCancelled": True})
        operator = WaitForFlinkOperationOperator(task_id="wait", function_name="f", answer=answer)

        assert operator.execute(context()) == answer

    def test_execute_answer_is_refusal_raises_its_code(self) -> None:
        refusal = {"code": "JAR_NOT_FOUND", "message": "No jar.", "action": "Upload it.", "retryable": False}
        answer = json.dumps({"outcome": "REFUSED", "error": refusal})

        with pytest.raises(RefusedError, match=r"^JAR_NOT_FOUND: No jar\. Upload it\.$"):
            wait_for_job(answer=answer).execute(context())

    @pytest.mark.parametrize("answer", ["", "None", "{}", json.dumps({"outcome": "OBSERVED", "jobs": []})])
    def test_execute_answer_is_none_of_contract_raises(self, answer: str) -> None:
        with pytest.raises(MalformedAnswerError):
            wait_for_job(answer=answer).execute(context())


class TestKillPolicy:
    policies: tuple[KillPolicy, ...] = ("STOP_WITH_SAVEPOINT", "CANCEL")

    def test_execute_no_policy_given_leaves_job_alone(self) -> None:
        arguments = deferred(wait_for_job(answer=json.dumps(SUBMITTED)))

        assert (arguments["stop_function_name"], arguments["stop_payload"]) == (None, None)

    @pytest.mark.parametrize("outcome", ["STARTED", "REPLAYED", "IN_PROGRESS"])
    @pytest.mark.parametrize(("policy", "mode"), [("STOP_WITH_SAVEPOINT", "SAVEPOINT"), ("CANCEL", "CANCEL")])
    def test_execute_policy_given_stops_on_behalf_of_owner(self, outcome: str, policy: KillPolicy, mode: str) -> None:
        answer = json.dumps({**SUBMITTED, "outcome": outcome})

        arguments = deferred(wait_for_job(answer=answer, kill_policy=policy, stop_function_name="stop"))

        assert arguments["stop_function_name"] == "stop"
        request = json.loads(arguments["stop_payload"])
        Draft202012Validator(json.loads((SCHEMAS / "stop-job.request.json").read_text())).validate(request)
        assert request == {
            "requestId": "tests/d/r/wait/-1/2",
            "try": 1,
            "onRefusal": "ANSWER",
            "cluster": "local",
            "flinkJobId": JOB,
            "owner": {"requestId": "tests/d/r/submit-job/-1/2", "try": 2},
            "mode": mode,
        }

    @pytest.mark.parametrize("answer", [json.dumps(SUBMITTED), ADOPTED], ids=["started", "adopted"])
    def test_execute_policy_given_tells_which_try_waits(self, answer: str) -> None:
        in_context = context()

        deferred(wait_for_job(answer=answer, kill_policy="CANCEL", stop_function_name="stop"), in_context)

        assert in_context["ti"].xcoms[WAITING_TRY] == 1

    @pytest.mark.parametrize("policy", policies)
    def test_execute_stream_was_adopted_leaves_it_alone(self, policy: KillPolicy) -> None:
        arguments = deferred(wait_for_job(answer=ADOPTED, kill_policy=policy, stop_function_name="stop"))

        assert arguments["stop_payload"] is None

    def test_execute_bounded_job_was_adopted_by_retry_stops_it(self) -> None:
        answer = json.dumps({**SUBMITTED, "outcome": "ADOPTED"})
        operator = wait_for_job(answer=answer, kill_policy="CANCEL", stop_function_name="stop")

        assert json.loads(deferred(operator)["stop_payload"])["owner"] == SUBMITTED["job"]["owner"]

    def test_execute_stream_was_adopted_and_may_be_killed_stops_it(self) -> None:
        operator = wait_for_job(answer=ADOPTED, kill_policy="CANCEL", kill_adopted=True, stop_function_name="stop")

        assert json.loads(deferred(operator)["stop_payload"])["mode"] == "CANCEL"

    @pytest.mark.parametrize("answer", [OBSERVED, {**OBSERVED, "operation": STOPPING["operation"]}])
    def test_execute_answer_is_not_of_submit_raises(self, answer: dict[str, Any]) -> None:
        operator = wait_for_job(answer=json.dumps(answer), kill_policy="CANCEL", stop_function_name="stop")

        with pytest.raises(MalformedAnswerError, match=r"needs the answer of submit-job; this is one of OBSERVED\."):
            operator.execute(context())

    @pytest.mark.parametrize(
        "lacking", [{"answer": "a"}, {"cluster": "local", "flink_job_id": JOB, "stop_function_name": "stop"}]
    )
    def test_init_policy_without_what_it_needs_is_refused(self, lacking: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="kill_policy CANCEL needs"):
            wait_for_job(kill_policy="CANCEL", **lacking)

    def test_init_policy_is_none_is_refused(self) -> None:
        with pytest.raises(ValueError, match="none of DETACH, STOP_WITH_SAVEPOINT, CANCEL"):
            wait_for_job(answer="a", kill_policy="KILL", stop_function_name="stop")


class FakeLambdaHook:
    """Answers in order, and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, Any]] = []

    def invoke_lambda(self, *, function_name: str, payload: str) -> dict[str, Any]:
        self.calls.append((function_name, json.loads(payload)))
        answer = self.answers.pop(0)
        failed = {"FunctionError": "Unhandled"} if "errorMessage" in answer else {}
        return {**failed, "Payload": BytesIO(json.dumps(answer).encode())}


def refusal(code: str, retryable: bool) -> dict[str, Any]:
    error = {"code": code, "message": "It isn't so.", "action": "Look again.", "retryable": retryable}
    return {"outcome": "REFUSED", "error": error}


def thrown(code: str, retryable: bool) -> dict[str, Any]:
    return {"errorMessage": f"{code}: {json.dumps(refusal(code, retryable))}"}


class TestSubmit:
    payload = ' {"requestId": "a", "try": 2}'

    def submit(self, *answers: Any, **kwargs: Any) -> tuple[SubmitFlinkJobOperator, FakeLambdaHook]:
        operator = SubmitFlinkJobOperator(task_id="submit-job", function_name="f", payload=self.payload, **kwargs)
        hook = FakeLambdaHook(*answers)
        operator.__dict__["hook"] = hook
        return operator, hook

    def test_init_calls_once_as_stock_operator_is_told_to(self) -> None:
        operator, _ = self.submit()

        assert operator.botocore_config == CALL_ONCE
        assert operator.template_fields == LambdaInvokeFunctionOperator.template_fields

    @pytest.mark.parametrize("outcome", ["STARTED", "REPLAYED", "ADOPTED"])
    def test_execute_submission_is_certain_gives_answer_as_text(self, outcome: str) -> None:
        answer = {**SUBMITTED, "outcome": outcome}
        operator, hook = self.submit(answer)
        in_context = context()

        assert json.loads(operator.execute(in_context)) == answer
        assert hook.calls == [("f", {"requestId": "a", "try": 2})]
        assert in_context["ti"].xcoms == {"_link_FlinkJobLink": FLINK_UI}

    @pytest.mark.parametrize(
        "answer",
        [
            {**SUBMITTED, "outcome": "IN_PROGRESS", "job": {**SUBMITTED["job"], "attemptState": "POSTING"}},
            thrown("JOB_BUSY", True),
            refusal("LEDGER_UNAVAILABLE", True),
        ],
        ids=["in progress", "thrown", "answered"],
    )
    def test_execute_nothing_is_certain_repeats_very_same_call(self, answer: Any) -> None:
        operator, _ = self.submit(answer, region_name="eu-west-1")
        before = datetime.now(UTC)

        with pytest.raises(TaskDeferred) as deferral:
            operator.execute(context())

        path, arguments = deferral.value.trigger.serialize()
        assert path.endswith(".FlinkSubmissionTrigger")
        assert deferral.value.method_name == "execute_complete"
        assert (arguments["payload"], arguments["region_name"]) == (self.payload, "eu-west-1")
        assert before + timedelta(minutes=10) <= arguments["deadline"] <= datetime.now(UTC) + timedelta(minutes=10)

    @pytest.mark.parametrize("answer", [thrown("JAR_NOT_FOUND", False), refusal("JAR_NOT_FOUND", False)])
    def test_execute_refused_for_good_fails_finally(self, answer: Any) -> None:
        operator, _ = self.submit(answer)

        with pytest.raises(FlinkJobFailedError, match=r"^JAR_NOT_FOUND: It isn't so\. Look again\.$"):
            operator.execute(context())

    def test_execute_function_breaks_raises_what_airflow_may_retry(self) -> None:
        operator, _ = self.submit({"errorMessage": "Task timed out"})

        with pytest.raises(FlinkWaitError, match="Task timed out"):
            operator.execute(context())

    def test_execute_logs_no_arguments(self, monkeypatch: pytest.MonkeyPatch) -> None:
        lines: list[str] = []
        # Airflow warns that no task runs here.
        log = SimpleNamespace(info=lambda *words: lines.append(str(words)), warning=lambda *_: None)
        monkeypatch.setattr(LambdaInvokeFunctionOperator, "log", log)
        operator, _ = self.submit({**SUBMITTED, "outcome": "IN_PROGRESS"})
        operator.payload = ' {"job": {"args": ["hush"]}}'

        with pytest.raises(TaskDeferred):
            operator.execute(context())

        assert len(lines) == 1
        assert "hush" not in lines[0]

    def test_execute_complete_success_gives_answer(self) -> None:
        operator, _ = self.submit()
        event = {"status": "success", "message": None, "answer": json.dumps(SUBMITTED)}

        assert json.loads(operator.execute_complete(context(), event)) == SUBMITTED


class TestRun:
    payload = ' {"requestId": "a", "try": 2}'

    def run(self, *answers: Any, **kwargs: Any) -> RunFlinkJobOperator:
        operator = RunFlinkJobOperator(
            task_id="run-job", function_name="submit", status_function_name="status", payload=self.payload, **kwargs
        )
        operator.__dict__["hook"] = FakeLambdaHook(*answers)
        return operator

    def waiting(self, operator: RunFlinkJobOperator, method: str = "execute", **event: Any) -> dict[str, Any]:
        """Run an operator to where it waits for its job; give the trigger's arguments."""
        with pytest.raises(TaskDeferred) as deferral:
            getattr(operator, method)(context(), **event)
        path, arguments = deferral.value.trigger.serialize()
        assert path.endswith(".FlinkJobTrigger")
        assert (deferral.value.method_name, deferral.value.timeout) == ("execute_waited", None)
        return dict(arguments)

    def test_execute_submission_is_certain_waits_for_its_job(self) -> None:
        before = datetime.now(UTC)

        arguments = self.waiting(
            self.run(SUBMITTED, wait_timeout=timedelta(minutes=7), region_name="eu-west-1", min_checkpoints=1)
        )

        assert {key: arguments[key] for key in ("cluster", "flink_job_id", "until", "min_checkpoints")} == {
            "cluster": "local",
            "flink_job_id": JOB,
            "until": "FINISHED",
            "min_checkpoints": 1,
        }
        assert (arguments["function_name"], arguments["region_name"]) == ("status", "eu-west-1")
        # Those of a call of submit-job are too long for a question that is asked again.
        assert arguments["botocore_config"] is None
        assert arguments["stop_payload"] is None
        assert before <= arguments["deadline"] - timedelta(minutes=7) <= datetime.now(UTC)
        assert arguments["not_before"] > before

    def test_execute_dry_run_has_nothing_to_wait_for(self) -> None:
        with pytest.raises(NothingStartedError, match="a dry run and started nothing"):
            self.run(PLANNED).execute(context())

    def test_execute_nothing_is_certain_submits_again_and_then_waits(self) -> None:
        operator = self.run({**SUBMITTED, "outcome": "IN_PROGRESS"})
        with pytest.raises(TaskDeferred) as deferral:
            operator.execute(context())
        path, arguments = deferral.value.trigger.serialize()
        assert (path.rpartition(".")[2], arguments["payload"]) == ("FlinkSubmissionTrigger", self.payload)
        event = {"status": "success", "message": None, "answer": json.dumps(SUBMITTED)}

        arguments = self.waiting(self.run(), deferral.value.method_name, event=event)

        assert (arguments["cluster"], arguments["flink_job_id"]) == ("local", JOB)

    def test_execute_job_is_there_already_gives_answer(self) -> None:
        ended = {**SUBMITTED["job"], "state": "FINISHED", "terminal": True, "attemptState": "FINISHED"}
        answer = {**SUBMITTED, "outcome": "REPLAYED", "job": ended}

        assert json.loads(self.run(answer).execute(context())) == answer

    def test_execute_job_ended_otherwise_asks_for_its_cause(self) -> None:
        ended = {**SUBMITTED["job"], "state": "FAILED", "terminal": True, "attemptState": "FAILED"}

        arguments = self.waiting(self.run({**SUBMITTED, "outcome": "REPLAYED", "job": ended}))

        assert arguments["flink_job_id"] == JOB

    def test_execute_refused_for_good_fails_finally(self) -> None:
        with pytest.raises(FlinkJobFailedError, match=r"^JAR_NOT_FOUND: "):
            self.run(thrown("JAR_NOT_FOUND", False)).execute(context())

    def test_execute_policy_stops_job_of_its_owner(self) -> None:
        operator = self.run(SUBMITTED, kill_policy="STOP_WITH_SAVEPOINT", stop_function_name="stop")

        arguments = self.waiting(operator)

        stop = json.loads(arguments["stop_payload"])
        assert (arguments["stop_function_name"], stop["mode"]) == ("stop", "SAVEPOINT")
        assert (stop["flinkJobId"], stop["owner"]) == (JOB, SUBMITTED["job"]["owner"])

    def test_execute_policy_leaves_alone_stream_that_was_adopted(self) -> None:
        operator = self.run(json.loads(ADOPTED), kill_policy="CANCEL", stop_function_name="stop")

        assert self.waiting(operator)["stop_payload"] is None

    @pytest.mark.parametrize(
        "arguments", [{"kill_policy": "CANCEL"}, {"kill_policy": "KILL", "stop_function_name": "stop"}]
    )
    def test_init_policy_that_cannot_be_followed_is_refused(self, arguments: Any) -> None:
        with pytest.raises(ValueError, match="kill_policy"):
            self.run(**arguments)

    def test_execute_waited_success_gives_answer(self) -> None:
        event = {"status": "success", "message": None, "answer": json.dumps(OBSERVED)}

        assert json.loads(self.run().execute_waited(context(), event)) == OBSERVED

    def test_execute_waited_job_failed_raises_cause_that_airflow_may_retry(self) -> None:
        event = {"status": "failed", "message": "IOException: no space left", "answer": json.dumps(OBSERVED)}

        with pytest.raises(FlinkAttemptFailedError, match=r"^IOException: no space left$") as raised:
            self.run().execute_waited(context(), event)

        assert not isinstance(raised.value, AirflowFailException)


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

    @pytest.mark.parametrize("accept", [(), ("ROLLED_BACK",), ("UPGRADED", "UNCHANGED"), "UPGRADED"])
    def test_init_endings_that_are_none_are_refused(self, accept: Any) -> None:
        with pytest.raises(ValueError, match=r"accept is .*: it is UPGRADED, and any of UPGRADED, ROLLED_BACK, FAILED"):
            wait_for_operation(accept=accept)

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

    @pytest.mark.parametrize("ending", [UpgradeEnding.ROLLED_BACK, UpgradeEnding.FAILED])
    def test_execute_complete_upgrade_ended_badly_raises_how_why_and_its_savepoint(self, ending: UpgradeEnding) -> None:
        message = f"Operation UPGRADE_JOB ({OPERATION_ID}) FAILED: It isn't STABLE. The old version runs again."
        event = {"status": "failed", "message": message, "answer": json.dumps(upgrade_ended(ending))}

        with pytest.raises(FlinkUpgradeFailedError) as error:
            wait_for_operation().execute_complete(context(), event)

        assert str(error.value) == message
        assert error.value.ending is ending
        assert error.value.failure == "It isn't STABLE. The old version runs again."
        assert error.value.savepoint_path == "s3://data/savepoints/1"
        # Airflow makes no other try: the end stays.
        assert isinstance(error.value, FlinkJobFailedError)

    @pytest.mark.parametrize(
        "answer",
        [
            None,
            json.dumps({"outcome": "OBSERVED", "operation": operation("CANCEL", "FAILED")}),
            json.dumps({"outcome": "REFUSED", "error": {"code": "OPERATION_NOT_FOUND"}}),
        ],
        ids=["none was read", "of a stop", "a refusal"],
    )
    def test_execute_complete_operation_failed_that_is_no_upgrade_raises_its_failure(self, answer: str | None) -> None:
        with pytest.raises(FlinkJobFailedError, match=r"^It couldn't be\.$") as error:
            wait_for_operation().execute_complete(
                context(), {"status": "failed", "message": "It couldn't be.", "answer": answer}
            )

        assert not isinstance(error.value, FlinkUpgradeFailedError)

    def test_execute_complete_rolled_back_and_accepted_gives_answer(self) -> None:
        answer = json.dumps(upgrade_ended(UpgradeEnding.ROLLED_BACK))

        given = wait_for_operation(accept=("UPGRADED", "ROLLED_BACK")).execute_complete(
            context(), {"status": "success", "message": None, "answer": answer}
        )

        operation_, upgrade = Answer.parse(given).require_upgrade()
        assert (upgrade.ending, upgrade.returned_flink_job_id) == (UpgradeEnding.ROLLED_BACK, "2" * 32)
        assert operation_.savepoint_path == "s3://data/savepoints/1"

    def test_execute_complete_end_unknown_raises_what_airflow_may_retry(self) -> None:
        event = {"status": "unknown", "message": "The wait ended.", "answer": None}

        with pytest.raises(FlinkWaitError, match="The wait ended") as error:
            wait_for_job(answer="a").execute_complete(context(), event)
        assert isinstance(error.value, AirflowException)
        assert not isinstance(error.value, AirflowFailException)
