"""The API: who may ask for what in which status, and what is answered at once."""

from __future__ import annotations

import datetime
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from managed_flink import configuration
from managed_flink.code import CodeError, CodeStore
from managed_flink.configuration import Json
from managed_flink.errors import ApiError, ErrorCode
from managed_flink.flink import FlinkError, JobState
from managed_flink.lifecycle import LATEST, Lifecycle, new_token, previous_version
from managed_flink.state import Application, Operation, OperationStatus, Snapshot, SnapshotStatus, Status, Version

# A presigned URL "must be used within 3 minutes", and is valid for twelve hours by default.
_FIRST_USE_SECONDS = 180
_SESSION_SECONDS = 43_200
_PAGE = 50
_MAINTENANCE_HOURS = 8

T = TypeVar("T")


@dataclass(frozen=True)
class Quotas:
    """What the service limits."""

    applications: int = 50
    kpus: int = 64
    snapshots: int = 1000
    tags: int = 50


@dataclass
class DashboardSession:
    """What a presigned URL opens; times in seconds since the epoch."""

    application: str
    opens_until: float
    ends: float
    opened: bool = False


class Service:
    """Answers the API's operations. Requests are checked against the service's model before they come here."""

    def __init__(
        self,
        lifecycle: Lifecycle,
        code: CodeStore,
        *,
        quotas: Quotas,
        region: str,
        account: str,
        operations_lag: float = 0,
    ) -> None:
        """A service for one account in one region.

        operations_lag: seconds until ListApplicationOperations and DescribeApplicationOperation know a new operation
        """
        self._lifecycle = lifecycle
        self._code = code
        self._quotas = quotas
        self._arn_prefix = f"arn:aws:kinesisanalytics:{region}:{account}:application/"
        # Where this double is reached; presigned URLs lead there.
        self.url = "http://127.0.0.1"
        self._operations_lag = operations_lag
        self._sessions: dict[str, DashboardSession] = {}
        self._handlers: dict[str, Callable[[Json], Json]] = {
            "CreateApplication": self._create,
            "CreateApplicationPresignedUrl": self._presign,
            "CreateApplicationSnapshot": self._create_snapshot,
            "DeleteApplication": self._delete,
            "DeleteApplicationSnapshot": self._delete_snapshot,
            "DescribeApplication": self._describe,
            "DescribeApplicationOperation": self._describe_operation,
            "DescribeApplicationSnapshot": self._describe_snapshot,
            "DescribeApplicationVersion": self._describe_version,
            "ListApplicationOperations": self._list_operations,
            "ListApplicationSnapshots": self._list_snapshots,
            "ListApplicationVersions": self._list_versions,
            "ListApplications": self._list,
            "ListTagsForResource": self._list_tags,
            "RollbackApplication": self._roll_back,
            "StartApplication": self._start,
            "StopApplication": self._stop,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "UpdateApplication": self._update,
            "UpdateApplicationMaintenanceConfiguration": self._update_maintenance,
        }

    def call(self, operation: str, request: Json) -> Json:
        """Does an operation. Raises ApiError."""
        handler = self._handlers.get(operation)
        if handler is None:
            raise ApiError(ErrorCode.UNSUPPORTED_OPERATION, f"This double doesn't do {operation}.")
        with self._lifecycle.lock:
            return handler(request)

    def open_dashboard(self, token: str) -> str | None:
        """Where a presigned URL leads; None if it isn't valid, or not any more."""
        with self._lifecycle.lock:
            session, now = self._sessions.get(token), time.time()
            if session is None or now > session.ends or not (session.opened or now <= session.opens_until):
                return None
            application = self._lifecycle.applications.get(session.application)
            if application is None or application.job_id is None:
                return None
            session.opened = True
            return f"{self._lifecycle.flink.url}/#/job/running/{application.job_id}/overview"

    # --- Applications ------------------------------------------------------------------------------------------------

    def _create(self, request: Json) -> Json:
        name, runtime = request["ApplicationName"], request["RuntimeEnvironment"]
        applications = self._lifecycle.applications
        if not runtime.startswith("FLINK-"):
            raise ApiError(ErrorCode.UNSUPPORTED_OPERATION, f"This double runs Flink alone, not {runtime}.")
        if request.get("ApplicationMode", "STREAMING") != "STREAMING":
            raise ApiError(ErrorCode.UNSUPPORTED_OPERATION, "This double has no Studio notebooks.")
        if name in applications:
            raise ApiError(ErrorCode.RESOURCE_IN_USE, f"Application already exists: {name}")
        if len(applications) >= self._quotas.applications:
            raise ApiError(
                ErrorCode.LIMIT_EXCEEDED, f"An account has at most {self._quotas.applications} applications."
            )
        tags = {tag["Key"]: tag.get("Value", "") for tag in request.get("Tags", [])}
        self._require_few_tags(tags)
        options = [option["LogStreamARN"] for option in request.get("CloudWatchLoggingOptions", [])]
        if len(options) > 1:
            raise ApiError(ErrorCode.INVALID_ARGUMENT, "An application has at most one CloudWatch logging option.")
        now = int(time.time())
        version = Version(
            id=1,
            created=now,
            runtime=runtime,
            role=request["ServiceExecutionRole"],
            configuration=self._checked(configuration.described(request.get("ApplicationConfiguration", {}))),
        )
        application = Application(
            name=name,
            arn=self._arn_prefix + name,
            description=request.get("ApplicationDescription"),
            created=now,
            changed=now,
            conditional_token=new_token(),
            maintenance_start="03:00",
            versions=[version],
            tags=tags,
            logging_options=[
                {"CloudWatchLoggingOptionId": f"1.{number}", "LogStreamARN": arn}
                for number, arn in enumerate(options, start=1)
            ],
        )
        applications[name] = application
        self._lifecycle.save()
        return {"ApplicationDetail": _detail(application, version)}

    def _describe(self, request: Json) -> Json:
        application = self._application(request)
        detail = _detail(application, application.version)
        if request.get("IncludeAdditionalDetails") and application.job_id is not None:
            try:
                plan = self._lifecycle.flink.plan(application.job_id)
            except FlinkError as error:
                raise ApiError(ErrorCode.SERVICE_UNAVAILABLE, str(error)) from error
            described = detail["ApplicationConfigurationDescription"]
            detail["ApplicationConfigurationDescription"] = configuration.with_plan(described, plan)
        return {"ApplicationDetail": detail}

    def _list(self, request: Json) -> Json:
        names = sorted(self._lifecycle.applications)
        after = request.get("NextToken")
        limit = request.get("Limit", _PAGE)
        rest = [name for name in names if after is None or name > after]
        summaries = [
            {
                "ApplicationName": application.name,
                "ApplicationARN": application.arn,
                "ApplicationStatus": application.status,
                "ApplicationVersionId": application.version.id,
                "RuntimeEnvironment": application.version.runtime,
                "ApplicationMode": "STREAMING",
            }
            for application in (self._lifecycle.applications[name] for name in rest[:limit])
        ]
        more = {"NextToken": rest[limit - 1]} if len(rest) > limit else {}
        return {"ApplicationSummaries": summaries, **more}

    def _update(self, request: Json) -> Json:
        application = self._application(request)
        self._require_current(application, request)
        self._require_status(application, "updated", Status.READY, Status.RUNNING)
        old = application.version
        description = configuration.updated(old.configuration, request.get("ApplicationConfigurationUpdate", {}))
        if configuration.code_location(description) != configuration.code_location(old.configuration):
            description = self._checked(description)
        self._require_few_kpus(description)
        run = self._run(application, request.get("RunConfigurationUpdate", {}))
        if application.status is Status.RUNNING:
            if configuration.snapshots_enabled(old.configuration):
                self._require_health(application)
        elif "RunConfigurationUpdate" in request:
            raise ApiError(
                ErrorCode.INVALID_REQUEST, "The run configuration can be updated only while the application is RUNNING."
            )
        new = Version(
            id=old.id + 1,
            created=int(time.time()),
            runtime=request.get("RuntimeEnvironmentUpdate", old.runtime),
            role=request.get("ServiceExecutionRoleUpdate", old.role),
            configuration=description,
            updated_from=old.id,
        )
        if not new.runtime.startswith("FLINK-"):
            raise ApiError(ErrorCode.UNSUPPORTED_OPERATION, f"This double runs Flink alone, not {new.runtime}.")
        for change in request.get("CloudWatchLoggingOptionUpdates", []):
            _logging_option(application, change["CloudWatchLoggingOptionId"])
        for change in request.get("CloudWatchLoggingOptionUpdates", []):
            option = _logging_option(application, change["CloudWatchLoggingOptionId"])
            option["LogStreamARN"] = change.get("LogStreamARNUpdate", option["LogStreamARN"])
        operation = self._lifecycle.update(application, new, run)
        return {"ApplicationDetail": _detail(application, new), "OperationId": operation.id}

    def _delete(self, request: Json) -> Json:
        application = self._application(request)
        if int(request["CreateTimestamp"]) != application.created:
            raise ApiError(
                ErrorCode.INVALID_ARGUMENT,
                f"Application {application.name} has a different create timestamp than the one you provided.",
            )
        self._require_status(application, "deleted", Status.READY, Status.RUNNING)
        self._lifecycle.delete(application)
        return {}

    # --- Starts and stops --------------------------------------------------------------------------------------------

    def _start(self, request: Json) -> Json:
        application = self._application(request)
        self._require_status(application, "started", Status.READY)
        run = request.get("RunConfiguration", {})
        if run.get("SqlRunConfigurations"):
            raise ApiError(ErrorCode.UNSUPPORTED_OPERATION, "This double has no SQL applications.")
        if configuration.code_location(application.version.configuration) is None:
            raise ApiError(ErrorCode.INVALID_APPLICATION_CONFIGURATION, "The application has no code to run.")
        return {"OperationId": self._lifecycle.start(application, self._run(application, run)).id}

    def _stop(self, request: Json) -> Json:
        application = self._application(request)
        if request.get("Force"):
            self._require_status(
                application,
                "stopped",
                Status.STARTING,
                Status.UPDATING,
                Status.STOPPING,
                Status.AUTOSCALING,
                Status.RUNNING,
            )
            return {"OperationId": self._lifecycle.force_stop(application).id}
        self._require_status(application, "stopped", Status.RUNNING)
        if configuration.snapshots_enabled(application.version.configuration):
            self._require_health(application)
        return {"OperationId": self._lifecycle.stop(application).id}

    def _roll_back(self, request: Json) -> Json:
        application = self._application(request)
        self._require_current(application, request)
        self._require_status(application, "rolled back", Status.UPDATING, Status.AUTOSCALING, Status.RUNNING)
        if previous_version(application) is None:
            raise ApiError(ErrorCode.INVALID_REQUEST, "There is no earlier version that has run.")
        if application.latest_snapshot() is None:
            raise ApiError(ErrorCode.INVALID_REQUEST, "The application has no snapshot to roll back to.")
        operation = self._lifecycle.roll_back(application)
        return {"ApplicationDetail": _detail(application, application.version), "OperationId": operation.id}

    def _presign(self, request: Json) -> Json:
        application = self._application(request)
        if request["UrlType"] != "FLINK_DASHBOARD_URL":
            raise ApiError(ErrorCode.INVALID_ARGUMENT, "The only URL is FLINK_DASHBOARD_URL.")
        self._require_status(application, "shown", Status.RUNNING)
        token, now = secrets.token_urlsafe(24), time.time()
        self._sessions = {known: session for known, session in self._sessions.items() if session.ends > now}
        self._sessions[token] = DashboardSession(
            application=application.name,
            opens_until=now + _FIRST_USE_SECONDS,
            ends=now + request.get("SessionExpirationDurationInSeconds", _SESSION_SECONDS),
        )
        return {"AuthorizedUrl": f"{self.url}/flinkdashboard?authToken={token}"}

    # --- Snapshots ---------------------------------------------------------------------------------------------------

    def _create_snapshot(self, request: Json) -> Json:
        application = self._application(request)
        name = request["SnapshotName"]
        if application.status is not Status.RUNNING:
            raise ApiError(
                ErrorCode.INVALID_REQUEST,
                f"Application {application.name} is in {application.status} status. Snapshot creation is only allowed"
                " when application is in RUNNING status",
            )
        if application.snapshot(name) is not None:
            raise ApiError(ErrorCode.RESOURCE_IN_USE, f"The application has a snapshot {name} already.")
        if any(snapshot.status is SnapshotStatus.CREATING for snapshot in application.snapshots):
            raise ApiError(ErrorCode.RESOURCE_IN_USE, "Another snapshot of the application is being created.")
        if len(application.snapshots) >= self._quotas.snapshots:
            raise ApiError(ErrorCode.LIMIT_EXCEEDED, f"An application has at most {self._quotas.snapshots} snapshots.")
        self._require_health(application)
        self._lifecycle.take_snapshot(application, name)
        return {}

    def _describe_snapshot(self, request: Json) -> Json:
        return {"SnapshotDetails": _snapshot(self._snapshot(self._application(request), request))}

    def _list_snapshots(self, request: Json) -> Json:
        page, more = _page(self._application(request).snapshots, request)
        return {"SnapshotSummaries": [_snapshot(snapshot) for snapshot in page], **more}

    def _delete_snapshot(self, request: Json) -> Json:
        application = self._application(request)
        snapshot = self._snapshot(application, request)
        if int(request["SnapshotCreationTimestamp"]) != snapshot.created:
            raise ApiError(
                ErrorCode.INVALID_ARGUMENT,
                f"Snapshot {snapshot.name} has a different SnapshotCreationTimestamp than the one you provided.",
            )
        if snapshot.status in {SnapshotStatus.CREATING, SnapshotStatus.DELETING}:
            raise ApiError(ErrorCode.RESOURCE_IN_USE, f"Snapshot {snapshot.name} is {snapshot.status}.")
        self._lifecycle.delete_snapshot(application, snapshot)
        return {}

    # --- Versions and operations -------------------------------------------------------------------------------------

    def _describe_version(self, request: Json) -> Json:
        application = self._application(request)
        version = application.version_of(request["ApplicationVersionId"])
        if version is None:
            raise ApiError(
                ErrorCode.RESOURCE_NOT_FOUND,
                f"Application {application.name} has no version {request['ApplicationVersionId']}.",
            )
        return {"ApplicationVersionDetail": _detail(application, version)}

    def _list_versions(self, request: Json) -> Json:
        application = self._application(request)
        page, more = _page(application.versions[::-1], request)
        summaries = [
            {"ApplicationVersionId": version.id, "ApplicationStatus": _version_status(application, version)}
            for version in page
        ]
        return {"ApplicationVersionSummaries": summaries, **more}

    def _describe_operation(self, request: Json) -> Json:
        application = self._application(request)
        operation = application.operation(request["OperationId"])
        if operation is None or not self._is_listed(operation):
            raise ApiError(
                ErrorCode.RESOURCE_NOT_FOUND,
                f"Application {application.name} has no operation {request['OperationId']}.",
            )
        details = _operation(operation)
        # The model requires an end, though there isn't one yet.
        details.setdefault("EndTime", details["StartTime"])
        if operation.version_from is not None:
            details["ApplicationVersionChangeDetails"] = {
                "ApplicationVersionUpdatedFrom": operation.version_from,
                "ApplicationVersionUpdatedTo": operation.version_to,
            }
        if operation.status is OperationStatus.FAILED:
            failure: Json = {"ErrorInfo": {"ErrorString": operation.error or "There is no reason."}}
            if operation.rollback_id is not None:
                failure["RollbackOperationId"] = operation.rollback_id
            details["OperationFailureDetails"] = failure
        return {"ApplicationOperationInfoDetails": details}

    def _list_operations(self, request: Json) -> Json:
        operations = [
            operation
            for operation in self._application(request).operations[::-1]
            if self._is_listed(operation)
            and request.get("Operation") in {None, operation.kind}
            and request.get("OperationStatus") in {None, operation.status}
        ]
        page, more = _page(operations, request)
        infos = [{**_operation(operation), "OperationId": operation.id} for operation in page]
        return {"ApplicationOperationInfoList": infos, **more}

    def _is_listed(self, operation: Operation) -> bool:
        return time.time() - operation.started >= self._operations_lag

    # --- Tags and maintenance ----------------------------------------------------------------------------------------

    def _list_tags(self, request: Json) -> Json:
        application = self._application_by_arn(request)
        return {"Tags": [{"Key": key, "Value": value} for key, value in application.tags.items()]}

    def _tag(self, request: Json) -> Json:
        application = self._application_by_arn(request)
        tags = application.tags | {tag["Key"]: tag.get("Value", "") for tag in request["Tags"]}
        self._require_few_tags(tags)
        application.tags = tags
        self._lifecycle.save()
        return {}

    def _untag(self, request: Json) -> Json:
        application = self._application_by_arn(request)
        for key in request["TagKeys"]:
            application.tags.pop(key, None)
        self._lifecycle.save()
        return {}

    def _update_maintenance(self, request: Json) -> Json:
        application = self._application(request)
        self._require_status(application, "updated", Status.READY, Status.RUNNING)
        update = request["ApplicationMaintenanceConfigurationUpdate"]
        application.maintenance_start = update["ApplicationMaintenanceWindowStartTimeUpdate"]
        self._lifecycle.save()
        return {
            "ApplicationARN": application.arn,
            "ApplicationMaintenanceConfigurationDescription": _maintenance(application),
        }

    # --- What the operations share -----------------------------------------------------------------------------------

    def _application(self, request: Json) -> Application:
        name = request["ApplicationName"]
        application = self._lifecycle.applications.get(name)
        if application is None:
            raise ApiError(ErrorCode.RESOURCE_NOT_FOUND, f"Application {name} doesn't exist.")
        return application

    def _application_by_arn(self, request: Json) -> Application:
        name = request["ResourceARN"].removeprefix(self._arn_prefix)
        application = self._lifecycle.applications.get(name)
        if application is None:
            raise ApiError(ErrorCode.RESOURCE_NOT_FOUND, f"Resource {request['ResourceARN']} doesn't exist.")
        return application

    def _snapshot(self, application: Application, request: Json) -> Snapshot:
        snapshot = application.snapshot(request["SnapshotName"])
        if snapshot is None:
            raise ApiError(
                ErrorCode.RESOURCE_NOT_FOUND,
                f"Application {application.name} has no snapshot {request['SnapshotName']}.",
            )
        return snapshot

    def _require_status(self, application: Application, done: str, *allowed: Status) -> None:
        if application.status not in allowed:
            raise ApiError(ErrorCode.RESOURCE_IN_USE, f"Application cannot be {done} in '{application.status}' state")

    def _require_current(self, application: Application, request: Json) -> None:
        version, token = request.get("CurrentApplicationVersionId"), request.get("ConditionalToken")
        if version is None and token is None:
            raise ApiError(
                ErrorCode.INVALID_ARGUMENT, "Provide the CurrentApplicationVersionId or the ConditionalToken."
            )
        if version not in {None, application.version.id}:
            raise ApiError(
                ErrorCode.CONCURRENT_MODIFICATION,
                f"The current version of application {application.name} is {application.version.id}, not {version}.",
            )
        if token not in {None, application.conditional_token}:
            raise ApiError(
                ErrorCode.CONCURRENT_MODIFICATION,
                f"The conditional token isn't the current one of application {application.name}.",
            )

    def _require_health(self, application: Application) -> None:
        """A snapshot is refused at once where the job couldn't take one."""
        try:
            job = None if application.job_id is None else self._lifecycle.flink.job(application.job_id)
        except FlinkError as error:
            raise ApiError(ErrorCode.SERVICE_UNAVAILABLE, str(error)) from error
        if job is None or job.state is not JobState.RUNNING:
            raise ApiError(
                ErrorCode.INVALID_APPLICATION_CONFIGURATION,
                f"Failed to take snapshot for the application {application.name} at this moment. The application is"
                " currently experiencing downtime.",
            )

    def _require_few_tags(self, tags: dict[str, str]) -> None:
        if len(tags) > self._quotas.tags:
            raise ApiError(ErrorCode.TOO_MANY_TAGS, f"An application has at most {self._quotas.tags} tags.")

    def _require_few_kpus(self, description: Json) -> None:
        if configuration.kpus(description) > self._quotas.kpus:
            raise ApiError(ErrorCode.LIMIT_EXCEEDED, f"An application has at most {self._quotas.kpus} KPUs.")

    def _checked(self, description: Json) -> Json:
        """A configuration whose code is there, with the code's size."""
        self._require_few_kpus(description)
        location = configuration.code_location(description)
        if location is None:
            return description
        try:
            return configuration.with_code_size(description, len(self._code.read(location)))
        except CodeError as error:
            raise ApiError(
                ErrorCode.INVALID_ARGUMENT,
                f"Please check the role provided or validity of S3 location you provided. {error}",
            ) from error

    def _run(self, application: Application, run: Json) -> Json:
        """A RunConfigurationDescription of what a start or an update asks for."""
        default: Json = LATEST["ApplicationRestoreConfigurationDescription"]
        restore: Json = run.get("ApplicationRestoreConfiguration", default)
        is_custom = restore["ApplicationRestoreType"] == "RESTORE_FROM_CUSTOM_SNAPSHOT"
        name = restore.get("SnapshotName")
        if is_custom != (name is not None):
            raise ApiError(
                ErrorCode.INVALID_ARGUMENT, "A SnapshotName goes with RESTORE_FROM_CUSTOM_SNAPSHOT, and only with it."
            )
        snapshot = None if name is None else application.snapshot(name)
        if is_custom and (snapshot is None or snapshot.status is not SnapshotStatus.READY):
            raise ApiError(
                ErrorCode.INVALID_ARGUMENT,
                f"The snapshot {name} provided for the restore configuration doesn't exist, or isn't READY.",
            )
        allow = run.get("FlinkRunConfiguration", {}).get("AllowNonRestoredState", False)
        return configuration.run_of(restore, allow_non_restored_state=allow)


def _detail(application: Application, version: Version) -> Json:
    is_current = version is application.version
    described = configuration.with_run(version.configuration, application.run if is_current else None)
    detail: Json = {
        "ApplicationARN": application.arn,
        "ApplicationDescription": application.description,
        "ApplicationName": application.name,
        "RuntimeEnvironment": version.runtime,
        "ServiceExecutionRole": version.role,
        "ApplicationStatus": _version_status(application, version),
        "ApplicationVersionId": version.id,
        "CreateTimestamp": application.created,
        "LastUpdateTimestamp": application.changed,
        "ApplicationConfigurationDescription": described,
        "CloudWatchLoggingOptionDescriptions": [dict(option) for option in application.logging_options],
        "ApplicationMaintenanceConfigurationDescription": _maintenance(application),
        "ApplicationVersionCreateTimestamp": version.created,
        "ApplicationVersionUpdatedFrom": version.updated_from,
        "ApplicationVersionRolledBackFrom": version.rolled_back_from,
        "ApplicationVersionRolledBackTo": version.rolled_back_to,
        "ConditionalToken": application.conditional_token if is_current else None,
        "ApplicationMode": "STREAMING",
    }
    return {name: value for name, value in detail.items() if value is not None}


def _version_status(application: Application, version: Version) -> Status:
    if version is application.version:
        return application.status
    return Status.ROLLED_BACK if version.rolled_back else Status.READY


def _maintenance(application: Application) -> Json:
    start = datetime.datetime.strptime(application.maintenance_start, "%H:%M").replace(tzinfo=datetime.UTC)
    return {
        "ApplicationMaintenanceWindowStartTime": application.maintenance_start,
        "ApplicationMaintenanceWindowEndTime": f"{start + datetime.timedelta(hours=_MAINTENANCE_HOURS):%H:%M}",
    }


def _snapshot(snapshot: Snapshot) -> Json:
    return {
        "SnapshotName": snapshot.name,
        "SnapshotStatus": snapshot.status,
        "ApplicationVersionId": snapshot.version_id,
        "SnapshotCreationTimestamp": snapshot.created,
        "RuntimeEnvironment": snapshot.runtime,
        "ApplicationEncryptionConfigurationDescription": {"KeyType": "AWS_OWNED_KEY"},
    }


def _operation(operation: Operation) -> Json:
    info: Json = {
        "Operation": operation.kind,
        "StartTime": round(operation.started, 3),
        "OperationStatus": operation.status,
    }
    if operation.ended is not None:
        info["EndTime"] = round(operation.ended, 3)
    return info


def _logging_option(application: Application, option_id: str) -> Json:
    for option in application.logging_options:
        if option["CloudWatchLoggingOptionId"] == option_id:
            return option
    raise ApiError(ErrorCode.INVALID_ARGUMENT, f"There is no CloudWatch logging option {option_id}.")


def _page(items: Sequence[T], request: Json) -> tuple[Sequence[T], dict[str, Any]]:
    """One page of a list, and the token of the next one."""
    token, limit = request.get("NextToken", "0"), request.get("Limit", _PAGE)
    if not token.isdecimal() or int(token) > len(items):
        raise ApiError(ErrorCode.INVALID_ARGUMENT, "The NextToken isn't one that this list gave.")
    begin = int(token)
    end = begin + limit
    return items[begin:end], {"NextToken": str(end)} if end < len(items) else {}
