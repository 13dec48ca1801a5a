"""From rated answers to what a generator is trained on: prompts as the bot asks them, good answers and bad ones (pure).

Facts live in the documents: an answer is learned only where the lines in its prompt support it, so what is learned is
how to read them and how to say it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from random import Random
from typing import Final, TypeVar

from adapters.examples import AnswerExample, ShownPassage
from adapters.generator.prompt import Evidence, grounded_turns
from adapters.types import ChatTurn
from training.base_sets import nearest_lines
from training.splits import normalised

SUPPORTED: Final = (
    0.7  # share of an answer's words that its lines must have; an assumption, see docs/experiments-learning
)
_WORD: Final = re.compile(r"[a-z0-9]+|[\u3400-\u9fff\uf900-\ufaff]")  # of Chinese each character

Excerpt = Callable[[str, str], str]
"""The lines of a text, its second argument, that the bot reads for a question, its first."""

NEAREST: Final[Excerpt] = partial(nearest_lines, count=2)
T = TypeVar("T")


class Objective(StrEnum):
    """What is minimised."""

    AUTO = "auto"  # see `choose`
    SFT = "sft"  # likelihood of good answers
    KTO = "kto"  # good and bad answers, each by itself (arXiv 2402.01306)
    DPO = "dpo"  # a good answer over a bad one to the same question (arXiv 2305.18290), with the good one's likelihood


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A prompt, and what should be answered or should not be."""

    question: str
    evidence: Evidence  # the lines that the bot reads
    good: str  # "" for none
    bad: str  # "" for none
    weight: float  # (0, 1]

    @property
    def turns(self) -> tuple[ChatTurn, ...]:
        """As the bot asks it."""
        return grounded_turns(self.question, [self.evidence])


def rows(examples: Sequence[AnswerExample], excerpt: Excerpt = NEAREST) -> tuple[Row, ...]:
    """What can be learned from rated answers; those that their passages do not support are left out.

    Args:
        examples: Rated answers.
        excerpt: How the bot clips a passage.
    """
    made = (_row(example, excerpt) for example in examples)
    return tuple(row for row in made if row is not None)


def usable(found: Sequence[Row], objective: Objective) -> tuple[Row, ...]:
    """The rows that an objective can learn from."""
    if objective is Objective.DPO:
        return tuple(row for row in found if row.good and row.bad)
    if objective is Objective.SFT:
        return tuple(row for row in found if row.good)
    return tuple(found)


def choose(found: Sequence[Row], *, need: int) -> Objective:
    """The objective for what there is: good answers where there are enough, else whatever has enough.

    Args:
        found: Training rows.
        need: How many rows it takes at least.
    """
    for objective in (Objective.SFT, Objective.KTO):
        if len(usable(found, objective)) >= need:
            return objective
    return Objective.SFT


def drawn(items: Sequence[T], weights: Sequence[float], count: int, rng: Random) -> list[T]:
    """So many items, each as often as its weight says, in random order.

    TRL takes no weights. Systematic sampling: how often an item comes differs from its share by less than one.

    Args:
        items: One or more.
        weights: Theirs, above 0.
        count: How many.
        rng: Draws the offset and the order.
    """
    if not count:
        return []
    step = sum(weights) / count
    marks: list[T] = []
    total, position = 0.0, rng.random() * step
    order = rng.sample(range(len(items)), len(items))  # neighbours in time are alike: not by their place
    for number in order:
        total += weights[number]
        while position < total and len(marks) < count:
            marks.append(items[number])
            position += step
    rng.shuffle(marks)
    return marks


def support(answer: str, text: str) -> float:
    """Share of an answer's words that a text has, [0, 1]."""
    said = _WORD.findall(answer.lower())
    there = set(_WORD.findall(text.lower()))
    return sum(word in there for word in said) / len(said) if said else 0.0


def _row(example: AnswerExample, excerpt: Excerpt) -> Row | None:
    good = (example.better or (example.answer if example.liked else "")).strip()
    bad = "" if example.liked else example.answer.strip()
    if normalised(good) == normalised(bad):
        return None
    evidence = _evidence(example, good or bad, excerpt)
    if evidence is None:
        return None
    if good and support(good, f"{evidence.title} {evidence.text}") < SUPPORTED:
        return None
    return Row(question=example.question, evidence=evidence, good=good, bad=bad, weight=example.weight)


def _evidence(example: AnswerExample, answer: str, excerpt: Excerpt) -> Evidence | None:
    """The lines of the passage that has most of the answer; chosen by the answer too where the question misses them."""
    if not example.passages:
        return None
    passage = max(example.passages, key=lambda one: support(answer, _whole(one)))
    lines = excerpt(example.question, passage.text)
    if support(answer, f"{passage.title} {lines}") < SUPPORTED:
        lines = excerpt(f"{example.question} {answer}", passage.text)
    return Evidence(title=passage.title, text=lines)


def _whole(passage: ShownPassage) -> str:
    return f"{passage.title} {passage.text}"
