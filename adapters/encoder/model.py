"""The sentence encoder: texts to unit vectors.

Plain transformers rather than sentence-transformers: the same vectors (tested), and two seconds less to import.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from adapters.bases import fingerprint
from adapters.device import Device, choose_device
from adapters.encoder.config import EncoderSettings
from adapters.errors import AdapterError
from adapters.pretrained import load_encoder_model, load_tokenizer
from adapters.types import Matrix

if TYPE_CHECKING:
    from torch import Tensor

Pooling: TypeAlias = Literal["mean", "cls"]
_NAME_VERSION: Final = 1  # grows when the same settings give other vectors


class SentenceEncoder:
    """Encodes with a model on this machine; implements the Encoder Protocol."""

    def __init__(self, folder: Path, settings: EncoderSettings | None = None) -> None:
        """Load a model; blocks for a second or two.

        Args:
            folder: As `resolve` gave it.
            settings: Device and limits.

        Raises:
            AdapterError: The model cannot be loaded, or a setting is impossible.
        """
        settings = settings or EncoderSettings()
        if settings.batch_size < 1 or settings.max_tokens < 0:
            raise AdapterError(
                f"batch_size is {settings.batch_size} and max_tokens {settings.max_tokens}; expected at least 1 and 0."
            )
        self._device: Device = choose_device(settings.device, dtype=settings.dtype, threads=settings.threads)
        self._model = load_encoder_model(folder, dtype=self._device.torch_dtype).to(self._device.kind)
        self._tokenizer = load_tokenizer(folder)
        self._pooling = _read_pooling(folder)
        self._max_tokens = _read_max_tokens(folder, self._model.config, wish=settings.max_tokens)
        self._batch_size = settings.batch_size
        self._lowercase = _knows_lowercase_only(self._tokenizer)
        # Fast tokenizers keep padding and truncation as state, and two forward passes at once only share the cores:
        # one batch at a time, so that a question waits for one batch of an ingest and not for all of it.
        self._turn = threading.Lock()
        # The precision is left out: bfloat16 and float32 vectors have cosine > .9998, so an index serves both.
        identity = f"{_NAME_VERSION} {fingerprint(folder)} {self._pooling} {self._max_tokens} {self._lowercase}"
        self._name = f"encoder-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"

    @property
    def name(self) -> str:
        """Fingerprint of weights and settings."""
        return self._name

    @property
    def dimension(self) -> int:
        """Width of the vectors."""
        return int(self._model.config.hidden_size)

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

    def count_tokens(self, text: str) -> int:
        """Length of a text in this encoder's tokens, special tokens not counted."""
        with self._turn:
            tokens = self._tokenizer(self._prepare(text), add_special_tokens=False, truncation=False, verbose=False)[
                "input_ids"
            ]
        return len(tokens)

    def _encode_batch(self, texts: Sequence[str]) -> Matrix:
        import torch

        batch = self._tokenizer(
            [self._prepare(text) for text in texts],
            padding=True,
            truncation=True,
            max_length=self._max_tokens,
            return_tensors="pt",
        ).to(self._device.kind)
        with torch.inference_mode():
            hidden = self._model(**batch).last_hidden_state.float()  # (texts, tokens, dim)
            pooled = self._pool(hidden, batch["attention_mask"])
            unit: Tensor = torch.nn.functional.normalize(pooled, dim=-1)
        vectors: Matrix = unit.cpu().numpy()
        return vectors

    def _prepare(self, text: str) -> str:
        return text.lower() if self._lowercase else text

    def _pool(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Token vectors (texts, tokens, dim) to text vectors (texts, dim)."""
        if self._pooling == "cls":
            return hidden[:, 0]
        weights = mask.unsqueeze(-1).to(hidden.dtype)  # (texts, tokens, 1): padding counts nothing
        return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def _knows_lowercase_only(tokenizer: Any) -> bool:  # noqa: ANN401 - transformers ships no types
    """Whether a vocabulary has no capitals and its tokenizer does not help itself.

    m3e-small comes so: "TiDB" and "MySQL" are both unknown to it, and questions about them have equal vectors.
    """
    upper, lower = (tokenizer(letter, add_special_tokens=False)["input_ids"] for letter in ("A", "a"))
    unknown = [tokenizer.unk_token_id]
    return bool(upper == unknown and lower != unknown)


def _read_pooling(folder: Path) -> Pooling:
    """How the model was trained to pool; mean where it does not say."""
    config = _read_json(folder / "1_Pooling" / "config.json")
    # Newer files name the mode, older ones have one flag for each.
    modes = {name.removeprefix("pooling_mode_") for name, value in config.items() if value is True}
    modes = {config["pooling_mode"]} if isinstance(config.get("pooling_mode"), str) else modes
    modes &= {"mean_tokens", "mean", "cls_token", "cls", "max_tokens", "max", "mean_sqrt_len_tokens", "lasttoken"}
    if modes <= {"mean_tokens", "mean"}:
        return "mean"
    if modes <= {"cls_token", "cls"}:
        return "cls"
    raise AdapterError(f"{folder} pools by {', '.join(sorted(modes))}; only mean and cls pooling are supported.")


def _read_max_tokens(folder: Path, config: Any, *, wish: int) -> int:  # noqa: ANN401 - transformers ships no types
    """The longest text in tokens, special ones included."""
    limit = int(getattr(config, "max_position_embeddings", 512))
    trained = _read_json(folder / "sentence_bert_config.json").get("max_seq_length")
    limit = min(limit, trained) if isinstance(trained, int) else limit
    if wish > limit:
        raise AdapterError(f"max_tokens is {wish}, but the encoder in {folder} takes {limit} at most.")
    return wish or limit


def _read_json(path: Path) -> dict[str, Any]:
    """An optional configuration file; empty if it is not there."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AdapterError(f"{path} is not JSON; fetch the model again.") from error
    return content if isinstance(content, dict) else {}
