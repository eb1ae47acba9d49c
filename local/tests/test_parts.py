"""What the parts are: their fingerprints, and what is done before they start."""

from dataclasses import replace
from pathlib import Path

import pytest

from stack import airflow
from stack.parts import Part, stack_parts
from stack.settings import ACCOUNT, DATA_BUCKET, JOBS_BUCKET, Settings, load_settings

JDK = Path("/jdk")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(load_settings(environment={}), run_dir=tmp_path)


def parts(settings: Settings) -> dict[str, Part]:
    return {part.name: part for part in stack_parts(settings, JDK)}


def changed(before: Settings, after: Settings) -> set[str]:
    """The parts that would be started in another way."""
    old, new = parts(before), parts(after)
    return {name for name in old if old[name].fingerprint != new[name].fingerprint}


def test_stack_parts_upper_layers_come_last(settings: Settings) -> None:
    layers = [part.layer for part in stack_parts(settings, JDK)]

    assert layers == sorted(layers)
    assert len(layers) == 9


def test_fingerprint_same_settings_is_the_same(settings: Settings) -> None:
    airflow.make_keys(settings)

    assert changed(settings, replace(settings)) == set()


def test_fingerprint_more_slots_changes_flink_only(settings: Settings) -> None:
    assert changed(settings, replace(settings, flink_slots=9)) == {"flink-jobmanager", "flink-taskmanager"}


def test_fingerprint_another_airflow_port_changes_airflow_only(settings: Settings) -> None:
    moved = changed(settings, replace(settings, airflow_port=9380))

    assert moved == {"airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"}


def test_fingerprint_another_port_of_managed_flink_changes_it_only(settings: Settings) -> None:
    assert changed(settings, replace(settings, managed_flink_port=9383)) == {"managed-flink"}


def test_managed_flink_writes_the_properties_where_jobs_read_them(settings: Settings) -> None:
    command = parts(settings)["managed-flink"].command
    file = parts(settings)["flink-jobmanager"].environment["APPLICATION_PROPERTIES_FILE"]

    assert command[command.index("--properties-file") + 1] == file
    assert Path(file).is_relative_to(settings.run_dir)


def test_managed_flink_is_over_the_stacks_flink_and_aws(settings: Settings) -> None:
    command = parts(replace(settings, flink_port=9381, aws_port=5566))["managed-flink"].command

    assert command[command.index("--flink") + 1] == "http://127.0.0.1:9381"
    assert command[command.index("--s3-endpoint") + 1] == "http://127.0.0.1:5566"


def test_fingerprint_another_aws_port_changes_all_who_use_it(settings: Settings) -> None:
    assert changed(settings, replace(settings, aws_port=5566)) == set(parts(settings))


def test_fingerprint_another_jdk_changes_what_runs_on_it(settings: Settings) -> None:
    before = {part.name: part.fingerprint for part in stack_parts(settings, JDK)}
    after = {part.name: part.fingerprint for part in stack_parts(settings, Path("/other"))}

    assert {name for name in before if before[name] != after[name]} == {"aws", "flink-jobmanager", "flink-taskmanager"}


def test_prepare_aws_keeps_the_data_bucket_only(settings: Settings) -> None:
    buckets = settings.run_dir / "aws" / "s3" / ACCOUNT
    leftover = settings.run_dir / "aws" / "tmp" / "lambda"
    for directory in (buckets / DATA_BUCKET, buckets / JOBS_BUCKET, leftover):
        directory.mkdir(parents=True)

    parts(settings)["aws"].prepare()

    assert [bucket.name for bucket in buckets.iterdir()] == [DATA_BUCKET]
    assert leftover.parent.is_dir()
    assert not leftover.exists()


def test_prepare_aws_never_ran_makes_its_directory_of_temporary_files(settings: Settings) -> None:
    parts(settings)["aws"].prepare()

    assert (settings.run_dir / "aws" / "tmp").is_dir()


@pytest.mark.parametrize("name", ["jobmanager", "taskmanager"])
def test_prepare_flink_drops_temporary_files_and_keeps_logs(name: str, settings: Settings) -> None:
    directory = settings.run_dir / "flink" / name
    (directory / "tmp" / "blobs").mkdir(parents=True)
    log = directory / f"{name}.log"
    log.touch()

    parts(settings)[f"flink-{name}"].prepare()

    assert not (directory / "tmp").exists()
    assert log.exists()


def test_api_server_waits_for_the_database_less_than_tasks_wait_for_it(settings: Settings) -> None:
    def patience(part: Part) -> int:
        return int(part.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].partition("?timeout=")[2])

    found = parts(settings)
    server, scheduler = found["airflow-api-server"], found["airflow-scheduler"]

    assert 2 * patience(server) < float(scheduler.environment["AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT"])
    assert {name: patience(part) for name, part in found.items() if name.startswith("airflow-")} == {
        "airflow-api-server": patience(server),
        "airflow-scheduler": 60,
        "airflow-dag-processor": 60,
        "airflow-triggerer": 60,
    }


def test_flink_pages_of_other_origins_may_not_read_it(settings: Settings) -> None:
    command = parts(replace(settings, flink_port=9381))["flink-jobmanager"].command

    assert "-Dweb.access-control-allow-origin=http://127.0.0.1:9381" in command
