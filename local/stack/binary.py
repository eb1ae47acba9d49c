"""Reads a package as Lambda's machines would: what its binaries need of them, and how large it is.

`python -m stack.binary functions/target/native/function.zip` prints that, and fails with a sentence for each thing that
`provided.al2023` hasn't got, and when a native package has grown. `--record` makes its size the one that others are
held to. Of a package with a Java runtime of its own, `functions/target/function-aot.zip`, it looks whether glibc is new
enough for it, and whether Lambda takes so much.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import re
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from stack.errors import StackError
from stack.settings import ROOT

SIZES = ROOT / "functions" / "native-sizes.json"

# Amazon Linux 2023 has glibc 2.34 for its whole life: https://docs.aws.amazon.com/linux/al2023/ug/glibc-gcc-and-binutils.html
GLIBC = (2, 34)

# glibc's own; and zlib, which Mandrel links dynamically and each image of Amazon Linux 2023 has.
LIBRARIES = re.compile(r"ld-linux-(x86-64|aarch64)\.so\.[12]|lib(c|dl|m|pthread|rt)\.so\.\d|libz\.so\.1")

# Of x86-64 AWS documents AVX2, too; less is asked for: x86-64-v2, which each machine has had since 2009. Of arm64 it
# promises Graviton2, an Armv8.2: https://aws.amazon.com/ec2/graviton/
FEATURES = {
    "x86_64": frozenset(
        ["CX8", "CMOV", "FXSR", "MMX", "SSE", "SSE2", "SSE3", "SSSE3", "SSE4_1", "SSE4_2", "POPCNT", "CX16"]
    ),
    "arm64": frozenset(["FP", "ASIMD", "EVTSTRM", "AES", "PMULL", "SHA1", "SHA2", "CRC32", "LSE", "DCPOP"]),
}
MACHINES = {"EM_X86_64": "x86_64", "EM_AARCH64": "arm64"}

# What a native binary says when it is started on a machine that lacks one of them, before it does anything else.
NEEDED_FEATURES = re.compile(rb"CPU features that are required by the image: \[([A-Z0-9_, ]*)\]")

GROWTH = 1.05

ELF = b"\x7fELF"

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LARGEST_UNZIPPED = 250 * 1024 * 1024


@dataclass(frozen=True)
class Package:
    """A native package.

    architecture: `x86_64` or `arm64`, as Lambda calls them; None for another
    libraries: the shared libraries that the binary is linked with
    glibc: the newest version of glibc that one of its symbols asks for
    strange: what else of glibc it asks for, such as `GLIBC_ABI_DT_RELR`
    features: the features of a processor that it checks for when it starts; None when it doesn't tell
    bytes: of the binary
    zipped: of what is uploaded
    """

    architecture: str | None
    libraries: frozenset[str]
    glibc: tuple[int, ...]
    strange: frozenset[str]
    features: frozenset[str] | None
    bytes: int
    zipped: int


def read(file: Path) -> Package:
    """Reads a package; fails with a sentence when it isn't one."""
    try:
        with zipfile.ZipFile(file) as archive:
            binary = archive.read("bootstrap")
        return read_binary(binary, file.stat().st_size)
    except FileNotFoundError as error:
        raise StackError(f"There is no {file}: `make native` makes it.") from error
    except (zipfile.BadZipFile, KeyError, ELFError) as error:
        raise StackError(f"{file} is no native package: a zip with a binary called bootstrap.") from error


def read_binary(binary: bytes, zipped: int) -> Package:
    """Reads the binary of a package that has so many bytes when it is zipped."""
    elf = ELFFile(io.BytesIO(binary))
    libraries: set[str] = set()
    glibc: tuple[int, ...] = ()
    strange: set[str] = set()
    for section in elf.iter_sections():
        if isinstance(section, DynamicSection):
            # The attribute is there for this kind of tag alone.
            libraries.update(tag.needed for tag in section.iter_tags("DT_NEEDED"))  # type: ignore[attr-defined]
        if isinstance(section, GNUVerNeedSection):
            for _, versions in section.iter_versions():
                for version in versions:
                    kind, _, number = version.name.partition("_")
                    if kind == "GLIBC" and re.fullmatch(r"\d+(\.\d+)+", number):
                        glibc = max(glibc, tuple(int(part) for part in number.split(".")))
                    elif kind == "GLIBC":
                        strange.add(version.name)
    told = NEEDED_FEATURES.search(binary)
    features = frozenset(told.group(1).decode().split(", ")) - {""} if told else None
    machine = MACHINES.get(elf["e_machine"])
    return Package(machine, frozenset(libraries), glibc, frozenset(strange), features, len(binary), zipped)


def runtime_complaints(file: Path) -> list[str]:
    """What keeps a package with a Java runtime of its own from running on Lambda; a sentence for each binary."""
    found = []
    with zipfile.ZipFile(file) as archive:
        unzipped = sum(entry.file_size for entry in archive.infolist())
        for name in archive.namelist():
            content = archive.read(name)
            if name.startswith("runtime/") and content.startswith(ELF):
                # The libraries of what draws and plays aren't there and nobody loads them; features are told by
                # binaries of native-image alone.
                known = dataclasses.replace(read_binary(content, 0), libraries=frozenset(), features=frozenset())
                found += [f"{name}: {complaint}" for complaint in complaints(known, None)]
    if unzipped > LARGEST_UNZIPPED:
        found.append(f"The package has {unzipped:,} bytes unzipped; Lambda takes {LARGEST_UNZIPPED:,}.")
    return found


def complaints(package: Package, recorded: int | None) -> list[str]:
    """What keeps a package from running on Lambda, or is larger than it may be; a sentence each."""
    found = []
    if package.architecture is None:
        found.append("The binary is neither for x86-64 nor for arm64.")
    strange = sorted(name for name in package.libraries if not LIBRARIES.fullmatch(name))
    if strange:
        found.append(f"The binary needs {', '.join(strange)}, which provided.al2023 may not have.")
    if package.glibc > GLIBC:
        found.append(
            f"The binary needs glibc {dotted(package.glibc)}; provided.al2023 has {dotted(GLIBC)}. "
            "Build on an older system, or in Quarkus' builder container."
        )
    if package.strange:
        found.append(
            f"The binary needs {', '.join(sorted(package.strange))} of glibc, which provided.al2023 may not have."
        )
    if package.features is None:
        found.append(
            "The binary doesn't tell which features of a processor it needs, as binaries of native-image do: "
            "see whether NEEDED_FEATURES in local/stack/binary.py still has its words."
        )
    lacking = sorted((package.features or frozenset()) - FEATURES.get(package.architecture or "", frozenset()))
    if package.architecture and lacking:
        found.append(
            f"The binary needs a processor with {', '.join(lacking)}, which Lambda doesn't promise: "
            "see -march in application.properties."
        )
    if recorded is not None and package.zipped > recorded * GROWTH:
        found.append(
            f"The package has {package.zipped:,} bytes, {100 * package.zipped / recorded - 100:.1f} % more than the "
            f"{recorded:,} that are recorded, and 5 % are allowed. If it is worth that, record it: "
            ".venv/bin/python -m stack.binary --record, with PYTHONPATH=local."
        )
    return found


def dotted(version: tuple[int, ...]) -> str:
    """A version as people write it."""
    return ".".join(str(part) for part in version)


def recorded_size(architecture: str | None, file: Path = SIZES) -> int | None:
    """How many bytes the package of an architecture had when that was last recorded."""
    sizes: dict[str, int] = json.loads(file.read_text())
    return sizes.get(architecture or "")


def record(package: Package, file: Path) -> None:
    """Makes its size the one that others of its architecture are held to."""
    sizes = {**json.loads(file.read_text()), str(package.architecture): package.zipped}
    file.write_text(json.dumps(sizes, indent=2, sort_keys=True) + "\n")


def main(arguments: Sequence[str]) -> int:
    """Checks a package and returns an exit code."""
    parser = argparse.ArgumentParser(prog="python -m stack.binary", description=__doc__)
    parser.add_argument("package", type=Path, nargs="?", default=ROOT / "functions/target/native/function.zip")
    parser.add_argument("--record", action="store_true", help="record its size, if Lambda can run it")
    parser.add_argument("--sizes", type=Path, default=SIZES, help="where sizes are recorded")
    options = parser.parse_args(arguments)
    try:
        if has_runtime(options.package):
            return tell(runtime_complaints(options.package))
        package = read(options.package)
    except StackError as error:
        return tell([str(error)])
    print(
        f"{package.zipped / 1e6:.1f} MB zipped, {package.bytes / 1e6:.1f} MB unzipped, for {package.architecture}\n"
        f"needs of the system: {', '.join(sorted(package.libraries)) or 'no library'}; "
        f"glibc {dotted(package.glibc) or 'not at all'}\n"
        f"needs of the processor: {', '.join(sorted(package.features or ())) or 'nothing in particular'}"
    )
    recorded = package.zipped if options.record else recorded_size(package.architecture, options.sizes)
    if recorded is None:
        print(f"No size is recorded for {package.architecture}, so this one isn't held to any.")
    found = complaints(package, recorded)
    if options.record and not found:
        record(package, options.sizes)
    return tell(found)


def has_runtime(file: Path) -> bool:
    """Whether a package brings a Java runtime."""
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return "runtime/bin/java" in archive.namelist()


def tell(found: Sequence[str]) -> int:
    """Prints complaints, and returns an exit code."""
    for complaint in found:
        print(complaint, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
