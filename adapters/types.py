"""The types of the task adaptation layer: what the models take and give."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Matrix: TypeAlias = NDArray[np.float32]  # shape (n, dim)


class Task(StrEnum):
    """What an adapter is for."""

    INTENT = "intent"
    RETRIEVAL = "retrieval"
    GENERATOR = "generator"


def original(task: Task) -> str:
    """What stands for a version's name where a task is done as the program came, before it learned anything."""
    return f"{task.value}-0"


class Stage(StrEnum):
    """How far an adapter version has come."""

    CANDIDATE = "candidate"  # trained, not yet shown to be better
    CANARY = "canary"  # serves a share of the conversations
    ACTIVE = "active"  # serves
    REJECTED = "rejected"  # the gate turned it down
    RETIRED = "retired"  # has served


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterVersion:
    """A version of a task's adapter."""

    task: Task
    name: str  # "generator-1"; never given again
    number: int  # from 1, by age
    stage: Stage
    folder: Path
    base: str  # fingerprint of the model that it belongs to
    fingerprint: str  # of its own files
    source: str  # where it came from, such as the name of a training run
    created_at: datetime  # aware, UTC
    since: datetime | None = None  # when it came to its stage, aware, UTC; None: an older program did not note it
    reason: str = ""  # why it was turned down; "" if it was not
    stale: bool = False  # it learned from somebody who is forgotten since


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a grounded generator makes of a prompt before it answers."""

    answerable: float  # log odds that the prompt's passages hold the answer
    # Mean log-likelihood of the question's tokens behind those passages, nats, <= 0; None where the prompt's template
    # does not show where it stands.
    question: float | None


Judged: TypeAlias = Callable[[Verdict], None]


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

    def reads(self, text: str) -> bool:
        """Whether its vector says what a text is about: texts whose characters it does not know are all alike to it."""

    def count_tokens(self, text: str) -> int:
        """Length of a text in this encoder's tokens, special tokens not counted."""


class IntentClassifier(Protocol):
    """Texts, with what the search's encoder makes of them, to intents."""

    @property
    def name(self) -> str:
        """Version name, such as "intent-zero-shot", "intent-20261124-1a2b3c" or "intent-20261124-1a2b3c+words"."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label it can give."""

    def predict(self, texts: Sequence[str], embeddings: Matrix) -> tuple[Intent, ...]:
        """Classify n texts, given their embeddings by the encoder that searches, shape (n, dim); one Intent a text.

        Thread-safe; a tenth of a millisecond a text, or one more encoding where the classifier has a tuned encoder.
        """


class Generator(Protocol):
    """Chat turns to text, piece by piece."""

    @property
    def name(self) -> str:
        """Fingerprint of weights and adapter version."""

    @property
    def grounded(self) -> bool:
        """Whether it was trained on the prompt of adapters.generator.prompt, and tells how answerable one is."""

    def stream(
        self, turns: Sequence[ChatTurn], limits: GenerationLimits, *, judged: Judged | None = None
    ) -> AsyncGenerator[str, None]:
        """Generate greedily; yields pieces of text as they come.

        Closing the iterator cancels the request. Ends at the end-of-turn token or at a limit.

        Args:
            turns: The conversation, last the user's turn.
            limits: Where to stop.
            judged: Called once before the first piece; never by a generator that is not grounded.
        """

    async def aclose(self) -> None:
        """Stop the worker; requests in flight end with an error."""
