"""What tuning adds to an encoder: differences of weights, in memory and on disk.

folder/
delta.safetensors   tuned minus base, float16, by the name of the parameter; only parameters that changed
manifest.json       written last; it names the base model by its fingerprint and the file by its SHA-256
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from adapters.errors import AdapterError
from adapters.layout import Manifest, disk_errors, read_manifest, seal_adapter, verify

DELTA_FILE: Final = "delta.safetensors"


@dataclass(frozen=True, kw_only=True, eq=False)
class EncoderDelta:
    """Differences of weights; the base model plus these is the tuned encoder."""

    base: str  # fingerprint of the model that they are added to
    tensors: Mapping[str, NDArray[np.float16]]  # by the name of the parameter

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, hex; equal deltas make equal vectors."""
        digest = hashlib.sha256(self.base.encode())
        for name, values in sorted(self.tensors.items()):
            digest.update(f"{name} {values.shape}".encode())
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()

    def apply(self, model: Any, *, base: str) -> None:  # noqa: ANN401 - transformers ships no types
        """Add the differences to a freshly loaded model.

        Args:
            model: Its parameters are changed in place; float32, on the CPU.
            base: The model's fingerprint.

        Raises:
            AdapterError: They belong to another model.
        """
        import torch

        parameters = dict(model.named_parameters())
        fits = base == self.base and all(
            name in parameters and tuple(parameters[name].shape) == values.shape
            for name, values in self.tensors.items()
        )
        if not fits:
            raise AdapterError(
                f"The tuned encoder belongs to the model {self.base[:12]}, not to {base[:12]}; "
                "name that model in the settings, or train again."
            )
        with torch.no_grad():
            for name, values in self.tensors.items():
                parameters[name] += torch.from_numpy(values.astype(np.float32))


def save_delta(delta: EncoderDelta, folder: Path, *, source: str, created_at: datetime) -> Manifest:
    """Write a delta into an empty folder.

    Args:
        delta: What to write.
        folder: Made if need be; must hold nothing yet, for a folder with a manifest is complete and never changed.
        source: Where it came from, such as the name of a training run.
        created_at: Aware, UTC.

    Raises:
        AdapterError: The folder holds something, or cannot be written.
    """
    with disk_errors("write the tuned encoder", folder):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise AdapterError(f"{folder} is not empty; give the tuned encoder a new folder.")
        write_delta(delta, folder)
        return seal_adapter(folder, source=source, base=delta.base, created_at=created_at)


def load_delta(folder: Path, *, base: str) -> EncoderDelta:
    """Read a delta and check it against its manifest.

    Args:
        folder: Where `save_delta` wrote it.
        base: Fingerprint of the model that it will be added to.

    Raises:
        AdapterError: The folder is not complete or damaged, or the delta belongs to another model.
    """
    fault = verify(folder, full=True)
    manifest = read_manifest(folder)
    if fault is not None or manifest is None:
        raise AdapterError(f"{fault or folder} Train the encoder again.")
    if manifest.base != base:
        raise AdapterError(
            f"The tuned encoder in {folder} belongs to the model {manifest.base[:12]}, not to {base[:12]}; "
            "name that model in the settings, or train again."
        )
    return read_delta(folder, base=base)


def write_delta(delta: EncoderDelta, folder: Path) -> None:
    """Write a delta's file into a folder that holds other files too, and is sealed with them."""
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(values) for name, values in delta.tensors.items()}, folder / DELTA_FILE)


def read_delta(folder: Path, *, base: str) -> EncoderDelta:
    """Read what `write_delta` wrote; the folder was checked.

    Raises:
        AdapterError: The file cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return EncoderDelta(base=base, tensors=load_file(folder / DELTA_FILE))
    except (OSError, SafetensorError) as error:
        raise AdapterError(f"{folder / DELTA_FILE} cannot be read; train the encoder again.") from error
