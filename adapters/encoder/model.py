"""The sentence encoder: texts to unit vectors.

Plain transformers rather than sentence-transformers: the same vectors (tested), and two seconds less to import.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from adapters.bases import fingerprint
from adapters.device import Device, choose_device
from adapters.encoder.adapter import EncoderDelta
from adapters.encoder.body import EncoderBody
from adapters.encoder.config import EncoderSettings
from adapters.errors import AdapterError
from adapters.types import Matrix

# Share of unknown tokens from which a text is not read. To all-MiniLM none of an English question is unknown, of 99 in
# 100 Chinese ones .32 to all; to m3e-small at most .15 of a Chinese one, .25 of a foreign name.
_UNREAD: Final = 0.3
_NAME_VERSION: Final = 1  # grows when the same settings give other vectors


class SentenceEncoder:
    """Encodes with a model on this machine; implements the Encoder Protocol."""

    def __init__(
        self, folder: Path, settings: EncoderSettings | None = None, *, delta: EncoderDelta | None = None
    ) -> None:
        """Load a model; blocks for a second or two.

        Args:
            folder: As `resolve` gave it.
            settings: Device and limits.
            delta: What tuning added to the model's weights.

        Raises:
            AdapterError: The model cannot be loaded, a setting is impossible, or the delta belongs to another model.
        """
        import torch

        settings = settings or EncoderSettings()
        if settings.batch_size < 1 or settings.max_tokens < 0:
            raise AdapterError(
                f"batch_size is {settings.batch_size} and max_tokens {settings.max_tokens}; expected at least 1 and 0."
            )
        self._device: Device = choose_device(
            settings.device, dtype=settings.dtype, threads=settings.threads, token_by_token=False
        )
        # A delta is added in full precision, before the weights are rounded to what the device computes in.
        dtype = torch.float32 if delta is not None else self._device.torch_dtype
        self._body = EncoderBody(folder, dtype=dtype, max_tokens=settings.max_tokens)
        base = fingerprint(folder)
        if delta is not None:
            delta.apply(self._body.model, base=base)
        self._body.model.to(self._device.kind, self._device.torch_dtype)
        self._batch_size = settings.batch_size
        # Two forward passes at once only share the cores: one batch at a time, so that a question waits for one batch
        # of an ingest and not for all of it.
        self._turn = threading.Lock()
        # Fast tokenizers keep padding and truncation as state. A lock of its own: who only counts waits for no batch.
        self._cutting = threading.Lock()
        # The precision is left out: bfloat16 and float32 vectors have cosine > .9998, so an index serves both.
        body = self._body
        identity = f"{_NAME_VERSION} {base} {body.pooling} {body.max_tokens} {body.lowercase}"
        if delta is not None:
            identity += f" {delta.digest}"
        self._name = f"encoder-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"

    @property
    def name(self) -> str:
        """Fingerprint of weights and settings."""
        return self._name

    @property
    def dimension(self) -> int:
        """Width of the vectors."""
        return self._body.dimension

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Encode texts to unit vectors.

        Texts longer than the model takes are cut at the end. Thread-safe; blocks.

        Args:
            texts: Any number, in any order; an empty text has a vector too.

        Returns:
            Shape (len(texts), dimension), float32, each row of length 1.
        """
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        # Texts of like length stand together, so that little padding is computed; the longest go first.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]), reverse=True)
        for start in range(0, len(order), self._batch_size):
            rows = order[start : start + self._batch_size]
            with self._turn:
                vectors[rows] = self._encode_batch([texts[row] for row in rows])
        return vectors

    def reads(self, text: str) -> bool:
        """Whether the vocabulary has enough of a text to tell what it is about."""
        with self._cutting:
            return self._body.unknown(text) < _UNREAD

    def count_tokens(self, text: str) -> int:
        """Length of a text in this encoder's tokens, special tokens not counted."""
        with self._cutting:
            return len(self._body.tokens([text], special=False)[0])

    def _encode_batch(self, texts: Sequence[str]) -> Matrix:
        import torch

        with self._cutting:
            tokens = self._body.tokens(texts)
        with torch.inference_mode():
            unit = self._body.vectors(tokens, self._device.kind)
        vectors: Matrix = unit.cpu().numpy()
        return vectors
