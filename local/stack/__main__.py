"""The command line: `python -m stack up`, `demo`, `down`, `status` and so on; the Makefile is its front door."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import NoReturn

from stack import tools
from stack.demo import Cluster, Demo, cluster_of
from stack.errors import BusyError, StackError
from stack.parts import aws_environment
from stack.progress import Progress
from stack.settings import Settings, load_settings
from stack.stack import PartStatus, Stack, base_environment


def main(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load_settings()
        leave_shell(settings)
        progress = Progress()
        stack = Stack(settings, progress)
        match options.command:
            case "up":
                stack.up(options.part)
                if not options.part:
                    print(
                        f"\nAirflow  {settings.airflow_url}\nFlink    {settings.flink_url}\nAWS      {settings.aws_url}"
                    )
            case "demo":
                cluster = cluster_of(options.cluster)
                stack.up()
                Demo(settings, progress).run(cluster)
            case "during":
                return during(stack, options.program)
            case "down":
                stack.down()
            case "status":
                print(table(stack.status()))
            case "logs":
                _logs(stack, options.part, options.follow)
            case "run":
                _run(stack, options.program)
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. `make down` ends what was started.", file=sys.stderr)
        return 130
    return 0


def leave_shell(settings: Settings) -> None:
    """Rids this process of the shell's variables that would lead its own clients astray, as the parts are rid of them.

    Such as a proxy, which isn't to be asked for 127.0.0.1, or the user's AWS profile. Settings stay.
    """
    kept = {name: value for name, value in os.environ.items() if name.startswith("SLUICEWAY_")}
    own = base_environment() | kept | aws_environment(settings)
    os.environ.clear()
    os.environ.update(own)


def table(states: Sequence[PartStatus]) -> str:
    """The states of the parts, in aligned columns."""
    rows = [("PART", "STATE", "PID", "ADDRESS", "SINCE")]
    for state in states:
        since = "" if state.since is None else state.since.strftime("%Y-%m-%d %H:%M:%S")
        rows.append((state.part, state.state, str(state.pid or ""), state.address or "", since))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _logs(stack: Stack, part: str | None, follow: bool) -> NoReturn:
    files = stack.log_files(part)
    if not files:
        raise StackError("There are no logs yet: nothing was started.")
    os.execvp("tail", ["tail", "-n", "20", *(["-F"] if follow else []), *map(str, files)])


def during(stack: Stack, program: Sequence[str]) -> int:
    """Runs a program on the stack; a stack that wasn't up before is down afterwards."""
    if not program:
        raise StackError("Say what to run, such as `during pytest -m stack`.")
    leave = any(state.state in ("running", "not answering") for state in stack.status())
    try:
        stack.up()
        return subprocess.run(program, env=stack.environment(tools.find_jdk()), check=False).returncode
    except BusyError:
        # What becomes of the stack is up to the other.
        leave = True
        raise
    finally:
        if not leave:
            stack.down()


def _run(stack: Stack, program: Sequence[str]) -> NoReturn:
    if not program:
        raise StackError("Say what to run, such as `run airflow dags list`.")
    try:
        os.execvpe(program[0], list(program), stack.environment(tools.find_jdk()))
    except OSError as error:
        raise StackError(f"{program[0]} can't be run: {error.strerror}.") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stack", description="The laptop stack: MiniStack, Flink and Airflow.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start what isn't running, deploy what has changed")
    up.add_argument("part", nargs="*", help="start only these parts, and deploy nothing")
    demo = commands.add_parser(
        "demo", help="bring the stack up, run the example DAGs, and check and show their results"
    )
    demo.add_argument(
        "--cluster", default=Cluster.LOCAL, help="local, or managed: Managed Flink, which runs the stream"
    )
    commands.add_parser("down", help="end every process of the stack")
    commands.add_parser("status", help="how each part is")
    logs = commands.add_parser("logs", help="the ends of the logs, and what comes")
    logs.add_argument("part", nargs="?", help="only this part's")
    logs.add_argument("--no-follow", dest="follow", action="store_false", help="end instead of waiting for more")
    run = commands.add_parser("run", help="run a program that belongs to the stack, such as `run airflow dags list`")
    run.add_argument("program", nargs=argparse.REMAINDER)
    during = commands.add_parser("during", help="bring the stack up, run a program on it, and leave it as it was")
    during.add_argument("program", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
