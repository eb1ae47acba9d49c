"""Reading the settings."""

from pathlib import Path

import pytest

from stack.errors import StackError
from stack.settings import SETTINGS_FILE, load_settings


def test_load_settings_shipped_file_is_whole() -> None:
    settings = load_settings(environment={})

    assert settings.aws_url == "http://127.0.0.1:4566"
    assert settings.airflow_url == "http://127.0.0.1:8380"
    assert settings.flink_url == "http://127.0.0.1:8381"
    assert settings.managed_flink_url == "http://127.0.0.1:8383"
    assert settings.flink_slots == 8
    assert settings.packaging == "JVM_LOCAL"


def test_load_settings_environment_has_one_wins() -> None:
    assert load_settings(environment={"SLUICEWAY_AWS_PORT": "4567"}).aws_port == 4567


def test_variables_taken_by_another_program_give_the_same_settings() -> None:
    moved = {
        "SLUICEWAY_AIRFLOW_PORT": "9380",
        "SLUICEWAY_FLINK_SLOTS": "2",
        "SLUICEWAY_MANAGED_FLINK_PORT": "9383",
        "SLUICEWAY_PACKAGING": "NATIVE",
    }
    settings = load_settings(environment=moved)

    assert load_settings(environment=settings.variables()) == settings


@pytest.mark.parametrize("value", ["", "http", "0", "65536", "-1", "8 080", "٣"])
def test_load_settings_no_port_says_which(value: str) -> None:
    with pytest.raises(StackError, match=r"SLUICEWAY_AWS_PORT is .* has to be a number from 1 to 65535"):
        load_settings(environment={"SLUICEWAY_AWS_PORT": value})


@pytest.mark.parametrize("value", ["", "native", "JVM_MANAGED"])
def test_load_settings_packaging_that_the_laptop_cant_run_says_which_it_can(value: str) -> None:
    with pytest.raises(StackError, match=r"SLUICEWAY_PACKAGING is .*, but the laptop runs JVM_LOCAL, NATIVE, JVM_AOT"):
        load_settings(environment={"SLUICEWAY_PACKAGING": value})


def test_load_settings_two_parts_on_one_port_says_so() -> None:
    with pytest.raises(StackError, match="Two parts have the same port"):
        load_settings(environment={"SLUICEWAY_AWS_PORT": "8380"})


def test_load_settings_setting_is_missing_says_which(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text(SETTINGS_FILE.read_text().replace("SLUICEWAY_FLINK_SLOTS=8", ""))

    with pytest.raises(StackError, match="SLUICEWAY_FLINK_SLOTS is missing"):
        load_settings(file, {})


def test_load_settings_packaging_is_missing_says_so(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text(SETTINGS_FILE.read_text().replace("SLUICEWAY_PACKAGING=JVM_LOCAL", ""))

    with pytest.raises(StackError, match="SLUICEWAY_PACKAGING is missing"):
        load_settings(file, {})


def test_load_settings_line_without_value_says_where(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("# ports\nSLUICEWAY_AWS_PORT\n")

    with pytest.raises(StackError, match=r"Line 2 of .* isn't NAME=value"):
        load_settings(file, {})
