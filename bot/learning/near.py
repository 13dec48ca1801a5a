"""What is known of nearly the same questions: most that went wrong have no right answer of their own (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from adapters.examples import Examples
from adapters.types import Matrix
from bot.learning.held_out import HeldOut, held_out, without_own_answers
from bot.learning.scoring import same_answer
from bot.words import has_han
from knowledge.types import StoredChunk
from training.nearness import learned_nearness
from training.splits import feedback_side, normalised
from training.types import Split

MOST: Final = 3  # neighbours whose answers count

Encode = Callable[[Sequence[str]], Matrix]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The rated questions, with all that is known of each."""

    test: tuple[HeldOut, ...]
    dev: tuple[HeldOut, ...]
    train: tuple[HeldOut, ...]


def rated_questions(examples: Examples, chunks: Iterable[StoredChunk], encode: Encode) -> Sides:
    """The questions of each side, with all that is known of them.

    Args:
        examples: All there are.
        chunks: Everything that the bot knows.
        encode: Texts to unit vectors.
    """
    known = tuple(chunks)
    items = [item for side in Split for item in without_own_answers(held_out(examples, side), known)]
    by_side: dict[Split, list[HeldOut]] = {side: [] for side in Split}
    for item in with_near(items, examples, encode):
        by_side[feedback_side(item.question)].append(item)
    return Sides(**{side.value: tuple(found) for side, found in by_side.items()})


def with_near(items: Sequence[HeldOut], examples: Examples, encode: Encode) -> tuple[HeldOut, ...]:
    """Give each question the answers that are known to be right for questions that are nearly the same.

    None to a Chinese one: the default encoder finds them all alike.

    Args:
        items: Questions.
        examples: What is known, of all sides; how near is near enough is learned from it.
        encode: Texts to unit vectors.
    """
    answers = _known(examples)
    questions = sorted(answers)
    if not questions or not items:
        return tuple(items)
    vectors = encode(questions)
    nearness = learned_nearness(vectors, questions, [answers[one] for one in questions], same_answer).similarity
    if nearness is None:
        return tuple(items)
    told = [row for row, question in enumerate(questions) if answers[question]]
    cosines = encode([item.question for item in items]) @ vectors[told].T
    found = []
    for item, row in zip(items, cosines, strict=True):
        order = [questions[told[place]] for place in np.argsort(-row, kind="stable").tolist() if row[place] >= nearness]
        others = [question for question in order if normalised(question) != normalised(item.question)]
        near = () if has_han(item.question) else tuple(answers[question] for question in others[:MOST])
        found.append(replace(item, near=near))
    return tuple(found)


def _known(examples: Examples) -> dict[str, str]:
    """The right answer to each question where one is known; "" where the documents do not tell."""
    known = {one.question: "" for one in examples.verdicts if not one.answerable}
    known |= {one.question: one.answer for one in examples.answers if one.liked and one.answer}
    return known | {one.question: one.better for one in examples.answers if one.better}
