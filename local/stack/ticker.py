"""The ticker, which plays EventBridge Scheduler on the laptop: `python -m stack.ticker FILE`.

It reads the schedules from the stack's AWS and invokes the functions that are due, asynchronously, as the Scheduler
does: with the context attributes (`<aws.scheduler.scheduled-time>` and so on) filled in, with the target's retries, and
with what couldn't be delivered in the target's dead-letter queue.

What differs from the real one: after the machine slept, it makes up for the last of the times that passed, not for
each; what was due or still to be retried while it didn't run is lost; of a flexible time window it takes the beginning.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from stack.schedules import ExpressionError, parse

SWEEP_SECONDS = 5.0

# The Scheduler's defaults and limits of a RetryPolicy. How long it waits between tries isn't documented, only that it
# waits longer each time.
_RETRIES = 185
_AGE = timedelta(days=1)
_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(minutes=8)


class CallError(Exception):
    """A call of the stack's AWS that failed, with AWS's code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class SchedulerCloud(Protocol):
    """What the ticker needs of an AWS; every method raises CallError."""

    def schedules(self) -> Iterable[Mapping[str, Any]]:
        """All schedules of all groups, each as GetSchedule gives it."""

    def delete_schedule(self, group: str, name: str) -> None:
        """Forgets a schedule."""

    def invoke(self, function: str, payload: str) -> None:
        """Has Lambda take an asynchronous call of a function, which an ARN names, with its qualifier."""

    def send(self, queue: str, body: str, attributes: Mapping[str, str]) -> None:
        """Puts a message into a queue, which an ARN names."""


@dataclass
class Delivery:
    """One time at which one schedule was due, until Lambda took the call or nobody tries any more.

    since: when it was tried first; retries and the event's age count from then
    due: when it is tried next
    attempts: how often it was tried
    """

    schedule: Mapping[str, Any]
    scheduled: datetime
    since: datetime
    due: datetime
    attempts: int = 0

    @property
    def target(self) -> Mapping[str, Any]:
        """What is called, with which input, how often, and where the event goes if that fails."""
        target: Mapping[str, Any] = self.schedule["Target"]
        return target


@dataclass
class Ticker:
    """Fires what is due whenever it is told to look.

    clock: the time, in UTC
    say: takes a line for the log
    """

    cloud: SchedulerCloud
    clock: Callable[[], datetime]
    say: Callable[[str], None]
    _seen: datetime = field(init=False)
    _deliveries: list[Delivery] = field(default_factory=list, init=False)
    _said: set[tuple[str, str]] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._seen = self.clock()

    def sweep(self) -> None:
        """Fires what became due since the last sweep, and tries again what is to be tried again.

        Raises CallError if the schedules can't be read; then the next sweep covers the time of this one too.
        """
        now = self.clock()
        schedules = list(self.cloud.schedules())
        seen, self._seen = self._seen, max(self._seen, now)
        for schedule in schedules:
            self._look_at(schedule, seen, now)
        for delivery in [delivery for delivery in self._deliveries if delivery.due <= now]:
            self._try(delivery, now)

    def _look_at(self, schedule: Mapping[str, Any], seen: datetime, now: datetime) -> None:
        if schedule["State"] != "ENABLED":
            return
        created: datetime = schedule["CreationDate"]
        start: datetime | None = schedule.get("StartDate")
        end: datetime | None = schedule.get("EndDate")
        try:
            expression = parse(schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"], start or created)
            _check_target(schedule["Target"])
        except ExpressionError as error:
            self._say_once(schedule, f"never fires: {error}")
            return

        # So that the first moment of the schedule's life can be one, too.
        before = max(seen, max(start or created, created) - timedelta(microseconds=1))
        missed = -1
        due = None
        following = expression.next_after(before)
        while following is not None and following <= now and (end is None or following <= end):
            due, missed = following, missed + 1
            following = expression.next_after(following)
        if due is not None:
            if missed:
                self.say(f"{schedule['Arn']}: {missed} earlier times passed while nobody looked; they are left out.")
            self._deliveries.append(Delivery(schedule, due, since=now, due=now))
        is_over = following is None or (end is not None and following > end)
        is_busy = any(delivery.schedule["Arn"] == schedule["Arn"] for delivery in self._deliveries)
        if is_over and not is_busy and schedule.get("ActionAfterCompletion") == "DELETE":
            self._delete(schedule)

    def _delete(self, schedule: Mapping[str, Any]) -> None:
        try:
            self.cloud.delete_schedule(schedule["GroupName"], schedule["Name"])
        except CallError as error:
            self._say_once(schedule, f"it is completed, but can't be deleted: {error}")
        else:
            self.say(f"{schedule['Arn']}: completed and deleted, as it asked for.")

    def _try(self, delivery: Delivery, now: datetime) -> None:
        delivery.attempts += 1
        execution = secrets.token_hex(8)
        payload = _fill_in(delivery, execution)
        target = delivery.target
        try:
            self.cloud.invoke(target["Arn"], payload)
        except CallError as error:
            self._say(delivery, f"try {delivery.attempts} failed: {error}")
            exhausted = _exhausted(delivery, now)
            if exhausted is not None:
                self._deliveries.remove(delivery)
                self._give_up(delivery, payload, execution, error, exhausted)
        else:
            self._deliveries.remove(delivery)
            self._say(delivery, f"called {target['Arn']}")

    def _give_up(self, delivery: Delivery, payload: str, execution: str, error: CallError, exhausted: str) -> None:
        queue = (delivery.target.get("DeadLetterConfig") or {}).get("Arn")
        if queue is None:
            self._say(delivery, "given up; there is no dead-letter queue")
            return
        attributes = {
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": error.message,
            "EXECUTION_ID": execution,
            "EXHAUSTED_RETRY_CONDITION": exhausted,
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(delivery.attempts - 1),
            "SCHEDULED_TIME": _timestamp(delivery.scheduled),
            "SCHEDULE_ARN": delivery.schedule["Arn"],
            "TARGET_ARN": delivery.target["Arn"],
        }
        try:
            self.cloud.send(queue, payload, attributes)
        except CallError as failure:
            self._say(delivery, f"given up, and its dead-letter queue {queue} couldn't take it: {failure}")
        else:
            self._say(delivery, f"given up; it is in {queue}")

    def _say(self, delivery: Delivery, text: str) -> None:
        self.say(f"{delivery.schedule['Arn']} at {_timestamp(delivery.scheduled)}: {text}")

    def _say_once(self, schedule: Mapping[str, Any], text: str) -> None:
        if (schedule["Arn"], text) not in self._said:
            self._said.add((schedule["Arn"], text))
            self.say(f"{schedule['Arn']}: {text}")


def _check_target(target: Mapping[str, Any]) -> None:
    if ":lambda:" not in target["Arn"] or ":function:" not in target["Arn"]:
        raise ExpressionError(f"The stack's ticker calls Lambda functions only, not {target['Arn']}.")
    try:
        # As CreateSchedule wants it of a function's input, before the attributes are filled in.
        json.loads(target.get("Input", ""))
    except ValueError as error:
        raise ExpressionError("The target needs an input that is JSON.") from error


def _exhausted(delivery: Delivery, now: datetime) -> str | None:
    """Sets when the delivery is tried next, or gives the name of the limit that forbids it."""
    policy = delivery.target.get("RetryPolicy") or {}
    if delivery.attempts > policy.get("MaximumRetryAttempts", _RETRIES):
        return "MaximumRetryAttempts"
    age = timedelta(seconds=policy.get("MaximumEventAgeInSeconds", _AGE.total_seconds()))
    wait = min(_FIRST_WAIT * 2 ** min(delivery.attempts - 1, 16), _LONGEST_WAIT)
    if now + wait > delivery.since + age:
        return "MaximumEventAgeInSeconds"
    delivery.due = now + wait
    return None


def _fill_in(delivery: Delivery, execution: str) -> str:
    """The target's input with the Scheduler's context attributes in place."""
    text: str = delivery.target["Input"]
    attributes = {
        "schedule-arn": delivery.schedule["Arn"],
        "scheduled-time": _timestamp(delivery.scheduled),
        "execution-id": execution,
        "attempt-number": str(delivery.attempts),
    }
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class StackCloud:
    """The AWS of the stack, found by the environment variables of any AWS client."""

    def __init__(self) -> None:
        session = boto3.session.Session()
        # An asynchronous call that is sent again by the client would be two calls.
        config = Config(retries={"max_attempts": 0}, connect_timeout=2, read_timeout=20)
        self._scheduler = session.client("scheduler", config=config)
        self._lambda = session.client("lambda", config=config)
        self._sqs = session.client("sqs", config=config)

    def schedules(self) -> Iterable[Mapping[str, Any]]:
        """Whatever is there: MiniStack gives no further pages, but any number on the first."""
        answer = _call(self._scheduler.list_schedules, MaxResults=10_000)
        found = []
        for summary in answer["Schedules"]:
            try:
                found.append(_call(self._scheduler.get_schedule, GroupName=summary["GroupName"], Name=summary["Name"]))
            except CallError as error:
                # Deleted meanwhile.
                if error.code != "ResourceNotFoundException":
                    raise
        return found

    def delete_schedule(self, group: str, name: str) -> None:
        _call(self._scheduler.delete_schedule, GroupName=group, Name=name)

    def invoke(self, function: str, payload: str) -> None:
        _call(self._lambda.invoke, FunctionName=function, InvocationType="Event", Payload=payload.encode())

    def send(self, queue: str, body: str, attributes: Mapping[str, str]) -> None:
        url = _call(self._sqs.get_queue_url, QueueName=queue.rpartition(":")[2])["QueueUrl"]
        # SQS takes no empty attribute.
        values = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value}
        _call(self._sqs.send_message, QueueUrl=url, MessageBody=body, MessageAttributes=values)


def _call(operation: Callable[..., dict[str, Any]], **arguments: Any) -> dict[str, Any]:
    try:
        return operation(**arguments)
    except ClientError as error:
        raise CallError(error.response["Error"]["Code"], error.response["Error"].get("Message", "")) from error
    except BotoCoreError as error:
        raise CallError(type(error).__name__, str(error)) from error


def main(swept: Path) -> None:
    """Sweeps until it is ended, and touches a file after each sweep that worked."""

    def say(text: str) -> None:
        print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}", flush=True)

    ticker = Ticker(StackCloud(), lambda: datetime.now(UTC), say)
    failure: str | None = "It wasn't asked yet."
    while True:
        try:
            ticker.sweep()
        except CallError as error:
            if str(error) != failure:
                say(f"The stack's AWS can't be asked for its schedules: {error}")
            failure = str(error)
            time.sleep(1)
        else:
            if failure is not None:
                say("The stack's AWS tells its schedules.")
            failure = None
            swept.touch()
            time.sleep(SWEEP_SECONDS)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(130)
