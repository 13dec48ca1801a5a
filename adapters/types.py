"""The types of the task adaptation layer: what the models take and give."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Matrix: TypeAlias = NDArray[np.float32]  # shape (n, dim)


class Task(StrEnum):
    """What an adapter is for."""

    INTENT = "intent"
    ENCODER = "encoder"
    GENERATOR = "generator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a message is about, as the intent head sees it."""

    label: str
    confidence: float  # calibrated probability of the label, [0, 1]
    in_scope: float  # separate score, [0, 1]; higher is more surely something the bot was made for


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledText:
    """One row of an intents file."""

    text: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTurn:
    """One turn of the prompt, in the chat template's terms."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationLimits:
    """Where generation stops at the latest."""

    max_new_tokens: int  # >= 1
    seconds: float  # > 0, wall clock from the request on, waiting in the queue included


class Encoder(Protocol):
    """Text to unit vectors."""

    @property
    def name(self) -> str:
        """Fingerprint of weights and settings."""

    @property
    def dimension(self) -> int:
        """Width of the vectors."""

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Encode texts to unit vectors, shape (len(texts), dimension), float32. Thread-safe; blocks."""

    def count_tokens(self, text: str) -> int:
        """Length of a text in this encoder's tokens, special tokens not counted."""


class IntentClassifier(Protocol):
    """Embeddings to intents."""

    @property
    def name(self) -> str:
        """Version name, such as "intent-zero-shot" or "intent-20261124-1a2b3c"."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label it can give."""

    def predict(self, embeddings: Matrix) -> tuple[Intent, ...]:
        """Classify embeddings, shape (n, dim); one Intent a row. Thread-safe; a few microseconds a row."""


class Generator(Protocol):
    """Chat turns to text, piece by piece."""

    @property
    def name(self) -> str:
        """Fingerprint of weights and adapter version."""

    def stream(self, turns: Sequence[ChatTurn], limits: GenerationLimits) -> AsyncGenerator[str, None]:
        """Generate greedily; yields pieces of text as they come.

        Closing the iterator cancels the request. Ends at the end-of-turn token or at a limit.
        """

    async def aclose(self) -> None:
        """Stop the worker; requests in flight end with an error."""
