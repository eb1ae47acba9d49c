"""What the double knows of its applications, and the file that keeps it."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from managed_flink.configuration import Json


class Status(StrEnum):
    """ApplicationStatus of the service's model."""

    DELETING = "DELETING"
    STARTING = "STARTING"
    STOPPING = "STOPPING"
    READY = "READY"
    RUNNING = "RUNNING"
    UPDATING = "UPDATING"
    AUTOSCALING = "AUTOSCALING"
    FORCE_STOPPING = "FORCE_STOPPING"
    ROLLING_BACK = "ROLLING_BACK"
    MAINTENANCE = "MAINTENANCE"
    ROLLED_BACK = "ROLLED_BACK"

    @property
    def is_settled(self) -> bool:
        """Whether the application stays so until somebody asks for something."""
        return self in {Status.READY, Status.RUNNING, Status.ROLLED_BACK}


class OperationKind(StrEnum):
    """What ListApplicationOperations calls what was done."""

    START = "StartApplication"
    STOP = "StopApplication"
    UPDATE = "UpdateApplication"
    ROLLBACK = "RollbackApplication"
    SCALE = "AutoScaling"
    MAINTENANCE = "Maintenance"


class OperationStatus(StrEnum):
    IN_PROGRESS = "IN_PROGRESS"
    CANCELLED = "CANCELLED"
    SUCCESSFUL = "SUCCESSFUL"
    FAILED = "FAILED"


class SnapshotStatus(StrEnum):
    CREATING = "CREATING"
    READY = "READY"
    DELETING = "DELETING"
    FAILED = "FAILED"


@dataclass
class Operation:
    """One change of an application. Times are in seconds since the epoch."""

    id: str
    kind: OperationKind
    started: float
    status: OperationStatus = OperationStatus.IN_PROGRESS
    ended: float | None = None
    version_from: int | None = None
    version_to: int | None = None
    error: str | None = None
    rollback_id: str | None = None


@dataclass
class Snapshot:
    """A savepoint with a name.

    number: grows with each snapshot of the application, since several can have one timestamp
    created: whole seconds since the epoch
    path: where Flink put the savepoint, once it is complete
    """

    name: str
    number: int
    version_id: int
    runtime: str
    created: int
    status: SnapshotStatus = SnapshotStatus.CREATING
    path: str | None = None


@dataclass
class Version:
    """One version of an application.

    created: whole seconds since the epoch
    configuration: its ApplicationConfigurationDescription
    rolled_back: whether it was given up for an earlier one
    has_run: whether the application has been RUNNING with it
    """

    id: int
    created: int
    runtime: str
    role: str
    configuration: Json
    updated_from: int | None = None
    rolled_back_from: int | None = None
    rolled_back_to: int | None = None
    rolled_back: bool = False
    has_run: bool = False


@dataclass
class Application:
    """An application. Times are whole seconds since the epoch, since that is all that botocore hands back.

    versions: by their ids, the newest last; never empty
    job_id: the Flink job that is, or may be, running for it
    run: the RunConfigurationDescription of the start that is in effect, if one is
    """

    name: str
    arn: str
    description: str | None
    created: int
    changed: int
    conditional_token: str
    maintenance_start: str
    versions: list[Version]
    status: Status = Status.READY
    job_id: str | None = None
    run: Json | None = None
    tags: dict[str, str] = field(default_factory=dict)
    logging_options: list[Json] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    snapshots_taken: int = 0

    @property
    def version(self) -> Version:
        """The current one."""
        return self.versions[-1]

    def version_of(self, version_id: int) -> Version | None:
        return next((version for version in self.versions if version.id == version_id), None)

    def operation(self, operation_id: str) -> Operation | None:
        return next((operation for operation in self.operations if operation.id == operation_id), None)

    def snapshot(self, name: str) -> Snapshot | None:
        return next((snapshot for snapshot in self.snapshots if snapshot.name == name), None)

    def latest_snapshot(self) -> Snapshot | None:
        """The newest one that can be restored from."""
        return max(
            (snapshot for snapshot in self.snapshots if snapshot.status is SnapshotStatus.READY),
            key=lambda snapshot: snapshot.number,
            default=None,
        )

    @classmethod
    def of(cls, value: dict[str, Any]) -> Self:
        """Reads what dataclasses.asdict wrote."""
        application = cls(**value)
        application.status = Status(application.status)
        application.versions = [Version(**version) for version in value["versions"]]
        application.operations = [Operation(**operation) for operation in value["operations"]]
        for operation in application.operations:
            operation.kind = OperationKind(operation.kind)
            operation.status = OperationStatus(operation.status)
        application.snapshots = [Snapshot(**snapshot) for snapshot in value["snapshots"]]
        for snapshot in application.snapshots:
            snapshot.status = SnapshotStatus(snapshot.status)
        return application


class Store:
    """Keeps applications over a restart of the double, in one JSON file; in memory alone without a directory."""

    def __init__(self, directory: Path | None) -> None:
        self._file = None if directory is None else directory / "applications.json"

    def load(self) -> dict[str, Application]:
        if self._file is None or not self._file.exists():
            return {}
        return {name: Application.of(value) for name, value in json.loads(self._file.read_text()).items()}

    def save(self, applications: dict[str, Application]) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_suffix(".new")
        text = json.dumps({name: dataclasses.asdict(value) for name, value in applications.items()}, indent=1)
        with temporary.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._file)
