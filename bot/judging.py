"""Several readings of a question at once: the generator judges each, and goes on with the best.

Each passage is judged alone: a small model tells one passage that answers from one that does not far better than it
finds the right one among three in one prompt (docs/experiments.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from adapters.errors import AdapterError
from adapters.types import ChatTurn, GenerationLimits, Generator, Verdict
from bot.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The reading that is answered best, and its answer as it comes."""

    number: int  # of the reading, from 0
    head: float | None  # log odds that it holds the answer; None from a generator that does not judge
    best_head: float | None  # of the readings' the highest
    gain: float | None  # how much likelier the question is behind the passage that makes it likeliest, nats a token
    pieces: AsyncGenerator[str, None]  # to be closed by whoever reads it


@dataclass(slots=True)
class _Start:
    """A stream up to its first piece."""

    stream: AsyncGenerator[str, None]
    verdict: Verdict | None = None
    first: str | None = None  # None: it ended before the first piece
    error: AdapterError | None = None


async def judge(
    generator: Generator,
    readings: Sequence[Reading],
    limits: GenerationLimits,
    *,
    priors: Sequence[float],
    bare: Sequence[ChatTurn] = (),
) -> Judged:
    """Start every reading, keep the one that the generator judges best, cancel the others.

    A passage that answers a question makes it likelier than it is by itself: that is measured beside the generator's
    own verdict.

    Args:
        generator: Computes the readings together.
        readings: At least one, best first; of equals the first is kept.
        limits: Of each.
        priors: What speaks for each reading before it is judged; added to its log odds.
        bare: The prompt of the question without any passage; none: no gain is measured.

    Raises:
        AdapterError: None could be started.
    """
    starts = [_start(generator, reading.turns, limits) for reading in readings]
    alone = [_start(generator, bare, replace(limits, max_new_tokens=1))] if bare else []
    try:
        done = await asyncio.gather(*map(_first_piece, [*starts, *alone]), return_exceptions=True)
    except BaseException:  # whoever asked has left
        await _close([*starts, *alone])
        raise
    await _close(alone)
    if (failed := next((one for one in done if isinstance(one, BaseException)), None)) is not None:
        await _close(starts)
        raise failed
    gain = _gain(starts, alone)
    alive = [number for number, start in enumerate(starts) if start.error is None]
    best = max(alive, key=lambda number: _rank(starts[number]) + priors[number], default=None)
    await _close([start for number, start in enumerate(starts) if number != best])
    if best is None:
        raise next(start.error for start in starts if start.error is not None)
    return Judged(
        number=best,
        head=None if (own := starts[best].verdict) is None else own.answerable,
        best_head=max((start.verdict.answerable for start in starts if start.verdict is not None), default=None),
        gain=gain,
        pieces=_rest(starts[best]),
    )


def _start(generator: Generator, turns: Sequence[ChatTurn], limits: GenerationLimits) -> _Start:
    def judged(verdict: Verdict) -> None:
        start.verdict = verdict

    start = _Start(generator.stream(turns, limits, judged=judged))
    return start


def _gain(starts: Sequence[_Start], alone: Sequence[_Start]) -> float | None:
    behind, by_itself = _likelihoods(starts), _likelihoods(alone)
    return max(behind) - by_itself[0] if behind and by_itself else None


def _likelihoods(starts: Sequence[_Start]) -> list[float]:
    verdicts = [start.verdict for start in starts if start.verdict is not None]
    return [verdict.question for verdict in verdicts if verdict.question is not None]


async def _first_piece(start: _Start) -> None:
    try:
        start.first = await anext(start.stream, None)
    except AdapterError as error:
        start.error = error


def _rank(start: _Start) -> float:
    return float("-inf") if start.verdict is None else start.verdict.answerable


async def _rest(start: _Start) -> AsyncGenerator[str, None]:
    async with aclosing(start.stream) as pieces:
        if start.first is not None:
            yield start.first
            async for piece in pieces:
                yield piece


async def _close(starts: Sequence[_Start]) -> None:
    for start in starts:
        await start.stream.aclose()
