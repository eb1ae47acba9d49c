"""What calls the functions of the real stack by itself, and where failures end; run by `make test`."""

import json
import time
import uuid
from typing import Any

import boto3
import pytest

from stack.settings import REGION, STAGE, load_settings
from tests.scripts import eventually


def client(service: str) -> Any:
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    return session.client(service, endpoint_url=load_settings().aws_url)


@pytest.mark.stack
@pytest.mark.parametrize("cluster", ["local", "managed"])
def test_schedule_of_monitor_jobs_is_due_sweeps_over_the_cluster(cluster: str) -> None:
    begin = int(time.time() * 1000)
    function = f"sluiceway-{STAGE}-monitor-jobs"
    schedules = client("scheduler").list_schedules(GroupName=f"sluiceway-{STAGE}")["Schedules"]
    assert [one for one in schedules if one["Target"]["Arn"].endswith(f":function:{function}:live")]

    def sweeps() -> list[dict[str, Any]]:
        """What the sweeps since then measured of the cluster; the function refuses times that aren't filled in."""
        events = client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function}", startTime=begin)["events"]
        lines = [json.loads(event["message"]) for event in events if event["message"].startswith('{"_aws"')]
        return [line for line in lines if line.get("cluster") == cluster and "ClusterUnreachable" in line]

    eventually(lambda: bool(sweeps()), seconds=100)
    assert sweeps()[0]["ClusterUnreachable"] == 0


@pytest.mark.stack
def test_asynchronous_event_is_refused_ends_in_the_queue_of_failed_events() -> None:
    job = {"name": "Not a name", "kind": "RUN", "cluster": "local", "jar": {"uri": "s3://sluiceway-local-jobs/a.jar"}}
    event = {"requestId": f"test/{uuid.uuid4()}", "try": 1, "job": job}
    sqs = client("sqs")
    queue = sqs.get_queue_url(QueueName=f"sluiceway-{STAGE}-failed-events")["QueueUrl"]
    found: list[dict[str, Any]] = []

    def take() -> bool:
        """Takes this event's message out of the queue, and leaves others there."""
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=2)
        for message in answer.get("Messages", []):
            content = json.loads(message["Body"])
            if content.get("requestPayload") == event:
                found.append(content)
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return bool(found)

    client("lambda").invoke(
        FunctionName=f"sluiceway-{STAGE}-submit-job:live", InvocationType="Event", Payload=json.dumps(event)
    )

    eventually(take, seconds=60)
    assert found[0]["responsePayload"]["errorMessage"].startswith("JOB_NAME_INVALID: ")
