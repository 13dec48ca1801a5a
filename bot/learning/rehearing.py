"""Generators for replays: several copies compute at once, and what one has said to a prompt is not computed again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

from adapters.errors import GenerationError
from adapters.types import ChatTurn, GenerationLimits, Generator, Judged, Verdict
from bot.learning.abreast import SLOT
from bot.learning.replay import Likelihood


@dataclass(frozen=True, slots=True)
class Heard:
    """What a generator said to a prompt, as far as anybody listened."""

    verdict: Verdict | None = None
    text: str = ""
    whole: bool = False  # it had no more to say


Memory: TypeAlias = dict[tuple[tuple[ChatTurn, ...], GenerationLimits], Heard]  # of one generator


class Copies:
    """Copies of one generator, each with a thread of its own: a question is computed by that of its slot.

    A small model computes two questions on two cores in the time of one; with two threads for one question it gains
    nothing (docs/experiments.md).
    """

    def __init__(self, copies: Sequence[Generator]) -> None:
        """Take over copies that say the same; at least one."""
        self._copies = tuple(copies)

    @property
    def copies(self) -> int:
        """How many there are."""
        return len(self._copies)

    @property
    def name(self) -> str:
        """As each of them."""
        return self._copies[0].name

    @property
    def grounded(self) -> bool:
        """As each of them."""
        return self._copies[0].grounded

    def stream(
        self, turns: Sequence[ChatTurn], limits: GenerationLimits, *, judged: Judged | None = None
    ) -> AsyncGenerator[str, None]:
        """As the slot's copy does."""
        return self._own.stream(turns, limits, judged=judged)

    async def likelihood(self, turns: Sequence[ChatTurn], text: str) -> float | None:
        """As the slot's copy tells; None where it cannot."""
        own = self._own
        return await own.likelihood(turns, text) if isinstance(own, Likelihood) else None

    async def aclose(self) -> None:
        """Stop them all."""
        await asyncio.gather(*(one.aclose() for one in self._copies))

    @property
    def _own(self) -> Generator:
        return self._copies[SLOT.get() % len(self._copies)]


class Rehearing:
    """A generator whose answers are remembered: of the same prompt the same greedy answer comes."""

    def __init__(self, generator: Generator, memory: Memory) -> None:
        """Take over a generator.

        Args:
            generator: Speaks where nothing is remembered.
            memory: What it has said; outlives it, and is of no other generator.
        """
        self._generator = generator
        self._memory = memory

    @property
    def copies(self) -> int:
        """How many questions it computes at once without one waiting for another."""
        return self._generator.copies if isinstance(self._generator, Copies) else 1

    @property
    def name(self) -> str:
        """Its own."""
        return self._generator.name

    @property
    def grounded(self) -> bool:
        """Its own."""
        return self._generator.grounded

    async def stream(
        self, turns: Sequence[ChatTurn], limits: GenerationLimits, *, judged: Judged | None = None
    ) -> AsyncGenerator[str, None]:
        """What was said before, at once, and what was not listened to then as it comes."""
        known = self._memory.get((tuple(turns), limits), Heard())
        if known.verdict is not None and judged is not None:
            judged(known.verdict)
        if known.text:
            yield known.text
        if not known.whole:
            async with aclosing(self._listen(tuple(turns), limits, known, judged)) as pieces:
                async for piece in pieces:
                    yield piece

    async def _listen(
        self, turns: tuple[ChatTurn, ...], limits: GenerationLimits, known: Heard, judged: Judged | None
    ) -> AsyncGenerator[str, None]:
        """What the generator says beyond what is known; all of it is remembered."""
        verdict, said, whole, began = known.verdict, "", False, time.monotonic()

        def judging(given: Verdict) -> None:
            nonlocal verdict
            if verdict is None and judged is not None:
                judged(given)
            verdict = given

        try:
            async with aclosing(self._generator.stream(turns, limits, judged=judging)) as pieces:
                async for piece in pieces:
                    begun = max(len(said), len(known.text))
                    said += piece
                    if not said.startswith(known.text[: len(said)]):
                        raise GenerationError("The language model said something else the second time.")
                    if new := said[begun:]:
                        yield new
            whole = time.monotonic() - began < limits.seconds  # else it was cut
        finally:
            kept = self._memory.get((turns, limits), known)  # another question may have had the same prompt
            if whole or (not kept.whole and len(said) > len(kept.text)):
                self._memory[turns, limits] = Heard(verdict, said, whole)

    async def likelihood(self, turns: Sequence[ChatTurn], text: str) -> float | None:
        """As the generator tells; None where it cannot."""
        own = self._generator
        return await own.likelihood(turns, text) if isinstance(own, Likelihood) else None

    async def aclose(self) -> None:
        """Stop the generator; what it said stays remembered."""
        await self._generator.aclose()
