"""Several readings of a question at once: the generator judges each, and goes on with the best.

Each passage is judged alone: a small model tells one passage that answers from one that does not far better than it
finds the right one among three in one prompt (docs/experiments.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from adapters.errors import AdapterError
from adapters.types import GenerationLimits, Generator
from bot.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The reading that is answered best, and its answer as it comes."""

    number: int  # of the reading, from 0
    head: float | None  # log odds that it holds the answer; None from a generator that does not judge
    best_head: float | None  # of the readings' the highest
    pieces: AsyncGenerator[str, None]  # to be closed by whoever reads it


@dataclass(slots=True)
class _Start:
    """A stream up to its first piece."""

    stream: AsyncGenerator[str, None]
    head: float | None = None
    first: str | None = None  # None: it ended before the first piece
    error: AdapterError | None = None


async def judge(
    generator: Generator, readings: Sequence[Reading], limits: GenerationLimits, *, priors: Sequence[float]
) -> Judged:
    """Start every reading, keep the one that the generator judges best, cancel the others.

    Args:
        generator: Computes the readings together.
        readings: At least one, best first; of equals the first is kept.
        limits: Of each.
        priors: What speaks for each reading before it is judged; added to its log odds.

    Raises:
        AdapterError: None could be started.
    """
    starts = [_start(generator, reading, limits) for reading in readings]
    try:
        done = await asyncio.gather(*map(_first_piece, starts), return_exceptions=True)
    except BaseException:  # whoever asked has left
        await _close(starts)
        raise
    if (failed := next((one for one in done if isinstance(one, BaseException)), None)) is not None:
        await _close(starts)
        raise failed
    alive = [number for number, start in enumerate(starts) if start.error is None]
    best = max(alive, key=lambda number: _rank(starts[number]) + priors[number], default=None)
    await _close([start for number, start in enumerate(starts) if number != best])
    if best is None:
        raise next(start.error for start in starts if start.error is not None)
    heads = [head for start in starts if (head := start.head) is not None]
    return Judged(number=best, head=starts[best].head, best_head=max(heads, default=None), pieces=_rest(starts[best]))


def _start(generator: Generator, reading: Reading, limits: GenerationLimits) -> _Start:
    def judged(head: float) -> None:
        start.head = head

    start = _Start(generator.stream(reading.turns, limits, judged=judged))
    return start


async def _first_piece(start: _Start) -> None:
    try:
        start.first = await anext(start.stream, None)
    except AdapterError as error:
        start.error = error


def _rank(start: _Start) -> float:
    return float("-inf") if start.head is None else start.head


async def _rest(start: _Start) -> AsyncGenerator[str, None]:
    async with aclosing(start.stream) as pieces:
        if start.first is not None:
            yield start.first
            async for piece in pieces:
                yield piece


async def _close(starts: Sequence[_Start]) -> None:
    for start in starts:
        await start.stream.aclose()
