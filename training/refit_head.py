"""The answerability head after its model has changed: it must say what it said, of the new hidden states."""

from __future__ import annotations

from typing import Final

import numpy as np

from adapters.generator.answerability import AnswerabilityHead
from adapters.types import Matrix

STIFFNESS: Final = 0.01  # of the ridge, in units of the mean squared hidden state; see docs/experiments-learning.md


def refit(head: AnswerabilityHead, before: Matrix, after: Matrix, *, stiffness: float = STIFFNESS) -> AnswerabilityHead:
    """Find the head nearest to the old one whose log odds on the new states are the old ones.

    Ridge regression on the difference: with few prompts it changes little, with none nothing.

    Args:
        head: Of the version before.
        before: Hidden states of some prompts there, shape (n, dim).
        after: Of the same prompts now, shape (n, dim).
        stiffness: How dear a change of the head is, above 0.

    Returns:
        The new head.
    """
    if not len(before):
        return head
    wanted = before.astype(np.float64) @ head.weight + head.bias
    states = np.concatenate([after.astype(np.float64), np.ones((len(after), 1))], axis=1)  # (n, dim + 1)
    missing = wanted - (states[:, :-1] @ head.weight + head.bias)
    gram = states @ states.T
    ridge = stiffness * float(np.trace(gram)) * np.eye(len(states)) / len(states)
    change = states.T @ np.linalg.solve(gram + ridge, missing)
    return AnswerabilityHead(
        weight=np.asarray(head.weight + change[:-1], dtype=np.float32), bias=float(head.bias + change[-1])
    )
