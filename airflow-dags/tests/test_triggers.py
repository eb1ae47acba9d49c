from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Self
from zoneinfo import ZoneInfo

import pytest
from airflow.sdk.serde import deserialize, serialize
from botocore.exceptions import ClientError, EndpointConnectionError

from sluiceway_airflow.triggers import flink_job
from sluiceway_airflow.triggers.flink_job import FlinkJobTrigger, FlinkOperationTrigger, FlinkStatusTrigger

START = datetime(2013, 1, 6, 5, tzinfo=UTC)
TOKYO_NEW_YEAR = datetime(2013, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
JOB = "0123456789abcdef0123456789abcdef"
ROTATION = "rotation"
OPERATION = f"take-savepoint.local.{JOB}.{JOB}"


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


def operation_trigger() -> FlinkOperationTrigger:
    return FlinkOperationTrigger(
        function_name="sluiceway-local-job-status", deadline=START + timedelta(minutes=10), operation_id=OPERATION
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
            "flinkJobId": JOB,
            **more,
        },
    }


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
            operation_trigger(),
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

    def test_run_until_running_job_ends_before_fails(self) -> None:
        event = FakeLambda([job("FINISHED")]).drive(job_trigger(until="RUNNING"))

        assert event["status"] == "failed"


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
