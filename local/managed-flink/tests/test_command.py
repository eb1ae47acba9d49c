"""The command that starts the double."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.harness import client

ROOT = Path(__file__).parent.parent


def test_command_serves_until_it_is_told_to_end(cluster_url: str, tmp_path: Path) -> None:
    options = ["--port", "0", "--flink", cluster_url, "--s3-endpoint", cluster_url, "--snapshots", "file:///snapshots"]
    files = ["--properties-file", str(tmp_path / "properties.json"), "--state", str(tmp_path / "state")]
    process = subprocess.Popen(
        [sys.executable, "-m", "managed_flink", *options, *files],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        url = first.removeprefix("Managed Flink: ").split(",")[0]
        assert client(url).list_applications()["ApplicationSummaries"] == []
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0


def test_command_setting_without_a_value_is_refused(tmp_path: Path) -> None:
    options = ["--flink", "http://127.0.0.1:1", "--snapshots", "file:///s", "--properties-file", str(tmp_path / "p")]
    result = subprocess.run(
        [sys.executable, "-m", "managed_flink", *options, "-D", "key"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 2
    assert "-D takes KEY=VALUE, not key" in result.stderr
