"""Save and load an index folder, so that a start need not read every vector from the store.

A snapshot is a folder of its own. Its manifest is written last and names every file's SHA-256; the folder gets its
final name afterwards, in one rename. So what has a final name is complete, unless the disk altered it, and then the
checksum tells.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from filelock import FileLock, Timeout

from knowledge.errors import KnowledgeError
from knowledge.index import IndexSettings, Originals, VectorIndex
from knowledge.types import ChunkIds

logger = logging.getLogger(__name__)

FORMAT: Final = 1
INDEX_FILE: Final = "vectors.faiss"
MANIFEST_FILE: Final = "manifest.json"
LOCK_FILE: Final = "snapshot.lock"
PREFIX: Final = "snapshot-"
PARTIAL: Final = ".partial"
LOCK_SECONDS: Final = 60.0  # writing 100,000 vectors of 384 numbers takes about 1 s


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a snapshot says of itself."""

    format: int
    encoder: str
    dimension: int
    count: int
    ids_digest: str  # SHA-256 (hex) of the ascending ids as little-endian int64
    files: dict[str, str]  # file name to SHA-256 (hex)


def save(folder: Path, index: VectorIndex, *, encoder: str) -> Path:
    """Write a new snapshot and remove the older ones.

    Args:
        folder: Holds the snapshots; made if it is missing, readable by its owner only.
        index: What to write; searches go on meanwhile.
        encoder: Name of the encoder that made the vectors.

    Returns:
        The snapshot's folder.

    Raises:
        KnowledgeError: The disk is full or the folder cannot be written; the older snapshot stays.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _locked(folder):
            return _save(folder, index, encoder=encoder)
    except (OSError, RuntimeError) as error:  # RuntimeError is how faiss reports a failed write
        raise KnowledgeError(
            f"The index could not be written to {folder} ({error.__class__.__name__}); "
            "is the disk full? The store is unharmed and the index will be rebuilt from it."
        ) from error


def load(
    folder: Path,
    *,
    encoder: str,
    dimension: int,
    settings: IndexSettings | None = None,
    originals: Originals | None = None,
) -> VectorIndex | None:
    """Load the newest whole snapshot made with this encoder.

    Args:
        folder: Holds the snapshots.
        encoder: Name of the encoder in use.
        dimension: Width of its vectors.
        settings: See VectorIndex.
        originals: See VectorIndex.

    Returns:
        The index as it was saved, or None when there is no usable snapshot.
    """
    if not folder.is_dir():
        return None
    try:
        with _locked(folder):
            for path in reversed(_snapshots(folder)):
                try:
                    return _load(path, encoder=encoder, dimension=dimension, settings=settings, originals=originals)
                except (KnowledgeError, OSError, ValueError, TypeError) as error:
                    logger.warning("index snapshot %s not used: %s", path.name, error)
    except (KnowledgeError, OSError) as error:
        logger.warning("index snapshots not read: %s", error)
    return None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes out: one writes, or one reads, at a time."""
    try:
        with FileLock(folder / LOCK_FILE, timeout=LOCK_SECONDS):
            yield
    except Timeout as error:
        raise KnowledgeError(
            f"Another process has held {folder / LOCK_FILE} for {LOCK_SECONDS:.0f} s; end it and try again."
        ) from error


def _save(folder: Path, index: VectorIndex, *, encoder: str) -> Path:
    """Write files, manifest, folder name, in this order, each on the disk before the next."""
    older = _snapshots(folder)
    number = _number(older[-1]) + 1 if older else 1
    final = folder / f"{PREFIX}{number:08d}-{secrets.token_hex(4)}"
    partial = final.with_name(final.name + PARTIAL)
    try:
        _fill(partial, index, encoder=encoder)
        partial.rename(final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)  # most likely the disk is full: leave it no fuller
        raise
    _sync(folder)
    for path in folder.glob(f"{PREFIX}*"):
        if path != final:  # older ones, and partial ones of processes that were killed
            shutil.rmtree(path, ignore_errors=True)
    return final


def _fill(partial: Path, index: VectorIndex, *, encoder: str) -> None:
    """Write the files of one snapshot, the manifest last."""
    partial.mkdir(mode=0o700)
    ids = index.write(partial / INDEX_FILE)
    manifest = Manifest(
        format=FORMAT,
        encoder=encoder,
        dimension=index.dimension,
        count=len(ids),
        ids_digest=_digest_of_ids(ids),
        files={INDEX_FILE: _digest_of_file(partial / INDEX_FILE)},
    )
    _sync(partial / INDEX_FILE)
    (partial / MANIFEST_FILE).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    _sync(partial / MANIFEST_FILE)
    _sync(partial)


def _load(
    path: Path, *, encoder: str, dimension: int, settings: IndexSettings | None, originals: Originals | None
) -> VectorIndex:
    """Load one snapshot, or say why not."""
    manifest = Manifest(**json.loads((path / MANIFEST_FILE).read_text(encoding="utf-8")))
    found = (manifest.format, manifest.encoder, manifest.dimension)
    if found != (FORMAT, encoder, dimension):
        raise KnowledgeError(f"made as {found}, wanted {(FORMAT, encoder, dimension)}")
    for name, digest in manifest.files.items():
        if _digest_of_file(path / name) != digest:
            raise KnowledgeError(f"{name} was altered after it was written")
    index = VectorIndex.read(path / INDEX_FILE, settings=settings, originals=originals)
    described = (index.dimension, len(index), _digest_of_ids(index.ids))
    if described != (manifest.dimension, manifest.count, manifest.ids_digest):
        raise KnowledgeError(f"{INDEX_FILE} holds other vectors than its manifest says")
    return index


def _snapshots(folder: Path) -> list[Path]:
    """Complete snapshots, oldest first."""
    named = [path for path in folder.glob(f"{PREFIX}*") if path.suffix != PARTIAL and path.is_dir()]
    return sorted((path for path in named if _number(path) > 0), key=_number)


def _number(path: Path) -> int:
    """Read a snapshot's place in the order from its name; 0 for a foreign name."""
    digits = path.name.removeprefix(PREFIX).partition("-")[0]
    return int(digits) if digits.isdecimal() else 0


def _digest_of_ids(ids: ChunkIds) -> str:
    return hashlib.sha256(np.sort(ids).astype("<i8").tobytes()).hexdigest()


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Have the disk hold what was written to a file or a folder."""
    if path.is_dir() and os.name == "nt":  # Windows neither needs nor allows it for folders
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
