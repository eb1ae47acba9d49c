"""What `submit-job` is measured against: the same submission as a team would write it in Python for AWS Lambda.

It takes Sluiceway's own event. An item in DynamoDB says which request has started which Flink job, so that a repeated
call doesn't start another; the jar comes from S3 and is uploaded once. What it doesn't do is what Sluiceway is for: it
can't tell what became of a call whose answer was lost, has no attempts, no restore points and no operations.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from typing import Any

import boto3
import requests
from botocore.exceptions import ClientError

FLINK = os.environ["FLINK_URL"]
TABLE = os.environ["TABLE"]
TIMEOUT = 10

s3 = boto3.client("s3")
dynamodb = boto3.client("dynamodb")
flink = requests.Session()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Submits the job of an event, once per request."""
    job = event["job"]
    key = {"pk": {"S": f"REQUEST#{job['name']}#{event['requestId']}"}, "sk": {"S": "REQUEST"}}
    item = dynamodb.get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item")
    if item and item["state"]["S"] == "SUBMITTED":
        return {"outcome": "REPLAYED", "flinkJobId": item["flinkJobId"]["S"]}
    flink_job_id = item["flinkJobId"]["S"] if item else uuid.uuid4().hex
    if not item:
        try:
            dynamodb.put_item(
                TableName=TABLE,
                Item={**key, "flinkJobId": {"S": flink_job_id}, "state": {"S": "INTENDED"}},
                ConditionExpression="attribute_not_exists(pk)",
            )
        except ClientError as e:
            if e.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return {"outcome": "IN_PROGRESS"}
            raise
    jar_id = bring(job["jar"]["uri"])
    run = flink.post(
        f"{FLINK}/jars/{jar_id}/run",
        json={"jobId": flink_job_id, "parallelism": job.get("parallelism"), "programArgsList": job.get("args", [])},
        timeout=TIMEOUT,
    )
    run.raise_for_status()
    state = flink.get(f"{FLINK}/jobs/{flink_job_id}/status", timeout=TIMEOUT).json()["status"]
    dynamodb.update_item(
        TableName=TABLE,
        Key=key,
        UpdateExpression="SET #state = :state",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": "SUBMITTED"}},
    )
    return {"outcome": "STARTED", "flinkJobId": flink_job_id, "state": state}


def bring(uri: str) -> str:
    """The id of a jar on the cluster, which is given it unless it has it."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    name = hashlib.sha256(content).hexdigest() + ".jar"
    listed = flink.get(f"{FLINK}/jars", timeout=TIMEOUT)
    listed.raise_for_status()
    for jar in listed.json()["files"]:
        if jar["name"] == name:
            return str(jar["id"])
    uploaded = flink.post(
        f"{FLINK}/jars/upload",
        files={"jarfile": (name, content, "application/x-java-archive")},
        timeout=TIMEOUT,
    )
    uploaded.raise_for_status()
    return str(uploaded.json()["filename"]).rsplit("/", 1)[-1]
