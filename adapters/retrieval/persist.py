"""A retrieval adapter on disk.

folder/
retrieval.json          passages, links, calibration, nearness; no words of questions or passages
retrieval.safetensors   vectors and matrices, float16
delta.safetensors       what tuning added to the encoder; only where it did
answers.safetensors     where liked answers stand, vectors of their questions; only where they are given again
manifest.json           written last; it names the encoder and the files by their SHA-256
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.encoder.adapter import read_delta, write_delta
from adapters.errors import AdapterError
from adapters.layout import Manifest, disk_errors, read_manifest, seal_adapter, verify
from adapters.retrieval.answers import read_answers, write_answers
from adapters.retrieval.config import CURATED_RANGE, Calibration, Kernel
from adapters.retrieval.model import KnownPassage, LinkMemory, Links, QueryAdapter, RetrievalAdapter

TENSORS: Final = "retrieval.safetensors"
SETTINGS: Final = "retrieval.json"
FORMAT: Final = 1


class _File(BaseModel):
    """What is no tensor."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: int
    passages: tuple[KnownPassage, ...]
    kernel: Kernel | None  # None: no memory
    calibration: Calibration = Field(default_factory=Calibration)
    curated: float | None = Field(None, ge=CURATED_RANGE[0], le=CURATED_RANGE[1])
    tuned: str | None = None  # fingerprint of the model that the delta is added to; None: there is none


def save(adapter: RetrievalAdapter, folder: Path, *, source: str, created_at: datetime) -> Manifest:
    """Write an adapter into an empty folder and seal it.

    Args:
        adapter: What to write.
        folder: Made if need be; must hold nothing yet.
        source: Where it came from, such as the name of a training run.
        created_at: Aware, UTC.

    Raises:
        AdapterError: The folder holds something, or cannot be written.
    """
    from safetensors.numpy import save_file

    content = _File(
        format=FORMAT,
        passages=tuple(KnownPassage(uri=one.uri, digest=one.digest) for one in adapter.mentions),
        kernel=adapter.memory.kernel if adapter.memory else None,
        calibration=adapter.calibration,
        curated=adapter.curated,
        tuned=adapter.tuned.base if adapter.tuned else None,
    )
    with disk_errors("write the retrieval adapter", folder):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise AdapterError(f"{folder} is not empty; give the retrieval adapter a new folder.")
        save_file(_tensors(adapter), folder / TENSORS)
        if adapter.answers is not None:
            write_answers(adapter.answers, folder)
        if adapter.tuned is not None:
            write_delta(adapter.tuned, folder)
        (folder / SETTINGS).write_text(content.model_dump_json(indent=1) + "\n", encoding="utf-8")
        return seal_adapter(folder, source=source, base=adapter.encoder, created_at=created_at)


def load(folder: Path, *, encoder: str) -> RetrievalAdapter:
    """Read an adapter and check it against its manifest.

    Args:
        folder: Where `save` wrote it.
        encoder: Name of the encoder that searches.

    Raises:
        AdapterError: The folder is not complete or damaged, or the adapter belongs to another encoder.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    fault, manifest = verify(folder, full=True), read_manifest(folder)
    if fault is not None or manifest is None:
        raise AdapterError(f"{fault or folder} Train retrieval again.")
    if manifest.base != encoder:
        raise AdapterError(
            f"The retrieval adapter in {folder} belongs to the encoder {manifest.base}, not to {encoder}; name that "
            "encoder in the settings, or train again."
        )
    try:
        content = _File.model_validate_json((folder / SETTINGS).read_bytes())
        tensors = load_file(folder / TENSORS)
        tuned = read_delta(folder, base=content.tuned) if content.tuned is not None else None
        return replace(_assembled(content, tensors, encoder), answers=read_answers(folder), tuned=tuned)
    except (OSError, ValidationError, SafetensorError, KeyError, IndexError, ValueError) as error:
        raise AdapterError(
            f"{folder} holds no retrieval adapter that this version can read; train it again."
        ) from error


def _tensors(adapter: RetrievalAdapter) -> dict[str, NDArray[np.generic]]:
    tensors: dict[str, NDArray[np.generic]] = {"passages": adapter.vectors.astype(np.float16)}
    if adapter.query is not None:
        tensors |= {"down": adapter.query.down.astype(np.float16), "up": adapter.query.up.astype(np.float16)}
    if adapter.memory is not None:
        links = adapter.memory.links
        tensors |= {
            "questions": adapter.memory.questions.astype(np.float16),
            "link_questions": links.questions,
            "link_passages": links.passages,
            "link_worth": links.worth,
        }
    return {name: np.ascontiguousarray(values) for name, values in tensors.items()}


def _assembled(content: _File, tensors: dict[str, NDArray[np.generic]], encoder: str) -> RetrievalAdapter:
    if content.format != FORMAT:
        raise ValueError(content.format)
    vectors = tensors["passages"].astype(np.float32)
    memory = query = None
    if "down" in tensors:
        query = QueryAdapter(down=tensors["down"].astype(np.float32), up=tensors["up"].astype(np.float32))
    if content.kernel is not None:
        links = Links(
            questions=tensors["link_questions"].astype(np.int64),
            passages=tensors["link_passages"].astype(np.int64),
            worth=tensors["link_worth"].astype(np.float32),
        )
        memory = LinkMemory(tensors["questions"].astype(np.float32), links, content.kernel)
    return RetrievalAdapter(
        encoder=encoder,
        mentions=content.passages,
        vectors=vectors,
        memory=memory,
        query=query,
        calibration=content.calibration,
        curated=content.curated,
    )
