"""The command line's own environment, and running a program on a stack that is left as it was."""

import fcntl
import io
import os
import signal
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import boto3
import httpx
import pytest

from stack.__main__ import during, leave_shell, main
from stack.cloud import Cloud
from stack.errors import BusyError, StackError
from stack.parts import Part
from stack.ports import port_is_free
from stack.processes import Processes
from stack.progress import Progress
from stack.settings import Settings, load_settings
from stack.stack import Stack
from tests.scripts import SERVER, SLEEPER, command, eventually
from tests.test_stack import ONLY, parts

NOTHING = (sys.executable, "-c", "")


class SmallStack(Stack):
    """A stack of two small parts, which deploys nothing."""

    def __init__(self, run_dir: Path, port: int) -> None:
        def give(_settings: Settings, _jdk: Path | None) -> list[Part]:
            return parts(run_dir, port)

        super().__init__(replace(load_settings(environment={}), run_dir=run_dir), Progress(io.StringIO()), give)

    def up(self, only: Sequence[str] = ONLY) -> None:
        super().up(only)

    def states(self) -> list[str]:
        return [status.state for status in self.status()]


@pytest.fixture
def stack(run_dir: Path, free_port: int) -> SmallStack:
    return SmallStack(run_dir, free_port)


def test_during_stack_was_down_is_down_afterwards(stack: SmallStack) -> None:
    assert during(stack, (sys.executable, "-c", "import sys; sys.exit(3)")) == 3

    assert stack.states() == ["stopped", "stopped"]


def test_during_stack_was_up_stays_up(stack: SmallStack) -> None:
    stack.up()

    during(stack, NOTHING)

    assert stack.states() == ["running", "running"]


def test_during_all_parts_had_died_is_down_afterwards(stack: SmallStack, run_dir: Path) -> None:
    stack.up()
    for process in Processes(run_dir).find():
        os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: stack.states() == ["died", "died"])

    during(stack, NOTHING)

    assert stack.states() == ["stopped", "stopped"]


class OvertakenStack(SmallStack):
    """A stack that another `make up` begins to start right before its own."""

    def up(self, only: Sequence[str] = ONLY) -> None:
        run_dir = self._settings.run_dir
        run_dir.mkdir()
        with (run_dir / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._processes.start("other", command(SLEEPER), os.environ, run_dir)
            super().up(only)


def test_during_another_brings_it_up_leaves_that_alone(run_dir: Path, free_port: int) -> None:
    with pytest.raises(BusyError, match="Another `make up`"):
        during(OvertakenStack(run_dir, free_port), NOTHING)

    assert Processes(run_dir).is_running("other")


class HalfStack(SmallStack):
    """A stack that doesn't come up as a whole."""

    def up(self, only: Sequence[str] = ONLY) -> None:
        super().up(only)
        raise StackError("Half of it is up.")


def test_during_up_fails_is_down_afterwards(run_dir: Path, free_port: int) -> None:
    with pytest.raises(StackError, match="Half of it is up"):
        during(HalfStack(run_dir, free_port), NOTHING)

    assert Processes(run_dir).find() == []


@pytest.mark.usefixtures("shell")
def test_main_shell_has_other_accounts_and_proxies_leaves_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    monkeypatch.setenv("AIRFLOW_HOME", "/elsewhere")
    monkeypatch.setenv("SLUICEWAY_FLINK_SLOTS", "2")

    assert main(["status"]) == 0

    assert {"AWS_PROFILE", "AIRFLOW_HOME"}.isdisjoint(os.environ)
    assert os.environ["SLUICEWAY_FLINK_SLOTS"] == "2"
    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"


@pytest.mark.usefixtures("shell")
def test_main_demo_on_unknown_cluster_says_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--cluster", "manged"]) == 1

    said = "There is no cluster 'manged' to run the demo on. Say CLUSTER=local or CLUSTER=managed.\n"
    assert capsys.readouterr() == ("", said)


@pytest.mark.usefixtures("shell")
def test_leave_shell_has_a_proxy_clients_go_past_it(
    monkeypatch: pytest.MonkeyPatch, processes: Processes, run_dir: Path, free_port: int
) -> None:
    # Nobody listens there.
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    processes.start("web", command(SERVER, str(free_port)), os.environ, run_dir)
    eventually(lambda: not port_is_free(free_port))
    url = f"http://127.0.0.1:{free_port}"

    leave_shell(replace(load_settings(environment={}), aws_port=free_port))

    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.status == 200
    assert httpx.get(url, timeout=10).status_code == 200
    assert boto3.client("s3").head_bucket(Bucket="any")["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.usefixtures("shell")
def test_leave_shell_has_an_unknown_profile_clients_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nosuch")
    settings = load_settings(environment={})

    leave_shell(settings)

    Cloud(settings)
