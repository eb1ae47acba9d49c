"""The applications' code in S3."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from managed_flink.configuration import Json


class CodeError(Exception):
    """The code can't be read; the text says why."""


class CodeStore:
    """Reads code from S3, or from what plays it at an endpoint."""

    def __init__(self, endpoint: str | None, region: str) -> None:
        config = Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"total_max_attempts": 2, "mode": "standard"},
            s3={"addressing_style": "path" if endpoint else "auto"},
        )
        self._client: Any = boto3.client("s3", endpoint_url=endpoint, region_name=region, config=config)

    def read(self, location: Json) -> bytes:
        """The object at a BucketARN and FileKey, in its ObjectVersion where there is one. Raises CodeError."""
        bucket = str(location["BucketARN"]).rsplit(":", maxsplit=1)[-1]
        request = {"Bucket": bucket, "Key": location["FileKey"]}
        if location.get("ObjectVersion"):
            request["VersionId"] = location["ObjectVersion"]
        try:
            content: bytes = self._client.get_object(**request)["Body"].read()
        except (ClientError, BotoCoreError) as error:
            version = f", version {request['VersionId']}" if "VersionId" in request else ""
            raise CodeError(f"The code s3://{bucket}/{request['Key']}{version} can't be read: {error}") from error
        return content
