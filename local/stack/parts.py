"""The parts of the stack: how each is started, and how one sees that it works."""

from __future__ import annotations

import datetime
import enum
import hashlib
import json
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stack import airflow
from stack.settings import ACCOUNT, DATA_BUCKET, REGION, Settings
from stack.ticker import SWEEP_SECONDS


class Layer(enum.IntEnum):
    """What uses what: the upper layers are stopped first."""

    AWS = 1
    FLINK = 2
    AIRFLOW = 3


@dataclass(frozen=True)
class Part:
    """One process of the stack, with whatever it starts itself.

    environment: what it has beside the environment that all parts share
    is_ready: whether it answers; takes when it was started, in seconds since the epoch, and never raises
    ports: the ports it listens on, by the setting that moves each; the first is the one for others
    address: where a person or program reaches it
    log_files: what it writes beside its standard output
    grace_seconds: how long it may take to end before it is killed
    prepare: what has to be done right before it starts
    """

    name: str
    layer: Layer
    command: tuple[str, ...]
    directory: Path
    is_ready: Callable[[float], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    address: str | None = None
    log_files: tuple[Path, ...] = ()
    grace_seconds: float = 15
    prepare: Callable[[], None] = lambda: None

    @property
    def fingerprint(self) -> str:
        """Another one means that the part would be started in another way."""
        text = json.dumps([self.command, dict(self.environment), str(self.directory)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def stack_parts(settings: Settings, jdk: Path | None) -> list[Part]:
    """All parts in the order in which they start.

    jdk: the JDK that runs Flink and the functions; without one the parts can be found and stopped, but not started
    """
    java = {} if jdk is None else {"JAVA_HOME": str(jdk)}
    return [
        _aws(settings, java),
        _ticker(settings),
        _jobmanager(settings, java),
        _taskmanager(settings, java),
        _managed_flink(settings),
        *_airflow(settings),
    ]


def aws_environment(settings: Settings) -> dict[str, str]:
    """What leads any AWS client to this stack, and keeps it away from the user's own accounts."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": settings.aws_url,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _aws(settings: Settings, java: Mapping[str, str]) -> Part:
    directory = settings.run_dir / "aws"
    buckets = directory / "s3"
    temporary = directory / "tmp"

    def prepare() -> None:
        # MiniStack keeps objects on disk and everything else in memory. Only the data bucket may outlive it: a
        # deployment can't create a bucket that is there already.
        for bucket in (buckets / ACCOUNT).glob("*"):
            if bucket.name != DATA_BUCKET:
                shutil.rmtree(bucket)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)

    return Part(
        name="aws",
        layer=Layer.AWS,
        command=(sys.executable, "-m", "stack.ministack"),
        directory=directory,
        environment={
            **java,
            **_own_code(settings),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(settings.aws_port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(buckets),
            "STATE_DIR": str(directory / "state"),
            "TMPDIR": str(temporary),
        },
        ports={"SLUICEWAY_AWS_PORT": settings.aws_port},
        address=settings.aws_url,
        is_ready=lambda _started: _get(f"{settings.aws_url}/_ministack/health") is not None,
        prepare=prepare,
    )


def _own_code(settings: Settings) -> dict[str, str]:
    """What lets Python find this package."""
    return {"PYTHONPATH": str(settings.root / "local")}


def _ticker(settings: Settings) -> Part:
    directory = settings.run_dir / "ticker"
    swept = directory / "swept"

    def is_ready(started: float) -> bool:
        try:
            last = swept.stat().st_mtime
        except FileNotFoundError:
            return False
        return last >= started and time.time() - last < 6 * SWEEP_SECONDS

    return Part(
        name="ticker",
        layer=Layer.AWS,
        command=(sys.executable, "-m", "stack.ticker", str(swept)),
        directory=directory,
        environment={**_own_code(settings), **aws_environment(settings)},
        is_ready=is_ready,
    )


def _flink(settings: Settings, name: str) -> tuple[tuple[str, ...], Path, Callable[[], None]]:
    directory = settings.run_dir / "flink" / name
    options = {
        "rest.port": settings.flink_port,
        # Else the REST API lets a page from anywhere, in a browser on this machine, read its answers.
        "web.access-control-allow-origin": settings.flink_url,
        "jobmanager.rpc.port": settings.flink_rpc_port,
        "taskmanager.numberOfTaskSlots": settings.flink_slots,
        "s3.endpoint": settings.aws_url,
        "execution.checkpointing.dir": f"s3://{DATA_BUCKET}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"s3://{DATA_BUCKET}/savepoints",
    }
    script = settings.root / "local" / "flink" / "bin" / name
    command = (str(script), str(directory), *(f"-D{key}={value}" for key, value in options.items()))

    def prepare() -> None:
        # What a killed process left behind.
        shutil.rmtree(directory / "tmp", ignore_errors=True)

    return command, directory, prepare


def _jobmanager(settings: Settings, java: Mapping[str, str]) -> Part:
    command, directory, prepare = _flink(settings, "jobmanager")
    return Part(
        name="flink-jobmanager",
        layer=Layer.FLINK,
        command=command,
        directory=directory,
        # Where jobs of managed applications find their arguments.
        environment={**java, "APPLICATION_PROPERTIES_FILE": str(_managed_properties(settings))},
        ports={"SLUICEWAY_FLINK_PORT": settings.flink_port, "SLUICEWAY_FLINK_RPC_PORT": settings.flink_rpc_port},
        address=settings.flink_url,
        log_files=(directory / "jobmanager.log",),
        is_ready=lambda _started: _get(f"{settings.flink_url}/overview") is not None,
        prepare=prepare,
    )


def _taskmanager(settings: Settings, java: Mapping[str, str]) -> Part:
    command, directory, prepare = _flink(settings, "taskmanager")

    def is_ready(started: float) -> bool:
        # For seconds the JobManager still lists a TaskManager that has died. The field is misnamed: it holds the time
        # of the last heartbeat, in milliseconds since the epoch.
        answer = _get(f"{settings.flink_url}/taskmanagers") or {}
        return any(
            manager["timeSinceLastHeartbeat"] / 1000 >= started and manager["slotsNumber"] >= settings.flink_slots
            for manager in answer.get("taskmanagers", [])
        )

    return Part(
        name="flink-taskmanager",
        layer=Layer.FLINK,
        command=command,
        directory=directory,
        environment=java,
        log_files=(directory / "taskmanager.log",),
        is_ready=is_ready,
        prepare=prepare,
    )


def _managed_directory(settings: Settings) -> Path:
    return settings.run_dir / "managed-flink"


def _managed_properties(settings: Settings) -> Path:
    return _managed_directory(settings) / "application_properties.json"


def _managed_flink(settings: Settings) -> Part:
    directory = _managed_directory(settings)
    code = settings.root / "local" / "managed-flink"
    options = {
        "--port": settings.managed_flink_port,
        "--flink": settings.flink_url,
        "--snapshots": f"s3://{DATA_BUCKET}/managed-snapshots",
        "--properties-file": _managed_properties(settings),
        "--state": directory / "state",
        "--s3-endpoint": settings.aws_url,
        "--cloudwatch-endpoint": settings.aws_url,
        "--region": REGION,
        "--account": ACCOUNT,
    }
    arguments = (text for option, value in options.items() for text in (option, str(value)))
    return Part(
        name="managed-flink",
        layer=Layer.FLINK,
        command=(sys.executable, "-m", "managed_flink", *arguments),
        directory=directory,
        environment={**aws_environment(settings), "PYTHONPATH": str(code)},
        ports={"SLUICEWAY_MANAGED_FLINK_PORT": settings.managed_flink_port},
        address=settings.managed_flink_url,
        # It answers when Flink does.
        is_ready=lambda _started: _get(f"{settings.managed_flink_url}/_double/health") is not None,
    )


def _airflow(settings: Settings) -> list[Part]:
    program = str(Path(sys.executable).with_name("airflow"))
    directory = airflow.home(settings)
    database = airflow.database(settings)
    environment = {**airflow.environment(settings), **aws_environment(settings)}

    def has_heartbeat(component: str) -> Callable[[float], bool]:
        def is_ready(started: float) -> bool:
            health = _get(f"{settings.airflow_url}/api/v2/monitor/health")
            state = {} if health is None else health.get(component) or {}
            heartbeat = state.get(f"latest_{component}_heartbeat")
            # The heartbeat may still be that of an earlier process.
            return (
                state.get("status") == "healthy"
                and heartbeat is not None
                and datetime.datetime.fromisoformat(heartbeat).timestamp() >= started
            )

        return is_ready

    def part(name: str, *arguments: str, is_ready: Callable[[float], bool]) -> Part:
        return Part(
            name=f"airflow-{name}",
            layer=Layer.AIRFLOW,
            command=(program, name, *arguments),
            directory=directory,
            environment=environment | (airflow.serve_database(database) if name == "api-server" else {}),
            ports={"SLUICEWAY_AIRFLOW_PORT": settings.airflow_port} if name == "api-server" else {},
            address=settings.airflow_url if name == "api-server" else None,
            is_ready=is_ready,
        )

    # The scheduler and the triggerer would each serve their logs on all interfaces; the API server reads the files.
    return [
        part("api-server", is_ready=lambda _started: _get(f"{settings.airflow_url}/api/v2/version") is not None),
        part("scheduler", "--skip-serve-logs", is_ready=has_heartbeat("scheduler")),
        part("dag-processor", is_ready=has_heartbeat("dag_processor")),
        part("triggerer", "--skip-serve-logs", is_ready=has_heartbeat("triggerer")),
    ]


def _get(url: str) -> dict[str, Any] | None:
    """The JSON object that a URL answers within two seconds, else None."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            answer = json.load(response)
    except (OSError, ValueError, urllib.error.URLError):
        return None
    return answer if isinstance(answer, dict) else None
