"""Several searches to one ranking: by weighted scores, or by places only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from knowledge.types import ChunkIds, Hits, Vector

LEAST_ROOM: Final = 0.1  # between a typical passage and the query itself; less would blow up what is only noise


@dataclass(frozen=True, slots=True, kw_only=True)
class BlendWeights:
    """What each search counts for, beside the others; >= 0."""

    similarity: float = 1.0
    words: float = 0.3
    titles: float = 0.2


def blend(similarities: Vector, words: Vector, titles: Vector, weights: BlendWeights) -> Vector:
    """Mean of three scores for each candidate, weighted.

    Scores say how much better one passage is than the next, which places do not.

    Args:
        similarities: Centred cosines, shape (n,), [-1, 1].
        words: BM25 over the whole text as a share of the highest that any passage has for this query, [0, 1]: such
            a share means the same in a small and a large collection, for a short and a long question.
        titles: The same over titles and curated questions alone.
        weights: What each counts for; not all 0.

    Returns:
        Shape (n,), [-1, 1].

    Source: Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023: a convex
    combination is better than reciprocal rank fusion, and a few questions are enough to find its weights.
    """
    total = weights.similarity + weights.words + weights.titles
    summed = weights.similarity * similarities + weights.words * words + weights.titles * titles
    mean: Vector = (summed / total).astype(np.float32)
    return mean


def centred(similarities: Vector, typical: float) -> Vector:
    """Cosines on a scale where 0 is a passage taken at random and 1 is the query itself.

    Encoders differ in how near unrelated texts lie: .2 in all-MiniLM, .72 in m3e-small, whose cosines would hardly
    count beside the words as they are.

    Args:
        similarities: Cosines, shape (n,).
        typical: The query's mean cosine with passages.

    Returns:
        Shape (n,), [-1, 1], in the same order.
    """
    scaled: Vector = np.clip((similarities - typical) / max(1 - typical, LEAST_ROOM), -1.0, 1.0).astype(np.float32)
    return scaled


def shares(scores: Vector, best: Hits) -> Vector:
    """BM25 scores as shares of the best hit's; 0 where there was no hit."""
    if not len(best.scores):
        return np.zeros_like(scores)
    return np.minimum(scores / best.scores[0], 1.0)  # type: ignore[no-any-return]  # numpy's minimum is untyped here


def fuse(rankings: Sequence[tuple[ChunkIds, float]], *, k: float) -> list[tuple[int, float]]:
    """Merge rankings: an id scores the sum of weight / (k + rank) over the rankings that hold it.

    Args:
        rankings: Ids, best first, each with its weight (>= 0); a weight of 0 leaves a ranking out.
        k: Damping (>= 0): the larger, the less the first places stand out.

    Returns:
        (id, score) pairs, best first; equal scores by id.

    Source: Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
    Methods", SIGIR 2009.
    """
    scores: dict[int, float] = {}
    for ids, weight in rankings:
        for rank, chunk_id in enumerate(ids.tolist() if weight > 0 else (), start=1):
            scores[chunk_id] = scores.get(chunk_id, 0.0) + weight / (k + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
