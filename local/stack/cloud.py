"""What the stack puts into its AWS: the data bucket, the flights, the functions and the jobs' jars."""

from __future__ import annotations

import contextlib
import hashlib
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from stack import tools
from stack.errors import StackError
from stack.settings import ACCOUNT, DATA_BUCKET, JOBS_BUCKET, REGION, STAGE, Settings


@contextlib.contextmanager
def readable_errors(settings: Settings) -> Iterator[None]:
    """Turns what AWS's client raises into a StackError."""
    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise StackError(
            f"The stack's AWS at {settings.aws_url} couldn't be used: {error}. "
            "See `make status` and `make logs PART=aws`."
        ) from error


class Cloud:
    """The AWS of one stack."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._root = settings.root
        session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        self._s3 = session.client("s3", endpoint_url=settings.aws_url)
        self._cloudformation = session.client("cloudformation", endpoint_url=settings.aws_url)

    def upload_flights(self) -> int:
        """Makes the data bucket and puts the flights there; returns how many files had changed."""
        files = sorted((self._root / "flink-jobs" / "data" / "nycflights13").glob("*.csv"))
        if not files:
            raise StackError("The flights aren't here yet: run `make data`.")
        with readable_errors(self._settings):
            # Its objects outlive MiniStack, so it may be there.
            with contextlib.suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):
                self._s3.create_bucket(Bucket=DATA_BUCKET)
            return sum(self._upload(file, DATA_BUCKET, f"nycflights13/{file.name}") for file in files)

    def upload_jars(self) -> int:
        """Puts both versions of the example job where the functions take them from; returns how many had changed."""
        jobs = self._root / "flink-jobs"
        jars = [jobs / "target" / "flight-delays.jar", jobs / "v2" / "target" / "flight-delays-v2.jar"]
        if not all(jar.exists() for jar in jars):
            raise StackError("The jars of the example job aren't built: run `make build`.")
        with readable_errors(self._settings):
            return sum(self._upload(jar, JOBS_BUCKET, f"jars/{jar.name}") for jar in jars)

    def deploy(self, environment: Mapping[str, str], log: Path) -> None:
        """Deploys the functions with the CDK app, as any team would deploy it, and appends what it prints to a log."""
        cdk = tools.find_cdk()
        directory = self._root / "infra" / "cdk"
        # An output of its own, so that a `cdk synth` may run meanwhile.
        common: list[str | Path] = [
            "--ci",
            "--context",
            f"stage={STAGE}",
            "--output",
            self._settings.run_dir / "cdk.out",
        ]
        log.unlink(missing_ok=True)
        with readable_errors(self._settings):
            is_bootstrapped = self._has_stack("CDKToolkit")
        if not is_bootstrapped:
            # An empty app: nothing has to be synthesized for it.
            tools.run(
                [cdk, "bootstrap", f"aws://{ACCOUNT}/{REGION}", "--app", "", *common], environment, directory, log
            )
        # A package with binaries of its own is refused on another architecture than it was built for.
        here = {"SLUICEWAY_ARCHITECTURE": "ARM_64" if platform.machine() in ("aarch64", "arm64") else "X86_64"}
        deploy = [cdk, "deploy", "--all", "--require-approval", "never", *common]
        tools.run(deploy, {**environment, **here}, directory, log)

    def _upload(self, file: Path, bucket: str, key: str) -> bool:
        content = file.read_bytes()
        if self._etag(bucket, key) == hashlib.md5(content, usedforsecurity=False).hexdigest():
            return False
        # One PUT, never in parts, so that the object's ETag is the MD5 that was asked for above.
        self._s3.put_object(Bucket=bucket, Key=key, Body=content)
        return True

    def _etag(self, bucket: str, key: str) -> str | None:
        try:
            etag: str = self._s3.head_object(Bucket=bucket, Key=key)["ETag"]
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise
        return etag.strip('"')

    def _has_stack(self, name: str) -> bool:
        try:
            self._cloudformation.describe_stacks(StackName=name)
        except ClientError:
            return False
        return True
