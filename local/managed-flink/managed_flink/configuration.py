"""An application's configuration: what CreateApplication and UpdateApplication ask for, and how Describe tells it.

Everything here is JSON in the shapes of the service's model, checked against it before.
"""

from __future__ import annotations

import copy
from typing import Any, TypeAlias

from managed_flink.errors import ApiError, ErrorCode

Json: TypeAlias = dict[str, Any]

# "If this value is set to DEFAULT, the application will use the following values, even if they are set to other values"
CHECKPOINT_DEFAULTS: Json = {
    "CheckpointingEnabled": True,
    "CheckpointInterval": 60_000,
    "MinPauseBetweenCheckpoints": 5_000,
}
MONITORING_DEFAULTS: Json = {"MetricsLevel": "APPLICATION", "LogLevel": "INFO"}
PARALLELISM_DEFAULTS: Json = {"Parallelism": 1, "ParallelismPerKPU": 1, "AutoScalingEnabled": True}

_CHECKPOINT = "CheckpointConfigurationDescription"
_MONITORING = "MonitoringConfigurationDescription"
_PARALLELISM = "ParallelismConfigurationDescription"
_CODE = "ApplicationCodeConfigurationDescription"
_FLINK = "FlinkApplicationConfigurationDescription"
_PROPERTIES = "EnvironmentPropertyDescriptions"
_RUN = "RunConfigurationDescription"
_SNAPSHOT = "ApplicationSnapshotConfigurationDescription"
_ROLLBACK = "ApplicationSystemRollbackConfigurationDescription"
_ENCRYPTION = "ApplicationEncryptionConfigurationDescription"

# CodeSize of the service's model.
_MAX_CODE_SIZE = 52_428_800

_NOT_DONE = {
    "SqlApplicationConfiguration": "SQL applications",
    "ZeppelinApplicationConfiguration": "Studio notebooks",
    "VpcConfigurations": "VPCs",
    "SqlApplicationConfigurationUpdate": "SQL applications",
    "ZeppelinApplicationConfigurationUpdate": "Studio notebooks",
    "VpcConfigurationUpdates": "VPCs",
}


def described(configuration: Json) -> Json:
    """What Describe tells of a new application's ApplicationConfiguration."""
    _refuse_what_is_not_done(configuration)
    flink = configuration.get("FlinkApplicationConfiguration", {})
    description: Json = {
        _FLINK: {
            _CHECKPOINT: _by_type(flink.get("CheckpointConfiguration", {}), CHECKPOINT_DEFAULTS),
            _MONITORING: _by_type(flink.get("MonitoringConfiguration", {}), MONITORING_DEFAULTS),
            _PARALLELISM: _by_type(flink.get("ParallelismConfiguration", {}), PARALLELISM_DEFAULTS),
        },
        _SNAPSHOT: {
            "SnapshotsEnabled": configuration.get("ApplicationSnapshotConfiguration", {}).get("SnapshotsEnabled", True)
        },
        _ROLLBACK: {
            "RollbackEnabled": configuration.get("ApplicationSystemRollbackConfiguration", {}).get(
                "RollbackEnabled", False
            )
        },
        _ENCRYPTION: {"KeyType": "AWS_OWNED_KEY"},
    }
    _refuse_own_keys(configuration.get("ApplicationEncryptionConfiguration", {}).get("KeyType"))
    _scale_as_configured(description)
    if "ApplicationCodeConfiguration" in configuration:
        code = configuration["ApplicationCodeConfiguration"]
        description[_CODE] = _code(code["CodeContentType"], code.get("CodeContent", {}).get("S3ContentLocation"))
    if "EnvironmentProperties" in configuration:
        description[_PROPERTIES] = _properties(configuration["EnvironmentProperties"])
    return description


def updated(description: Json, update: Json) -> Json:
    """What Describe tells after an ApplicationConfigurationUpdate; the description that is given stays as it is."""
    _refuse_what_is_not_done(update)
    new = copy.deepcopy(description)
    flink = update.get("FlinkApplicationConfigurationUpdate", {})
    for part, defaults in (
        (_CHECKPOINT, CHECKPOINT_DEFAULTS),
        (_MONITORING, MONITORING_DEFAULTS),
        (_PARALLELISM, PARALLELISM_DEFAULTS),
    ):
        change = flink.get(part.replace("Description", "Update"), {})
        if change:
            values = {name.removesuffix("Update"): value for name, value in change.items()}
            new[_FLINK][part] = _by_type({**new[_FLINK][part], **values}, defaults)
    if "ParallelismConfigurationUpdate" in flink:
        _scale_as_configured(new)
    if "ApplicationSnapshotConfigurationUpdate" in update:
        enabled = update["ApplicationSnapshotConfigurationUpdate"]["SnapshotsEnabledUpdate"]
        new[_SNAPSHOT] = {"SnapshotsEnabled": enabled}
    if "ApplicationSystemRollbackConfigurationUpdate" in update:
        enabled = update["ApplicationSystemRollbackConfigurationUpdate"]["RollbackEnabledUpdate"]
        new[_ROLLBACK] = {"RollbackEnabled": enabled}
    if "ApplicationEncryptionConfigurationUpdate" in update:
        _refuse_own_keys(update["ApplicationEncryptionConfigurationUpdate"]["KeyTypeUpdate"])
    if "EnvironmentPropertyUpdates" in update:
        new[_PROPERTIES] = _properties(update["EnvironmentPropertyUpdates"])
    if "ApplicationCodeConfigurationUpdate" in update:
        new[_CODE] = _updated_code(new.get(_CODE, {}), update["ApplicationCodeConfigurationUpdate"])
    return new


def with_run(description: Json, run: Json | None) -> Json:
    """The same with the run configuration that a start is in effect with, if one is."""
    return description if run is None else {**description, _RUN: run}


def run_of(restore: Json, *, allow_non_restored_state: bool) -> Json:
    """A RunConfigurationDescription."""
    return {
        "ApplicationRestoreConfigurationDescription": restore,
        "FlinkRunConfigurationDescription": {"AllowNonRestoredState": allow_non_restored_state},
    }


def with_code_size(description: Json, size: int) -> Json:
    """The same with the size of the code, where the service's model has room for it."""
    if size > _MAX_CODE_SIZE:
        return description
    new = copy.deepcopy(description)
    new[_CODE]["CodeContentDescription"]["CodeSize"] = size
    return new


def with_current_parallelism(description: Json, parallelism: int) -> Json:
    """The same as automatic scaling leaves it."""
    new = copy.deepcopy(description)
    new[_FLINK][_PARALLELISM]["CurrentParallelism"] = parallelism
    return new


def parallelism(description: Json) -> int:
    """How many parallel tasks the application runs with now."""
    return int(description[_FLINK][_PARALLELISM]["CurrentParallelism"])


def kpus(description: Json) -> int:
    """The Kinesis processing units that it takes."""
    configured = description[_FLINK][_PARALLELISM]
    return -(-int(configured["Parallelism"]) // int(configured["ParallelismPerKPU"]))


def snapshots_enabled(description: Json) -> bool:
    return bool(description[_SNAPSHOT]["SnapshotsEnabled"])


def rollback_enabled(description: Json) -> bool:
    return bool(description[_ROLLBACK]["RollbackEnabled"])


def code_location(description: Json) -> Json | None:
    """The S3 object of the code: BucketARN, FileKey and, where it was given, ObjectVersion."""
    content = description.get(_CODE, {}).get("CodeContentDescription", {})
    location: Json | None = content.get("S3ApplicationCodeLocationDescription")
    return location


def property_groups(description: Json) -> list[Json]:
    groups: list[Json] = description.get(_PROPERTIES, {}).get("PropertyGroupDescriptions", [])
    return groups


def flink_settings(description: Json) -> dict[str, str]:
    """The checkpoint configuration as Flink's own settings for one job."""
    checkpoints = description[_FLINK][_CHECKPOINT]
    if not checkpoints["CheckpointingEnabled"]:
        return {}
    return {
        "execution.checkpointing.interval": f"{checkpoints['CheckpointInterval']} ms",
        "execution.checkpointing.min-pause": f"{checkpoints['MinPauseBetweenCheckpoints']} ms",
    }


def with_plan(description: Json, plan: str) -> Json:
    """The same with the job's plan."""
    return {**description, _FLINK: {**description[_FLINK], "JobPlanDescription": plan}}


def _by_type(values: Json, defaults: Json) -> Json:
    kind = values.get("ConfigurationType", "DEFAULT")
    return {"ConfigurationType": kind, **defaults, **(values if kind == "CUSTOM" else {})} | {"ConfigurationType": kind}


def _scale_as_configured(description: Json) -> None:
    parallel = description[_FLINK][_PARALLELISM]
    parallel["CurrentParallelism"] = parallel["Parallelism"]


def _properties(properties: Json) -> Json:
    groups = properties["PropertyGroups"]
    ids = [group["PropertyGroupId"] for group in groups]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ApiError(ErrorCode.INVALID_ARGUMENT, f"There is more than one property group with the id {twice[0]}.")
    return {"PropertyGroupDescriptions": groups}


def _code(content_type: str, location: Json | None) -> Json:
    if content_type != "ZIPFILE" or location is None:
        raise ApiError(
            ErrorCode.UNSUPPORTED_OPERATION,
            "This double runs code from S3 alone: give CodeContentType ZIPFILE and an S3ContentLocation.",
        )
    return {
        "CodeContentType": content_type,
        "CodeContentDescription": {"S3ApplicationCodeLocationDescription": location},
    }


def _updated_code(code: Json, update: Json) -> Json:
    location = dict(code.get("CodeContentDescription", {}).get("S3ApplicationCodeLocationDescription", {}))
    content = update.get("CodeContentUpdate", {})
    change = content.get("S3ContentLocationUpdate", {})
    if content and not change:
        _code("ZIPFILE", None)
    if change and "ObjectVersionUpdate" not in change:
        # A version belongs to one object.
        location.pop("ObjectVersion", None)
    location |= {name.removesuffix("Update"): value for name, value in change.items()}
    if not {"BucketARN", "FileKey"} <= location.keys():
        raise ApiError(ErrorCode.INVALID_ARGUMENT, "The S3ContentLocationUpdate lacks its bucket or its file key.")
    content_type = update.get("CodeContentTypeUpdate") or code.get("CodeContentType", "ZIPFILE")
    return _code(content_type, location)


def _refuse_what_is_not_done(configuration: Json) -> None:
    for name, what in _NOT_DONE.items():
        if configuration.get(name):
            raise ApiError(ErrorCode.UNSUPPORTED_OPERATION, f"This double has no {what}, so no {name}.")


def _refuse_own_keys(key_type: str | None) -> None:
    if key_type == "CUSTOMER_MANAGED_KEY":
        raise ApiError(ErrorCode.UNSUPPORTED_OPERATION, "This double encrypts nothing, so it takes no customer's key.")
