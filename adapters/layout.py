"""How models and adapters lie on disk.

    CACHE/models/KEY/            a model, ready for transformers: safetensors, tokenizer, config, manifest.json
    CACHE/locks/KEY.lock         held while KEY is being made
    CACHE/staging/KEY.XXXXXXXX/  a model in the making; moved to models/KEY when it is complete

A manifest is written last, so a folder that has one is complete.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from adapters.errors import AdapterError

MANIFEST_NAME: Final = "manifest.json"
MANIFEST_FORMAT: Final = 1
# What a model folder is made of. Everything else that lies beside it (code above all) is left alone.
DATA_SUFFIXES: Final = (".safetensors", ".gguf", ".bin", ".json", ".txt", ".model", ".jinja")
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # full disk, used-up quota, file size limit

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how far it is, and the total (None: unknown; bytes, or steps)."""


def no_progress(activity: str, done: int, total: int | None) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A file as it was when its folder was completed."""

    size: int  # bytes
    sha256: str  # hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a complete model or adapter folder says about itself."""

    source: str  # where it came from, such as "hub:OWNER/NAME@REVISION"
    fingerprint: str  # hex SHA-256; equal on every machine for the same source
    licence: str  # as far as known, "" if not
    created_at: str  # ISO 8601, UTC
    base: str  # an adapter's base model, its fingerprint; "" for a model
    files: Mapping[str, FileRecord]  # by path inside the folder, "/" between parts


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLayout:
    """Where things lie under one cache folder."""

    root: Path

    @property
    def models(self) -> Path:
        """Complete models."""
        return self.root / "models"

    @property
    def staging(self) -> Path:
        """Models in the making."""
        return self.root / "staging"

    def model(self, key: str) -> Path:
        """Where the model of a key lies once it is complete."""
        return self.models / key

    def lock(self, key: str) -> Path:
        """The lock file of a key."""
        return self.root / "locks" / f"{key}.lock"

    def create(self) -> None:
        """Make the folders that are missing."""
        for folder in (self.models, self.staging, self.root / "locks"):
            folder.mkdir(parents=True, exist_ok=True)

    def new_staging(self, key: str) -> Path:
        """Make an empty folder for a model in the making; the key's lock must be held."""
        return Path(tempfile.mkdtemp(prefix=f"{key}.", dir=self.staging))

    def staged(self) -> Iterator[tuple[str, Path]]:
        """Every folder in the making with its key, also those of killed runs."""
        for folder in sorted(self.staging.iterdir()):
            yield folder.name.rpartition(".")[0], folder


def digest_file(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def data_files(folder: Path) -> tuple[Path, ...]:
    """The files below a folder that can be part of a model, sorted; hidden folders and the manifest left out."""
    return tuple(
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix in DATA_SUFFIXES
        and path.name != MANIFEST_NAME
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def record_files(folder: Path) -> dict[str, FileRecord]:
    """Size and digest of every file below a folder, its own manifest left out, by path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST_NAME)
    return {
        path.relative_to(folder).as_posix(): FileRecord(size=path.stat().st_size, sha256=digest_file(path))
        for path in paths
    }


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Complete a folder: its files are on the disk before the manifest says so."""
    for name in manifest.files:
        _sync(folder / name)
    temporary = folder / f"{MANIFEST_NAME}.tmp"
    content = {"format": MANIFEST_FORMAT, **asdict(manifest)}
    temporary.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    _sync(temporary)
    temporary.replace(folder / MANIFEST_NAME)
    _sync(folder)


def seal_adapter(folder: Path, *, source: str, base: str, created_at: datetime) -> Manifest:
    """Complete an adapter's folder by writing its manifest.

    Args:
        folder: Holds the adapter's files; nothing is to be changed in it afterwards.
        source: Where it came from, such as the name of a training run.
        base: Fingerprint of the model it belongs to.
        created_at: Aware, UTC.
    """
    files = record_files(folder)
    identity = "\n".join([base, *(f"{name} {record.sha256}" for name, record in files.items())])
    manifest = Manifest(
        source=source,
        fingerprint=hashlib.sha256(identity.encode()).hexdigest(),
        licence="",
        created_at=created_at.isoformat(timespec="seconds"),
        base=base,
        files=files,
    )
    write_manifest(folder, manifest)
    return manifest


def read_manifest(folder: Path) -> Manifest | None:
    """Read a folder's manifest.

    Returns:
        None if there is none, or none that this version can read: the folder is then not complete.
    """
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
        if content.pop("format") != MANIFEST_FORMAT:
            return None
        files = {name: FileRecord(**record) for name, record in content.pop("files").items()}
        return Manifest(files=files, **content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def verify(folder: Path, *, full: bool = False) -> str | None:
    """Compare a folder with its manifest.

    Args:
        folder: A model or adapter folder.
        full: Also compare the SHA-256 of each file (reads them all), not only the sizes.

    Returns:
        None if all is well, else one sentence about the first fault.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return f"{folder} has no readable {MANIFEST_NAME}, so it is not complete."
    for name, record in manifest.files.items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else None
        if size is None:
            return f"{path} is missing."
        if size != record.size:
            return f"{path} has {size} bytes, expected {record.size}."
        if full and digest_file(path) != record.sha256:
            return f"{path} has changed since it was fetched: its SHA-256 differs from the manifest's."
    return None


def publish(staged: Path, target: Path) -> None:
    """Move a complete folder to its place; a folder that stood there before is removed.

    The key's lock must be held. Killed between the two renames, the target is missing and made anew next time.
    """
    if target.exists():
        retired = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=staged.parent))
        target.rename(retired / "old")
        staged.rename(target)
        shutil.rmtree(retired, ignore_errors=True)
    else:
        staged.rename(target)
    _sync(target.parent)


@contextmanager
def disk_errors(doing: str, folder: Path) -> Iterator[None]:
    """Turn the operating system's refusals into one sentence.

    Args:
        doing: What was attempted, such as "unpack the model".
        folder: Where.

    Raises:
        AdapterError: The disk is full, or the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise AdapterError(no_room(doing, folder)) from error
        raise AdapterError(f"Could not {doing} in {folder}: {error.strerror or error}.") from error


def no_room(doing: str, folder: Path) -> str:
    """Say that the disk is full."""
    free = ""
    with suppress(OSError):
        free = f" ({shutil.disk_usage(folder).free // 2**20} MB are free)"
    return f"Could not {doing}: the disk under {folder} is full{free}; free some space and try again."


def _sync(path: Path) -> None:
    """Have the disk keep a file's content, or a folder's entries."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
