"""Held-out questions asked anew: through the whole message path, with what the bot knows now, and nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from adapters.errors import AdapterError
from adapters.generator.prompt import Evidence, grounded_turns
from adapters.types import ChatTurn
from bot.errors import BotError
from bot.extract import quote
from bot.learning.abreast import abreast
from bot.learning.held_out import HeldOut
from bot.learning.live import Path
from bot.learning.scoring import bare, measure
from bot.looking import READ_LINES
from bot.pipeline import Done
from bot.types import Answer, Turn
from training.paired import Measured, Pair

READINGS: Final = 4  # rows of the generator's batch that one question takes: three passages and the question alone


@runtime_checkable
class Likelihood(Protocol):
    """Tells how likely a given answer is; bot.deferred.DeferredGenerator does."""

    async def likelihood(self, turns: Sequence[ChatTurn], text: str) -> float | None:
        """Mean log-likelihood of the text's tokens, nats; None where it cannot be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A held-out question with what a version made of it."""

    item: HeldOut
    answer: Answer
    measured: Measured


def how_many_together(max_batch: int) -> int:
    """How many questions are asked at once so that the generator's batch is full and few readings wait."""
    return max(1, max_batch // READINGS)


async def replay(
    path: Path,
    items: Sequence[HeldOut],
    *,
    together: int = 2,
    likelihood: Likelihood | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> tuple[Replayed, ...]:
    """Ask every held-out question, without history and of all documents, and measure the answers.

    Args:
        path: The message path with the version's adapters.
        items: Questions.
        together: Asked side by side; `how_many_together` of the generator's batch, for each of its copies.
        likelihood: The version's generator, to tell the wanted answer from the unwanted one; it reads each of the
            two once, about a tenth of a second on two cores. None: no margin.
        progress: Told after each question: done, of how many.

    Raises:
        BotError: The path gave no answer.
    """

    async def one(item: HeldOut) -> Replayed:
        answer = await ask(path, item.question, avoid=item.avoid)
        margin = await _margin(likelihood, item) if likelihood is not None else None
        return Replayed(item=item, answer=answer, measured=measure(item, answer, margin=margin))

    return await abreast(one, items, together=together, progress=progress)


async def ask(path: Path, question: str, *, history: Sequence[Turn] = (), avoid: Collection[int] = ()) -> Answer:
    """One question's answer.

    Raises:
        BotError: None came.
    """
    async with aclosing(path.answer(question, history=history, avoid=avoid)) as events:
        async for event in events:
            if isinstance(event, Done):
                return event.answer
    raise BotError("The message path ended without an answer.")


def pairs(before: Sequence[Replayed], after: Sequence[Replayed]) -> tuple[Pair, ...]:
    """The same questions with two versions, side by side."""
    return tuple(
        Pair(
            question=old.item.question,
            before=old.measured,
            after=new.measured,
            weight=old.item.weight,
            raters=old.item.raters,
        )
        for old, new in zip(before, after, strict=True)
    )


async def _margin(likelihood: Likelihood, item: HeldOut) -> float | None:
    """By how much the wanted answer is likelier behind its passage than the unwanted one, nats a token."""
    if not (item.wanted and item.unwanted and item.passages):
        return None
    best = item.passages[0]
    read = Evidence(title=best.title, text=quote(item.question, best.text, READ_LINES))
    turns = grounded_turns(item.question, [read])
    try:
        wanted, unwanted = [
            await likelihood.likelihood(turns, bare(text)) for text in (item.wanted[0], item.unwanted[0])
        ]
    except AdapterError:  # too long for the context: the margin is a report, no reason to end a replay
        return None
    return None if wanted is None or unwanted is None else wanted - unwanted
