from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any, Self
from zoneinfo import ZoneInfo

import pytest
from airflow.jobs.triggerer_job_runner import TriggerRunner
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.sdk.execution_time.xcom import XCom
from airflow.sdk.serde import deserialize, serialize
from botocore.exceptions import ClientError, EndpointConnectionError
from jsonschema import Draft202012Validator

from conftest import SCHEMAS
from sluiceway_airflow.triggers import flink_job
from sluiceway_airflow.triggers.flink_job import (
    WAITING_TRY,
    Ending,
    FlinkJobTrigger,
    FlinkOperationTrigger,
    FlinkStatusTrigger,
    FlinkSubmissionTrigger,
)

STOP = '{"requestId": "tests/d/r/wait/-1/0", "try": 1, "owner": {"requestId": "a", "try": 1}}'
START = datetime(2013, 1, 6, 5, tzinfo=UTC)
TOKYO_NEW_YEAR = datetime(2013, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
JOB = "0123456789abcdef0123456789abcdef"
ROTATION = "rotation"
OPERATION = "fedcba9876543210fedcba9876543210"


class Stream:
    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read(self) -> bytes:
        return self.body


@dataclass
class FakeLambda:
    """Lambda, the Airflow connection that leads to it, and the time that goes by between the calls.

    :param answers: what each call gives, in order; the last one again and again; ``ROTATION`` is no answer but changes
        the connection's credentials, so that this call and all others with the old ones are refused
    :param call_takes: how long a call takes
    :param closing: what a client does when it is closed
    """

    answers: list[Any]
    call_takes: timedelta = timedelta(0)
    closing: Callable[[], Awaitable[None]] | None = None
    now: datetime = START
    calls: list[dict[str, Any]] = field(default_factory=list)
    called_at: list[datetime] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    credentials: int = 0
    clients: int = 0
    open_clients: int = 0

    def hook(self) -> FakeHook:
        return FakeHook(self)

    def drive(self, trigger: FlinkStatusTrigger) -> dict[str, Any]:
        """Run a trigger to its end on this client and this clock; give the payload of its only event."""

        async def sleep(seconds: float) -> None:
            self.sleeps.append(seconds)
            self.now += timedelta(seconds=seconds)

        async def events() -> list[Any]:
            return [event async for event in trigger.run()]

        trigger.hook = self.hook  # type: ignore[method-assign,assignment]
        trigger.now = lambda: self.now  # type: ignore[method-assign]
        trigger.sleep = sleep  # type: ignore[method-assign]
        (event,) = asyncio.run(events())
        assert self.open_clients == 0
        payload: dict[str, Any] = event.payload
        return payload


class FakeHook:
    """The hook. Like Airflow's, it reads the connection once and keeps what it has read."""

    def __init__(self, aws: FakeLambda) -> None:
        self.aws = aws
        self.credentials: int | None = None

    async def get_async_conn(self) -> Any:
        if self.credentials is None:
            self.credentials = self.aws.credentials
        return self.client(self.credentials)

    @asynccontextmanager
    async def client(self, credentials: int) -> Any:
        self.aws.clients += 1
        self.aws.open_clients += 1
        try:
            yield FakeClient(self.aws, credentials)
        finally:
            self.aws.open_clients -= 1
            if self.aws.closing is not None:
                await self.aws.closing()


@dataclass
class FakeClient:
    """An async Lambda client."""

    aws: FakeLambda
    credentials: int

    async def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto's names
        answer = self.aws.answers[min(len(self.aws.calls), len(self.aws.answers) - 1)]
        self.aws.calls.append({"function": FunctionName, **json.loads(Payload)})
        self.aws.called_at.append(self.aws.now)
        self.aws.now += self.aws.call_takes
        if answer == ROTATION:
            self.aws.credentials += 1
        if self.credentials != self.aws.credentials:
            raise client_error("ExpiredTokenException")
        match answer:
            case Exception():
                raise answer
            case ("FunctionError", error):
                return {"FunctionError": "Unhandled", "Payload": Stream(json.dumps(error).encode())}
            case bytes():
                return {"Payload": Stream(answer)}
            case _:
                return {"Payload": Stream(json.dumps(answer).encode())}


def job_trigger(**kwargs: Any) -> FlinkJobTrigger:
    return FlinkJobTrigger(
        **{
            "function_name": "sluiceway-local-job-status",
            "deadline": START + timedelta(minutes=10),
            "cluster": "local",
            "flink_job_id": JOB,
            **kwargs,
        }
    )


def operation_trigger(**more: Any) -> FlinkOperationTrigger:
    return FlinkOperationTrigger(
        function_name="sluiceway-local-job-status",
        deadline=START + timedelta(minutes=10),
        operation_id=OPERATION,
        **more,
    )


def job(state: str, **more: Any) -> dict[str, Any]:
    terminal = state in {"FINISHED", "FAILED", "CANCELED"}
    return {
        "outcome": "OBSERVED",
        "job": {
            "cluster": "local",
            "name": "flights",
            "flinkJobId": JOB,
            "state": state,
            "terminal": terminal,
            "startedAt": "2013-01-06T05:00:00Z",
            "tasks": {},
            "kind": "RUN",
            "attempt": 1,
            "attemptState": state if terminal else "SUBMITTED",
            "owner": {"requestId": "a", "try": 1},
            "links": {"flinkUi": "http://127.0.0.1:8381/#/job/x"},
            **more,
        },
    }


def operation(state: str, **more: Any) -> dict[str, Any]:
    return {
        "outcome": "OBSERVED",
        "operation": {
            "operationId": OPERATION,
            "type": "TAKE_SAVEPOINT",
            "state": state,
            "terminal": state not in {"PENDING", "IN_PROGRESS"},
            "cluster": "local",
            "jobName": "flights",
            "flinkJobId": JOB,
            "createdAt": "2013-01-06T05:00:00Z",
            **more,
        },
    }


def upgrade_answer(state: str, **more: Any) -> dict[str, Any]:
    """Tell of an upgrade, as the functions do."""
    job_now = job("RUNNING", kind="STREAM", health={"state": "STABLE", "reasons": []})["job"]
    answer = {**operation(state, **{"type": "UPGRADE_JOB", **more}), "job": job_now}
    Draft202012Validator(json.loads((SCHEMAS / "job-status.answer.json").read_text())).validate(answer)
    return answer


WHY = "The new version isn't STABLE after PT15M: it is restarting. The old version runs again."
SAVEPOINT = "s3://data/savepoints/1"
NEW_VERSION = {"mode": "SAVEPOINT", "rollbackAfterCommit": "REFUSE", "newFlinkJobId": "1" * 32}


def ended_badly(ending: str) -> dict[str, Any]:
    """Tell of an upgrade whose new version didn't stay."""
    back = (
        {"returnedFlinkJobId": "2" * 32, "step": "JUDGING_RETURN"} if ending == "ROLLED_BACK" else {"step": "JUDGING"}
    )
    return upgrade_answer(
        "FAILED",
        upgrade={**NEW_VERSION, **back, "reason": WHY, "ending": ending},
        failure=WHY,
        savepointPath=SAVEPOINT,
        endedAt="2013-01-06T05:20:00Z",
    )


def absent(attempt_state: str, **more: Any) -> dict[str, Any]:
    """Tell of a job that the cluster doesn't show."""
    answer = job("INITIALIZING", attemptState=attempt_state, terminal=attempt_state in {"REFUSED", "UNKNOWN"}, **more)
    del answer["job"]["state"]
    return answer


def refusal(code: str, retryable: bool) -> dict[str, Any]:
    return {
        "outcome": "REFUSED",
        "error": {"code": code, "message": "It isn't there.", "action": "Look again.", "retryable": retryable},
    }


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Invoke")


class TestSerialisation:
    @pytest.mark.parametrize(
        "trigger",
        [
            job_trigger(until="RUNNING", min_checkpoints=2, deadline=TOKYO_NEW_YEAR, not_before=START),
            job_trigger(poll_interval=0.5, botocore_config={"read_timeout": 3}, region_name="eu-west-1", verify=False),
            job_trigger(stop_function_name="sluiceway-local-stop-job", stop_payload=STOP),
            operation_trigger(),
            operation_trigger(accept=("FAILED", "UPGRADED")),
            FlinkSubmissionTrigger(function_name="f", deadline=TOKYO_NEW_YEAR, payload=STOP),
        ],
    )
    def test_serialize_any_trigger_comes_back_through_airflow_as_it_was(self, trigger: FlinkStatusTrigger) -> None:
        path, arguments = trigger.serialize()

        stored = json.loads(json.dumps(serialize(arguments)))
        module, _, name = path.rpartition(".")
        kwargs: Any = deserialize(stored)
        again = getattr(import_module(module), name)(**kwargs)

        assert type(again) is type(trigger)
        assert again.serialize() == (path, arguments)
        assert again.deadline.utcoffset() is not None

    @pytest.mark.parametrize("instant", ["deadline", "not_before"])
    def test_init_naive_instant_is_refused(self, instant: str) -> None:
        with pytest.raises(ValueError, match=f"{instant} has no timezone"):
            job_trigger(**{instant: datetime(2013, 1, 6)})  # noqa: DTZ001 - that's the case


class TestJob:
    def test_run_job_finishes_succeeds_with_last_answer(self) -> None:
        client = FakeLambda([job("CREATED"), job("RUNNING"), job("FINISHED")])

        event = client.drive(job_trigger())

        assert (event["status"], event["message"]) == ("success", None)
        assert json.loads(event["answer"])["job"]["state"] == "FINISHED"
        assert (
            client.calls
            == [
                {
                    "function": "sluiceway-local-job-status",
                    "cluster": "local",
                    "flinkJobId": JOB,
                    "onRefusal": "ANSWER",
                }
            ]
            * 3
        )
        assert client.clients == 1

    def test_run_between_calls_sleeps_interval_give_or_take_a_fifth(self) -> None:
        client = FakeLambda([*[job("RUNNING")] * 40, job("FINISHED")])

        client.drive(job_trigger())

        assert all(8 <= seconds <= 12 for seconds in client.sleeps)
        assert len(set(client.sleeps)) > 1

    def test_run_job_fails_tells_first_root_cause(self) -> None:
        failure = {"message": "Recovery is suppressed", "rootCause": "java.io.IOException: no space left"}
        event = FakeLambda([job("RUNNING"), job("FAILED", firstFailure=failure)]).drive(job_trigger())

        assert event["status"] == "failed"
        assert event["message"] == f"Flink job flights ({JOB} on local) is FAILED: java.io.IOException: no space left"

    def test_run_job_fails_without_cause_says_so(self) -> None:
        event = FakeLambda([job("FAILED")]).drive(job_trigger())

        assert event["message"] == f"Flink job flights ({JOB} on local) is FAILED; Flink gives no cause."

    def test_run_job_is_cancelled_by_others_fails(self) -> None:
        event = FakeLambda([job("CANCELED")]).drive(job_trigger())

        assert event["message"] == f"Flink job flights ({JOB} on local) is CANCELED; FINISHED was awaited."

    def test_run_until_canceled_succeeds_with_cancellation(self) -> None:
        event = FakeLambda([job("CANCELLING"), job("CANCELED")]).drive(job_trigger(until="CANCELED"))

        assert event["status"] == "success"

    def test_run_until_running_waits_for_checkpoints_too(self) -> None:
        client = FakeLambda(
            [
                job("RUNNING"),
                job("RUNNING", checkpoints={"completed": 0, "failed": 1}),
                job("RESTARTING", checkpoints={"completed": 1, "failed": 1}),
                job("RUNNING", checkpoints={"completed": 1, "failed": 1}),
            ]
        )

        assert client.drive(job_trigger(until="RUNNING", min_checkpoints=1))["status"] == "success"
        assert len(client.calls) == 4

    def test_run_checkpoints_of_a_cluster_that_cant_tell_fails_at_once(self) -> None:
        client = FakeLambda([job("RUNNING", notObservable={"checkpoints.completed": "The service doesn't tell."})])

        event = client.drive(job_trigger(until="RUNNING", min_checkpoints=1))

        assert event["status"] == "failed"
        assert event["message"].endswith("since nobody can tell of checkpoints: The service doesn't tell.")

    def test_run_no_checkpoints_awaited_of_a_cluster_that_cant_tell_succeeds(self) -> None:
        client = FakeLambda([job("RUNNING", notObservable={"checkpoints.completed": "The service doesn't tell."})])

        assert client.drive(job_trigger(until="RUNNING"))["status"] == "success"

    def test_run_until_running_job_ends_before_fails(self) -> None:
        event = FakeLambda([job("FINISHED")]).drive(job_trigger(until="RUNNING"))

        assert event["status"] == "failed"

    def test_run_cluster_doesnt_have_job_yet_waits_on(self) -> None:
        client = FakeLambda([absent("PREPARING"), absent("POSTING"), absent("SUBMITTED"), job("FINISHED")])

        assert client.drive(job_trigger())["status"] == "success"
        assert len(client.calls) == 4

    def test_run_cluster_never_has_job_tells_how_far_it_came(self) -> None:
        event = FakeLambda([absent("POSTING")]).drive(job_trigger())

        assert event["status"] == "unknown"
        assert event["message"].endswith("the cluster doesn't have it yet, its submission is POSTING.")

    @pytest.mark.parametrize("until", ["RUNNING", "FINISHED", "CANCELED"])
    def test_run_job_was_refused_fails_at_once_with_code(self, until: str) -> None:
        failure = {"code": "SUBMISSION_ABANDONED", "message": "It was never handed to the cluster."}
        client = FakeLambda([absent("REFUSED", failure=failure)])

        event = client.drive(job_trigger(until=until))

        assert event["status"] == "failed"
        assert event["message"] == (
            f"Flink job flights ({JOB} on local) was refused and never ran: "
            "SUBMISSION_ABANDONED: It was never handed to the cluster."
        )
        assert len(client.calls) == 1

    def test_run_nobody_can_tell_of_job_fails_at_once_with_code(self) -> None:
        failure = {"code": "JOB_OUTCOME_UNKNOWN", "message": "Its JobManager was replaced."}

        event = FakeLambda([absent("POSTING"), absent("UNKNOWN", failure=failure)]).drive(job_trigger())

        assert event["status"] == "failed"
        assert event["message"] == (
            f"Flink job flights ({JOB} on local) is UNKNOWN, nobody can tell what became of it: "
            "JOB_OUTCOME_UNKNOWN: Its JobManager was replaced."
        )

    @pytest.mark.parametrize("state", ["RUNNING", "FAILED"])
    @pytest.mark.parametrize("attempt_state", ["REFUSED", "UNKNOWN"])
    def test_run_cluster_shows_job_that_never_came_fails_with_why(self, attempt_state: str, state: str) -> None:
        failure = {"code": "RESTORE_FAILED", "message": "No such state."}
        answer = job(state, attemptState=attempt_state, failure=failure)

        event = FakeLambda([answer]).drive(job_trigger(until="RUNNING"))

        assert event["status"] == "failed"
        assert event["message"].endswith("RESTORE_FAILED: No such state.")

    def test_run_job_turns_up_after_its_recorded_end_counts_for_nothing(self) -> None:
        client = FakeLambda([job("RUNNING", attemptState="CANCELED"), job("CANCELED")])

        event = client.drive(job_trigger(until="RUNNING"))

        assert event["status"] == "failed"
        assert len(client.calls) == 2

    def test_run_job_that_sluiceway_did_not_start_is_waited_for_by_its_state(self) -> None:
        foreign = job("FINISHED")
        for of_ledger in ("kind", "attempt", "attemptState", "owner"):
            del foreign["job"][of_ledger]

        assert FakeLambda([foreign]).drive(job_trigger())["status"] == "success"


class TestSubmission:
    payload = '{"requestId": "a", "try": 2, "job": {}}'

    def trigger(self, **kwargs: Any) -> FlinkSubmissionTrigger:
        return FlinkSubmissionTrigger(
            **{
                "function_name": "sluiceway-local-submit-job",
                "deadline": START + timedelta(minutes=10),
                "payload": self.payload,
                **kwargs,
            }
        )

    def test_run_submission_in_progress_repeats_very_same_call_until_it_is_certain(self) -> None:
        waiting = {**absent("POSTING"), "outcome": "IN_PROGRESS"}
        client = FakeLambda([waiting, waiting, {**job("RUNNING"), "outcome": "ADOPTED"}])

        event = client.drive(self.trigger())

        assert event["status"] == "success"
        assert json.loads(event["answer"])["outcome"] == "ADOPTED"
        assert client.calls == [{"function": "sluiceway-local-submit-job", **json.loads(self.payload)}] * 3

    def test_run_refused_for_now_repeats(self) -> None:
        client = FakeLambda([refusal("JOB_BUSY", True), {**job("RUNNING"), "outcome": "STARTED"}])

        assert client.drive(self.trigger())["status"] == "success"

    def test_run_refused_for_good_fails_with_its_words(self) -> None:
        thrown = {"errorMessage": "STALE_TRY: " + json.dumps(refusal("STALE_TRY", False))}

        event = FakeLambda([("FunctionError", thrown)]).drive(self.trigger())

        assert (event["status"], event["message"]) == ("failed", "STALE_TRY: It isn't there. Look again.")

    def test_run_nothing_becomes_certain_in_time_gives_up(self) -> None:
        event = FakeLambda([{**absent("PREPARING"), "outcome": "IN_PROGRESS"}]).drive(self.trigger())

        assert event["status"] == "unknown"
        assert (
            f"The wait for the submission ended at 2013-01-06T05:10:00+00:00: Flink job {JOB} is PREPARING."
            == (event["message"])
        )

    def test_run_call_takes_as_long_as_submit_may(self) -> None:
        trigger = self.trigger()

        assert trigger.hook().config.read_timeout == 150
        assert trigger.call_limit > timedelta(seconds=150)


class TestOperation:
    def test_run_operation_completes_succeeds_with_savepoint(self) -> None:
        path = "s3://data/savepoints/1"
        client = FakeLambda(
            [operation("PENDING"), operation("IN_PROGRESS"), operation("COMPLETED", savepointPath=path)]
        )

        event = client.drive(operation_trigger())

        assert event["status"] == "success"
        assert json.loads(event["answer"])["operation"]["savepointPath"] == path
        assert client.calls[0] == {
            "function": "sluiceway-local-job-status",
            "operationId": OPERATION,
            "onRefusal": "ANSWER",
        }

    @pytest.mark.parametrize("state", ["FAILED", "ABANDONED"])
    def test_run_operation_fails_tells_cause_and_savepoint(self, state: str) -> None:
        answer = operation(state, failure="The job is FAILED.", savepointPath="s3://data/savepoints/1")

        event = FakeLambda([answer]).drive(operation_trigger())

        assert event["status"] == "failed"
        assert event["message"] == (
            f"Operation TAKE_SAVEPOINT ({OPERATION}) {state}: The job is FAILED. "
            "Its savepoint is s3://data/savepoints/1."
        )

    def test_run_upgrade_rolled_back_fails_with_why(self) -> None:
        going = upgrade_answer("IN_PROGRESS", upgrade={**NEW_VERSION, "step": "JUDGING"}, savepointPath=SAVEPOINT)
        rolled_back = ended_badly("ROLLED_BACK")
        client = FakeLambda([going, rolled_back])

        event = client.drive(operation_trigger())

        assert event["status"] == "failed"
        assert event["message"] == f"Operation UPGRADE_JOB ({OPERATION}) FAILED: {WHY} Its savepoint is {SAVEPOINT}."
        assert json.loads(event["answer"]) == rolled_back
        assert len(client.calls) == 2

    def test_run_rescaling_rolled_back_fails_with_why(self) -> None:
        why = "It is UNHEALTHY. It runs with a parallelism of 2 again."
        rescale = {"from": 2, "to": 4, "inPlace": True, "rollbackAfterCommit": "REFUSE", "step": "JUDGING_RETURN"}
        rolled_back = upgrade_answer(
            "FAILED",
            type="RESCALE_JOB",
            rescale={**rescale, "reason": "It is UNHEALTHY.", "ending": "ROLLED_BACK"},
            failure=why,
            endedAt="2013-01-06T05:20:00Z",
        )

        event = FakeLambda([rolled_back]).drive(operation_trigger())

        assert event["status"] == "failed"
        assert event["message"] == f"Operation RESCALE_JOB ({OPERATION}) FAILED: {why}"

    @pytest.mark.parametrize(
        ("ending", "accept", "status"),
        [
            ("ROLLED_BACK", ["UPGRADED", "ROLLED_BACK"], "success"),
            ("FAILED", ["UPGRADED", "ROLLED_BACK"], "failed"),
            ("FAILED", ["UPGRADED", "FAILED"], "success"),
            ("ROLLED_BACK", ["UPGRADED", "FAILED"], "failed"),
        ],
    )
    def test_run_upgrade_ends_badly_succeeds_where_that_is_accepted(
        self, ending: str, accept: list[Ending], status: str
    ) -> None:
        ended = ended_badly(ending)

        event = FakeLambda([ended]).drive(operation_trigger(accept=accept))

        assert event["status"] == status
        assert json.loads(event["answer"]) == ended

    def test_run_operation_that_is_no_upgrade_fails_whatever_is_accepted(self) -> None:
        event = FakeLambda([operation("FAILED")]).drive(operation_trigger(accept=["UPGRADED", "ROLLED_BACK", "FAILED"]))

        assert event["status"] == "failed"

    def test_run_upgrade_isnt_over_in_time_tells_its_step(self) -> None:
        step = {"step": "WITHDRAWING", "givenUpAt": "2013-01-06T05:35:00Z", "reason": "It is UNHEALTHY."}
        going = upgrade_answer("IN_PROGRESS", upgrade={**NEW_VERSION, **step})

        event = FakeLambda([going] * 100).drive(operation_trigger())

        assert event["status"] == "unknown"
        told = "it is at WITHDRAWING, which is given up at 2013-01-06T05:35:00+00:00: It is UNHEALTHY."
        assert told in event["message"]

    def test_run_upgrade_completes_succeeds(self) -> None:
        upgrade = {"mode": "STATELESS", "rollbackAfterCommit": "REFUSE", "step": "JUDGING", "ending": "UPGRADED"}

        event = FakeLambda([upgrade_answer("COMPLETED", upgrade=upgrade)]).drive(operation_trigger())

        assert event["status"] == "success"


class TestDeadline:
    def test_run_deadline_passes_tells_what_was_last_seen(self) -> None:
        failure = {"message": "x", "rootCause": "java.net.ConnectException: refused"}
        client = FakeLambda([job("RESTARTING", restarts=7, firstFailure=failure)])

        event = client.drive(job_trigger())

        assert event["status"] == "unknown"
        assert event["message"] == (
            f"The wait for Flink job {JOB} on local to be FINISHED ended at 2013-01-06T05:10:00+00:00: "
            "it is RESTARTING, 7 restart(s), first failure: java.net.ConnectException: refused."
        )
        assert client.now == START + timedelta(minutes=10)

    def test_run_triggerer_comes_back_after_deadline_sees_end_that_was_in_time(self) -> None:
        client = FakeLambda([job("FINISHED")], now=START + timedelta(hours=3))

        assert client.drive(job_trigger())["status"] == "success"

    def test_run_triggerer_comes_back_after_deadline_gives_up_after_one_look(self) -> None:
        client = FakeLambda([job("RUNNING")], now=START + timedelta(hours=3))

        assert client.drive(job_trigger())["status"] == "unknown"
        assert len(client.calls) == 1

    def test_run_calls_that_fail_dont_outlast_deadline(self) -> None:
        client = FakeLambda([OSError("reset")], call_takes=timedelta(minutes=1))

        event = client.drive(job_trigger(max_failed_calls=1000))

        assert event["status"] == "unknown"
        assert event["message"].endswith("not seen yet.")
        assert client.now <= START + timedelta(minutes=11)


class TestNotBefore:
    def test_run_asked_to_wait_first_asks_then(self) -> None:
        client = FakeLambda([job("FINISHED")])

        event = client.drive(job_trigger(not_before=START + timedelta(seconds=6)))

        assert event["status"] == "success"
        assert client.called_at == [START + timedelta(seconds=6)]

    def test_run_triggerer_comes_back_later_asks_at_once(self) -> None:
        client = FakeLambda([job("FINISHED")], now=START + timedelta(minutes=1))

        client.drive(job_trigger(not_before=START + timedelta(seconds=6)))

        assert client.sleeps == []


class TestFailedCalls:
    transient = (
        EndpointConnectionError(endpoint_url="http://127.0.0.1:4566"),
        client_error("TooManyRequestsException"),
        client_error("ExpiredTokenException"),
        TimeoutError(),
        ("FunctionError", {"errorMessage": "Task timed out after 30.00 seconds"}),
        ("FunctionError", {"errorType": "Runtime.ExitError"}),
        ("FunctionError", {"errorMessage": "INTERNAL_ERROR: " + json.dumps(refusal("INTERNAL_ERROR", True))}),
        refusal("CLUSTER_UNREACHABLE", True),
    )

    @pytest.mark.parametrize("failure", transient, ids=str)
    def test_run_call_fails_for_now_goes_on_with_new_client(self, failure: Any) -> None:
        client = FakeLambda([job("RUNNING"), failure, job("FINISHED")])

        assert client.drive(job_trigger())["status"] == "success"
        assert client.clients == 2

    def test_run_credentials_are_rotated_goes_on_with_new_ones(self) -> None:
        client = FakeLambda([job("RUNNING"), ROTATION, job("FINISHED")])

        assert client.drive(job_trigger())["status"] == "success"
        assert client.clients == 2

    def test_run_client_fails_to_close_goes_on(self) -> None:
        async def fail() -> None:
            raise OSError("broken pipe")

        client = FakeLambda([OSError("reset"), job("FINISHED")], closing=fail)

        assert client.drive(job_trigger())["status"] == "success"
        assert client.clients == 2

    def test_run_client_never_closes_goes_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def hang() -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(flink_job, "_CLOSE_LIMIT", timedelta(milliseconds=10))
        client = FakeLambda([OSError("reset"), job("FINISHED")], closing=hang)

        assert client.drive(job_trigger())["status"] == "success"
        assert client.clients == 2

    def test_run_calls_fail_up_to_limit_gives_up_with_last_reason(self) -> None:
        event = FakeLambda([job("RUNNING"), OSError("reset by peer")]).drive(job_trigger(max_failed_calls=3))

        assert event["status"] == "unknown"
        assert event["message"] == "sluiceway-local-job-status failed 3 times in a row, at last: reset by peer"
        assert json.loads(event["answer"])["job"]["state"] == "RUNNING"

    def test_run_calls_fail_now_and_then_never_reaches_limit(self) -> None:
        client = FakeLambda([*[OSError("reset"), OSError("reset"), job("RUNNING")] * 5, job("FINISHED")])

        assert client.drive(job_trigger(max_failed_calls=3))["status"] == "success"

    @pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
    def test_run_call_can_never_succeed_gives_up_at_once(self, code: str) -> None:
        client = FakeLambda([client_error(code)])

        event = client.drive(job_trigger())

        assert event["status"] == "unknown"
        assert code in event["message"]
        assert len(client.calls) == 1

    @pytest.mark.parametrize(
        "answer",
        [
            refusal("JOB_NOT_FOUND", False),
            ("FunctionError", {"errorMessage": "JOB_NOT_FOUND: " + json.dumps(refusal("JOB_NOT_FOUND", False))}),
        ],
        ids=["answered", "thrown"],
    )
    def test_run_function_refuses_for_good_fails_with_its_words(self, answer: Any) -> None:
        event = FakeLambda([answer]).drive(job_trigger())

        assert (event["status"], event["message"]) == ("failed", "JOB_NOT_FOUND: It isn't there. Look again.")

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"null",
            b"[]",
            b"<html>",
            {"outcome": "OBSERVED"},
            {"outcome": "REFUSED"},
            {"job": {}},
            {"outcome": "OBSERVED", "job": {"cluster": "local", "name": "a", "flinkJobId": JOB}},
            job("RESTING"),
            job("RUNNING", attemptState="DREAMING"),
            absent("FINISHED"),
            operation("COMPLETED"),
        ],
        ids=str,
    )
    def test_run_answer_is_malformed_gives_up_at_once(self, answer: Any) -> None:
        client = FakeLambda([answer])

        event = client.drive(job_trigger())

        assert event["status"] == "unknown"
        assert event["message"]
        assert len(client.calls) == 1


STOPPED = {**operation("IN_PROGRESS"), "outcome": "STARTED"}


def killed(
    client: FakeLambda, task_state: str | Exception | None, waiting_try: int | Exception | None = 2, **kwargs: Any
) -> None:
    """Call what the triggerer calls when the second try of a task isn't the trigger's any more.

    :param task_state: the state of the task, by what Airflow says
    :param waiting_try: which of its tries has been deferred last, by what that has left
    """

    async def sleep(seconds: float) -> None:
        client.sleeps.append(seconds)

    def get_task_states(**criteria: Any) -> dict[str, dict[str, str | None]]:
        assert criteria == {"dag_id": "d", "run_ids": ["r"], "task_ids": ["g.wait"], "map_index": 3}
        if isinstance(task_state, Exception):
            raise task_state
        return {"r": {"g.wait_3": task_state}}

    def get_xcom(**criteria: Any) -> int | None:
        assert criteria == {"key": WAITING_TRY, "dag_id": "d", "run_id": "r", "task_id": "g.wait", "map_index": 3}
        if isinstance(waiting_try, Exception):
            raise waiting_try
        return waiting_try

    trigger = job_trigger(**{"stop_function_name": "sluiceway-local-stop-job", "stop_payload": STOP, **kwargs})
    trigger.hook = client.hook  # type: ignore[method-assign,assignment]
    trigger.sleep = sleep  # type: ignore[method-assign]
    trigger._task_instance = SimpleNamespace(dag_id="d", run_id="r", task_id="g.wait", map_index=3, try_number=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RuntimeTaskInstance, "get_task_states", get_task_states)
        patch.setattr(XCom, "get_one", get_xcom)
        asyncio.run(trigger.on_kill())
    assert client.open_clients == 0


class TestOnKill:
    # Cleared, cleared and scheduled again, marked as either, skipped with its run.
    gone = (None, "scheduled", "queued", "running", "failed", "success", "skipped", "removed")

    @pytest.mark.parametrize("state", gone)
    def test_on_kill_task_waits_no_more_stops_its_job(self, state: str | None) -> None:
        client = FakeLambda([STOPPED])

        killed(client, state)

        assert client.calls == [{"function": "sluiceway-local-stop-job", **json.loads(STOP)}]

    def test_on_kill_task_waits_in_another_triggerer_leaves_job_alone(self) -> None:
        client = FakeLambda([STOPPED])

        killed(client, "deferred")

        assert client.calls == []

    def test_on_kill_task_was_cleared_and_waits_again_stops_its_job(self) -> None:
        client = FakeLambda([STOPPED])

        killed(client, "deferred", waiting_try=3)

        assert client.calls == [{"function": "sluiceway-local-stop-job", **json.loads(STOP)}]

    @pytest.mark.parametrize("unknown", [None, RuntimeError("no API server")])
    def test_on_kill_task_waits_in_unknown_try_leaves_job_alone(self, unknown: Exception | None) -> None:
        client = FakeLambda([STOPPED])

        killed(client, "deferred", waiting_try=unknown)

        assert client.calls == []

    @pytest.mark.parametrize("failure", [KeyError("r"), RuntimeError("no API server")])
    def test_on_kill_airflow_does_not_tell_leaves_job_alone(self, failure: Exception) -> None:
        client = FakeLambda([STOPPED])

        killed(client, failure)

        assert client.calls == []

    def test_on_kill_to_detach_asks_nobody(self) -> None:
        client = FakeLambda([STOPPED])

        killed(client, RuntimeError("asked"), stop_function_name=None, stop_payload=None)

        assert client.calls == []

    @pytest.mark.parametrize("code", ["STALE_OWNER", "STALE_TRY", "JOB_NOT_RUNNING"])
    @pytest.mark.parametrize("way", ["answered", "thrown"])
    def test_on_kill_job_is_another_ones_now_leaves_it_alone(self, code: str, way: str) -> None:
        refused = refusal(code, False)
        answer = refused if way == "answered" else ("FunctionError", {"errorMessage": f"{code}: {json.dumps(refused)}"})
        client = FakeLambda([answer])

        killed(client, "failed")

        assert len(client.calls) == 1

    @pytest.mark.parametrize(
        "failure",
        [OSError("reset"), client_error("TooManyRequestsException"), refusal("LEDGER_UNAVAILABLE", True), b"<html>"],
        ids=str,
    )
    def test_on_kill_call_fails_for_now_repeats_it(self, failure: Any) -> None:
        client = FakeLambda([failure, STOPPED])

        killed(client, "failed")

        assert client.calls == [{"function": "sluiceway-local-stop-job", **json.loads(STOP)}] * 2
        assert client.clients == 2

    def test_on_kill_call_can_never_succeed_gives_up(self) -> None:
        client = FakeLambda([client_error("AccessDeniedException")])

        killed(client, "failed")

        assert len(client.calls) == 1

    def test_on_kill_call_hangs_is_given_up_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def hang() -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(flink_job, "_STOP_LIMIT", timedelta(milliseconds=10))

        killed(FakeLambda([STOPPED], closing=hang), "failed")

    def test_on_kill_is_cancelled_again_and_again_stops_job_all_the_same(self) -> None:
        client = FakeLambda([OSError("reset"), STOPPED])
        cancelled = 0

        async def cancel_again() -> None:
            nonlocal cancelled
            (on_kill,) = asyncio.all_tasks() - flink_job._stopping
            on_kill.cancel()
            cancelled += 1
            await asyncio.sleep(0)

        client.closing = cancel_again

        killed(client, "failed")

        assert cancelled == 2
        assert len(client.calls) == 2

    def test_on_kill_triggerer_shuts_down_meanwhile_ends(self) -> None:
        client = FakeLambda([OSError("reset"), STOPPED])

        async def shut_down() -> None:
            for task in asyncio.all_tasks():
                task.cancel()
            await asyncio.sleep(0)

        client.closing = shut_down

        killed(client, "failed")

        assert len(client.calls) == 1
        assert not flink_job._stopping

    def test_init_half_a_stop_is_refused(self) -> None:
        with pytest.raises(ValueError, match="go together"):
            job_trigger(stop_function_name="sluiceway-local-stop-job")


class TestTriggerer:
    """Airflow's own ``TriggerRunner``, which tells a kill from a shutdown."""

    def cancelled(self, by: Callable[[TriggerRunner], Awaitable[None]]) -> bool:
        """Run a trigger in it, have it cancelled; tell whether the trigger was killed."""
        killed = False
        trigger = job_trigger()

        async def on_kill() -> None:
            nonlocal killed
            killed = True

        async def scenario() -> None:
            waiting = asyncio.Event()

            async def sleep(_: float) -> None:
                waiting.set()
                await asyncio.Event().wait()

            client = FakeLambda([job("RUNNING")])
            trigger.hook = client.hook  # type: ignore[method-assign,assignment]
            trigger.now = lambda: client.now  # type: ignore[method-assign]
            trigger.sleep = sleep  # type: ignore[method-assign,assignment]
            trigger.on_kill = on_kill  # type: ignore[method-assign]
            runner = TriggerRunner()
            task = asyncio.create_task(runner.run_trigger(1, trigger))
            runner.triggers[1] = {"task": task, "is_watcher": False, "name": "wait", "events": 0}
            await asyncio.wait_for(waiting.wait(), timeout=5)
            await by(runner)
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, timeout=5)

        asyncio.run(scenario())
        return killed

    def test_cancel_trigger_is_not_the_triggerers_any_more_kills(self) -> None:
        async def cancel(runner: TriggerRunner) -> None:
            runner.to_cancel.append(1)
            await runner.cancel_triggers()

        assert self.cancelled(cancel)

    def test_cancel_triggerer_shuts_down_does_not_kill(self) -> None:
        async def shut_down(runner: TriggerRunner) -> None:
            runner.triggers[1]["task"].cancel()

        assert not self.cancelled(shut_down)


class TestCancellation:
    def test_run_triggerer_stops_closes_client(self) -> None:
        client = FakeLambda([job("RUNNING")])

        async def scenario() -> None:
            trigger = job_trigger()
            trigger.hook = client.hook  # type: ignore[method-assign,assignment]
            asked = asyncio.Event()

            async def sleep(_: float) -> None:
                asked.set()
                await asyncio.Event().wait()

            trigger.now = lambda: client.now  # type: ignore[method-assign]
            trigger.sleep = sleep  # type: ignore[method-assign,assignment]
            running = asyncio.ensure_future(anext(aiter(trigger.run())))
            await asyncio.wait_for(asked.wait(), timeout=5)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

        asyncio.run(scenario())

        assert client.open_clients == 0
