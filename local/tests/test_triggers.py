"""What calls the functions of the real stack by itself, and where failures end; run by `make test`."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from stack.settings import JOBS_BUCKET, REGION, ROOT, STAGE, load_settings
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


def call(function: str, event: dict[str, Any]) -> dict[str, Any]:
    answer = client("lambda").invoke(
        FunctionName=f"sluiceway-{STAGE}-{function}", Qualifier="live", Payload=json.dumps(event)
    )
    content: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, content
    return content


class FailedEvents:
    """The queue of failed events."""

    def __init__(self) -> None:
        self._sqs = client("sqs")
        self._url = self._sqs.get_queue_url(QueueName=f"sluiceway-{STAGE}-failed-events")["QueueUrl"]

    def take(self, request_id: str) -> dict[str, Any]:
        """Waits for the message about a request and takes it out of the queue; others are left there."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, VisibilityTimeout=2)
            for message in answer.get("Messages", []):
                content = json.loads(message["Body"])
                if content.get("requestPayload", {}).get("requestId") == request_id:
                    found.append(content)
                    self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            return bool(found)

        eventually(look, seconds=60)
        return found[0]


@pytest.mark.stack
def test_asynchronous_event_is_refused_ends_in_the_queue_of_failed_events() -> None:
    job = {"name": "Not a name", "kind": "RUN", "cluster": "local", "jar": {"uri": "s3://sluiceway-local-jobs/a.jar"}}
    event = {"requestId": f"test/{uuid.uuid4()}", "try": 1, "job": job}

    client("lambda").invoke(
        FunctionName=f"sluiceway-{STAGE}-submit-job:live", InvocationType="Event", Payload=json.dumps(event)
    )

    found = FailedEvents().take(str(event["requestId"]))
    assert found["requestPayload"] == event
    assert found["responsePayload"]["errorMessage"].startswith("JOB_NAME_INVALID: ")


@dataclass(frozen=True)
class Release:
    """A job that is upgraded by each new jar below a prefix, as the deployed settings say."""

    name: str
    prefix: str
    job: dict[str, Any]

    @classmethod
    def read(cls) -> Release:
        """The one of the laptop's stage."""
        settings = json.loads((ROOT / "infra" / "cdk" / "settings" / f"{STAGE}.json").read_text())
        (trigger,) = settings["triggers"]["jars"]
        assert trigger["function"] == "upgrade-job"
        return cls(trigger["name"], trigger["prefix"], trigger["job"])

    def start(self) -> str:
        """Submits the job's first version, and waits until a checkpoint shows that it works; gives its Flink job id."""
        jar = {"uri": f"s3://{JOBS_BUCKET}/jars/flight-delays.jar"}
        spec = {**self.job, "jar": jar, "restore": {"mode": "NONE"}}
        answer = call("submit-job", {"requestId": f"test/{uuid.uuid4()}", "try": 1, "job": spec})
        # While its tasks are being started, a job that is RUNNING can't be stopped with a savepoint.
        eventually(lambda: self.look().get("checkpoints", {}).get("completed", 0) > 0, seconds=60)
        return str(answer["job"]["flinkJobId"])

    def put(self) -> tuple[str, str]:
        """Puts the second version's jar below the prefix, as a release does; gives its key and the object's version."""
        jar = ROOT / "flink-jobs" / "v2" / "target" / "flight-delays-v2.jar"
        key = f"{self.prefix}{uuid.uuid4()}.jar"
        return key, client("s3").put_object(Bucket=JOBS_BUCKET, Key=key, Body=jar.read_bytes())["VersionId"]

    def event(self, key: str, version: str) -> dict[str, Any]:
        """What the deployed rule makes of the event of a jar."""
        (target,) = client("events").list_targets_by_rule(Rule=f"sluiceway-{STAGE}-{self.name}")["Targets"]
        template: str = target["InputTransformer"]["InputTemplate"]
        values = {"detail-bucket-name": JOBS_BUCKET, "detail-object-key": key, "detail-object-version-id": version}
        for name, value in values.items():
            # Within a text it is a part of that, anywhere else a text of its own.
            template = template.replace(f":<{name}>", f":{json.dumps(value)}").replace(f"<{name}>", value)
        event: dict[str, Any] = json.loads(template)
        return event

    def look(self) -> dict[str, Any]:
        """What `job-status` says of the job."""
        job: dict[str, Any] = call("job-status", {"cluster": "local", "jobName": self.job["name"]})["job"]
        return job

    def upgrades(self, after: int) -> list[dict[str, Any]]:
        """The events that tell of upgrades that ended, behind a number; a sweep takes those that are open further."""
        call("monitor-jobs", {"clusters": ["local"]})
        listed = self.events(after)["events"]
        told = [{"type": event["detailType"], **event["detail"]["data"]} for event in listed]
        return [one for one in told if one.get("operationType") == "UPGRADE_JOB"]

    def events(self, after: int = 0) -> dict[str, Any]:
        """A page of the job's events, behind a number."""
        return call("list-events", {"cluster": "local", "jobName": self.job["name"], "afterSequence": after})

    def executions(self) -> set[str]:
        """The Flink job ids that the cluster knows under the job's name."""
        jobs = call("list-jobs", {"cluster": "local", "pageSize": 1000})["jobs"]
        return {job["flinkJobId"] for job in jobs if job["name"] == self.job["name"]}

    def stop(self) -> None:
        """Ends whatever runs of it; refused while it is being upgraded."""

        def cancel() -> bool:
            event = {"cluster": "local", "jobName": self.job["name"], "mode": "CANCEL", "onRefusal": "ANSWER"}
            call("monitor-jobs", {"clusters": ["local"]})
            return "error" not in call("stop-job", {**event, "requestId": f"test/{uuid.uuid4()}", "try": 1})

        eventually(cancel, seconds=120)
        eventually(lambda: bool(self.look()["terminal"]), seconds=60)


def answers_to(function: str, request_id: str, begin: int) -> list[str]:
    """What a function's calls for a request came to since a moment, in order, as its log tells."""
    events = client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/sluiceway-{STAGE}-{function}", startTime=begin
    )["events"]
    lines = [json.loads(event["message"]) for event in events if event["message"].startswith("{")]
    return [line["outcome"] for line in lines if line.get("requestId") == request_id and "outcome" in line]


@pytest.mark.stack
def test_new_jar_below_its_prefix_upgrades_the_job_once_however_often_it_is_told() -> None:
    begin = int(time.time() * 1000)
    release = Release.read()
    first = release.start()
    try:
        before, sequence = release.executions(), release.events()["lastSequence"]

        key, version = release.put()

        request_id = f"{JOBS_BUCKET}/{key}/{version}"
        eventually(lambda: bool(release.upgrades(sequence)), seconds=180)
        (ended,) = release.upgrades(sequence)
        assert ended["type"] == "Flink Operation Completed", ended
        assert ended["flinkJobId"] == first
        now = release.look()
        assert now["state"] == "RUNNING"
        assert now["version"]["jar"] == f"s3://{JOBS_BUCKET}/{key}"
        assert now["version"]["jarVersionId"] == version
        assert now["owner"] == {"requestId": request_id, "try": 1}
        assert release.executions() - before == {now["flinkJobId"]}

        # EventBridge delivers at least once. Nobody but S3 may put such an event, so it is delivered here by hand.
        event = release.event(key, version)
        assert event["requestId"] == request_id
        client("lambda").invoke(
            FunctionName=f"sluiceway-{STAGE}-upgrade-job:live", InvocationType="Event", Payload=json.dumps(event)
        )

        eventually(lambda: answers_to("upgrade-job", request_id, begin) == ["STARTED", "REPLAYED"], seconds=60)
        assert release.upgrades(sequence) == [ended]
        assert release.executions() - before == {now["flinkJobId"]}
        assert release.look()["flinkJobId"] == now["flinkJobId"]
    finally:
        release.stop()


@pytest.mark.stack
def test_new_jar_of_a_job_that_doesnt_run_ends_in_the_queue_of_failed_events() -> None:
    release = Release.read()
    release.start()
    release.stop()
    before = release.executions()

    key, version = release.put()

    found = FailedEvents().take(f"{JOBS_BUCKET}/{key}/{version}")
    assert found["responsePayload"]["errorMessage"].startswith("JOB_NOT_RUNNING: ")
    assert found["requestPayload"]["job"]["jar"] == {"uri": f"s3://{JOBS_BUCKET}/{key}", "versionId": version}
    assert release.executions() == before
