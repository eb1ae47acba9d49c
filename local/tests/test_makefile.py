"""What the Makefile says where the Python environment is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stack.settings import ROOT


def make(directory: Path, target: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "Makefile", directory)
    # These tests may run below a make, whose settings are not meant for this one.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", target], cwd=directory, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_make_down_nothing_was_started_says_so(tmp_path: Path) -> None:
    result = make(tmp_path, "down")

    assert result.returncode == 0
    assert result.stdout == "Nothing was ever started here: run 'make up'.\n"


@pytest.mark.parametrize("target", ["down", "status", "logs"])
def test_make_down_environment_is_gone_fails_and_says_how_to_get_it_back(target: str, tmp_path: Path) -> None:
    records = tmp_path / "local" / "run" / "parts"
    records.mkdir(parents=True)
    (records / "aws.json").touch()

    result = make(tmp_path, target)

    assert result.returncode != 0
    assert "A stack was started here, but .venv, which is needed to find it, is gone" in result.stderr
    assert "run 'make .venv/.installed' first." in result.stderr
