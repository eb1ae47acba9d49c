"""Finding the programs that Sluiceway doesn't bring along."""

import subprocess
from pathlib import Path

import pytest

from stack.settings import ROOT


def find(tool: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "local" / "find", tool],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def make_program(directory: Path, name: str, prints: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / name
    file.write_text(f"#!/bin/sh\necho '{prints}'\n")
    file.chmod(0o755)


def make_jdk(directory: Path, version: str) -> Path:
    make_program(directory / "bin", "java", version)
    make_program(directory / "bin", "javac", version)
    (directory / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{version}"\n')
    return directory


@pytest.mark.parametrize("version", ["25", "25.0.1"])
def test_find_jdk_java_home_is_25_takes_it(version: str, tmp_path: Path) -> None:
    jdk = make_jdk(tmp_path / "jdk", version)

    assert find("jdk", JAVA_HOME=str(jdk)).stdout == f"{jdk}\n"


@pytest.mark.parametrize("version", ["17.0.15", "2.5", "250"])
def test_find_jdk_java_home_is_another_looks_on(version: str, tmp_path: Path) -> None:
    jdk = make_jdk(tmp_path / "jdk", version)
    other = make_jdk(tmp_path / "home" / ".sdkman" / "candidates" / "java" / "25.0.1-tem", "25.0.1")

    found = Path(find("jdk", JAVA_HOME=str(jdk), HOME=str(tmp_path / "home")).stdout.strip())

    # One that is installed on this machine comes before the one in the home directory.
    assert found != jdk
    assert found == other or 'JAVA_VERSION="25' in (found / "release").read_text()


def test_find_python_is_too_old_says_what_to_do(tmp_path: Path) -> None:
    make_program(tmp_path, "python3", "3.9")
    (tmp_path / "bash").symlink_to("/bin/bash")
    (tmp_path / "env").symlink_to("/usr/bin/env")

    found = find("python", PATH=str(tmp_path))

    assert found.returncode == 1
    assert found.stderr.startswith("Sluiceway needs Python 3.11 or newer")


def test_find_node_is_too_old_says_what_to_do(tmp_path: Path) -> None:
    make_program(tmp_path, "node", "v18.19.0")

    found = find("node", PATH=f"{tmp_path}:/usr/bin:/bin")

    assert found.returncode == 1
    assert found.stderr == ("CDK needs Node 20 or newer, but the node on the PATH is v18.19.0. Install a newer one.\n")


@pytest.mark.parametrize(("version", "is_found"), [("3.6.3", False), ("3.8.7", True), ("4.0.0", True)])
def test_find_maven_takes_3_8_or_newer(version: str, is_found: bool, tmp_path: Path) -> None:
    make_program(tmp_path, "mvn", f"Apache Maven {version} (abc)")

    found = find("maven", PATH=f"{tmp_path}:/usr/bin:/bin")

    assert (found.returncode == 0) == is_found
    assert is_found or f"is {version}. Install a newer one." in found.stderr
