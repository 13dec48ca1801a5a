"""Questions that were kept back, and what people's ratings say a good answer to each is (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from adapters.examples import (
    AnswerExample,
    Example,
    Examples,
    IntentExample,
    LinkExample,
    RatingId,
    ShownPassage,
    VerdictExample,
)
from knowledge.types import ChunkKind, StoredChunk
from training.paired import Measured, Pair, capped, effective
from training.splits import feedback_side, fold_order, normalised
from training.types import Split

MOST: Final = 60  # questions that a run asks: more tell little that these do not, and take seconds each


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """A question that versions are compared on."""

    question: str = field(repr=False)
    wanted: tuple[str, ...] = field(default=(), repr=False)  # answers that were approved or liked
    unwanted: tuple[str, ...] = field(default=(), repr=False)  # answers that were disliked
    near: tuple[str, ...] = field(default=(), repr=False)  # right answers to questions that are nearly the same
    answerable: bool | None = None  # whether the documents tell; None: nobody said
    right: frozenset[str] = frozenset()  # keys of passages that answer it
    pages: frozenset[str] = frozenset()  # uris of the documents that those are of
    wrong: frozenset[str] = frozenset()  # keys of passages that were shown and do not
    passages: tuple[ShownPassage, ...] = ()  # that the wanted answer was written from, best first
    intent: str = ""  # what it is about; "" if nobody said
    avoid: frozenset[int] = frozenset()  # ids of chunks that give the answer away
    certain: bool = False  # written down as right by somebody who knows, not told by ratings
    weight: float = 1.0  # how far all this is trusted, (0, 1]
    raters: tuple[str, ...] = ()  # who said so


def held_out(examples: Examples, side: Split) -> tuple[HeldOut, ...]:
    """The rated questions of one side, with what is known of each.

    Args:
        examples: All there are; what is rated several ways was settled when they were made.
        side: TEST for what decides, DEV for what training was stopped by, TRAIN for what is learned from.

    Returns:
        One for each question, sorted by it.
    """
    groups: dict[str, list[Example]] = {}
    for example in examples.all:
        if feedback_side(example.question) is side:
            groups.setdefault(normalised(example.question), []).append(example)
    return tuple(_item(group) for _, group in sorted(groups.items()))


def without_own_answers(items: Sequence[HeldOut], chunks: Iterable[StoredChunk]) -> tuple[HeldOut, ...]:
    """Hide from each question the curated entry that was made of it.

    An approved correction is given word for word at once, whatever version serves; the replay asks what the versions
    would make of the question without it.

    Args:
        items: Questions.
        chunks: Everything that the bot knows.
    """
    entries: dict[str, set[int]] = {}
    for stored in chunks:
        if stored.chunk.kind is ChunkKind.CURATED:
            entries.setdefault(normalised(stored.chunk.question), set()).add(stored.id)
    return tuple(replace(item, avoid=frozenset(entries.get(normalised(item.question), ()))) for item in items)


def to_ask(
    test: Sequence[HeldOut], dev: Sequence[HeldOut], *, needed: float, most: int = MOST
) -> tuple[tuple[HeldOut, ...], tuple[HeldOut, ...]]:
    """What a run asks: those that are trusted most; of the dev side only where the test side is too small to decide.

    Args:
        test: Questions of the side that decides.
        dev: Of the side that training was stopped by.
        needed: Questions of equal weight that decide by themselves.
        most: Questions of both sides together.
    """
    asked = most_trusted(test, most)
    nothing = Measured(answer="", utility=0.0)
    pairs = [Pair(question="", before=nothing, after=nothing, weight=one.weight, raters=one.raters) for one in asked]
    enough = effective(capped(pairs)) >= needed
    return asked, () if enough else most_trusted(dev, most - len(asked))


def most_trusted(items: Sequence[HeldOut], most: int) -> tuple[HeldOut, ...]:
    """Those of the greatest weight, in the order of their texts."""
    first = sorted(items, key=lambda one: (-one.weight, fold_order(one.question)))[:most]
    return tuple(sorted(first, key=lambda one: normalised(one.question)))


def _item(group: Sequence[Example]) -> HeldOut:
    answers = [one for one in group if isinstance(one, AnswerExample)]
    links = [one for one in group if isinstance(one, LinkExample)]
    wanted = _each(answers, lambda one: one.better or (one.answer if one.liked else ""))
    unwanted = _each(answers, lambda one: "" if one.liked else one.answer)
    right = frozenset(one.passage.key for one in links if one.good)
    wrong = frozenset(one.passage.key for one in links if not one.good) - right
    source = next((one for one in answers if (one.better or one.liked) and one.passages), None)
    intent = max((one for one in group if isinstance(one, IntentExample)), key=_weight, default=None)
    return HeldOut(
        question=group[0].question,
        wanted=wanted,
        unwanted=tuple(text for text in unwanted if text not in wanted),
        answerable=True if wanted or right else _answerable(group),
        right=right,
        pages=frozenset(one.passage.uri for one in links if one.good),
        wrong=wrong,
        passages=source.passages if source is not None else (),
        intent=intent.label if intent is not None else "",
        weight=max(map(_weight, group)),
        raters=tuple(sorted({rater_of(rating) for one in group for rating in one.ratings})),
    )


def _each(answers: Sequence[AnswerExample], text: Callable[[AnswerExample], str]) -> tuple[str, ...]:
    """Texts without repetition and without empty ones, those that are trusted most first."""
    return tuple(dict.fromkeys(filter(None, map(text, sorted(answers, key=lambda one: -one.weight)))))


def _answerable(group: Sequence[Example]) -> bool | None:
    """What most of the trust says of whether the documents tell; None if it is even, or nobody said."""
    votes = {True: 0.0, False: 0.0}
    for one in group:
        if isinstance(one, VerdictExample):
            votes[one.answerable] += one.weight
    return None if votes[True] == votes[False] else votes[True] > votes[False]


def _weight(example: Example) -> float:
    return example.weight


def rater_of(rating: RatingId) -> str:
    """Who gave a rating; a correction, which an admin approved, stands for itself."""
    return rating if rating.startswith("c:") else rating.partition(":")[2]
