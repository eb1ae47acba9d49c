"""State on a real Flink survives what the double does to a job."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from managed_flink.lifecycle import Pace
from tests.fakes import FakeCluster, serve_cluster
from tests.harness import Double, await_that, code, double, served
from tests.real_flink import FLIGHTS, JAR, REFERENCE, real_flink

pytestmark = pytest.mark.slow

PACE = Pace(passing=0.1, poll=0.2, start_limit=120, snapshot_limit=120)
MINUTE = 60
# The whole year in somewhat more than a minute.
REPLAY = "480000"


@dataclass
class Place:
    """Where the tests' Flink is, and where things are."""

    flink: str
    s3: str
    directory: Path

    def double(self) -> Any:
        """A double over that Flink."""
        return double(
            self.flink,
            self.directory,
            s3_url=self.s3,
            snapshots=f"file://{self.directory}/snapshots",
            pace=PACE,
            patience=3 * MINUTE,
        )

    def properties(self, output: str, **arguments: str) -> dict[str, Any]:
        """The property group of the example job."""
        group = {"input": f"file://{FLIGHTS}", "output": f"file://{self.directory}/{output}", **arguments}
        return {"PropertyGroups": [{"PropertyGroupId": "program-arguments", "PropertyMap": group}]}

    def configuration(self, output: str, **arguments: str) -> dict[str, Any]:
        checkpoints = {"ConfigurationType": "CUSTOM", "CheckpointInterval": 1000, "MinPauseBetweenCheckpoints": 0}
        return {
            **code(),
            "EnvironmentProperties": self.properties(output, **arguments),
            "FlinkApplicationConfiguration": {"CheckpointConfiguration": checkpoints},
        }

    def lines(self, output: str) -> list[str]:
        """What the job has committed so far."""
        parts = (self.directory / output).glob("part-*.jsonl")
        return [line for part in parts for line in part.read_text().splitlines()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("managed")
    code_store = FakeCluster()
    code_store.put("job.jar", JAR.read_bytes())
    with (
        served(serve_cluster(code_store)) as s3,
        real_flink(directory, directory / "application_properties.json") as flink,
    ):
        yield Place(flink, s3, directory)


def reference(*arguments: str) -> list[str]:
    """The lines that the job has to write, by a program that shares no code with it."""
    command = [sys.executable, str(REFERENCE), "--input", str(FLIGHTS), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def grown(place: Place, output: str) -> None:
    """Waits until the job has committed more than there is now."""
    before = len(place.lines(output))
    await_that(lambda: len(place.lines(output)) > before, seconds=MINUTE)


def snapshot_ready(managed: Double, name: str) -> None:
    def is_ready() -> bool:
        found = managed.client.describe_application_snapshot(ApplicationName="stream", SnapshotName=name)
        return bool(found["SnapshotDetails"]["SnapshotStatus"] == "READY")

    await_that(is_ready, seconds=MINUTE)


def stop(managed: Double, name: str, **more: bool) -> None:
    operation = managed.client.stop_application(ApplicationName=name, **more)["OperationId"]
    assert managed.ended(name, operation)["OperationStatus"] == "SUCCESSFUL"
    assert managed.status(name) == "READY"


def failure(operation: Any) -> str:
    """What an operation that failed tells."""
    assert operation["OperationStatus"] == "FAILED"
    return str(operation["OperationFailureDetails"]["ErrorInfo"]["ErrorString"])


def test_results_go_on_over_snapshot_stop_restart_update_and_a_restart_of_the_double(place: Place) -> None:
    parallel = {"ParallelismConfigurationUpdate": {"ConfigurationTypeUpdate": "CUSTOM", "ParallelismUpdate": 2}}

    with place.double() as managed:
        managed.create("stream", configuration=place.configuration("stream", replay=REPLAY))
        assert managed.start("stream")["OperationStatus"] == "SUCCESSFUL"
        grown(place, "stream")

        managed.client.create_application_snapshot(ApplicationName="stream", SnapshotName="mine")
        snapshot_ready(managed, "mine")
        assert list((place.directory / "snapshots/stream/mine").glob("*/_metadata"))
        grown(place, "stream")

        stop(managed, "stream")
        stopped_at = len(place.lines("stream"))
        assert managed.start("stream")["OperationStatus"] == "SUCCESSFUL"
        grown(place, "stream")

        configuration = {"FlinkApplicationConfigurationUpdate": parallel}
        update = managed.update("stream", ApplicationConfigurationUpdate=configuration)
        assert managed.ended("stream", update["OperationId"])["OperationStatus"] == "SUCCESSFUL"
        grown(place, "stream")

    with place.double() as managed:
        assert managed.status("stream") == "RUNNING"
        job_id = managed.lifecycle.applications["stream"].job_id
        assert job_id is not None
        flink, asked = managed.lifecycle.flink, ("numRestarts", "lastCheckpointDuration", "numBytesIn")
        # Flink fetches a job's metrics when they are asked for, so the first answer is empty.
        await_that(lambda: set(flink.metrics(job_id, asked)) == {"numRestarts", "lastCheckpointDuration"})
        names = [snapshot["SnapshotName"].split("-")[0] for snapshot in managed.snapshots("stream")]
        assert names == ["mine", "STOP", "UPDATEAPPLICATION"]
        expected = sorted(reference())
        await_that(lambda: len(place.lines("stream")) >= len(expected), seconds=5 * MINUTE)
        assert stopped_at < len(expected)
        # Each hour of each airport once, with the right numbers: nothing was forgotten and nothing counted twice.
        assert sorted(place.lines("stream")) == expected

        created = managed.snapshots("stream")[0]["SnapshotCreationTimestamp"]
        managed.client.delete_application_snapshot(
            ApplicationName="stream", SnapshotName="mine", SnapshotCreationTimestamp=created
        )
        await_that(lambda: len(managed.snapshots("stream")) == 2, seconds=MINUTE)
        assert not list((place.directory / "snapshots/stream/mine").glob("*/_metadata"))
        stop(managed, "stream", Force=True)


def test_bounded_job_finishes_and_the_application_is_ready(place: Place) -> None:
    days = {"from": "2013-01-05", "to": "2013-01-08"}
    with place.double() as managed:
        managed.create("bounded", configuration=place.configuration("bounded", **days))

        assert managed.start("bounded")["OperationStatus"] == "SUCCESSFUL"

        await_that(lambda: managed.status("bounded") == "READY", seconds=2 * MINUTE)
        expected = reference("--from", days["from"], "--to", days["to"])
        assert sorted(place.lines("bounded")) == sorted(expected)


def test_start_that_fails_tells_flinks_own_reason(place: Place) -> None:
    with place.double() as managed:
        managed.create("wrong", configuration=place.configuration("wrong", replay="fast"))

        error = failure(managed.start("wrong"))

        assert "INVALID_ARGUMENT: --replay is fast" in error
        assert managed.status("wrong") == "READY"

        properties = {"EnvironmentPropertyUpdates": place.properties("wrong", replay="3600")}
        managed.ended("wrong", managed.update("wrong", ApplicationConfigurationUpdate=properties)["OperationId"])
        assert managed.start("wrong")["OperationStatus"] == "SUCCESSFUL"
        stop(managed, "wrong")
        shutil.rmtree(place.directory / "snapshots/wrong")

        error = failure(managed.start("wrong"))

        assert "savepoint" in error.lower()
        assert managed.status("wrong") == "READY"


def test_job_whose_tasks_fail_restarts_without_end_while_the_application_is_running(place: Place) -> None:
    # Nothing can be written below a file. The cluster's own setting ends a job at its sixth failure.
    (place.directory / "looping").touch()
    with place.double() as managed:
        managed.create("looping", configuration=place.configuration("looping", replay="3600"))

        assert managed.start("looping")["OperationStatus"] == "SUCCESSFUL"

        job_id = managed.lifecycle.applications["looping"].job_id
        assert job_id is not None
        flink = managed.lifecycle.flink
        await_that(lambda: flink.metrics(job_id, ("numRestarts",)).get("numRestarts", 0) > 6, seconds=2 * MINUTE)
        assert managed.status("looping") == "RUNNING"
        stop(managed, "looping", Force=True)
