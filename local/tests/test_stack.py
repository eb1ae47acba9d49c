"""Up, down and status with small parts in place of MiniStack, Flink and Airflow."""

import fcntl
import io
import os
import re
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stack.__main__ import table
from stack.errors import BusyError, StackError
from stack.parts import Layer, Part
from stack.ports import is_held_by, port_is_free
from stack.processes import Processes
from stack.progress import Progress
from stack.settings import Settings, load_settings
from stack.stack import Stack, base_environment
from tests.scripts import FORKING_SERVER, SERVER, SLEEPER, command, eventually

ONLY = ["web", "other"]


def parts(run_dir: Path, port: int) -> list[Part]:
    return [
        Part(
            name="web",
            layer=Layer.AWS,
            command=command(SERVER, str(port)),
            directory=run_dir / "web",
            is_ready=lambda _started: not port_is_free(port),
            ports={"SLUICEWAY_WEB_PORT": port},
            address=f"http://127.0.0.1:{port}",
        ),
        Part(
            name="other",
            layer=Layer.FLINK,
            command=command(SLEEPER),
            directory=run_dir / "other",
            is_ready=lambda _started: True,
        ),
    ]


class Bench:
    """A stack of two small parts, and what it said."""

    def __init__(self, run_dir: Path, port: int) -> None:
        self.parts = parts(run_dir, port)
        self.output = io.StringIO()
        self.processes = Processes(run_dir)
        settings = replace(load_settings(environment={}), run_dir=run_dir)
        give: Callable[[Settings, Path | None], list[Part]] = lambda _settings, _jdk: self.parts  # noqa: E731
        self.stack = Stack(settings, Progress(self.output), give)

    def move_web(self, port: int) -> None:
        """Has `web` listen on another port from its next start on."""
        self.parts[0] = replace(
            self.parts[0],
            command=command(SERVER, str(port)),
            is_ready=lambda _started: not port_is_free(port),
            ports={"SLUICEWAY_WEB_PORT": port},
        )

    def pids(self) -> list[int | None]:
        return [status.pid for status in self.stack.status()]

    def states(self) -> list[str]:
        return [status.state for status in self.stack.status()]


@pytest.fixture
def bench(run_dir: Path, free_port: int) -> Bench:
    return Bench(run_dir, free_port)


def test_up_nothing_runs_starts_all_and_waits(bench: Bench) -> None:
    assert bench.states() == ["stopped", "stopped"]

    bench.stack.up(ONLY)

    assert bench.states() == ["running", "running"]
    assert "web is ready: http://127.0.0.1:" in bench.output.getvalue()


def test_up_all_run_starts_nothing(bench: Bench) -> None:
    bench.stack.up(ONLY)
    before = bench.pids()

    bench.stack.up(ONLY)

    assert bench.pids() == before


def test_up_one_has_died_starts_that_one(bench: Bench) -> None:
    bench.stack.up(ONLY)
    web, other = bench.pids()
    assert web is not None
    os.kill(web, signal.SIGKILL)
    eventually(lambda: bench.states() == ["died", "running"])

    bench.stack.up(ONLY)

    assert bench.states() == ["running", "running"]
    assert bench.pids()[0] != web
    assert bench.pids()[1] == other


def test_up_settings_have_changed_starts_anew(bench: Bench) -> None:
    bench.stack.up(ONLY)
    web, other = bench.pids()
    bench.parts[1] = replace(bench.parts[1], environment={"SIZE": "2"})

    bench.stack.up(ONLY)

    assert bench.pids()[0] == web
    assert bench.pids()[1] != other
    assert "other runs with other settings and is started anew." in bench.output.getvalue()


def test_up_port_is_taken_says_by_whom_and_starts_nothing(bench: Bench, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        expected = rf"Port {free_port}, which web needs, is taken by .*\(pid {os.getpid()}\).*SLUICEWAY_WEB_PORT="
        with pytest.raises(StackError, match=expected):
            bench.stack.up(ONLY)

    assert bench.states() == ["stopped", "stopped"]


def test_up_port_is_taken_forgets_nothing(bench: Bench, run_dir: Path, free_port: int) -> None:
    history = run_dir / "airflow" / "airflow.db"
    history.parent.mkdir(parents=True)
    history.touch()

    with socket.create_server(("127.0.0.1", free_port)), pytest.raises(StackError, match="is taken by"):
        bench.stack.up(ONLY)

    assert history.exists()


def test_up_running_parts_new_port_is_taken_stops_nothing(bench: Bench) -> None:
    bench.stack.up(ONLY)
    before = bench.pids()
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: int = server.getsockname()[1]
        bench.move_web(taken)
        bench.parts[1] = replace(bench.parts[1], environment={"SIZE": "2"})

        with pytest.raises(StackError, match=f"Port {taken}, which web needs, is taken by"):
            bench.stack.up(ONLY)

    assert bench.pids() == before
    assert len(bench.processes.find(ONLY)) == 2


def test_up_running_part_has_changed_but_for_its_port_starts_anew_on_it(bench: Bench, free_port: int) -> None:
    bench.stack.up(ONLY)
    web, other = bench.pids()
    bench.parts[0] = replace(bench.parts[0], environment={"SIZE": "2"})

    bench.stack.up(ONLY)

    assert bench.states() == ["running", "running"]
    assert not port_is_free(free_port)
    assert bench.pids()[0] != web
    assert bench.pids()[1] == other


def test_up_orphan_of_a_died_part_holds_its_port_starts_anew_on_it(bench: Bench, free_port: int) -> None:
    bench.parts[0] = replace(bench.parts[0], command=command(FORKING_SERVER, str(free_port)))
    bench.stack.up(ONLY)
    web = bench.pids()[0]
    assert web is not None
    os.kill(web, signal.SIGKILL)
    eventually(lambda: bench.states() == ["died", "running"])
    assert not port_is_free(free_port)

    bench.stack.up(ONLY)

    assert bench.states() == ["running", "running"]


def test_up_both_have_changed_stops_the_upper_layer_first(bench: Bench) -> None:
    bench.stack.up(ONLY)
    bench.parts = [replace(part, environment={"SIZE": "2"}) for part in bench.parts]

    bench.stack.up(ONLY)

    assert re.findall(r"s  stop (\w+)", bench.output.getvalue()) == ["other", "web"]


def test_up_part_ends_at_once_shows_its_last_words(bench: Bench) -> None:
    bench.parts[1] = replace(
        bench.parts[1], command=command("import sys; sys.exit('no disk')"), is_ready=lambda _started: False
    )

    with pytest.raises(StackError, match=re.compile(r"other ended instead of coming up\. .*no disk", re.DOTALL)):
        bench.stack.up(ONLY)


def test_up_unknown_part_names_the_known_ones(bench: Bench) -> None:
    with pytest.raises(StackError, match=r"There is no part 'webb'\. The parts are web, other\."):
        bench.stack.up(["webb"])


def test_up_another_is_under_way_says_so(bench: Bench, run_dir: Path) -> None:
    run_dir.mkdir()
    with (run_dir / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="Another `make up` or `make down` is under way"):
            bench.stack.up(ONLY)


def test_down_all_run_ends_all(bench: Bench, free_port: int) -> None:
    bench.stack.up(ONLY)

    bench.stack.down()

    assert bench.states() == ["stopped", "stopped"]
    assert port_is_free(free_port)


def test_down_servers_child_has_its_port_frees_it(bench: Bench, free_port: int) -> None:
    bench.parts[0] = replace(bench.parts[0], command=command(FORKING_SERVER, str(free_port)))
    bench.stack.up(ONLY)
    running = bench.processes.find()
    assert is_held_by(free_port, running)

    bench.stack.down()

    assert len(running) == 3
    assert bench.processes.find() == []
    assert port_is_free(free_port)


def test_down_after_a_crash_ends_the_rest(bench: Bench) -> None:
    bench.stack.up(ONLY)
    web = bench.pids()[0]
    assert web is not None
    os.kill(web, signal.SIGKILL)

    bench.stack.down()

    assert bench.states() == ["stopped", "stopped"]
    assert bench.processes.find(ONLY) == []


def test_down_nothing_runs_says_so(bench: Bench) -> None:
    bench.stack.down()

    assert "Nothing is running." in bench.output.getvalue()


def test_status_runs_but_is_not_ready_is_not_answering(bench: Bench) -> None:
    bench.stack.up(ONLY)
    bench.parts[1] = replace(bench.parts[1], is_ready=lambda _started: False)

    assert bench.states() == ["running", "not answering"]


def test_table_columns_are_aligned(bench: Bench) -> None:
    bench.stack.up(ONLY)

    lines = table(bench.stack.status()).splitlines()

    assert lines[0].split() == ["PART", "STATE", "PID", "ADDRESS", "SINCE"]
    assert len({line.index("running") for line in lines[1:]} | {lines[0].index("STATE")}) == 1


def test_status_never_started_writes_nothing(bench: Bench, run_dir: Path) -> None:
    bench.stack.status()
    bench.stack.log_files()
    bench.stack.environment()

    assert not run_dir.exists()


def test_up_again_keeps_airflows_keys(bench: Bench, run_dir: Path) -> None:
    bench.stack.up(ONLY)
    keys = (run_dir / "airflow-keys.json").read_text()
    bench.stack.down()

    bench.stack.up(ONLY)

    assert (run_dir / "airflow-keys.json").read_text() == keys


def test_log_files_one_part_gives_only_its_own(bench: Bench, run_dir: Path) -> None:
    bench.stack.up(ONLY)

    assert bench.stack.log_files("web") == [run_dir / "log" / "web.log"]
    assert len(bench.stack.log_files()) == 2


def test_base_environment_keeps_the_stack_from_the_users_accounts() -> None:
    user = {"PATH": "/bin", "AWS_PROFILE": "production", "AIRFLOW_HOME": "/a", "PYTHONPATH": "x", "NO_PROXY": "a.b"}

    environment = base_environment(user)

    assert environment == {
        "PATH": "/bin",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": "a.b,127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def test_base_environment_of_its_own_is_the_same() -> None:
    environment = base_environment({"PATH": "/bin"})

    assert base_environment(environment) == environment
