"""How near two questions must be for the answer of one to answer the other, as a team's own ratings show (pure)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Alike = Callable[[str, str, str], bool]  # two answers, and the question: whether the first says what the second says

GRID: Final = tuple(round(0.90 - 0.02 * step, 2) for step in range(16))  # .90 down to .60
LEAST_PAIRS: Final = 10  # questions with so near a neighbour; fewer prove nothing
# Lower bound of the share whose neighbour has their answer. Where neighbours always had it, .72 would be seen: 15 % of
# all ratings are mistaken, and each pair has two. Other lines of one page count as another answer besides.
LEAST_RIGHT: Final = 0.5
ONE_SIDED: Final = 1.28  # standard deviations: wrong in one of ten


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearness:
    """What was found."""

    similarity: float | None  # cosine from which a neighbour's answer is right often enough; None: none of the grid
    pairs: int  # questions that have a neighbour as near as that, or as the grid's first step
    right: int  # of them, those whose neighbour has their answer


def learned_nearness(
    vectors: NDArray[np.float32], questions: Sequence[str], answers: Sequence[str], alike: Alike
) -> Nearness:
    """Choose the lowest cosine from which the nearest other question has the same answer.

    Args:
        vectors: Of the questions, unit length, shape (n, dim).
        questions: Each once.
        answers: What is known to be right for each; "" for one that the documents do not answer, which no neighbour
            may answer.
        alike: Compares two answers.

    Returns:
        The lowest step of the grid that holds and has pairs of its own. A step holds where the share of right
        neighbours has a lower bound (Wilson, one-sided 90 %) of LEAST_RIGHT, there are LEAST_PAIRS of them, and of the
        LEAST_PAIRS farthest of them as large a share is right: few at the top must not hide what lies at the step.
    """
    told = [row for row, answer in enumerate(answers) if answer]
    found: list[tuple[float, bool]] = []  # similarity of the nearest other, whether its answer is right
    for row, question in enumerate(questions):
        others = [other for other in told if other != row]
        if not others:
            continue
        similarities = vectors[others] @ vectors[row]
        best = int(np.argmax(similarities))
        right = bool(answers[row]) and alike(answers[others[best]], answers[row], question)
        found.append((float(similarities[best]), right))
    chosen: float | None = None
    pairs, right_ones = _counted(found, GRID[0])
    for step in GRID:
        near, right_near = _counted(found, step)
        holds = near >= LEAST_PAIRS and lower_bound(right_near, near) >= LEAST_RIGHT
        if holds and _farthest(found, step) >= LEAST_RIGHT and (chosen is None or near > pairs):
            chosen, pairs, right_ones = step, near, right_near
    return Nearness(similarity=chosen, pairs=pairs, right=right_ones)


def lower_bound(right: int, of: int) -> float:
    """Wilson's lower bound of a share, one-sided 90 % (Wilson 1927)."""
    if not of:
        return 0.0
    share, square = right / of, ONE_SIDED**2
    middle = share + square / (2 * of)
    spread = ONE_SIDED * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return (middle - spread) / (1 + square / of)


def _farthest(found: Sequence[tuple[float, bool]], least: float) -> float:
    """Share of right neighbours among those that are hardly near enough."""
    last = sorted((one for one in found if one[0] >= least), key=lambda one: one[0])[:LEAST_PAIRS]
    return sum(right for _, right in last) / len(last)


def _counted(found: Sequence[tuple[float, bool]], least: float) -> tuple[int, int]:
    near = [right for similarity, right in found if similarity >= least]
    return len(near), sum(near)
