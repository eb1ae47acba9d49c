"""The programs that the stack runs and doesn't bring along."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from stack.errors import StackError
from stack.settings import ROOT


def find_jdk() -> Path:
    """The home of a JDK 25; raises StackError if there is none."""
    return _find("jdk")


def find_cdk() -> Path:
    """The CDK command line that npm installed, after a look at Node; raises StackError if one is missing."""
    _find("node")
    cdk = ROOT / "infra" / "cdk" / "node_modules" / ".bin" / "cdk"
    if not cdk.exists():
        raise StackError("CDK isn't installed: run `make up`, which does that, or `npm ci` in infra/cdk.")
    return cdk


def run(command: Sequence[str | Path], environment: Mapping[str, str], directory: Path, log: Path) -> None:
    """Runs a program to its end and appends its output to a log; raises StackError with the log's end if it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        result = subprocess.run(
            command,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if result.returncode != 0:
        words = " ".join(Path(word).name for word in command[:2])
        raise StackError(f"`{words}` failed with exit code {result.returncode}. {last_lines(log)}")


def last_lines(log: Path, count: int = 20) -> str:
    """The end of a log, indented, with a line before it that says which log it is."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return f"It wrote no log ({log})."
    return f"The end of {log}:\n" + "\n".join(f"    {line}" for line in lines[-count:])


def _find(tool: str) -> Path:
    found = subprocess.run([ROOT / "local" / "find", tool], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise StackError(found.stderr.strip())
    return Path(found.stdout.strip())
