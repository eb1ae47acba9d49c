"""What the ticker fires, against a small AWS in memory and a clock that the tests move."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stack.ticker import CallError, Ticker

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:monitor-jobs:live"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:failed"
ARN = "arn:aws:scheduler:us-east-1:000000000000:schedule/group/sweep"
INPUT = (
    '{"requestId":"<aws.scheduler.schedule-arn>/<aws.scheduler.scheduled-time>","try":"<aws.scheduler.attempt-number>"}'
)


class Cloud:
    """An AWS with one schedule, which answers calls as it is told."""

    def __init__(self, schedule: Mapping[str, Any]) -> None:
        self.known = [schedule]
        self.is_reachable = True
        self.failures = 0
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.messages: list[tuple[str, str, Mapping[str, str]]] = []

    def schedules(self) -> Iterable[Mapping[str, Any]]:
        if not self.is_reachable:
            raise CallError("EndpointConnectionError", "nobody listens")
        return self.known

    def delete_schedule(self, group: str, name: str) -> None:
        self.known = [one for one in self.known if (one["GroupName"], one["Name"]) != (group, name)]

    def invoke(self, function: str, payload: str) -> None:
        self.calls.append((function, json.loads(payload)))
        if self.failures:
            self.failures -= 1
            raise CallError("TooManyRequestsException", "Rate Exceeded")

    def send(self, queue: str, body: str, attributes: Mapping[str, str]) -> None:
        self.messages.append((queue, body, attributes))


class Bench:
    """A ticker on such an AWS, its clock and its log."""

    def __init__(self, expression: str, target: Mapping[str, Any] | None = None, **more: Any) -> None:
        self.now = START
        self.log: list[str] = []
        schedule = {
            "Arn": ARN,
            "GroupName": "group",
            "Name": "sweep",
            "State": "ENABLED",
            "ScheduleExpression": expression,
            "ScheduleExpressionTimezone": "UTC",
            "CreationDate": START + timedelta(seconds=1),
            "ActionAfterCompletion": "NONE",
            "Target": {"Arn": FUNCTION, "RoleArn": "role", "Input": INPUT, **(target or {})},
        }
        self.cloud = Cloud(schedule | more)
        self.ticker = Ticker(self.cloud, lambda: self.now, self.log.append)

    def pass_time(self, duration: timedelta, every: timedelta = timedelta(seconds=5)) -> None:
        """Sweeps as time passes."""
        end = self.now + duration
        while self.now < end:
            self.now = min(self.now + every, end)
            self.ticker.sweep()

    def requests(self) -> list[str]:
        """The times, of day, that the calls were scheduled for."""
        return [call["requestId"].rpartition("T")[2] for _, call in self.cloud.calls]


def test_sweep_rate_fires_at_once_and_after_each_interval() -> None:
    bench = Bench("rate(1 minute)")

    bench.pass_time(timedelta(minutes=2, seconds=30))

    assert bench.cloud.calls[0] == (FUNCTION, {"requestId": f"{ARN}/2026-11-23T10:00:01Z", "try": "1"})
    assert bench.requests() == ["10:00:01Z", "10:01:01Z", "10:02:01Z"]


def test_sweep_rate_with_a_start_begins_there() -> None:
    bench = Bench("rate(1 minute)", StartDate=START + timedelta(minutes=2))

    bench.pass_time(timedelta(minutes=3, seconds=30))

    assert bench.requests() == ["10:02:00Z", "10:03:00Z"]


def test_sweep_end_date_has_passed_fires_no_more() -> None:
    bench = Bench("cron(* * * * ? *)", EndDate=START + timedelta(minutes=2))

    bench.pass_time(timedelta(minutes=5))

    assert bench.requests() == ["10:01:00Z", "10:02:00Z"]
    assert bench.cloud.known


def test_sweep_time_before_the_schedule_was_made_is_not_due() -> None:
    bench = Bench("cron(* * * * ? *)", CreationDate=START + timedelta(seconds=61))

    bench.pass_time(timedelta(seconds=65), every=timedelta(seconds=65))

    assert bench.requests() == []


def test_sweep_disabled_fires_nothing() -> None:
    bench = Bench("rate(1 minute)", State="DISABLED")

    bench.pass_time(timedelta(minutes=5))

    assert bench.requests() == []


def test_sweep_at_fires_once_and_stays() -> None:
    bench = Bench("at(2026-11-23T11:01:00)", ScheduleExpressionTimezone="Europe/Zurich")

    bench.pass_time(timedelta(minutes=3))

    assert bench.requests() == ["10:01:00Z"]
    assert bench.cloud.known


def test_sweep_at_is_completed_deletes_it_if_asked() -> None:
    bench = Bench("at(2026-11-23T10:01:00)", ActionAfterCompletion="DELETE")

    bench.pass_time(timedelta(seconds=55))
    assert bench.cloud.known
    bench.pass_time(timedelta(minutes=1))

    assert bench.requests() == ["10:01:00Z"]
    assert not bench.cloud.known


def test_sweep_completed_but_still_to_be_retried_is_deleted_after() -> None:
    bench = Bench("at(2026-11-23T10:01:00)", ActionAfterCompletion="DELETE")
    bench.cloud.failures = 3

    bench.pass_time(timedelta(seconds=65))
    assert bench.cloud.known
    bench.pass_time(timedelta(minutes=1))

    assert [call["try"] for _, call in bench.cloud.calls] == ["1", "2", "3", "4"]
    assert not bench.cloud.known


def test_sweep_machine_slept_makes_up_for_the_last_time_only() -> None:
    bench = Bench("cron(* * * * ? *)")

    bench.pass_time(timedelta(hours=3), every=timedelta(hours=3))

    assert bench.requests() == ["13:00:00Z"]
    assert "179 earlier times passed" in bench.log[0]


def test_sweep_after_one_that_failed_covers_its_time() -> None:
    bench = Bench("cron(* * * * ? *)")
    bench.cloud.is_reachable = False
    with pytest.raises(CallError, match="nobody listens"):
        bench.pass_time(timedelta(seconds=62), every=timedelta(seconds=62))
    bench.cloud.is_reachable = True

    bench.pass_time(timedelta(seconds=5))

    assert bench.requests() == ["10:01:00Z"]


def test_sweep_clock_goes_back_fires_no_second_time() -> None:
    bench = Bench("cron(* * * * ? *)")
    bench.pass_time(timedelta(seconds=61))
    bench.now -= timedelta(seconds=10)

    bench.pass_time(timedelta(seconds=30))

    assert bench.requests() == ["10:01:00Z"]


def test_sweep_call_fails_is_tried_again_with_the_same_time() -> None:
    bench = Bench("at(2026-11-23T10:01:00)")
    bench.cloud.failures = 2

    bench.pass_time(timedelta(minutes=2))

    assert bench.requests() == ["10:01:00Z"] * 3
    assert [call["try"] for _, call in bench.cloud.calls] == ["1", "2", "3"]
    assert bench.cloud.messages == []


def test_sweep_retries_are_exhausted_puts_it_into_the_dead_letter_queue() -> None:
    policy = {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 300}
    bench = Bench("at(2026-11-23T10:01:00)", {"RetryPolicy": policy, "DeadLetterConfig": {"Arn": QUEUE}})
    bench.cloud.failures = 99

    bench.pass_time(timedelta(minutes=5))

    ((queue, body, attributes),) = bench.cloud.messages
    assert len(bench.cloud.calls) == 3
    assert queue == QUEUE
    assert json.loads(body) == bench.cloud.calls[-1][1]
    assert dict(attributes) | {"EXECUTION_ID": ""} == {
        "ERROR_CODE": "TooManyRequestsException",
        "ERROR_MESSAGE": "Rate Exceeded",
        "EXECUTION_ID": "",
        "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "2",
        "SCHEDULED_TIME": "2026-11-23T10:01:00Z",
        "SCHEDULE_ARN": ARN,
        "TARGET_ARN": FUNCTION,
    }


def test_sweep_event_is_too_old_puts_it_into_the_dead_letter_queue() -> None:
    policy = {"MaximumEventAgeInSeconds": 60}
    bench = Bench("at(2026-11-23T10:01:00)", {"RetryPolicy": policy, "DeadLetterConfig": {"Arn": QUEUE}})
    bench.cloud.failures = 99

    bench.pass_time(timedelta(minutes=5))

    ((_, _, attributes),) = bench.cloud.messages
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"
    assert 3 < len(bench.cloud.calls) < 10


def test_sweep_retries_are_exhausted_without_a_queue_says_so() -> None:
    bench = Bench("at(2026-11-23T10:01:00)", {"RetryPolicy": {"MaximumRetryAttempts": 0}})
    bench.cloud.failures = 99

    bench.pass_time(timedelta(minutes=5))

    assert len(bench.cloud.calls) == 1
    assert "there is no dead-letter queue" in bench.log[-1]


def test_sweep_execution_id_is_another_for_each_try() -> None:
    bench = Bench("at(2026-11-23T10:01:00)", {"Input": '{"requestId": "<aws.scheduler.execution-id>"}'})
    bench.cloud.failures = 1

    bench.pass_time(timedelta(minutes=2))

    first, second = (call["requestId"] for _, call in bench.cloud.calls)
    assert len(first) == len(second) == 16
    assert first != second


@pytest.mark.parametrize(
    ("expression", "target", "said"),
    [
        ("cron(0 8 * * * *)", {}, "day of the month"),
        ("rate(1 minute)", {"Arn": QUEUE}, "Lambda functions only"),
        ("rate(1 minute)", {"Input": "{"}, "an input that is JSON"),
    ],
)
def test_sweep_what_it_cannot_play_is_said_once(expression: str, target: dict[str, Any], said: str) -> None:
    bench = Bench(expression, target)

    bench.pass_time(timedelta(minutes=2))

    assert bench.cloud.calls == []
    (line,) = bench.log
    assert line.startswith(f"{ARN}: never fires: ")
    assert said in line
