"""What the service does behind its API: starts, stops, snapshots, updates and roll-backs, each in its own thread."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from managed_flink import configuration
from managed_flink.code import CodeError, CodeStore
from managed_flink.configuration import Json
from managed_flink.faults import FaultKind, Faults
from managed_flink.flink import Flink, FlinkError, JobState, Run
from managed_flink.state import (
    Application,
    Operation,
    OperationKind,
    OperationStatus,
    Snapshot,
    SnapshotStatus,
    Status,
    Store,
    Version,
)

LOG = logging.getLogger(__name__)

# How the service lets Flink restart jobs; a session cluster may be set otherwise.
RESTARTS_WITHOUT_END = {
    "restart-strategy.type": "exponential-delay",
    "restart-strategy.exponential-delay.attempts-before-reset-backoff": "2147483647",
}

# ErrorString of the service's model.
_MAX_ERROR = 512


@dataclass(frozen=True)
class Pace:
    """How long things take, in seconds.

    passing: how long each passing status lasts at least
    poll: between two looks at Flink
    start_limit: until a job has its slots; then the start has failed
    snapshot_limit: until a savepoint is complete; then the snapshot has failed
    """

    passing: float = 0.2
    poll: float = 0.2
    start_limit: float = 300
    snapshot_limit: float = 120


class FailedError(Exception):
    """A step failed; the text is what the operation tells."""


class _SupersededError(Exception):
    """Somebody asked for something that ends this task: a forced stop, or a roll-back."""


@dataclass(eq=False)
class Task:
    """What is being done to an application; there is at most one that isn't superseded."""

    application: Application
    operation: Operation | None
    superseded: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


class Lifecycle:
    """Holds the applications, and moves them from status to status.

    Whoever looks at them or changes them holds the lock.
    """

    def __init__(
        self,
        flink: Flink,
        code: CodeStore,
        faults: Faults,
        store: Store,
        *,
        snapshots: str,
        properties_file: Path,
        flink_settings: Mapping[str, str],
        pace: Pace,
        failed_jobs_stay: bool = False,
        scaling_makes_versions: bool = False,
    ) -> None:
        """Goes on with what the store has.

        snapshots: the URI of the directory of all snapshots
        properties_file: where the jobs' main() reads the runtime properties
        flink_settings: Flink's settings for each job, beside those of the application's own configuration
        failed_jobs_stay: whether an application whose job failed for good stays RUNNING, instead of being READY
        scaling_makes_versions: whether automatic scaling makes a new version
        """
        self.lock = threading.RLock()
        self.flink = flink
        self._code = code
        self._faults = faults
        self._store = store
        self._snapshots = snapshots.rstrip("/")
        self._properties_file = properties_file
        self._flink_settings = flink_settings
        self._pace = pace
        self._failed_jobs_stay = failed_jobs_stay
        self._scaling_makes_versions = scaling_makes_versions
        self._tasks: dict[str, Task] = {}
        # One main() at a time: all find their properties in the same file.
        self._start_lock = threading.Lock()
        self._ended = threading.Event()
        self.applications = store.load()
        self._settle_after_restart()

    def watch(self) -> None:
        """Notices jobs that end by themselves, until the double ends."""
        while not self._ended.wait(max(self._pace.poll, 0.05)):
            with self.lock:
                running = [
                    (application, application.job_id)
                    for application in self.applications.values()
                    if application.status is Status.RUNNING and application.name not in self._tasks
                ]
            for application, job_id in running:
                try:
                    self._settle_ended(application, job_id)
                except FlinkError as error:
                    LOG.warning("Can't look at the job of %s: %s", application.name, error)

    def end(self) -> None:
        """Breaks off what goes on in the background; the Flink jobs stay, and so does what was kept until now."""
        with self.lock:
            self._ended.set()

    def save(self) -> None:
        """Keeps what has changed. Called with the lock."""
        if not self._ended.is_set():
            self._store.save(self.applications)

    # --- What the API asks for. Each is called with the lock, and returns at once. -----------------------------------

    def start(self, application: Application, run: Json) -> Operation:
        def body(task: Task) -> None:
            self._pass(task)
            with self._failing_to(task, Status.READY):
                self._launch(task)
                self._settle(task, Status.RUNNING)

        application.run = run
        operation = self._new_operation(application, OperationKind.START)
        self._begin(application, operation, Status.STARTING, body)
        return operation

    def stop(self, application: Application) -> Operation:
        def body(task: Task) -> None:
            self._pass(task)
            # What couldn't be saved goes on.
            with self._failing_to(task, Status.RUNNING):
                if configuration.snapshots_enabled(application.version.configuration):
                    self._stop_with_snapshot(task, "STOP", application.version)
                else:
                    self._cancel(task)
                self._settle(task, Status.READY)

        operation = self._new_operation(application, OperationKind.STOP)
        self._begin(application, operation, Status.STOPPING, body)
        return operation

    def force_stop(self, application: Application) -> Operation:
        def body(task: Task) -> None:
            self._pass(task)
            self._cancel(task)
            self._settle(task, Status.READY)

        operation = self._new_operation(application, OperationKind.STOP)
        self._begin(application, operation, Status.FORCE_STOPPING, body)
        return operation

    def update(self, application: Application, new: Version, run: Json) -> Operation:
        """Makes a version the current one, and restarts the application with it if it is running."""
        old = application.version
        was_running = application.status is Status.RUNNING
        if was_running:
            application.run = run
        application.versions.append(new)
        application.conditional_token = new_token()
        application.changed = int(time.time())

        def go_back(operation: Operation) -> None:
            self._take_back_version(application, operation, old)

        def body(task: Task) -> None:
            self._pass(task)
            if was_running:
                with self._failing_to(task, Status.READY, go_back=go_back):
                    self._stop_to_restart(task, "UPDATEAPPLICATION", old)
                    self._launch(task)
                    self._settle(task, Status.RUNNING)
            else:
                self._settle(task, Status.READY)

        operation = self._new_operation(application, OperationKind.UPDATE)
        operation.version_from, operation.version_to = old.id, new.id
        self._begin(application, operation, Status.UPDATING, body)
        return operation

    def roll_back(self, application: Application) -> Operation:
        """Goes back to the version that ran before. There has to be one, and a snapshot."""
        target = previous_version(application)
        if target is None:
            raise ValueError("there is no earlier version that has run")
        operation = self._new_operation(application, OperationKind.ROLLBACK)
        self._take_back_version(application, operation, target)
        self._begin(application, operation, Status.ROLLING_BACK, self._roll_back)
        return operation

    def scale(self, application: Application, parallelism: int) -> Operation:
        """What automatic scaling does: the application is restarted with another parallelism."""
        old = application.version
        scaled = configuration.with_current_parallelism(old.configuration, parallelism)
        application.run = LATEST
        if self._scaling_makes_versions:
            application.versions.append(replace(old, id=old.id + 1, created=int(time.time()), updated_from=old.id))
            application.conditional_token = new_token()

        before = old.configuration

        def go_back(operation: Operation) -> None:
            if application.version is old:
                old.configuration = before
            else:
                self._take_back_version(application, operation, old)

        def body(task: Task) -> None:
            self._pass(task)
            with self._failing_to(task, Status.READY, go_back=go_back):
                self._stop_to_restart(task, "AUTOSCALING", old)
                with self.lock:
                    application.version.configuration = scaled
                self._launch(task)
                self._settle(task, Status.RUNNING)

        operation = self._new_operation(application, OperationKind.SCALE)
        operation.version_from, operation.version_to = old.id, application.version.id
        self._begin(application, operation, Status.AUTOSCALING, body)
        return operation

    def maintain(self, application: Application) -> Operation:
        """What maintenance does: a running application is restarted."""
        was_running = application.status is Status.RUNNING
        application.run = LATEST if was_running else None

        def body(task: Task) -> None:
            self._pass(task)
            with self._failing_to(task, Status.READY):
                if was_running:
                    self._stop_to_restart(task, "MAINTENANCE", application.version)
                    self._launch(task)
                self._settle(task, Status.RUNNING if was_running else Status.READY)

        operation = self._new_operation(application, OperationKind.MAINTENANCE)
        self._begin(application, operation, Status.MAINTENANCE, body)
        return operation

    def delete(self, application: Application) -> None:
        def body(task: Task) -> None:
            self._pass(task)
            self._cancel(task)
            for snapshot in list(application.snapshots):
                self._dispose(snapshot)
            with self.lock:
                del self.applications[application.name]
                self.save()

        self._begin(application, None, Status.DELETING, body)

    def take_snapshot(self, application: Application, name: str) -> None:
        """Takes a snapshot of what runs; the application stays as it is."""
        snapshot = self._new_snapshot(application, name, application.version)
        job_id = application.job_id
        self.save()

        def take() -> None:
            try:
                self._save_state(application, snapshot, job_id, stop=False, pause=self._pause)
            except FailedError as error:
                LOG.warning("The snapshot %s of %s failed: %s", name, application.name, error)

        self._in_background(f"snapshot-{name}", take)

    def delete_snapshot(self, application: Application, snapshot: Snapshot) -> None:
        snapshot.status = SnapshotStatus.DELETING
        self.save()

        def delete() -> None:
            self._pause(self._pace.passing)
            self._dispose(snapshot)
            with self.lock:
                application.snapshots.remove(snapshot)
                self.save()

        self._in_background(f"dispose-{snapshot.name}", delete)

    # --- Steps of a task, without the lock ---------------------------------------------------------------------------

    def _pass(self, task: Task) -> None:
        """Stays in the passing status for its time, and for as long as a fault holds it."""
        self._wait(task, self._pace.passing)
        while self._faults.holds(task.application.name, task.application.status):
            self._wait(task, 0.02)
        # The status can be that of who has just superseded this task.
        self._wait(task, 0)

    def _launch(self, task: Task) -> None:
        """Starts the current version's job as its run configuration says, and returns when it is up."""
        application, version = task.application, task.application.version
        with self._start_lock:
            if task.superseded.is_set():
                raise _SupersededError
            fault = self._faults.take(FaultKind.FAIL_START, application.name)
            if fault is not None:
                raise FailedError(fault.message)
            try:
                self._require_runtime(version.runtime)
                location = configuration.code_location(version.configuration)
                if location is None:
                    raise FailedError("The application has no code.")
                jar = self._code.read(location)
                self._write_properties(configuration.property_groups(version.configuration))
                job_id = self.flink.run(jar, self._run_of(application, version))
            except (CodeError, FlinkError) as error:
                raise FailedError(str(error)) from error
            with self.lock:
                application.job_id = job_id
                self.save()
        try:
            self._await_up(task, job_id)
        except (FailedError, FlinkError) as error:
            self._cancel(task)
            raise FailedError(str(error)) from error

    def _run_of(self, application: Application, version: Version) -> Run:
        run = application.run or LATEST
        return Run(
            parallelism=configuration.parallelism(version.configuration),
            restore_path=self._restore_path(application, run["ApplicationRestoreConfigurationDescription"]),
            allow_non_restored_state=run["FlinkRunConfigurationDescription"]["AllowNonRestoredState"],
            configuration={
                **self._flink_settings,
                **configuration.flink_settings(version.configuration),
                "pipeline.name": application.name,
            },
        )

    def _require_runtime(self, runtime: str) -> None:
        version = self.flink.version()
        has = "FLINK-" + "_".join(version.split(".")[:2])
        if runtime != has:
            raise FailedError(f"The application's runtime is {runtime}, but the cluster behind this double runs {has}.")

    def _write_properties(self, groups: list[Json]) -> None:
        self._properties_file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._properties_file.with_suffix(".new")
        temporary.write_text(json.dumps(groups, indent=2))
        temporary.replace(self._properties_file)

    def _await_up(self, task: Task, job_id: str) -> None:
        deadline = time.monotonic() + self._pace.start_limit
        while time.monotonic() < deadline:
            job = self.flink.job(job_id)
            if job is None:
                raise FailedError(f"Flink has lost the job {job_id}.")
            if job.state is JobState.FAILED:
                raise FailedError(self.flink.failure(job_id))
            if job.state is JobState.CANCELED:
                raise FailedError(f"Somebody has cancelled the job {job_id}.")
            if job.is_up or job.state is JobState.FINISHED:
                return
            self._wait(task, self._pace.poll)
        raise FailedError(
            f"The job {job_id} isn't up after {self._pace.start_limit:g} s: are there too few task slots?"
        )

    def _stop_to_restart(self, task: Task, prefix: str, version: Version) -> None:
        if configuration.snapshots_enabled(version.configuration):
            self._stop_with_snapshot(task, prefix, version)
        else:
            self._cancel(task)

    def _stop_with_snapshot(self, task: Task, prefix: str, version: Version) -> None:
        application = task.application
        with self.lock:
            name = f"{prefix}-{application.name}-{time.time_ns() // 1_000_000}"
            # A name has at most 256 characters, of which an application's takes up to 128.
            snapshot = self._new_snapshot(application, name, version)
        self._save_state(
            application,
            snapshot,
            application.job_id,
            stop=True,
            pause=lambda: self._wait(task, self._pace.poll),
        )
        self._await_end(task)

    def _save_state(
        self, application: Application, snapshot: Snapshot, job_id: str | None, *, stop: bool, pause: Callable[[], None]
    ) -> None:
        """Fills a snapshot by a savepoint; raises FailedError when there is none."""
        directory = f"{self._snapshots}/{application.name}/{snapshot.name}"
        deadline = time.monotonic() + self._pace.snapshot_limit
        path = None
        try:
            if self._faults.take(FaultKind.FAIL_SNAPSHOT, application.name) is not None:
                raise FailedError(f"The snapshot {snapshot.name} failed, as a fault asked for.")
            if job_id is None:
                raise FailedError(f"There is no job to take the snapshot {snapshot.name} of.")
            trigger = (self.flink.stop if stop else self.flink.savepoint)(job_id, directory)
            while (path := self.flink.saved(job_id, trigger)) is None:
                if time.monotonic() > deadline:
                    raise FailedError(
                        f"The snapshot {snapshot.name} isn't complete after {self._pace.snapshot_limit:g} s."
                    )
                pause()
        except FlinkError as error:
            raise FailedError(f"The snapshot {snapshot.name} failed: {error}") from error
        finally:
            with self.lock:
                snapshot.path = path
                snapshot.status = SnapshotStatus.FAILED if path is None else SnapshotStatus.READY
                self.save()

    def _cancel(self, task: Task) -> None:
        """Ends the job at once, if there is one."""
        job_id = task.application.job_id
        if job_id is not None:
            self.flink.cancel(job_id)
            self._await_end(task)

    def _await_end(self, task: Task) -> None:
        job_id = task.application.job_id
        while job_id is not None:
            job = self.flink.job(job_id)
            if job is None or job.state.is_terminal:
                break
            self._wait(task, self._pace.poll)
        with self.lock:
            task.application.job_id = None

    def _roll_back(self, task: Task) -> None:
        self._pass(task)
        with self._failing_to(task, Status.READY):
            self._cancel(task)
            self._launch(task)
            self._settle(task, Status.RUNNING)

    def _take_back_version(self, application: Application, operation: Operation, target: Version) -> None:
        """Makes an earlier version again, as a new one. Called with the lock."""
        current = application.version
        current.rolled_back = True
        application.versions.append(
            Version(
                id=current.id + 1,
                created=int(time.time()),
                runtime=target.runtime,
                role=target.role,
                configuration=target.configuration,
                updated_from=current.id,
                rolled_back_from=current.id,
                rolled_back_to=target.id,
            )
        )
        application.run = LATEST
        application.conditional_token = new_token()
        application.changed = int(time.time())
        operation.version_from, operation.version_to = current.id, application.version.id

    def _restore_path(self, application: Application, restore: Json) -> str | None:
        """The savepoint that a restore configuration means now; None starts without state. Raises FailedError."""
        with self.lock:
            match restore["ApplicationRestoreType"]:
                case "SKIP_RESTORE_FROM_SNAPSHOT":
                    return None
                case "RESTORE_FROM_CUSTOM_SNAPSHOT":
                    snapshot = application.snapshot(restore["SnapshotName"])
                    if snapshot is None or snapshot.path is None:
                        raise FailedError(f"There is no snapshot {restore['SnapshotName']} to restore from.")
                    return snapshot.path
                case _:
                    latest = application.latest_snapshot()
                    return None if latest is None else latest.path

    def _dispose(self, snapshot: Snapshot) -> None:
        if snapshot.path is not None:
            try:
                self.flink.dispose(snapshot.path, self._pause)
            except FlinkError as error:
                LOG.warning("The savepoint %s isn't disposed of: %s", snapshot.path, error)

    # --- How tasks begin and end -------------------------------------------------------------------------------------

    def _begin(
        self,
        application: Application,
        operation: Operation | None,
        status: Status,
        body: Callable[[Task], None],
    ) -> None:
        task = Task(application, operation)
        before = self._tasks.get(application.name)
        if before is not None:
            before.superseded.set()
        self._tasks[application.name] = task
        application.status = status
        self.save()

        def perform() -> None:
            try:
                if before is not None:
                    before.done.wait()
                body(task)
            except _SupersededError:
                self._finish(task, OperationStatus.CANCELLED, "Another operation took this one's place.")
            except Exception as error:
                LOG.exception("What was done to %s broke off", application.name)
                with self.lock:
                    if not task.superseded.is_set():
                        _set_status(application, Status.READY if application.job_id is None else Status.RUNNING)
                self._finish(task, OperationStatus.FAILED, str(error))
            finally:
                with self.lock:
                    if self._tasks.get(application.name) is task:
                        del self._tasks[application.name]
                task.done.set()

        self._in_background(f"{status.value.lower()}-{application.name}", perform)

    @contextmanager
    def _failing_to(
        self, task: Task, status: Status, *, go_back: Callable[[Operation], None] | None = None
    ) -> Iterator[None]:
        """Settles in a status when a step fails, or rolls back where that is enabled.

        go_back: makes what ran before the current version; None where the service rolls nothing back
        """
        application = task.application
        try:
            yield
        except (FailedError, FlinkError) as error:
            LOG.warning("%s of %s failed: %s", task.operation and task.operation.kind, application.name, error)
            enabled = configuration.rollback_enabled(application.version.configuration)
            # Without a snapshot a roll-back would start without state.
            if go_back is not None and enabled and application.latest_snapshot() is not None:
                self._roll_back_by_itself(task, str(error), go_back)
                return
            if status is Status.RUNNING and not self._is_running(application.job_id):
                status = Status.READY
            if status is Status.READY:
                self._cancel(task)
            self._settle(task, status, str(error))

    def _roll_back_by_itself(self, task: Task, error: str, go_back: Callable[[Operation], None]) -> None:
        application = task.application
        with self.lock:
            if task.superseded.is_set():
                raise _SupersededError
            operation = self._new_operation(application, OperationKind.ROLLBACK)
            go_back(operation)
            application.run = LATEST
            application.status = Status.ROLLING_BACK
            if task.operation is not None:
                task.operation.rollback_id = operation.id
        self._finish(task, OperationStatus.FAILED, error)
        task.operation = operation
        self._roll_back(task)

    def _is_running(self, job_id: str | None) -> bool:
        job = None if job_id is None else self.flink.job(job_id)
        return job is not None and not job.state.is_terminal

    def _settle(self, task: Task, status: Status, error: str | None = None) -> None:
        """The end of a task, unless another one has taken its place."""
        with self.lock:
            if task.superseded.is_set():
                raise _SupersededError
            _set_status(task.application, status)
            if status is Status.RUNNING:
                task.application.version.has_run = True
            self._finish(task, OperationStatus.SUCCESSFUL if error is None else OperationStatus.FAILED, error)

    def _finish(self, task: Task, status: OperationStatus, error: str | None) -> None:
        with self.lock:
            if task.operation is not None:
                task.operation.status = status
                task.operation.ended = time.time()
                task.operation.error = None if error is None else error[:_MAX_ERROR]
            self.save()

    def _new_operation(self, application: Application, kind: OperationKind) -> Operation:
        operation = Operation(id=uuid.uuid4().hex[:12], kind=kind, started=time.time())
        application.operations.append(operation)
        return operation

    def _new_snapshot(self, application: Application, name: str, version: Version) -> Snapshot:
        application.snapshots_taken += 1
        snapshot = Snapshot(
            name=name,
            number=application.snapshots_taken,
            version_id=version.id,
            runtime=version.runtime,
            created=int(time.time()),
        )
        application.snapshots.append(snapshot)
        return snapshot

    def _settle_ended(self, application: Application, job_id: str | None) -> None:
        job = None if job_id is None else self.flink.job(job_id)
        if job is not None and not job.state.is_terminal:
            return
        if job is not None and job.state is JobState.FAILED and self._failed_jobs_stay:
            return
        with self.lock:
            if application.status is not Status.RUNNING or application.job_id != job_id:
                return
            LOG.warning("The job %s of %s is %s", job_id, application.name, "gone" if job is None else job.state)
            application.job_id = None
            _set_status(application, Status.READY)
            self.save()

    def _settle_after_restart(self) -> None:
        for application in self.applications.values():
            for operation in application.operations:
                if operation.status is OperationStatus.IN_PROGRESS:
                    operation.status = OperationStatus.FAILED
                    operation.ended = time.time()
                    operation.error = "The double ended meanwhile."
            for snapshot in application.snapshots:
                if snapshot.status in {SnapshotStatus.CREATING, SnapshotStatus.DELETING}:
                    snapshot.status = SnapshotStatus.FAILED
            if not application.status.is_settled:
                # A job that has ended is noticed by the watch.
                _set_status(application, Status.READY if application.job_id is None else Status.RUNNING)

    def _wait(self, task: Task, seconds: float) -> None:
        if task.superseded.wait(seconds) or self._ended.is_set():
            raise _SupersededError

    def _pause(self, seconds: float | None = None) -> None:
        self._ended.wait(self._pace.poll if seconds is None else seconds)

    def _in_background(self, name: str, work: Callable[[], None]) -> None:
        threading.Thread(target=work, name=name, daemon=True).start()


# What a start does that says nothing else.
LATEST = configuration.run_of(
    {"ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"}, allow_non_restored_state=False
)


def previous_version(application: Application) -> Version | None:
    """The newest version before the current one that has run and wasn't given up."""
    earlier = [version for version in application.versions[:-1] if version.has_run and not version.rolled_back]
    return earlier[-1] if earlier else None


def _set_status(application: Application, status: Status) -> None:
    application.status = status
    if status is Status.READY:
        application.run = None


def new_token() -> str:
    """A ConditionalToken."""
    return uuid.uuid4().hex
