"""Two versions on the same held-out questions: what each made of them, and by how much they differ (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.types import Interval

ACCEPTED: Final = 0.6  # utility from which an answer counts as one that people take; for reports, decides nothing
RATER_SHARE: Final = 0.2  # of all weight: the most that one person's verdicts decide
RESAMPLES: Final = 4_000
_CAP_ROUNDS: Final = 30  # each lowers the shares of those above the cap, which raises the others' a little
_AT_ONCE: Final = 500  # resamples computed together


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a version made of one question; a part is None where nothing is known to measure it by."""

    answer: str = field(repr=False)
    utility: float  # [0, 1]: the number that decides, see docs/adr/0010
    agreement: float | None = None  # with an answer that people approved or liked, [0, 1]
    right_passage: bool | None = None  # one that is known to answer was shown
    grounded: float | None = None  # share of the sentences that the passages shown back; None for a refusal
    right_verdict: bool | None = None  # refused exactly when the documents do not tell
    margin: float | None = None  # by how much the wanted answer is likelier than the unwanted one, nats a token
    characters: int = 0

    @property
    def accepted(self) -> bool:
        """Whether people would take it."""
        return self.utility >= ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A held-out question with what the active version and the candidate made of it."""

    question: str = field(repr=False)
    before: Measured  # by the version that serves
    after: Measured  # by the candidate
    weight: float = 1.0  # how far its verdict is trusted, (0, 1]
    raters: tuple[str, ...] = ()  # whose verdict it is; unknown: a person of its own

    @property
    def gain(self) -> float:
        """By how much the candidate does better, [-1, 1]."""
        return self.after.utility - self.before.utility


class CaseKind(StrEnum):
    """What a case of the regression suite watches over."""

    KNOWLEDGE = "knowledge"  # a question that the documents answer
    REFUSAL = "refusal"  # one that they do not
    TALK = "talk"  # small talk, a call for a person
    ATTACK = "attack"  # somebody, or a document, that tells the bot to do something else


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A case of the regression suite: whether what must hold held, with each version."""

    name: str
    kind: CaseKind
    before: bool
    after: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedReport:
    """Everything that the gate decides by."""

    test: tuple[Pair, ...]  # questions that no version was ever trained on
    in_turn: tuple[Pair, ...] = ()  # others, each asked of a candidate of the same kind that was trained without it
    dev: tuple[Pair, ...] = ()  # the candidate's training was stopped by them
    suite: tuple[Held, ...] = ()  # the regression suite

    @property
    def broken(self) -> tuple[Held, ...]:
        """What held and does not any more."""
        return tuple(case for case in self.suite if case.before and not case.after)

    @property
    def mended(self) -> tuple[Held, ...]:
        """What holds only now."""
        return tuple(case for case in self.suite if case.after and not case.before)


def capped(pairs: Sequence[Pair], *, share: float = RATER_SHARE) -> tuple[Pair, ...]:
    """Lower weights so that nobody's verdicts decide more than a share of the whole.

    Args:
        pairs: A pair's weight is its raters' in equal parts.
        share: (0, 1]; in a small circle twice an equal part instead, so two people are not capped at all.

    Returns:
        The pairs in their order, with weights no higher than they had.
    """
    owners = [pair.raters or (f"#{number}",) for number, pair in enumerate(pairs)]
    people = sorted({rater for raters in owners for rater in raters})
    if not people:
        return ()
    number = {rater: place for place, rater in enumerate(people)}
    part = np.zeros((len(pairs), len(people)))  # each rater's part of each pair's weight
    for row, (pair, raters) in enumerate(zip(pairs, owners, strict=True)):
        for rater in raters:
            part[row, number[rater]] += pair.weight / len(raters)
    factor = np.ones(len(people))
    limit = min(max(share, 2 / len(people)), 1.0)
    for _ in range(_CAP_ROUNDS):
        held = part.sum(axis=0) * factor
        factor = np.minimum(factor, np.where(held > 0, limit * held.sum() / np.maximum(held, 1e-12) * factor, factor))
    weights = part @ factor
    return tuple(replace(pair, weight=float(weight)) for pair, weight in zip(pairs, weights, strict=True))


def effective(pairs: Sequence[Pair]) -> float:
    """How many questions of equal weight say as much (Kish 1965); 0 without any."""
    weights = np.array([pair.weight for pair in pairs])
    return float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0


def people(pairs: Sequence[Pair]) -> int:
    """How many people's verdicts stand behind the pairs."""
    return len(Counter(rater for pair in pairs for rater in pair.raters))


def resampled_gains(
    pairs: Sequence[Pair], rng: np.random.Generator, *, imagined: float = 0.0, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """The mean gain in bootstrap resamples of the questions, sorted.

    Args:
        pairs: At least one.
        rng: Draws the resamples.
        imagined: So many questions of full gain and as many of full loss are added to each resample: a handful of
            questions shows no spread where all of them agree by chance.
        resamples: How many.

    Returns:
        Weighted means, shape (resamples,), ascending.
    """
    gains = np.array([pair.gain for pair in pairs])
    weights = np.array([pair.weight for pair in pairs])
    full = weights.mean()
    if imagined:
        gains = np.concatenate([gains, [1.0, -1.0]])
        weights = np.concatenate([weights, [imagined * full, imagined * full]])
    means = []
    for _ in range(0, resamples, _AT_ONCE):
        drawn = rng.integers(0, len(gains), (_AT_ONCE, len(gains)))
        picked = weights[drawn]
        means.append((picked * gains[drawn]).sum(axis=1) / picked.sum(axis=1))
    return np.sort(np.concatenate(means))


def mean_gain(pairs: Sequence[Pair]) -> float:
    """Weighted mean of the gains; 0 without pairs."""
    total = sum(pair.weight for pair in pairs)
    return sum(pair.weight * pair.gain for pair in pairs) / total if total else 0.0


def gain_interval(pairs: Sequence[Pair], rng: np.random.Generator) -> Interval:
    """The mean gain with its 95 % paired bootstrap interval over questions; at least one pair."""
    low, high = np.percentile(resampled_gains(pairs, rng), [2.5, 97.5])
    return Interval(value=mean_gain(pairs), low=float(low), high=float(high))
