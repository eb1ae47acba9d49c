"""Applications move from status to status, and what runs follows."""

import json
from pathlib import Path

import pytest

from tests.fakes import FakeCluster
from tests.harness import Double, await_that, code, code_update, double

CUSTOM = "RESTORE_FROM_CUSTOM_SNAPSHOT"
SKIP = {"ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"}
ROLLBACK = {"ApplicationSystemRollbackConfiguration": {"RollbackEnabled": True}}
NO_SNAPSHOTS = {"ApplicationSnapshotConfiguration": {"SnapshotsEnabled": False}}


def parallelism(number: int) -> dict[str, object]:
    return {
        "FlinkApplicationConfigurationUpdate": {
            "ParallelismConfigurationUpdate": {"ConfigurationTypeUpdate": "CUSTOM", "ParallelismUpdate": number}
        }
    }


def test_start_new_application_runs_its_code_as_configured(managed: Double, cluster: FakeCluster) -> None:
    cluster.put("job.jar", b"THROWS", version="1")
    cluster.put("job.jar", b"RUNS", version="2")
    configuration = {
        **code(version="2"),
        "EnvironmentProperties": {"PropertyGroups": [{"PropertyGroupId": "g", "PropertyMap": {"k": "v"}}]},
        "FlinkApplicationConfiguration": {
            "ParallelismConfiguration": {"ConfigurationType": "CUSTOM", "Parallelism": 3},
            "CheckpointConfiguration": {"ConfigurationType": "CUSTOM", "CheckpointInterval": 1234},
        },
    }
    managed.create(configuration=configuration)

    operation = managed.start()

    assert (operation["Operation"], operation["OperationStatus"]) == ("StartApplication", "SUCCESSFUL")
    assert managed.status() == "RUNNING"
    [job] = cluster.running
    assert job.jar == b"RUNS"
    assert job.run["parallelism"] == 3
    assert "savepointPath" not in job.run
    assert job.run["flinkConfiguration"]["execution.checkpointing.interval"] == "1234 ms"
    properties = json.loads((managed.directory / "application_properties.json").read_text())
    assert properties == [{"PropertyGroupId": "g", "PropertyMap": {"k": "v"}}]
    assert cluster.jars == {}


def test_describe_run_configuration_is_there_while_a_start_is_in_effect(managed: Double) -> None:
    managed.create()
    assert "RunConfigurationDescription" not in managed.describe()["ApplicationConfigurationDescription"]
    managed.start(FlinkRunConfiguration={"AllowNonRestoredState": True}, ApplicationRestoreConfiguration=SKIP)
    run = managed.describe()["ApplicationConfigurationDescription"]["RunConfigurationDescription"]
    assert run["FlinkRunConfigurationDescription"] == {"AllowNonRestoredState": True}
    assert run["ApplicationRestoreConfigurationDescription"] == SKIP

    managed.ended("app", managed.client.stop_application(ApplicationName="app")["OperationId"])

    assert "RunConfigurationDescription" not in managed.describe()["ApplicationConfigurationDescription"]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("throws.jar", "Could not execute application.\nCaused by: java.lang.IllegalStateException: main() has no"),
        ("fails.jar", "java.lang.IllegalStateException: main() has no idea."),
        ("waits.jar", "isn't up after 2 s: are there too few task slots?"),
    ],
)
def test_start_what_cannot_run_is_ready_again_and_tells_the_reason(
    managed: Double, cluster: FakeCluster, key: str, reason: str
) -> None:
    managed.create(key=key)

    operation = managed.start()

    assert operation["OperationStatus"] == "FAILED"
    assert reason in operation["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
    assert managed.status() == "READY"
    assert cluster.running == []


def test_start_code_was_deleted_meanwhile_is_ready_again_and_names_it(managed: Double, cluster: FakeCluster) -> None:
    managed.create()
    cluster.objects.clear()

    operation = managed.start()

    assert "s3://code/job.jar" in operation["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]
    assert managed.status() == "READY"


def test_start_other_flink_than_the_clusters_fails(managed: Double) -> None:
    managed.create(RuntimeEnvironment="FLINK-1_20")

    error = managed.start()["OperationFailureDetails"]["ErrorInfo"]["ErrorString"]

    assert error == "The application's runtime is FLINK-1_20, but the cluster behind this double runs FLINK-2_3."


def test_stop_running_application_keeps_its_state_for_the_next_start(managed: Double, cluster: FakeCluster) -> None:
    managed.running()

    operation = managed.client.stop_application(ApplicationName="app")["OperationId"]

    assert managed.ended("app", operation)["OperationStatus"] == "SUCCESSFUL"
    assert managed.status() == "READY"
    [snapshot] = managed.snapshots()
    assert snapshot["SnapshotName"].startswith("STOP-app-")
    assert (snapshot["SnapshotStatus"], snapshot["ApplicationVersionId"]) == ("READY", 1)
    assert managed.start()["OperationStatus"] == "SUCCESSFUL"
    assert {cluster.running[0].run["savepointPath"]} == cluster.savepoints


def test_stop_without_snapshots_takes_none(managed: Double, cluster: FakeCluster) -> None:
    managed.running(configuration=NO_SNAPSHOTS)

    managed.ended("app", managed.client.stop_application(ApplicationName="app")["OperationId"])

    assert (managed.status(), managed.snapshots()) == ("READY", [])
    assert cluster.jobs[0].state == "CANCELED"


def test_stop_snapshot_fails_goes_on_running(managed: Double, cluster: FakeCluster) -> None:
    managed.running()
    managed.fault("FAIL_SNAPSHOT")

    operation = managed.client.stop_application(ApplicationName="app")["OperationId"]

    assert managed.ended("app", operation)["OperationStatus"] == "FAILED"
    assert managed.status() == "RUNNING"
    assert managed.snapshots()[0]["SnapshotStatus"] == "FAILED"
    assert len(cluster.running) == 1


@pytest.mark.parametrize("status", ["STARTING", "RUNNING", "STOPPING", "UPDATING", "AUTOSCALING"])
def test_force_stop_in_each_status_that_allows_it_ends_the_job(
    managed: Double, cluster: FakeCluster, status: str
) -> None:
    managed.create()
    if status != "STARTING":
        managed.start()
    managed.fault("HOLD", status=status)
    match status:
        case "STARTING":
            managed.client.start_application(ApplicationName="app", RunConfiguration={})
        case "STOPPING":
            managed.client.stop_application(ApplicationName="app")
        case "UPDATING":
            managed.update()
        case "AUTOSCALING":
            managed.control("applications/app/autoscaling", parallelism=2)
    assert managed.status() == status
    before = managed.client.list_application_operations(ApplicationName="app")["ApplicationOperationInfoList"][0]

    operation = managed.client.stop_application(ApplicationName="app", Force=True)["OperationId"]

    assert managed.ended("app", operation)["OperationStatus"] == "SUCCESSFUL"
    assert (managed.status(), managed.snapshots(), cluster.running) == ("READY", [], [])
    cancelled = managed.operation("app", before["OperationId"])["OperationStatus"]
    assert cancelled == ("SUCCESSFUL" if status == "RUNNING" else "CANCELLED")


def test_force_stop_while_the_savepoint_is_written_leaves_a_failed_snapshot(
    managed: Double, cluster: FakeCluster
) -> None:
    managed.running()
    cluster.saves_hang = True
    managed.client.stop_application(ApplicationName="app")
    await_that(lambda: len(cluster.saving) == 1)

    managed.ended("app", managed.client.stop_application(ApplicationName="app", Force=True)["OperationId"])

    assert [snapshot["SnapshotStatus"] for snapshot in managed.snapshots()] == ["FAILED"]
    assert cluster.running == []


def test_start_from_each_restore_point_restores_from_it(managed: Double, cluster: FakeCluster) -> None:
    managed.running()
    for name in ("first", "second"):
        managed.client.create_application_snapshot(ApplicationName="app", SnapshotName=name)
        await_that(lambda: managed.snapshots()[-1]["SnapshotStatus"] == "READY")
    managed.ended("app", managed.client.stop_application(ApplicationName="app", Force=True)["OperationId"])

    paths = []
    for restore in (
        {"ApplicationRestoreType": CUSTOM, "SnapshotName": "first"},
        {"ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"},
        SKIP,
    ):
        assert managed.start(ApplicationRestoreConfiguration=restore)["OperationStatus"] == "SUCCESSFUL"
        paths.append(cluster.running[0].run.get("savepointPath", "none"))
        managed.ended("app", managed.client.stop_application(ApplicationName="app", Force=True)["OperationId"])

    assert "/app/first/" in paths[0]
    assert "/app/second/" in paths[1]
    assert paths[2] == "none"


def test_start_snapshot_that_cannot_be_restored_is_ready_again(managed: Double, cluster: FakeCluster) -> None:
    managed.running()
    managed.ended("app", managed.client.stop_application(ApplicationName="app")["OperationId"])
    cluster.savepoints.clear()

    assert managed.start()["OperationStatus"] == "FAILED"
    assert managed.status() == "READY"


def test_update_running_application_goes_on_from_its_state_in_a_new_version(
    managed: Double, cluster: FakeCluster
) -> None:
    managed.running()

    answer = managed.update(ApplicationConfigurationUpdate=parallelism(2))

    detail = answer["ApplicationDetail"]
    assert (detail["ApplicationStatus"], detail["ApplicationVersionId"]) == ("UPDATING", 2)
    assert detail["ApplicationVersionUpdatedFrom"] == 1
    operation = managed.ended("app", answer["OperationId"])
    assert operation["ApplicationVersionChangeDetails"] == {
        "ApplicationVersionUpdatedFrom": 1,
        "ApplicationVersionUpdatedTo": 2,
    }
    assert managed.status() == "RUNNING"
    [snapshot] = managed.snapshots()
    assert snapshot["SnapshotName"].startswith("UPDATEAPPLICATION-app-")
    assert snapshot["ApplicationVersionId"] == 1
    [job] = cluster.running
    assert job.run["parallelism"] == 2
    assert job.run["savepointPath"] in cluster.savepoints


def test_update_ready_application_starts_nothing(managed: Double, cluster: FakeCluster) -> None:
    managed.create()

    answer = managed.update(ApplicationConfigurationUpdate=parallelism(2))
    managed.ended("app", answer["OperationId"])

    assert (managed.status(), managed.describe()["ApplicationVersionId"], cluster.jobs) == ("READY", 2, [])


def test_update_without_saying_so_forgets_allow_non_restored_state(managed: Double, cluster: FakeCluster) -> None:
    managed.create()
    managed.start(FlinkRunConfiguration={"AllowNonRestoredState": True})
    assert cluster.running[0].run["allowNonRestoredState"] is True

    managed.ended("app", managed.update()["OperationId"])

    assert cluster.running[0].run["allowNonRestoredState"] is False


def test_update_to_code_that_throws_is_ready_in_the_new_version(managed: Double, cluster: FakeCluster) -> None:
    managed.running()

    answer = managed.update(ApplicationConfigurationUpdate=code_update("throws.jar"))

    assert managed.ended("app", answer["OperationId"])["OperationStatus"] == "FAILED"
    assert (managed.status(), managed.describe()["ApplicationVersionId"]) == ("READY", 2)
    assert cluster.running == []


def test_update_that_fails_rolls_back_by_itself_where_that_is_enabled(managed: Double, cluster: FakeCluster) -> None:
    managed.running(configuration=ROLLBACK)

    answer = managed.update(ApplicationConfigurationUpdate=code_update("throws.jar"))

    failed = managed.ended("app", answer["OperationId"])
    assert failed["OperationStatus"] == "FAILED"
    rollback = managed.ended("app", failed["OperationFailureDetails"]["RollbackOperationId"])
    assert (rollback["Operation"], rollback["OperationStatus"]) == ("RollbackApplication", "SUCCESSFUL")
    detail = managed.describe()
    assert (detail["ApplicationStatus"], detail["ApplicationVersionId"]) == ("RUNNING", 3)
    assert (detail["ApplicationVersionRolledBackFrom"], detail["ApplicationVersionRolledBackTo"]) == (2, 1)
    versions = managed.client.list_application_versions(ApplicationName="app")["ApplicationVersionSummaries"]
    assert {version["ApplicationVersionId"]: version["ApplicationStatus"] for version in versions} == {
        1: "READY",
        2: "ROLLED_BACK",
        3: "RUNNING",
    }
    [job] = cluster.running
    assert job.jar == b"RUNS"
    assert job.run["savepointPath"] in cluster.savepoints


def test_update_and_its_roll_back_fail_is_ready(managed: Double, cluster: FakeCluster) -> None:
    managed.running(configuration=ROLLBACK)
    managed.fault("FAIL_START", times=2, message="No machines.")

    failed = managed.ended("app", managed.update()["OperationId"])

    rollback = managed.ended("app", failed["OperationFailureDetails"]["RollbackOperationId"])
    assert rollback["OperationFailureDetails"]["ErrorInfo"]["ErrorString"] == "No machines."
    await_that(lambda: managed.status() == "READY")
    assert cluster.running == []


def test_update_that_fails_without_any_snapshot_is_ready(managed: Double, cluster: FakeCluster) -> None:
    managed.running(configuration={**ROLLBACK, **NO_SNAPSHOTS})

    answer = managed.update(ApplicationConfigurationUpdate=code_update("throws.jar"))

    failed = managed.ended("app", answer["OperationId"])
    assert "RollbackOperationId" not in failed["OperationFailureDetails"]
    assert (managed.status(), cluster.running) == ("READY", [])


@pytest.mark.parametrize(("makes_versions", "version"), [(False, 1), (True, 3)])
def test_scale_that_fails_rolls_back_to_the_parallelism_before(
    cluster: FakeCluster, cluster_url: str, tmp_path: Path, makes_versions: bool, version: int
) -> None:
    with double(cluster_url, tmp_path, scaling_makes_versions=makes_versions) as managed:
        managed.running(configuration=ROLLBACK)
        managed.fault("FAIL_START")

        operation = managed.control("applications/app/autoscaling", parallelism=4).json()["OperationId"]

        failed = managed.ended("app", operation)
        managed.ended("app", failed["OperationFailureDetails"]["RollbackOperationId"])
        assert (managed.status(), managed.describe()["ApplicationVersionId"]) == ("RUNNING", version)
        assert [job.run["parallelism"] for job in cluster.running] == [1]


def test_roll_back_running_application_goes_back_from_its_last_snapshot(managed: Double, cluster: FakeCluster) -> None:
    managed.running()
    managed.ended("app", managed.update(ApplicationConfigurationUpdate=parallelism(2))["OperationId"])

    answer = managed.client.rollback_application(ApplicationName="app", CurrentApplicationVersionId=2)

    assert answer["ApplicationDetail"]["ApplicationStatus"] == "ROLLING_BACK"
    assert managed.ended("app", answer["OperationId"])["OperationStatus"] == "SUCCESSFUL"
    [job] = cluster.running
    assert job.run["parallelism"] == 1
    assert job.run["savepointPath"] in cluster.savepoints


def test_scale_by_itself_restarts_from_the_state_with_another_parallelism(
    managed: Double, cluster: FakeCluster
) -> None:
    managed.running()

    operation = managed.control("applications/app/autoscaling", parallelism=4).json()["OperationId"]

    assert managed.ended("app", operation)["OperationStatus"] == "SUCCESSFUL"
    described = managed.describe()["ApplicationConfigurationDescription"]["FlinkApplicationConfigurationDescription"]
    parallel = described["ParallelismConfigurationDescription"]
    assert (parallel["Parallelism"], parallel["CurrentParallelism"]) == (1, 4)
    assert cluster.running[0].run["parallelism"] == 4
    assert managed.describe()["ApplicationVersionId"] == 1


def test_scale_where_it_makes_versions_raises_it(cluster_url: str, tmp_path: Path) -> None:
    with double(cluster_url, tmp_path, scaling_makes_versions=True) as managed:
        managed.running()

        operation = managed.control("applications/app/autoscaling", parallelism=2).json()["OperationId"]
        managed.ended("app", operation)

        assert managed.describe()["ApplicationVersionId"] == 2


def test_maintain_running_application_restarts_it(managed: Double, cluster: FakeCluster) -> None:
    managed.running()
    hold = managed.fault("HOLD", status="MAINTENANCE")

    operation = managed.control("applications/app/maintenance").json()["OperationId"]

    assert managed.status() == "MAINTENANCE"
    managed.mend(hold)
    assert managed.ended("app", operation)["OperationStatus"] == "SUCCESSFUL"
    assert managed.status() == "RUNNING"
    assert [job.state for job in cluster.jobs] == ["FINISHED", "RUNNING"]


@pytest.mark.parametrize("state", ["FINISHED", "FAILED"])
def test_job_ends_by_itself_makes_the_application_ready(managed: Double, cluster: FakeCluster, state: str) -> None:
    managed.running()

    cluster.jobs[0].state = state

    await_that(lambda: managed.status() == "READY")
    operations = managed.client.list_application_operations(ApplicationName="app")["ApplicationOperationInfoList"]
    assert [operation["Operation"] for operation in operations] == ["StartApplication"]


def test_job_fails_for_good_where_it_stays_running_stays(
    cluster: FakeCluster, cluster_url: str, tmp_path: Path
) -> None:
    with double(cluster_url, tmp_path, failed_jobs_stay=True) as managed:
        for name in ("failed", "finished"):
            managed.running(name)

        cluster.jobs[0].state, cluster.jobs[1].state = "FAILED", "FINISHED"

        await_that(lambda: managed.status("finished") == "READY")
        assert managed.status("failed") == "RUNNING"


def test_start_job_that_is_finished_already_succeeds_and_is_ready(managed: Double) -> None:
    managed.create(key="finishes.jar")

    assert managed.start()["OperationStatus"] == "SUCCESSFUL"

    await_that(lambda: managed.status() == "READY")


def test_delete_running_application_ends_the_job_and_removes_its_snapshots(
    managed: Double, cluster: FakeCluster
) -> None:
    detail = managed.running()
    managed.client.create_application_snapshot(ApplicationName="app", SnapshotName="one")
    await_that(lambda: managed.snapshots()[0]["SnapshotStatus"] == "READY")

    managed.client.delete_application(ApplicationName="app", CreateTimestamp=detail["CreateTimestamp"])

    await_that(lambda: managed.client.list_applications()["ApplicationSummaries"] == [])
    assert (cluster.running, cluster.savepoints) == ([], set())


def test_restart_of_the_double_keeps_applications_and_goes_on(
    cluster: FakeCluster, cluster_url: str, tmp_path: Path
) -> None:
    with double(cluster_url, tmp_path) as first:
        before = first.running("going")
        first.running("stopping")
        first.fault("HOLD", status="STOPPING")
        stop = first.client.stop_application(ApplicationName="stopping")["OperationId"]
        first.client.create_application_snapshot(ApplicationName="going", SnapshotName="one")
        await_that(lambda: first.snapshots("going")[0]["SnapshotStatus"] == "READY")

    with double(cluster_url, tmp_path) as second:
        after = second.describe("going")
        assert {name: before[name] for name in before} == {name: after[name] for name in before}
        assert [snapshot["SnapshotName"] for snapshot in second.snapshots("going")] == ["one"]
        assert second.status("stopping") == "RUNNING"
        assert second.operation("stopping", stop)["OperationStatus"] == "FAILED"
        second.ended("going", second.client.stop_application(ApplicationName="going")["OperationId"])
        assert len(cluster.running) == 1
