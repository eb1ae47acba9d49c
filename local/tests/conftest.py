"""What several tests share."""

import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.processes import Processes
from tests.scripts import unused_port

PARTS = ["part", "other", "web"]


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    """The directory of a stack whose processes are ended after the test."""
    directory = tmp_path / "run"
    yield directory
    Processes(directory).stop(PARTS, grace_seconds=0)


@pytest.fixture
def processes(run_dir: Path) -> Processes:
    """The processes of that stack."""
    return Processes(run_dir)


@pytest.fixture
def shell() -> Iterator[None]:
    """Undoes whatever a test does to this process's environment."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    # urllib keeps the proxies that it found first.
    urllib.request.install_opener(urllib.request.build_opener())


@pytest.fixture
def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    return unused_port()
