"""Starting, finding and stopping real processes."""

import json
import os
import signal
import time
from pathlib import Path

import psutil

from stack.processes import Processes, Record
from tests.scripts import DEAF, PARENT, SLEEPER, command, eventually, says_up, stranger


def start(processes: Processes, script: str, part: str = "part") -> Record:
    return processes.start(part, command(script), os.environ, Path(processes.log_file(part)).parent)


def test_start_part_leads_a_session_of_its_own(processes: Processes) -> None:
    record = start(processes, SLEEPER)

    assert os.getsid(record.pid) == record.pid
    assert processes.is_running("part")
    assert processes.record("part") == record


def test_start_again_keeps_the_log_before(processes: Processes) -> None:
    start(processes, "print('first')")
    eventually(lambda: not processes.is_running("part"))
    start(processes, SLEEPER)

    log = processes.log_file("part")
    eventually(says_up(log))
    assert log.with_suffix(".log.1").read_text() == "first\n"


def test_stop_part_with_children_ends_them_all(processes: Processes) -> None:
    start(processes, PARENT)
    eventually(says_up(processes.log_file("part"), times=2))
    running = processes.find(["part"])

    killed = processes.stop(["part"], grace_seconds=10)

    assert len(running) == 3
    assert killed == []
    assert processes.find(["part"]) == []
    assert processes.record("part") is None


def test_stop_after_a_crash_ends_the_orphans(processes: Processes) -> None:
    record = start(processes, PARENT)
    eventually(says_up(processes.log_file("part"), times=2))
    os.kill(record.pid, signal.SIGKILL)
    eventually(lambda: not processes.is_running("part"))
    orphans = processes.find(["part"])

    processes.stop(["part"], grace_seconds=10)

    assert len(orphans) == 2
    assert processes.find(["part"]) == []


def test_stop_part_that_ignores_it_is_killed_and_named(processes: Processes) -> None:
    start(processes, DEAF)
    eventually(says_up(processes.log_file("part")))

    killed = processes.stop(["part"], grace_seconds=0.2)

    assert killed == ["part"]
    assert processes.find(["part"]) == []


def test_stop_record_is_lost_ends_the_part(processes: Processes, run_dir: Path) -> None:
    start(processes, SLEEPER)
    (run_dir / "parts" / "part.json").unlink()

    processes.stop(["part"], grace_seconds=10)

    assert processes.find(["part"]) == []


def test_stop_process_id_was_reused_leaves_the_stranger_alone(processes: Processes, run_dir: Path) -> None:
    with stranger() as process:
        (run_dir / "parts").mkdir(parents=True)
        record = {"part": "part", "pid": process.pid, "started": time.time(), "port": None, "fingerprint": ""}
        (run_dir / "parts" / "part.json").write_text(json.dumps(record))

        assert not processes.is_running("part")
        processes.stop(["part"], grace_seconds=10)

        assert psutil.Process(process.pid).is_running()
        assert processes.record("part") is None


def test_stop_one_part_leaves_the_other_running(processes: Processes) -> None:
    start(processes, SLEEPER, "part")
    start(processes, SLEEPER, "other")

    processes.stop(["part"], grace_seconds=10)

    assert processes.is_running("other")


def test_stop_part_of_another_stack_is_left_alone(processes: Processes, run_dir: Path) -> None:
    start(processes, SLEEPER)

    Processes(run_dir / "elsewhere").stop(["part"], grace_seconds=10)

    assert processes.is_running("part")


def test_record_half_written_is_none(processes: Processes, run_dir: Path) -> None:
    (run_dir / "parts").mkdir(parents=True)
    (run_dir / "parts" / "part.json").write_text('{"part": "pa')

    assert processes.record("part") is None
