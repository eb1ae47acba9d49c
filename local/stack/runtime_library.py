"""The native library of AWS's runtime interface client, by which a function on a JVM talks to Lambda.

Left to itself, each process of a function unpacks the library to one fixed path in /tmp and loads it from there. In
Lambda every process has a /tmp of its own. Here they share one, and those that start at the same time write over the
file that the others are just loading: they end with SIGBUS, or find no library. So it is unpacked once, before any.
"""

from __future__ import annotations

import io
import platform
import zipfile
from dataclasses import dataclass
from pathlib import Path

# What com.amazonaws.services.lambda.runtime.api.client.runtimeapi.JniHelper reads before it unpacks anything.
PROPERTY = "com.amazonaws.services.lambda.runtime.api.client.runtimeapi.NativeClient.JNI"


@dataclass(frozen=True)
class RuntimeLibrary:
    """The library in the functions' package, and where it is put.

    package: the zip that is deployed
    jar: the name of the client's jar in the package
    entry: the name of the library in that jar
    file: where the processes load it from; another version of the client has another place
    """

    package: Path
    jar: str
    entry: str
    file: Path

    def unpack(self) -> None:
        """Puts the library into its place, whole or not at all."""
        with zipfile.ZipFile(self.package) as package, zipfile.ZipFile(io.BytesIO(package.read(self.jar))) as jar:
            content = jar.read(self.entry)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_suffix(".new")
        temporary.write_bytes(content)
        temporary.replace(self.file)

    def environment(self) -> dict[str, str]:
        """What makes every function's JVM load it."""
        return {"JDK_JAVA_OPTIONS": f'"-D{PROPERTY}={self.file}"'}


def find_runtime_library(package: Path, directory: Path) -> RuntimeLibrary | None:
    """The library for this machine in the functions' package, to be put below a directory.

    None when the package isn't built, or has none for this machine: then a function does as it would do by itself.
    """
    libc = "linux" if platform.libc_ver()[0] == "glibc" else "linux_musl"
    machine = {"aarch64": "aarch_64"}.get(platform.machine(), platform.machine())
    entry = f"jni/libaws-lambda-jni.{libc}-{machine}.so"
    try:
        with zipfile.ZipFile(package) as functions:
            for jar in functions.namelist():
                if Path(jar).name.startswith("aws-lambda-java-runtime-interface-client-"):
                    with zipfile.ZipFile(io.BytesIO(functions.read(jar))) as client:
                        if entry in client.namelist():
                            file = directory / Path(jar).stem / Path(entry).name
                            return RuntimeLibrary(package, jar, entry, file)
    except (OSError, zipfile.BadZipFile):
        return None
    return None
