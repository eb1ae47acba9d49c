"""The stack's settings: local/settings.env, overridden by environment variables of the same name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError

ACCOUNT = "000000000000"
REGION = "us-east-1"
STAGE = "local"
JOBS_BUCKET = "sluiceway-local-jobs"
DATA_BUCKET = "sluiceway-local-data"

# Lambda's own Java isn't here to run JVM_MANAGED.
PACKAGINGS = ("JVM_LOCAL", "NATIVE", "JVM_AOT")

ROOT = Path(__file__).resolve().parents[2]
SETTINGS_FILE = ROOT / "local" / "settings.env"


@dataclass(frozen=True)
class Settings:
    """Where the stack listens and keeps its files; ports are 1..65535, slots at least 1, packaging as CDK's."""

    aws_port: int
    airflow_port: int
    flink_port: int
    flink_rpc_port: int
    managed_flink_port: int
    flink_slots: int
    packaging: str
    run_dir: Path
    root: Path = ROOT

    def variables(self) -> dict[str, str]:
        """The environment variables by which another program takes the same settings."""
        return {
            "SLUICEWAY_AWS_PORT": str(self.aws_port),
            "SLUICEWAY_AIRFLOW_PORT": str(self.airflow_port),
            "SLUICEWAY_FLINK_PORT": str(self.flink_port),
            "SLUICEWAY_FLINK_RPC_PORT": str(self.flink_rpc_port),
            "SLUICEWAY_MANAGED_FLINK_PORT": str(self.managed_flink_port),
            "SLUICEWAY_FLINK_SLOTS": str(self.flink_slots),
            "SLUICEWAY_PACKAGING": self.packaging,
        }

    @property
    def aws_url(self) -> str:
        """Where MiniStack answers, for S3, Lambda and everything else."""
        return f"http://127.0.0.1:{self.aws_port}"

    @property
    def airflow_url(self) -> str:
        """Airflow's UI and API."""
        return f"http://127.0.0.1:{self.airflow_port}"

    @property
    def flink_url(self) -> str:
        """Flink's UI and REST API."""
        return f"http://127.0.0.1:{self.flink_port}"

    @property
    def managed_flink_url(self) -> str:
        """The control API of the double of Managed Flink, for `kinesisanalyticsv2` and nothing else."""
        return f"http://127.0.0.1:{self.managed_flink_port}"


def load_settings(file: Path = SETTINGS_FILE, environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads the settings file and lays the environment over it; raises StackError if a value can't be used."""
    values = _parse(file)
    values.update({name: environment[name] for name in values if name in environment})
    settings = Settings(
        aws_port=_number(values, "SLUICEWAY_AWS_PORT", file, most=65535),
        airflow_port=_number(values, "SLUICEWAY_AIRFLOW_PORT", file, most=65535),
        flink_port=_number(values, "SLUICEWAY_FLINK_PORT", file, most=65535),
        flink_rpc_port=_number(values, "SLUICEWAY_FLINK_RPC_PORT", file, most=65535),
        managed_flink_port=_number(values, "SLUICEWAY_MANAGED_FLINK_PORT", file, most=65535),
        flink_slots=_number(values, "SLUICEWAY_FLINK_SLOTS", file, most=1024),
        packaging=_packaging(values, file),
        run_dir=ROOT / "local" / "run",
    )
    ports = [
        settings.aws_port,
        settings.airflow_port,
        settings.flink_port,
        settings.flink_rpc_port,
        settings.managed_flink_port,
    ]
    if len(set(ports)) < len(ports):
        raise StackError(f"Two parts have the same port ({', '.join(map(str, ports))}). Give each its own in {file}.")
    return settings


def _parse(file: Path) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise StackError(f"Line {number} of {file} isn't NAME=value: {text}")
        values[name.strip()] = value.strip()
    return values


def _packaging(values: Mapping[str, str], file: Path) -> str:
    text = values.get("SLUICEWAY_PACKAGING")
    if text is None:
        raise StackError(f"SLUICEWAY_PACKAGING is missing in {file}.")
    if text not in PACKAGINGS:
        raise StackError(f"SLUICEWAY_PACKAGING is {text!r}, but the laptop runs {', '.join(PACKAGINGS)}.")
    return text


def _number(values: Mapping[str, str], name: str, file: Path, most: int) -> int:
    text = values.get(name)
    if text is None:
        raise StackError(f"{name} is missing in {file}.")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise StackError(f"{name} is {text!r}, but has to be a number from 1 to {most}.")
    return int(text)
