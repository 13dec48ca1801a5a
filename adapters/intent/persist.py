"""An intent classifier on disk: tensors in one safetensors file, all else in a manifest that is replaced last.

    folder/
      head-<digest>.safetensors   written and synced first, named by its content; the layer over words is in it, float16
      encoder-<digest>/           what tuning added to the encoder, if anything; see `adapters.encoder.adapter`
      manifest.json               replaced in one step; it names the others, and the SHA-256 of the tensors' file

A head alone has format 1, an ensemble format 2. A reader sees the old classifier or the new one, never a mixture, at
whatever instant a writer is killed. The files of the classifier before stay until the next save, for readers that have
just read its manifest.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.encoder.adapter import EncoderDelta, save_delta
from adapters.errors import AdapterError
from adapters.intent.classifier import EnsembleClassifier, TrainedClassifier, TunedEncoder
from adapters.intent.ensemble import IntentEnsemble
from adapters.intent.lexical import LexicalLayer
from adapters.intent.model import IntentHead, ScopeModel
from adapters.layout import verify

FORMAT: Final = 1
ENSEMBLE_FORMAT: Final = 2
MANIFEST: Final = "manifest.json"
_REMEDY: Final = "train it again with `burnish intents train`, or remove the folder to go back to the built-in head"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _HeadPart(_Part):
    """What is no tensor of a head."""

    name: str
    encoder: str
    temperature: float = Field(gt=0)
    neighbour_weight: float = Field(ge=0)
    neighbour_sharpness: float = Field(gt=0)
    scope_intercept: float


class _FilePart(_Part):
    """What every manifest says of its file."""

    format: int
    labels: tuple[str, ...]
    tensors: str = Field(pattern=r"^head-[0-9a-f]{16}\.safetensors$")
    sha256: str


class _Manifest(_HeadPart, _FilePart):
    """The manifest of a head alone, as it stands on disk."""


class _Member(_HeadPart):
    """A head of an ensemble."""

    weight: float = Field(ge=0)
    delta: str = Field(pattern=r"^(encoder-[0-9a-f]{16})?$")  # folder of its tuned encoder; "": the search's encoder


class _EnsembleManifest(_FilePart):
    """The manifest of an ensemble, as it stands on disk."""

    name: str
    members: tuple[_Member, ...] = Field(min_length=1)
    words_weight: float = Field(ge=0)  # 0: no words
    temperature: float = Field(gt=0)
    scope_intercept: float


def save(head: IntentHead, folder: Path) -> None:
    """Write a head; it takes the place of the classifier that is there.

    Args:
        head: The head.
        folder: Made if need be.

    Raises:
        AdapterError: The folder cannot be written.
    """
    content, digest = _packed(_tensors(head))
    manifest = _Manifest(
        format=FORMAT, labels=head.labels, tensors=_file_of(digest), sha256=digest, **_head_fields(head)
    )
    with _writing(folder):
        _replace(folder, manifest, content, deltas={})


def save_ensemble(classifier: EnsembleClassifier, folder: Path, *, created_at: datetime) -> None:
    """Write an ensemble; it takes the place of the classifier that is there.

    Args:
        classifier: The ensemble with its tuned encoders.
        folder: Made if need be.
        created_at: Aware, UTC; goes into the manifests of the tuned encoders.

    Raises:
        AdapterError: The folder cannot be written.
    """
    ensemble = classifier.ensemble
    names = [f"encoder-{one.delta.digest[:16]}" for one in classifier.tuned]
    deltas = {name: one.delta for name, one in zip(names, classifier.tuned, strict=True)}
    tensors = {f"pool.{name}": values for name, values in _scope_tensors(ensemble.scope).items()}
    for number, head in enumerate(ensemble.heads):
        tensors |= {f"{number}.{name}": values for name, values in _tensors(head).items()}
    if ensemble.words is not None:
        tensors |= _words_tensors(ensemble.words)
    content, digest = _packed(tensors)
    manifest = _EnsembleManifest(
        format=ENSEMBLE_FORMAT,
        name=classifier.name,
        labels=ensemble.labels,
        members=tuple(
            _Member(weight=weight, delta=delta, **_head_fields(head))
            for head, weight, delta in zip(ensemble.heads, ensemble.weights, ["", *names], strict=True)
        ),
        words_weight=0.0 if ensemble.words is None else ensemble.words_weight,
        temperature=ensemble.temperature,
        scope_intercept=ensemble.scope.intercept,
        tensors=_file_of(digest),
        sha256=digest,
    )
    with _writing(folder):
        for name, delta in deltas.items():
            _put_delta(delta, folder / name, source=classifier.name, created_at=created_at)
        _replace(folder, manifest, content, deltas=deltas)


def load(
    folder: Path, *, encoder: str, tuned: Callable[[Path], TunedEncoder] | None = None
) -> TrainedClassifier | None:
    """Read a head or an ensemble.

    Args:
        folder: Where `save` or `save_ensemble` wrote it.
        encoder: Name of the encoder whose embeddings it will be given.
        tuned: Makes a tuned encoder of the folder that its delta lies in; None where none can be made.

    Returns:
        The classifier; None where the folder holds none.

    Raises:
        AdapterError: The files are torn, foreign or of another format, the classifier was made for another encoder, or
            it has a tuned encoder that cannot be made.
    """
    try:
        manifest = _parsed((folder / MANIFEST).read_bytes(), folder)
        content = (folder / manifest.tensors).read_bytes()
    except FileNotFoundError as error:
        if not (folder / MANIFEST).exists():
            return None
        raise AdapterError(f"The intent head in {folder} lacks its tensors; {_REMEDY}.") from error
    except OSError as error:
        raise AdapterError(f"The intent head in {folder} cannot be read ({error.strerror}); {_REMEDY}.") from error
    made_for = manifest.encoder if isinstance(manifest, _Manifest) else manifest.members[0].encoder
    if made_for != encoder:
        raise AdapterError(
            f'The intent head in {folder} was made for the encoder "{made_for}", not "{encoder}"; {_REMEDY}.'
        )
    if hashlib.sha256(content).hexdigest() != manifest.sha256:
        raise AdapterError(f"The tensors of the intent head in {folder} are damaged; {_REMEDY}.")
    tensors = _unpacked(content, folder)
    try:
        if isinstance(manifest, _Manifest):
            return _head(manifest, manifest.labels, tensors)
        return _ensemble(manifest, tensors, folder, tuned)
    except KeyError as error:
        raise AdapterError(f"The intent head in {folder} lacks the tensor {error}; {_REMEDY}.") from error


def has_tuned_encoder(folder: Path) -> bool:
    """Whether the classifier that is there has a tuned encoder; no where its manifest is damaged."""
    return any(name.startswith("encoder-") for name in _named_in(folder))


def _parsed(content: bytes, folder: Path) -> _Manifest | _EnsembleManifest:
    try:
        found = json.loads(content)
        number = found["format"]
        if number == ENSEMBLE_FORMAT:
            return _EnsembleManifest.model_validate_json(content)
        if number != FORMAT:
            raise AdapterError(
                f"The intent head in {folder} has format {number}, not {FORMAT} or {ENSEMBLE_FORMAT}; {_REMEDY}."
            )
        return _Manifest.model_validate_json(content)
    except (ValueError, TypeError, KeyError, ValidationError) as error:
        raise AdapterError(f"The manifest of the intent head in {folder} is not readable; {_REMEDY}.") from error


def _ensemble(
    manifest: _EnsembleManifest,
    tensors: Mapping[str, np.ndarray],
    folder: Path,
    tuned: Callable[[Path], TunedEncoder] | None,
) -> EnsembleClassifier:
    deltas = [member.delta for member in manifest.members[1:]]
    if deltas and tuned is None:
        raise AdapterError(f"The intent head in {folder} has a tuned encoder, which cannot be loaded here; {_REMEDY}.")
    ensemble = IntentEnsemble(
        heads=tuple(
            _head(member, manifest.labels, _below(f"{number}.", tensors))
            for number, member in enumerate(manifest.members)
        ),
        weights=tuple(member.weight for member in manifest.members),
        words=_words(tensors) if manifest.words_weight else None,
        words_weight=manifest.words_weight,
        temperature=manifest.temperature,
        scope=_scope(_below("pool.", tensors), manifest.scope_intercept),
    )
    encoders = tuple(tuned(folder / delta) for delta in deltas) if tuned else ()
    return EnsembleClassifier(name=manifest.name, ensemble=ensemble, tuned=encoders)


def _head_fields(head: IntentHead) -> dict[str, str | float]:
    return {
        "name": head.name,
        "encoder": head.encoder,
        "temperature": head.temperature,
        "neighbour_weight": head.neighbour_weight,
        "neighbour_sharpness": head.neighbour_sharpness,
        "scope_intercept": head.scope.intercept,
    }


def _tensors(head: IntentHead) -> dict[str, np.ndarray]:
    return {
        "weight": np.ascontiguousarray(head.weight, dtype=np.float32),
        "bias": np.ascontiguousarray(head.bias, dtype=np.float32),
        "examples": np.ascontiguousarray(head.examples, dtype=np.float32),
        "starts": np.ascontiguousarray(head.starts, dtype=np.int64),
        **_scope_tensors(head.scope),
    }


def _scope_tensors(scope: ScopeModel) -> dict[str, np.ndarray]:
    quantiles = scope.quantiles
    return {
        "scope_coefficients": np.ascontiguousarray(scope.coefficients, dtype=np.float64),
        "scope_quantiles": np.zeros(0) if quantiles is None else np.ascontiguousarray(quantiles, dtype=np.float64),
    }


def _words_tensors(words: LexicalLayer) -> dict[str, np.ndarray]:
    return {
        "words.rarity": np.ascontiguousarray(words.rarity, dtype=np.float32),
        "words.weight": np.ascontiguousarray(words.weight, dtype=np.float16),
        "words.bias": np.ascontiguousarray(words.bias, dtype=np.float32),
    }


def _head(part: _HeadPart, labels: tuple[str, ...], tensors: Mapping[str, np.ndarray]) -> IntentHead:
    return IntentHead(
        name=part.name,
        encoder=part.encoder,
        labels=labels,
        weight=tensors["weight"],
        bias=tensors["bias"],
        temperature=part.temperature,
        examples=tensors["examples"],
        starts=tensors["starts"],
        neighbour_weight=part.neighbour_weight,
        neighbour_sharpness=part.neighbour_sharpness,
        scope=_scope(tensors, part.scope_intercept),
    )


def _scope(tensors: Mapping[str, np.ndarray], intercept: float) -> ScopeModel:
    quantiles = tensors["scope_quantiles"]
    return ScopeModel(
        coefficients=tensors["scope_coefficients"],
        intercept=intercept,
        quantiles=quantiles if len(quantiles) else None,
    )


def _words(tensors: Mapping[str, np.ndarray]) -> LexicalLayer:
    return LexicalLayer(rarity=tensors["words.rarity"], weight=tensors["words.weight"], bias=tensors["words.bias"])


def _below(prefix: str, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): values for name, values in tensors.items() if name.startswith(prefix)}


def _packed(tensors: Mapping[str, np.ndarray]) -> tuple[bytes, str]:
    """The tensors as bytes, and their SHA-256."""
    from safetensors.numpy import save as to_bytes

    content = to_bytes(dict(tensors))
    return content, hashlib.sha256(content).hexdigest()


def _unpacked(content: bytes, folder: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        return from_bytes(content)
    except SafetensorError as error:
        raise AdapterError(f"The tensors of the intent head in {folder} are not safetensors; {_REMEDY}.") from error


def _file_of(digest: str) -> str:
    return f"head-{digest[:16]}.safetensors"


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """One writer at a time; the operating system's refusals as one sentence."""
    from filelock import FileLock

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            yield
    except OSError as error:
        raise AdapterError(
            f"The intent head cannot be written to {folder} ({error.strerror}); check space and permissions."
        ) from error


def _replace(
    folder: Path, manifest: _Manifest | _EnsembleManifest, content: bytes, *, deltas: Mapping[str, EncoderDelta]
) -> None:
    """Put tensors and manifest in place, and clear away what neither they nor the manifest before them name."""
    before = _named_in(folder)
    _write(folder / manifest.tensors, content)
    _write(folder / MANIFEST, manifest.model_dump_json(indent=2).encode())
    kept = {manifest.tensors, *deltas, *before}
    for leftover in (*folder.glob("head-*"), *folder.glob("encoder-*"), *folder.glob(".*.part")):
        if leftover.name in kept:
            continue
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _put_delta(delta: EncoderDelta, target: Path, *, source: str, created_at: datetime) -> None:
    """Put a tuned encoder in place in one step; named by its content, it may be there already."""
    from safetensors import SafetensorError

    if verify(target, full=True) is None:
        return
    staged = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-", suffix=".part"))
    try:
        save_delta(delta, staged, source=source, created_at=created_at)
        shutil.rmtree(target, ignore_errors=True)  # damaged, or there is none
        staged.rename(target)
    except SafetensorError as error:  # a full disk, for one
        raise AdapterError(
            f"The tuned encoder cannot be written to {target.parent} ({error}); check space and permissions."
        ) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _named_in(folder: Path) -> set[str]:
    """The files and folders of the classifier that is there; none where its manifest is missing or damaged."""
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
        members = found.get("members", [])
        return {str(found.get("tensors", "")), *(str(member.get("delta", "")) for member in members)} - {""}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return set()


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
