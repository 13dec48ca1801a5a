"""Stand-ins for the models, for tests: same Protocols, no weights, milliseconds."""

from __future__ import annotations

import asyncio
import hashlib
import re
import struct
from collections.abc import AsyncGenerator, Callable, Sequence

import numpy as np

from adapters.errors import GenerationError
from adapters.types import ChatTurn, GenerationLimits, Judged, Matrix, Verdict

_WORD = re.compile(r"[a-z0-9]+|[\u2e80-\u9fff\uac00-\ud7af]")  # a word, or a character of a script without spaces

_COLUMNS_PER_WORD = 8  # one would let two words cancel each other now and then


class FakeEncoder:
    """Embeds a text as a bag of words hashed to signed dimensions: texts that share words are near each other."""

    def __init__(self, *, dimension: int = 384) -> None:
        self._dimension = dimension

    @property
    def name(self) -> str:
        """Differs by dimension."""
        return f"fake-encoder-{self._dimension}"

    @property
    def dimension(self) -> int:
        """Width of the vectors."""
        return self._dimension

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Encode texts to unit vectors, shape (len(texts), dimension), float32."""
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        vectors[:, 0] = 1e-3  # a text without words has a direction too
        for row, text in enumerate(texts):
            for word in _words(text):
                digest = hashlib.blake2b(word.encode(), digest_size=4 * _COLUMNS_PER_WORD).digest()
                for (code,) in struct.iter_unpack(">I", digest):
                    vectors[row, 1 + (code >> 1) % (self._dimension - 1)] += 1.0 if code & 1 else -1.0
        lengths: Matrix = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / lengths

    def reads(self, text: str) -> bool:  # noqa: ARG002 - of the Protocol
        """Every text: it hashes whatever it meets."""
        return True

    def count_tokens(self, text: str) -> int:
        """Words, and characters of scripts without spaces."""
        return len(_words(text))


class ScriptedGenerator:
    """Answers as it was told: with fixed texts in turn, or with what a function makes of the conversation."""

    def __init__(
        self,
        script: Sequence[str | Exception] | Callable[[Sequence[ChatTurn]], str],
        *,
        seconds_per_word: float = 0.0,
        answerable: Sequence[float] | None = None,
        likelihood: Callable[[Sequence[ChatTurn]], float | None] = lambda _: 0.0,
    ) -> None:
        """Write the script.

        Args:
            script: Answers in turn (an exception is raised instead of answering), or a function of the turns.
            seconds_per_word: How long each word takes.
            answerable: Log odds to tell of each prompt, in turn, and 0 of those behind them; None for a generator
                that is not grounded.
            likelihood: Of the question in a conversation, nats a token; None where it is not found.
        """
        self._likelihood = likelihood
        self._script = script
        self._seconds_per_word = seconds_per_word
        self._answerable = answerable
        self._closed = False
        self.asked: list[tuple[ChatTurn, ...]] = []  # every conversation it was given
        self.cancelled = 0  # answers that were not read to their end

    @property
    def name(self) -> str:
        """Always the same."""
        return "scripted-generator"

    @property
    def grounded(self) -> bool:
        """Whether it was told how answerable prompts are."""
        return self._answerable is not None

    async def stream(
        self, turns: Sequence[ChatTurn], limits: GenerationLimits, *, judged: Judged | None = None
    ) -> AsyncGenerator[str, None]:
        """Yield the scripted answer word by word; a word counts as a token."""
        if self._closed:
            raise GenerationError("The generator was stopped.")
        self.asked.append(tuple(turns))
        if self._answerable is not None and judged is not None:
            answerable = dict(enumerate(self._answerable, start=1)).get(len(self.asked), 0.0)
            judged(Verdict(answerable=answerable, question=self._likelihood(turns)))
        deadline = asyncio.get_running_loop().time() + limits.seconds
        words = re.findall(r"\S+\s*|\s+", self._answer(turns))
        complete = False
        try:
            for word in words[: limits.max_new_tokens]:
                await asyncio.sleep(self._seconds_per_word)
                if asyncio.get_running_loop().time() >= deadline:
                    break
                yield word
            complete = True
        finally:
            self.cancelled += not complete

    async def aclose(self) -> None:
        """Refuse further requests."""
        self._closed = True

    def _answer(self, turns: Sequence[ChatTurn]) -> str:
        if callable(self._script):
            return self._script(turns)
        if len(self.asked) > len(self._script):
            raise GenerationError(f"The script has {len(self._script)} answers, and they have all been given.")
        answer = self._script[len(self.asked) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
