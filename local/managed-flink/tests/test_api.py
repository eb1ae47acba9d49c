"""What the API takes, refuses and answers at once."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from managed_flink.api_model import ApiModel
from managed_flink.service import Quotas
from tests.fakes import FakeCluster
from tests.harness import ROLE, Double, await_that, code, code_update, double

MODEL = ApiModel()
JSON = {"Content-Type": "application/x-amz-json-1.1"}


def error_of(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """The code and the message of the error that a call gets."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(response["Error"]["Code"]), str(response["Error"]["Message"])


def post(managed: Double, operation: str, body: Any, prefix: str = "KinesisAnalytics_20180523") -> httpx.Response:
    """Sends what boto3 wouldn't."""
    headers = {**JSON, "X-Amz-Target": f"{prefix}.{operation}"}
    content = body if isinstance(body, bytes) else None
    return httpx.post(managed.url, headers=headers, trust_env=False, content=content, json=None if content else body)


def create_request(**more: Any) -> dict[str, Any]:
    return {"ApplicationName": "app", "RuntimeEnvironment": "FLINK-2_3", "ServiceExecutionRole": ROLE, **more}


# --- Requests and answers against the service's model ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "request_body", "words"),
    [
        ("CreateApplication", {}, "3 validation errors detected: Value null at 'applicationName' failed"),
        ("CreateApplication", create_request(Colour="red"), "'colour' failed to satisfy constraint: CreateApp"),
        ("CreateApplication", create_request(ApplicationName=7), "'7' at 'applicationName'"),
        ("CreateApplication", create_request(ApplicationName="a b"), "regular expression pattern: [a-zA-Z0-9_.-]+"),
        ("CreateApplication", create_request(ApplicationName="a" * 129), "length less than or equal to 128"),
        ("CreateApplication", create_request(ApplicationName=""), "length greater than or equal to 1"),
        ("CreateApplication", create_request(RuntimeEnvironment="FLINK-9"), "satisfy enum value set: [SQL-1_0, FLINK"),
        ("CreateApplication", create_request(Tags=[{"Key": "k"}, {}]), "Value null at 'tags.2.member.key'"),
        ("CreateApplication", create_request(Tags=[]), "'tags' failed to satisfy constraint: Member must have length"),
        (
            "ListApplications",
            {"Limit": 51},
            "'51' at 'limit' failed to satisfy constraint: Member must have value less",
        ),
        ("ListApplications", {"Limit": 0}, "Member must have value greater than or equal to 1"),
        ("ListApplications", {"Limit": True}, "Member must be of the type integer"),
        ("StopApplication", {"ApplicationName": "app", "Force": "yes"}, "Member must be of the type boolean"),
        ("DescribeApplicationVersion", {"ApplicationName": "app", "ApplicationVersionId": 0}, "'applicationVersionId'"),
    ],
)
def test_request_against_the_model_is_refused(
    managed: Double, operation: str, request_body: dict[str, Any], words: str
) -> None:
    response = post(managed, operation, request_body)

    assert response.status_code == 400
    assert response.json()["__type"] == "ValidationException"
    assert words in response.json()["message"]


@pytest.mark.parametrize(
    ("operation", "prefix", "body", "error"),
    [
        ("StopApplications", "KinesisAnalytics_20180523", b"{}", "UnknownOperationException"),
        ("StopApplication", "KinesisAnalytics_20150814", b"{}", "UnknownOperationException"),
        ("StopApplication", "KinesisAnalytics_20180523", b"{", "SerializationException"),
        ("StopApplication", "KinesisAnalytics_20180523", b"[]", "SerializationException"),
    ],
)
def test_request_that_is_none_is_refused(managed: Double, operation: str, prefix: str, body: bytes, error: str) -> None:
    response = post(managed, operation, body, prefix)

    assert (response.status_code, response.json()["__type"]) == (400, error)
    assert response.headers["x-amzn-RequestId"]


def test_answer_against_the_model_is_noticed() -> None:
    assert MODEL.answer_violations("StartApplication", {"OperationId": "an id"}) == []
    assert MODEL.answer_violations("StartApplication", {"OperationId": ""}) != []
    assert MODEL.answer_violations("StartApplication", {"Operation": "an id"}) != []
    assert MODEL.answer_violations("DescribeApplication", {}) != []
    assert MODEL.answer_violations("DescribeApplicationSnapshot", {"SnapshotDetails": {"SnapshotName": "s"}}) != []


def test_every_operation_that_is_not_done_says_so(managed: Double) -> None:
    done = {
        "CreateApplication CreateApplicationPresignedUrl CreateApplicationSnapshot DeleteApplication",
        "DeleteApplicationSnapshot DescribeApplication DescribeApplicationOperation DescribeApplicationSnapshot",
        "DescribeApplicationVersion ListApplicationOperations ListApplicationSnapshots ListApplicationVersions",
        "ListApplications ListTagsForResource RollbackApplication StartApplication StopApplication TagResource",
        "UntagResource UpdateApplication UpdateApplicationMaintenanceConfiguration",
    }
    not_done = MODEL.operations - {name for names in done for name in names.split()}
    request = {"ApplicationName": "app", "VpcConfiguration": {"SubnetIds": ["s"], "SecurityGroupIds": ["g"]}}

    assert "AddApplicationVpcConfiguration" in not_done
    response = post(managed, "AddApplicationVpcConfiguration", request)
    assert response.json()["__type"] == "UnsupportedOperationException"
    for operation in not_done:
        assert post(managed, operation, {}).json()["__type"] in {"ValidationException", "UnsupportedOperationException"}


# --- Applications ----------------------------------------------------------------------------------------------------


def test_create_minimal_application_tells_the_services_defaults(managed: Double) -> None:
    detail = managed.create()

    assert (detail["ApplicationStatus"], detail["ApplicationVersionId"]) == ("READY", 1)
    assert detail["ApplicationARN"] == "arn:aws:kinesisanalytics:us-east-1:000000000000:application/app"
    described = detail["ApplicationConfigurationDescription"]
    flink = described["FlinkApplicationConfigurationDescription"]
    assert flink["CheckpointConfigurationDescription"] == {
        "ConfigurationType": "DEFAULT",
        "CheckpointingEnabled": True,
        "CheckpointInterval": 60000,
        "MinPauseBetweenCheckpoints": 5000,
    }
    assert flink["ParallelismConfigurationDescription"] == {
        "ConfigurationType": "DEFAULT",
        "Parallelism": 1,
        "ParallelismPerKPU": 1,
        "CurrentParallelism": 1,
        "AutoScalingEnabled": True,
    }
    assert described["ApplicationSnapshotConfigurationDescription"] == {"SnapshotsEnabled": True}
    assert described["ApplicationSystemRollbackConfigurationDescription"] == {"RollbackEnabled": False}
    assert described["ApplicationCodeConfigurationDescription"]["CodeContentDescription"]["CodeSize"] == len(b"RUNS")
    assert detail == managed.describe()


def test_create_default_type_ignores_other_values(managed: Double) -> None:
    flink = {"CheckpointConfiguration": {"ConfigurationType": "DEFAULT", "CheckpointInterval": 5}}

    detail = managed.create(configuration={"FlinkApplicationConfiguration": flink})

    described = detail["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
    assert described["CheckpointConfigurationDescription"]["CheckpointInterval"] == 60000


@pytest.mark.parametrize(
    ("more", "code_and_words"),
    [
        ({"RuntimeEnvironment": "SQL-1_0"}, ("UnsupportedOperationException", "runs Flink alone, not SQL-1_0")),
        ({"ApplicationMode": "INTERACTIVE"}, ("UnsupportedOperationException", "no Studio notebooks")),
        (
            {"configuration": {"VpcConfigurations": [{"SubnetIds": ["s"], "SecurityGroupIds": ["g"]}]}},
            ("UnsupportedOperationException", "has no VPCs"),
        ),
        (
            {"configuration": {"ApplicationCodeConfiguration": {"CodeContentType": "PLAINTEXT"}}},
            ("UnsupportedOperationException", "from S3 alone"),
        ),
        ({"key": "missing.jar"}, ("InvalidArgumentException", "s3://code/missing.jar can't be read")),
        ({"configuration": code(version="9")}, ("InvalidArgumentException", "job.jar, version 9 can't be read")),
        (
            {
                "configuration": {
                    "FlinkApplicationConfiguration": {
                        "ParallelismConfiguration": {"ConfigurationType": "CUSTOM", "Parallelism": 65}
                    }
                }
            },
            ("LimitExceededException", "at most 64 KPUs"),
        ),
        (
            {"Tags": [{"Key": f"k{number}"} for number in range(51)]},
            ("TooManyTagsException", "at most 50 tags"),
        ),
        (
            {
                "configuration": {
                    "EnvironmentProperties": {
                        "PropertyGroups": [{"PropertyGroupId": "g", "PropertyMap": {"k": "v"}}] * 2
                    }
                }
            },
            ("InvalidArgumentException", "more than one property group with the id g"),
        ),
    ],
)
def test_create_what_cannot_be_is_refused(
    managed: Double, more: dict[str, Any], code_and_words: tuple[str, str]
) -> None:
    code_name, message = error_of(managed.create, **more)

    assert code_name == code_and_words[0]
    assert code_and_words[1] in message
    assert managed.client.list_applications()["ApplicationSummaries"] == []


def test_create_name_is_taken_or_quota_is_full_is_refused(cluster_url: str, tmp_path: Path) -> None:
    with double(cluster_url, tmp_path, quotas=Quotas(applications=1)) as managed:
        managed.create()

        assert error_of(managed.create)[0] == "ResourceInUseException"
        assert error_of(managed.create, name="other")[0] == "LimitExceededException"


def test_list_many_applications_gives_them_page_by_page(managed: Double) -> None:
    names = [f"app-{number:02}" for number in range(5)]
    for name in reversed(names):
        managed.create(name)

    pages = list(managed.client.get_paginator("list_applications").paginate(PaginationConfig={"PageSize": 2}))

    assert [[summary["ApplicationName"] for summary in page["ApplicationSummaries"]] for page in pages] == [
        names[:2],
        names[2:4],
        names[4:],
    ]


def test_unknown_names_are_not_found(managed: Double) -> None:
    client = managed.client
    assert error_of(client.describe_application, ApplicationName="app")[0] == "ResourceNotFoundException"
    managed.create()
    for call, request in (
        (client.describe_application_operation, {"OperationId": "none"}),
        (client.describe_application_version, {"ApplicationVersionId": 2}),
        (client.describe_application_snapshot, {"SnapshotName": "none"}),
    ):
        assert error_of(call, ApplicationName="app", **request)[0] == "ResourceNotFoundException"
    arn = "arn:aws:kinesisanalytics:us-east-1:000000000000:application/other"
    assert error_of(client.list_tags_for_resource, ResourceARN=arn)[0] == "ResourceNotFoundException"


def test_delete_other_create_timestamp_is_refused(managed: Double) -> None:
    created = managed.create()["CreateTimestamp"]

    error, message = error_of(
        managed.client.delete_application, ApplicationName="app", CreateTimestamp=created.timestamp() - 1
    )

    assert error == "InvalidArgumentException"
    assert "different create timestamp" in message


# --- Status by status ------------------------------------------------------------------------------------------------


def refused_calls(managed: Double) -> set[str]:
    """The changing calls that an application refuses for its status."""
    client, detail = managed.client, managed.describe()
    version = detail["ApplicationVersionId"]
    start = "03:00"
    calls: dict[str, Callable[[], Any]] = {
        "start": lambda: client.start_application(ApplicationName="app"),
        "stop": lambda: client.stop_application(ApplicationName="app"),
        "update": lambda: client.update_application(ApplicationName="app", CurrentApplicationVersionId=version),
        "rollback": lambda: client.rollback_application(ApplicationName="app", CurrentApplicationVersionId=version),
        "dashboard": lambda: client.create_application_presigned_url(
            ApplicationName="app", UrlType="FLINK_DASHBOARD_URL"
        ),
        "maintenance window": lambda: client.update_application_maintenance_configuration(
            ApplicationName="app",
            ApplicationMaintenanceConfigurationUpdate={"ApplicationMaintenanceWindowStartTimeUpdate": start},
        ),
        "delete": lambda: client.delete_application(ApplicationName="app", CreateTimestamp=detail["CreateTimestamp"]),
    }
    return {name for name, call in calls.items() if _error_code(call) == "ResourceInUseException"}


def _error_code(call: Callable[[], Any]) -> str | None:
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return None


ALL = {"start", "stop", "update", "rollback", "dashboard", "maintenance window", "delete"}


@pytest.mark.parametrize("status", ["STARTING", "STOPPING", "UPDATING", "MAINTENANCE", "FORCE_STOPPING"])
def test_calls_in_a_passing_status_are_refused(managed: Double, status: str) -> None:
    managed.running()
    if status == "STARTING":
        managed.ended("app", managed.client.stop_application(ApplicationName="app")["OperationId"])
    managed.fault("HOLD", status=status)
    match status:
        case "STARTING":
            managed.client.start_application(ApplicationName="app", RunConfiguration={})
        case "STOPPING":
            managed.client.stop_application(ApplicationName="app")
        case "UPDATING":
            managed.update()
        case "MAINTENANCE":
            managed.control("applications/app/maintenance")
        case "FORCE_STOPPING":
            managed.client.stop_application(ApplicationName="app", Force=True)
    assert managed.status() == status

    refused = refused_calls(managed)

    assert refused == (ALL - {"rollback"} if status == "UPDATING" else ALL)
    snapshot = {"ApplicationName": "app", "SnapshotName": "s"}
    assert error_of(managed.client.create_application_snapshot, **snapshot)[0] == "InvalidRequestException"
    if status in {"MAINTENANCE", "FORCE_STOPPING"}:
        force = {"ApplicationName": "app", "Force": True}
        assert error_of(managed.client.stop_application, **force)[0] == "ResourceInUseException"


def test_calls_while_ready_or_running_are_refused_where_they_do_not_fit(managed: Double) -> None:
    managed.create()
    client, name = managed.client, {"ApplicationName": "app"}
    dashboard = {**name, "UrlType": "FLINK_DASHBOARD_URL"}
    rollback = {**name, "CurrentApplicationVersionId": 1}
    assert error_of(client.stop_application, **name)[0] == "ResourceInUseException"
    assert error_of(client.stop_application, **name, Force=True)[0] == "ResourceInUseException"
    assert error_of(client.rollback_application, **rollback)[0] == "ResourceInUseException"
    assert error_of(client.create_application_presigned_url, **dashboard)[0] == "ResourceInUseException"
    assert error_of(client.create_application_snapshot, **name, SnapshotName="s")[0] == "InvalidRequestException"
    managed.start()
    assert error_of(client.start_application, **name)[0] == "ResourceInUseException"
    # Nothing to go back to.
    assert error_of(client.rollback_application, **rollback)[0] == "InvalidRequestException"


def test_snapshots_are_refused_while_the_job_restarts(managed: Double, cluster: FakeCluster) -> None:
    managed.running()
    cluster.jobs[0].state = "RESTARTING"
    client, name = managed.client, {"ApplicationName": "app"}

    for call, request in (
        (client.stop_application, name),
        (client.create_application_snapshot, {**name, "SnapshotName": "s"}),
        (client.update_application, {**name, "CurrentApplicationVersionId": 1}),
    ):
        error, message = error_of(call, **request)
        assert error == "InvalidApplicationConfigurationException"
        assert "currently experiencing downtime" in message
    assert (managed.status(), managed.snapshots()) == ("RUNNING", [])


# --- Updates ---------------------------------------------------------------------------------------------------------


def test_update_version_or_token_is_stale_is_refused(managed: Double) -> None:
    before = managed.create()
    managed.ended("app", managed.update()["OperationId"])
    update, name = managed.client.update_application, {"ApplicationName": "app"}

    assert managed.describe()["ConditionalToken"] != before["ConditionalToken"]
    assert error_of(update, **name, CurrentApplicationVersionId=1)[0] == "ConcurrentModificationException"
    stale = {"ConditionalToken": before["ConditionalToken"]}
    assert error_of(update, **name, **stale)[0] == "ConcurrentModificationException"
    assert error_of(update, **name, CurrentApplicationVersionId=2, **stale)[0] == "ConcurrentModificationException"
    assert error_of(update, **name)[0] == "InvalidArgumentException"
    assert update(**name, ConditionalToken=managed.describe()["ConditionalToken"])["OperationId"]


def test_update_configuration_changes_what_it_names_alone(managed: Double, cluster: FakeCluster) -> None:
    cluster.put("new.jar", b"RUNS")
    properties = {"PropertyGroups": [{"PropertyGroupId": "g", "PropertyMap": {"k": "v"}}]}
    managed.create(configuration={**code(), "EnvironmentProperties": properties})
    before = managed.describe()["ApplicationConfigurationDescription"]

    managed.update(ApplicationConfigurationUpdate=code_update("new.jar"), ServiceExecutionRoleUpdate=ROLE + "2")
    detail = managed.describe()

    after = detail["ApplicationConfigurationDescription"]
    location = after.pop("ApplicationCodeConfigurationDescription")["CodeContentDescription"]
    assert location["S3ApplicationCodeLocationDescription"] == {"BucketARN": "arn:aws:s3:::code", "FileKey": "new.jar"}
    del before["ApplicationCodeConfigurationDescription"]
    assert before == after
    assert detail["ServiceExecutionRole"] == ROLE + "2"
    await_that(lambda: managed.status() == "READY")
    managed.update(ApplicationConfigurationUpdate={"EnvironmentPropertyUpdates": {"PropertyGroups": []}})
    described = managed.describe()["ApplicationConfigurationDescription"]
    assert described["EnvironmentPropertyDescriptions"] == {"PropertyGroupDescriptions": []}


def test_update_what_cannot_be_is_refused_and_leaves_the_version(managed: Double) -> None:
    managed.create()
    run = {"ApplicationRestoreConfiguration": {"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"}}
    missing = code_update("missing.jar")

    assert error_of(managed.update, RunConfigurationUpdate=run)[0] == "InvalidRequestException"
    assert error_of(managed.update, ApplicationConfigurationUpdate=missing)[0] == "InvalidArgumentException"
    assert error_of(managed.update, RuntimeEnvironmentUpdate="SQL-1_0")[0] == "UnsupportedOperationException"
    option = [{"CloudWatchLoggingOptionId": "none"}]
    assert error_of(managed.update, CloudWatchLoggingOptionUpdates=option)[0] == "InvalidArgumentException"
    assert managed.describe()["ApplicationVersionId"] == 1


def test_describe_version_old_one_has_its_own_configuration(managed: Double) -> None:
    properties = {"PropertyGroups": [{"PropertyGroupId": "g", "PropertyMap": {"k": "old"}}]}
    new = {"PropertyGroups": [{"PropertyGroupId": "g", "PropertyMap": {"k": "new"}}]}
    managed.create(configuration={**code(), "EnvironmentProperties": properties})
    managed.update(ApplicationConfigurationUpdate={"EnvironmentPropertyUpdates": new})

    values = []
    for version in (1, 2):
        answer = managed.client.describe_application_version(ApplicationName="app", ApplicationVersionId=version)
        described = answer["ApplicationVersionDetail"]["ApplicationConfigurationDescription"]
        groups = described["EnvironmentPropertyDescriptions"]["PropertyGroupDescriptions"]
        values.append(groups[0]["PropertyMap"]["k"])

    assert values == ["old", "new"]


# --- Starts, snapshots, operations -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "restore",
    [
        {"ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT", "SnapshotName": "none"},
        {"ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT"},
        {"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT", "SnapshotName": "none"},
    ],
)
def test_start_restore_that_makes_no_sense_is_refused(managed: Double, restore: dict[str, str]) -> None:
    managed.create()

    assert error_of(managed.start, ApplicationRestoreConfiguration=restore)[0] == "InvalidArgumentException"
    assert managed.status() == "READY"


def test_start_application_without_code_is_refused(managed: Double) -> None:
    managed.client.create_application(**create_request())

    assert error_of(managed.start)[0] == "InvalidApplicationConfigurationException"


def test_create_snapshot_name_is_taken_one_is_under_way_or_quota_is_full_is_refused(
    cluster: FakeCluster, cluster_url: str, tmp_path: Path
) -> None:
    with double(cluster_url, tmp_path, quotas=Quotas(snapshots=2)) as managed:
        managed.running()
        create = managed.client.create_application_snapshot
        create(ApplicationName="app", SnapshotName="one")
        await_that(lambda: managed.snapshots()[0]["SnapshotStatus"] == "READY")
        cluster.saves_hang = True
        create(ApplicationName="app", SnapshotName="two")

        assert error_of(create, ApplicationName="app", SnapshotName="one")[0] == "ResourceInUseException"
        assert error_of(create, ApplicationName="app", SnapshotName="three")[0] == "ResourceInUseException"
        cluster.saves_hang = False
        await_that(lambda: managed.snapshots()[1]["SnapshotStatus"] == "READY")
        assert error_of(create, ApplicationName="app", SnapshotName="three")[0] == "LimitExceededException"
        # What the service takes itself isn't held up by the quota.
        managed.ended("app", managed.client.stop_application(ApplicationName="app")["OperationId"])
        assert len(managed.snapshots()) == 3


def test_delete_snapshot_right_timestamp_disposes_of_its_savepoint(managed: Double, cluster: FakeCluster) -> None:
    managed.running()
    managed.client.create_application_snapshot(ApplicationName="app", SnapshotName="one")
    await_that(lambda: managed.snapshots()[0]["SnapshotStatus"] == "READY")
    created = managed.snapshots()[0]["SnapshotCreationTimestamp"]
    request = {"ApplicationName": "app", "SnapshotName": "one"}
    delete = managed.client.delete_application_snapshot
    other = created.timestamp() - 1
    assert error_of(delete, **request, SnapshotCreationTimestamp=other)[0] == "InvalidArgumentException"

    delete(**request, SnapshotCreationTimestamp=created)

    await_that(lambda: managed.snapshots() == [])
    assert cluster.savepoints == set()


def test_list_snapshots_and_operations_page_by_page_gives_all_once(managed: Double) -> None:
    managed.running()
    for number in range(3):
        managed.client.create_application_snapshot(ApplicationName="app", SnapshotName=f"s{number}")
        await_that(lambda: managed.snapshots()[-1]["SnapshotStatus"] == "READY")
    managed.ended("app", managed.update()["OperationId"])
    managed.ended("app", managed.client.stop_application(ApplicationName="app", Force=True)["OperationId"])

    def all_of(operation: str, key: str, **request: str) -> list[Any]:
        pages = managed.client.get_paginator(operation).paginate(
            ApplicationName="app", PaginationConfig={"PageSize": 2}, **request
        )
        return [item for page in pages for item in page[key]]

    snapshots = all_of("list_application_snapshots", "SnapshotSummaries")
    assert [snapshot["SnapshotName"] for snapshot in snapshots][:3] == ["s0", "s1", "s2"]
    assert len(snapshots) == 4
    operations = all_of("list_application_operations", "ApplicationOperationInfoList")
    names = [operation["Operation"] for operation in operations]
    assert names == ["StopApplication", "UpdateApplication", "StartApplication"]
    assert len(all_of("list_application_operations", "ApplicationOperationInfoList", Operation="StopApplication")) == 1
    assert all_of("list_application_operations", "ApplicationOperationInfoList", OperationStatus="FAILED") == []
    token = {"ApplicationName": "app", "NextToken": "nonsense"}
    assert error_of(managed.client.list_application_snapshots, **token)[0] == "InvalidArgumentException"


def test_operations_with_a_lag_are_listed_later(cluster_url: str, tmp_path: Path) -> None:
    with double(cluster_url, tmp_path, operations_lag=0.5) as managed:
        managed.create()
        operation = managed.client.start_application(ApplicationName="app", RunConfiguration={})["OperationId"]

        assert error_of(managed.operation, name="app", operation_id=operation)[0] == "ResourceNotFoundException"
        assert managed.client.list_application_operations(ApplicationName="app")["ApplicationOperationInfoList"] == []
        listed = managed.client.list_application_operations
        await_that(lambda: len(listed(ApplicationName="app")["ApplicationOperationInfoList"]) == 1)


# --- Tags, maintenance, dashboard, plan ------------------------------------------------------------------------------


def test_tags_are_added_replaced_and_removed(managed: Double) -> None:
    arn = managed.create(Tags=[{"Key": "a", "Value": "1"}])["ApplicationARN"]
    client = managed.client

    client.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b"}])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [
        {"Key": "a", "Value": "2"},
        {"Key": "b", "Value": ""},
    ]
    client.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "b", "Value": ""}]
    many = [{"Key": f"k{number}"} for number in range(50)]
    assert error_of(client.tag_resource, ResourceARN=arn, Tags=many)[0] == "TooManyTagsException"


def test_maintenance_window_lasts_eight_hours(managed: Double) -> None:
    managed.create()

    update = {"ApplicationMaintenanceWindowStartTimeUpdate": "22:30"}
    answer = managed.client.update_application_maintenance_configuration(
        ApplicationName="app", ApplicationMaintenanceConfigurationUpdate=update
    )

    window = {"ApplicationMaintenanceWindowStartTime": "22:30", "ApplicationMaintenanceWindowEndTime": "06:30"}
    assert answer["ApplicationMaintenanceConfigurationDescription"] == window


def test_presigned_url_leads_to_the_running_job(managed: Double, cluster: FakeCluster) -> None:
    managed.running()

    url = managed.client.create_application_presigned_url(ApplicationName="app", UrlType="FLINK_DASHBOARD_URL")

    response = httpx.get(url["AuthorizedUrl"], trust_env=False)
    assert response.status_code == httpx.codes.FOUND
    assert cluster.running[0].id in response.headers["Location"]
    assert httpx.get(f"{managed.url}/flinkdashboard?authToken=other", trust_env=False).status_code == 403


def test_describe_with_details_has_the_jobs_plan(managed: Double) -> None:
    managed.running()

    answer = managed.client.describe_application(ApplicationName="app", IncludeAdditionalDetails=True)

    described = answer["ApplicationDetail"]["ApplicationConfigurationDescription"]
    assert described["FlinkApplicationConfigurationDescription"]["JobPlanDescription"] == '{"name": "the plan"}'


# --- Faults ----------------------------------------------------------------------------------------------------------


def test_fault_refuse_hits_the_calls_that_it_names_so_often(managed: Double) -> None:
    managed.create()
    managed.fault("REFUSE", operation="DescribeApplication", times=2, after=1, message="Rate exceeded")

    managed.describe()
    assert error_of(managed.describe) == ("ThrottlingException", "Rate exceeded")
    assert managed.client.list_applications()["ApplicationSummaries"] != []
    assert error_of(managed.describe)[0] == "ThrottlingException"
    managed.describe()


def test_fault_refuse_other_error_is_answered(managed: Double) -> None:
    managed.create()
    managed.fault("REFUSE", error="ServiceUnavailableException", application="app")

    with pytest.raises(ClientError) as caught:
        managed.describe()

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_fault_lose_answer_leaves_the_effect_and_lose_request_does_not(managed: Double) -> None:
    managed.create()
    managed.fault("LOSE_REQUEST", operation="StartApplication")
    with pytest.raises(ConnectionClosedError):
        managed.start()
    assert managed.status() == "READY"

    managed.fault("LOSE_ANSWER", operation="StartApplication")
    with pytest.raises(ConnectionClosedError):
        managed.start()
    await_that(lambda: managed.status() == "RUNNING")


def test_fault_slow_answers_late(managed: Double) -> None:
    managed.create()
    managed.fault("SLOW", seconds=0.3)

    begin = time.monotonic()
    managed.describe()

    assert time.monotonic() - begin >= 0.3


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({}, "Say which kind of fault"),
        ({"kind": "FIRE"}, "'FIRE' is not a valid FaultKind"),
        ({"kind": "HOLD", "status": "BUSY"}, "'BUSY' is not a valid Status"),
        ({"kind": "SLOW", "seconds": -1}, "seconds has to be a number from 0"),
        ({"kind": "SLOW", "colour": "red"}, "A fault has no colour."),
    ],
)
def test_fault_that_is_none_is_refused(managed: Double, fault: dict[str, Any], words: str) -> None:
    response = managed.control("faults", **fault)

    assert response.status_code == 400
    assert words in response.json()["error"]


def test_page_in_a_browser_is_refused(managed: Double) -> None:
    headers = {"Origin": "https://elsewhere.example"}

    response = httpx.post(f"{managed.url}/_double/faults", headers=headers, json={"kind": "SLOW"}, trust_env=False)

    assert response.status_code == 403
    assert httpx.get(f"{managed.url}/_double/faults", trust_env=False).json() == []


def test_control_lists_and_removes_faults_and_shows_applications(managed: Double) -> None:
    managed.running()
    managed.fault("SLOW", times=2)
    get = httpx.get(f"{managed.url}/_double/faults", trust_env=False).json()
    assert [(fault["kind"], fault["times"]) for fault in get] == [("SLOW", 2)]
    assert httpx.delete(f"{managed.url}/_double/faults", trust_env=False).json() == {"removed": 1}
    shown = httpx.get(f"{managed.url}/_double/applications/app", trust_env=False).json()
    assert (shown["status"], shown["job_id"] is None) == ("RUNNING", False)
    assert managed.control("applications/none/maintenance").status_code == 404
    assert managed.control("applications/app/autoscaling").status_code == 400
    assert httpx.get(f"{managed.url}/_double/health", trust_env=False).json() == {"flink": "2.3.0"}
