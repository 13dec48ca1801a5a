"""Questions that are learned from, each left out in turn: they speak of candidates that have not seen them (pure)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from adapters.examples import Examples, RatingId
from bot.learning.held_out import HeldOut
from training.splits import fold_order, normalised

# Of the questions that are learned from. A candidate without one of them learns from the test side too: from 86 % of
# all questions, where the one that may serve learns from 70 %.
PARTS: Final = 5


def part_of(question: str) -> int:
    """The part of a question, [0, PARTS); the same for ever."""
    return int(fold_order(question)[:8], 16) % PARTS


def new_to(learned: Collection[RatingId], items: Iterable[HeldOut], examples: Examples) -> tuple[HeldOut, ...]:
    """The questions of which a version has learned nothing: of others it knows what a candidate would have to find.

    A question counts as new, too, where nothing that the version learned of it is believed any more.

    Args:
        learned: The ratings that the version was trained on.
        items: Questions.
        examples: All there are.
    """
    known = frozenset(learned)
    seen = {normalised(one.question) for one in examples.all if known.intersection(one.ratings)}
    return tuple(item for item in items if normalised(item.question) not in seen)
