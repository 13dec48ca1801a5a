"""An intent head on disk: tensors in one safetensors file, all else in a manifest that is replaced last.

    folder/
      head-<digest>.safetensors   written and synced first, named by its content
      manifest.json               replaced in one step; it names the tensors' file and its SHA-256

A reader sees the old head or the new one, never a mixture, at whatever instant a writer is killed. The tensors of the
head before stay until the next save, for readers that have just read its manifest.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.errors import AdapterError
from adapters.intent.model import IntentHead, ScopeModel

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
_REMEDY: Final = "train it again with `burnish intents train`, or remove the folder to go back to the built-in head"


class _Manifest(BaseModel):
    """The manifest as it stands on disk."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    name: str
    encoder: str
    labels: tuple[str, ...]
    temperature: float = Field(gt=0)
    neighbour_weight: float = Field(ge=0)
    neighbour_sharpness: float = Field(gt=0)
    scope_intercept: float
    tensors: str = Field(pattern=r"^head-[0-9a-f]{16}\.safetensors$")
    sha256: str


def save(head: IntentHead, folder: Path) -> None:
    """Write a head; it takes the place of one that is there.

    Args:
        head: The head.
        folder: Made if need be.

    Raises:
        AdapterError: The folder cannot be written.
    """
    from filelock import FileLock
    from safetensors.numpy import save as to_bytes

    content = to_bytes(_tensors(head))
    digest = hashlib.sha256(content).hexdigest()
    tensors = f"head-{digest[:16]}.safetensors"
    manifest = _Manifest(
        format=FORMAT,
        name=head.name,
        encoder=head.encoder,
        labels=head.labels,
        temperature=head.temperature,
        neighbour_weight=head.neighbour_weight,
        neighbour_sharpness=head.neighbour_sharpness,
        scope_intercept=head.scope.intercept,
        tensors=tensors,
        sha256=digest,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            before = _tensors_named_in(folder)
            _write(folder / tensors, content)
            _write(folder / MANIFEST, manifest.model_dump_json(indent=2).encode())
            for leftover in (*folder.glob("head-*"), *folder.glob(".*.part")):
                if leftover.name not in {tensors, before}:
                    leftover.unlink(missing_ok=True)
    except OSError as error:
        raise AdapterError(
            f"The intent head cannot be written to {folder} ({error.strerror}); check space and permissions."
        ) from error


def load(folder: Path, *, encoder: str) -> IntentHead | None:
    """Read a head.

    Args:
        folder: Where `save` wrote it.
        encoder: Name of the encoder whose embeddings it will be given.

    Returns:
        The head; None where the folder holds none.

    Raises:
        AdapterError: The files are torn or of another format, or the head was made for another encoder.
    """
    try:
        manifest = _Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        content = (folder / manifest.tensors).read_bytes()
    except FileNotFoundError as error:
        if not (folder / MANIFEST).exists():
            return None
        raise AdapterError(f"The intent head in {folder} lacks its tensors; {_REMEDY}.") from error
    except ValidationError as error:
        raise AdapterError(f"The manifest of the intent head in {folder} is not readable; {_REMEDY}.") from error
    except OSError as error:
        raise AdapterError(f"The intent head in {folder} cannot be read ({error.strerror}); {_REMEDY}.") from error
    if manifest.format != FORMAT:
        raise AdapterError(f"The intent head in {folder} has format {manifest.format}, not {FORMAT}; {_REMEDY}.")
    if manifest.encoder != encoder:
        raise AdapterError(
            f'The intent head in {folder} was made for the encoder "{manifest.encoder}", not "{encoder}"; {_REMEDY}.'
        )
    if hashlib.sha256(content).hexdigest() != manifest.sha256:
        raise AdapterError(f"The tensors of the intent head in {folder} are damaged; {_REMEDY}.")
    return _head(manifest, content)


def _tensors(head: IntentHead) -> dict[str, np.ndarray]:
    quantiles = head.scope.quantiles
    return {
        "weight": np.ascontiguousarray(head.weight, dtype=np.float32),
        "bias": np.ascontiguousarray(head.bias, dtype=np.float32),
        "examples": np.ascontiguousarray(head.examples, dtype=np.float32),
        "starts": np.ascontiguousarray(head.starts, dtype=np.int64),
        "scope_coefficients": np.ascontiguousarray(head.scope.coefficients, dtype=np.float64),
        "scope_quantiles": np.zeros(0) if quantiles is None else np.ascontiguousarray(quantiles, dtype=np.float64),
    }


def _head(manifest: _Manifest, content: bytes) -> IntentHead:
    from safetensors.numpy import load as from_bytes

    tensors = from_bytes(content)
    quantiles = tensors["scope_quantiles"]
    return IntentHead(
        name=manifest.name,
        encoder=manifest.encoder,
        labels=manifest.labels,
        weight=tensors["weight"],
        bias=tensors["bias"],
        temperature=manifest.temperature,
        examples=tensors["examples"],
        starts=tensors["starts"],
        neighbour_weight=manifest.neighbour_weight,
        neighbour_sharpness=manifest.neighbour_sharpness,
        scope=ScopeModel(
            coefficients=tensors["scope_coefficients"],
            intercept=manifest.scope_intercept,
            quantiles=quantiles if len(quantiles) else None,
        ),
    )


def _tensors_named_in(folder: Path) -> str:
    """The tensors' file of the head that is there; "" where there is none or its manifest is damaged."""
    try:
        named = json.loads((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, ValueError):
        return ""
    return str(named.get("tensors", "")) if isinstance(named, dict) else ""


def _write(path: Path, content: bytes) -> None:
    """Put a file in place in one step, on the disk before it has its name."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
