"""What the stack's AWS does beyond MiniStack: a mended MiniStack and a ticker, running, with a small function."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from stack.parts import Layer, stack_parts
from stack.progress import Progress
from stack.settings import ACCOUNT, REGION, load_settings
from stack.stack import Stack
from tests.scripts import eventually, unused_port

# Writes each event that it gets into a file, and refuses those that say so.
BOOTSTRAP = """#!/usr/bin/env python3
import json, os, urllib.request
invocation = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(invocation + "next") as response:
        id, event = response.headers["Lambda-Runtime-Aws-Request-Id"], json.load(response)
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(json.dumps(event) + "\\n")
    if event.get("refuse"):
        answer, headers = {"errorType": "Refused", "errorMessage": "JOB_BUSY: not now"}, {}
        urllib.request.urlopen(urllib.request.Request(invocation + id + "/error", json.dumps(answer).encode()))
    else:
        urllib.request.urlopen(urllib.request.Request(invocation + id + "/response", b"{}"))
"""


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


ALIAS = arn("lambda", "function:small:live")
TARGET = {"Arn": ALIAS, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/any"}


class Aws:
    """Clients of the AWS, and what its function has seen."""

    def __init__(self, url: str, seen: Path) -> None:
        self._session = boto3.session.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION
        )
        self._url = url
        self.seen_file = seen

    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._url)

    def seen(self, **fields: Any) -> list[dict[str, Any]]:
        """The events that the function got with these fields."""
        lines = self.seen_file.read_text().splitlines() if self.seen_file.exists() else []
        return [event for event in map(json.loads, lines) if fields.items() <= event.items()]

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """Takes the messages out of a queue."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    def message(self, queue: str) -> dict[str, Any]:
        """Waits for the one message of a queue and takes it out."""
        found: list[dict[str, Any]] = []

        def arrived() -> bool:
            found.extend(self.messages(queue))
            return bool(found)

        eventually(arrived)
        (message,) = found
        return message

    def deploy(self, stack: str, resources: dict[str, Any], *, is_update: bool = False) -> str:
        """Creates or updates a CloudFormation stack; gives the status that it ends with."""
        cloudformation = self.client("cloudformation")
        operation = cloudformation.update_stack if is_update else cloudformation.create_stack
        operation(StackName=stack, TemplateBody=json.dumps({"Resources": resources}))

        def status() -> str:
            text: str = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
            return text

        eventually(lambda: not status().endswith("IN_PROGRESS"))
        return status()


def function(seen: Path) -> dict[str, Any]:
    """The function, its alias, and the queue of what the alias failed to do."""
    return {
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "small",
                "Runtime": "provided.al2023",
                "Handler": "bootstrap",
                "Role": f"arn:aws:iam::{ACCOUNT}:role/any",
                "Timeout": 20,
                "Code": {"S3Bucket": "code", "S3Key": "small.zip"},
                "Environment": {"Variables": {"SEEN": str(seen)}},
            },
        },
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
                "Name": "live",
            },
        },
        "Failed": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "failed"}},
        "Asynchronous": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "DependsOn": ["Alias"],
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "Qualifier": "live",
                "MaximumRetryAttempts": 1,
                "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Failed", "Arn"]}}},
            },
        },
    }


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """The parts of the stack that play AWS, on a port of their own, with the function deployed."""
    directory = tmp_path_factory.mktemp("stack")
    settings = replace(load_settings(environment={}), run_dir=directory, aws_port=unused_port())
    stack = Stack(
        settings,
        Progress(io.StringIO()),
        lambda settings, jdk: [part for part in stack_parts(settings, jdk) if part.layer is Layer.AWS],
    )
    try:
        stack.up(["aws", "ticker"])
        aws = Aws(settings.aws_url, directory / "seen.jsonl")
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            bootstrap = zipfile.ZipInfo("bootstrap")
            bootstrap.external_attr = 0o755 << 16
            archive.writestr(bootstrap, BOOTSTRAP)
        aws.client("s3").create_bucket(Bucket="code")
        aws.client("s3").put_object(Bucket="code", Key="small.zip", Body=content.getvalue())
        assert aws.deploy("function", function(aws.seen_file)) == "CREATE_COMPLETE"
        yield aws
    finally:
        stack.down()


def test_asynchronous_call_of_an_alias_fails_ends_in_its_queue(aws: Aws) -> None:
    event = {"refuse": True, "by": "call"}

    aws.client("lambda").invoke(FunctionName=ALIAS, InvocationType="Event", Payload=json.dumps(event))

    failure = json.loads(aws.message("failed")["Body"])
    assert failure["requestPayload"] == event
    assert failure["responsePayload"] == {"errorType": "Refused", "errorMessage": "JOB_BUSY: not now"}
    assert aws.seen(by="call") == [event, event]


def rule(pattern: dict[str, Any], **target: Any) -> dict[str, Any]:
    properties = {"EventPattern": pattern, "Targets": [{"Id": "function", "Arn": ALIAS, **target}]}
    return {"Type": "AWS::Events::Rule", "Properties": properties}


def test_call_by_a_rule_fails_ends_in_the_aliass_queue(aws: Aws) -> None:
    refuse = rule({"source": ["bad"]}, Input='{"refuse": true, "by": "rule"}')
    assert aws.deploy("bad", {"Rule": refuse}) == "CREATE_COMPLETE"

    aws.client("events").put_events(Entries=[{"Source": "bad", "DetailType": "any", "Detail": "{}"}])

    assert json.loads(aws.message("failed")["Body"])["requestPayload"] == {"refuse": True, "by": "rule"}
    assert len(aws.seen(by="rule")) == 2


def test_call_by_a_rule_template_makes_no_json_is_left_out(aws: Aws) -> None:
    template = {"InputPathsMap": {"name": "$.detail.name"}, "InputTemplate": '{"by": "template", "text": "a <name>"}'}
    assert aws.deploy("text", {"Rule": rule({"source": ["text"]}, InputTransformer=template)}) == "CREATE_COMPLETE"
    names = ['"', "b"]

    aws.client("events").put_events(
        Entries=[{"Source": "text", "DetailType": "any", "Detail": json.dumps({"name": name})} for name in names]
    )

    eventually(lambda: bool(aws.seen(by="template")))
    assert aws.seen(by="template") == [{"by": "template", "text": "a b"}]
    assert aws.seen(body='{"by": "template", "text": "a ""}') == []


def test_object_created_rule_gets_its_version(aws: Aws) -> None:
    created = rule(
        {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": ["jars"]}}},
        InputTransformer={
            "InputPathsMap": {"key": "$.detail.object.key", "version": "$.detail.object.version-id"},
            "InputTemplate": '{"by": "s3", "key": "<key>", "version": "<version>"}',
        },
    )
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {
            "BucketName": "jars",
            "VersioningConfiguration": {"Status": "Enabled"},
            "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        },
    }
    assert aws.deploy("jars", {"Bucket": bucket, "Rule": created}) == "CREATE_COMPLETE"

    versions = [aws.client("s3").put_object(Bucket="jars", Key="a b.jar", Body=b"x")["VersionId"] for _ in range(2)]

    eventually(lambda: len(aws.seen(by="s3")) == 2)
    assert {(event["key"], event["version"]) for event in aws.seen(by="s3")} == {("a b.jar", name) for name in versions}


def schedule(**properties: Any) -> dict[str, Any]:
    fixed = {
        "Name": "nightly",
        "GroupName": {"Ref": "Group"},
        "ScheduleExpression": "cron(0 3 * * ? *)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {**TARGET, "Input": "{}"},
    }
    return {"Type": "AWS::Scheduler::Schedule", "Properties": {**fixed, **properties}}


def test_deploy_schedule_keeps_its_zone_start_and_end(aws: Aws) -> None:
    group = {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "nights"}}
    dates = {"StartDate": "2030-01-01T00:00:00Z", "EndDate": "2031-01-01T00:00:00Z"}
    whole = schedule(ScheduleExpressionTimezone="Europe/Zurich", **dates)
    scheduler = aws.client("scheduler")

    assert aws.deploy("nights", {"Group": group, "Schedule": whole}) == "CREATE_COMPLETE"
    created = scheduler.get_schedule(GroupName="nights", Name="nightly")
    changed = {"Group": group, "Schedule": schedule(ScheduleExpressionTimezone="Asia/Tokyo")}
    assert aws.deploy("nights", changed, is_update=True) == "UPDATE_COMPLETE"
    updated = scheduler.get_schedule(GroupName="nights", Name="nightly")

    assert created["ScheduleExpressionTimezone"] == "Europe/Zurich"
    assert created["StartDate"] == datetime(2030, 1, 1, tzinfo=UTC)
    assert created["EndDate"] == datetime(2031, 1, 1, tzinfo=UTC)
    assert updated["ScheduleExpressionTimezone"] == "Asia/Tokyo"
    assert "StartDate" not in updated
    assert "EndDate" not in updated


def test_deploy_schedule_of_no_group_fails(aws: Aws) -> None:
    assert aws.deploy("lost", {"Schedule": schedule(GroupName="nowhere")}) == "ROLLBACK_COMPLETE"


def test_deploy_archive_keeps_the_buss_events(aws: Aws) -> None:
    def archive(days: int) -> dict[str, Any]:
        properties = {
            "ArchiveName": "kept",
            "SourceArn": {"Fn::GetAtt": ["Bus", "Arn"]},
            "RetentionDays": days,
            "EventPattern": {"source": ["sluiceway"]},
        }
        return {"Type": "AWS::Events::Archive", "Properties": properties}

    bus = {"Type": "AWS::Events::EventBus", "Properties": {"Name": "kept"}}
    events = aws.client("events")

    assert aws.deploy("kept", {"Bus": bus, "Archive": archive(1)}) == "CREATE_COMPLETE"
    events.put_events(
        Entries=[
            {"Source": source, "DetailType": "any", "Detail": "{}", "EventBusName": "kept"}
            for source in ("sluiceway", "other")
        ]
    )
    assert aws.deploy("kept", {"Bus": bus, "Archive": archive(2)}, is_update=True) == "UPDATE_COMPLETE"
    kept = events.describe_archive(ArchiveName="kept")
    aws.client("cloudformation").delete_stack(StackName="kept")

    assert (kept["EventCount"], kept["RetentionDays"]) == (1, 2)
    eventually(lambda: events.list_archives()["Archives"] == [])


def at(moment: datetime) -> str:
    return f"at({moment:%Y-%m-%dT%H:%M:%S})"


def test_ticker_schedule_is_due_calls_once_with_the_attributes_filled_in(aws: Aws) -> None:
    due = datetime.now(UTC) + timedelta(seconds=2)
    aws.client("scheduler").create_schedule(
        Name="once",
        ScheduleExpression=at(due),
        FlexibleTimeWindow={"Mode": "OFF"},
        ActionAfterCompletion="DELETE",
        Target={**TARGET, "Input": '{"by":"<aws.scheduler.schedule-arn>","at":"<aws.scheduler.scheduled-time>"}'},
    )
    name = arn("scheduler", "schedule/default/once")

    eventually(lambda: bool(aws.seen(by=name)))
    eventually(lambda: aws.client("scheduler").list_schedules(NamePrefix="once")["Schedules"] == [])
    # MiniStack's own ticker would have looked, too.
    time.sleep(max(0.0, (due + timedelta(seconds=11) - datetime.now(UTC)).total_seconds()))

    assert aws.seen(by=name) == [{"by": name, "at": f"{due:%Y-%m-%dT%H:%M:%SZ}"}]
    assert aws.seen(by="<aws.scheduler.schedule-arn>") == []


def test_ticker_function_is_missing_ends_in_the_schedules_queue(aws: Aws) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "undelivered"}}
    assert aws.deploy("undelivered", {"Queue": queue}) == "CREATE_COMPLETE"

    aws.client("scheduler").create_schedule(
        Name="astray",
        ScheduleExpression=at(datetime.now(UTC) + timedelta(seconds=1)),
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            **TARGET,
            "Arn": arn("lambda", "function:nobody:live"),
            "Input": '{"try":"<aws.scheduler.attempt-number>"}',
            "RetryPolicy": {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60},
            "DeadLetterConfig": {"Arn": arn("sqs", "undelivered")},
        },
    )

    message = aws.message("undelivered")
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert message["Body"] == '{"try":"2"}'
    assert attributes["ERROR_CODE"] == "ResourceNotFoundException"
    assert attributes["RETRY_ATTEMPTS"] == "1"
    assert attributes["SCHEDULE_ARN"] == arn("scheduler", "schedule/default/astray")
