"""What a native package needs of Lambda's machines, and how large it may be."""

import dataclasses
import json
import sys
import zipfile
from pathlib import Path

import pytest

from stack import binary
from stack.binary import Package, complaints, main, read, read_binary, recorded_size
from stack.errors import StackError
from stack.settings import ROOT

GOOD = Package(
    architecture="x86_64",
    libraries=frozenset({"libc.so.6", "ld-linux-x86-64.so.2"}),
    glibc=(2, 34),
    strange=frozenset(),
    features=frozenset({"SSE2"}),
    bytes=90,
    zipped=30,
)
SAYS = b"does not support all of the following CPU features that are required by the image: [%s].\n"
BUILT = ROOT / "functions" / "target" / "native" / "function.zip"


def test_read_binary_that_runs_here_names_its_libraries_and_glibc() -> None:
    content = Path(sys.executable).resolve().read_bytes()

    package = read_binary(content, 7)

    assert package.architecture in {"x86_64", "arm64"}
    assert any(name.startswith("libc.so") for name in package.libraries)
    assert package.glibc > (2, 0)
    assert package.features is None
    assert (package.bytes, package.zipped) == (len(content), 7)


def test_read_binary_that_checks_its_processor_names_the_features() -> None:
    content = Path(sys.executable).resolve().read_bytes()

    assert read_binary(content + SAYS % b"SSE2, AVX2", 7).features == frozenset({"SSE2", "AVX2"})
    assert read_binary(content + SAYS % b"", 7).features == frozenset()


def test_read_no_package_says_so(tmp_path: Path) -> None:
    text = tmp_path / "text.zip"
    text.write_text("no zip")
    script = tmp_path / "script.zip"
    with zipfile.ZipFile(script, "w") as archive:
        archive.writestr("bootstrap", "#!/bin/sh")
    empty = tmp_path / "empty.zip"
    zipfile.ZipFile(empty, "w").close()

    for file in text, script, empty:
        with pytest.raises(StackError, match="is no native package"):
            read(file)
    with pytest.raises(StackError, match="`make native` makes it"):
        read(tmp_path / "missing.zip")


def test_complaints_what_lambda_has_are_none() -> None:
    assert complaints(GOOD, 30) == []
    assert complaints(dataclasses.replace(GOOD, libraries=frozenset({"libz.so.1"})), None) == []
    assert complaints(dataclasses.replace(GOOD, architecture="arm64", features=frozenset({"FP", "LSE"})), 30) == []


@pytest.mark.parametrize(
    ("package", "says"),
    [
        (dataclasses.replace(GOOD, architecture=None), "neither for x86-64 nor for arm64"),
        (dataclasses.replace(GOOD, libraries=frozenset({"libstdc++.so.6"})), "needs libstdc++.so.6"),
        (dataclasses.replace(GOOD, glibc=(2, 38)), "needs glibc 2.38; provided.al2023 has 2.34"),
        (dataclasses.replace(GOOD, strange=frozenset({"GLIBC_ABI_DT_RELR"})), "needs GLIBC_ABI_DT_RELR of glibc"),
        (dataclasses.replace(GOOD, features=frozenset({"AVX2", "SSE2"})), "a processor with AVX2, which"),
        (dataclasses.replace(GOOD, features=None), "doesn't tell which features"),
    ],
)
def test_complaints_what_lambda_lacks_is_said(package: Package, says: str) -> None:
    (complaint,) = complaints(package, 30)

    assert says in complaint


def test_complaints_grown_by_more_than_a_twentieth_is_said() -> None:
    assert complaints(dataclasses.replace(GOOD, zipped=1050), 1000) == []
    (complaint,) = complaints(dataclasses.replace(GOOD, zipped=1051), 1000)
    assert complaint.startswith("The package has 1,051 bytes, 5.1 % more than the 1,000 that are recorded")


def test_recorded_size_of_an_architecture_that_nobody_built_for_is_none() -> None:
    assert recorded_size("riscv64") is None
    assert recorded_size(None) is None


@pytest.fixture
def sizes(tmp_path: Path) -> Path:
    file = tmp_path / "sizes.json"
    file.write_text('{"x86_64": 1, "arm64": 1}\n')
    return file


def test_main_package_that_needs_too_much_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = tmp_path / "function.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("bootstrap", Path(sys.executable).resolve().read_bytes() + SAYS % b"SHA512")

    assert main([str(package)]) == 1
    assert "needs a processor with SHA512" in capsys.readouterr().err


def test_main_runtime_of_its_own_is_held_to_glibc(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binary, "GLIBC", (2, 1))
    package = tmp_path / "function-aot.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("bootstrap", "#!/bin/sh")
        archive.writestr("runtime/bin/java", Path(sys.executable).resolve().read_bytes())

    assert main([str(package)]) == 1
    assert "runtime/bin/java: The binary needs glibc 2." in capsys.readouterr().err


def test_main_runtime_that_is_too_large_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "function-aot.zip"
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("runtime/bin/java", "#!/bin/sh")

    assert main([str(package)]) == 0
    monkeypatch.setattr(binary, "LARGEST_UNZIPPED", 8)
    assert main([str(package)]) == 1
    assert "9 bytes unzipped; Lambda takes 8" in capsys.readouterr().err


def test_main_record_package_that_lambda_can_run_is_what_others_are_held_to(
    sizes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binary, "read", lambda _: GOOD)

    assert main(["--sizes", str(sizes)]) == 1
    assert main(["--sizes", str(sizes), "--record"]) == 0
    assert main(["--sizes", str(sizes)]) == 0
    assert json.loads(sizes.read_text()) == {"arm64": 1, "x86_64": 30}


def test_main_record_package_that_lambda_cant_run_is_not_recorded(sizes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binary, "read", lambda _: dataclasses.replace(GOOD, features=None))
    before = sizes.read_text()

    assert main(["--sizes", str(sizes), "--record"]) == 1
    assert sizes.read_text() == before


def test_main_package_that_was_built_here_runs_on_lambda(capsys: pytest.CaptureFixture[str]) -> None:
    if not BUILT.exists():
        pytest.skip("no native package is here; `make native` makes one, with a native-image or Docker")

    assert main([]) == 0, capsys.readouterr().err
