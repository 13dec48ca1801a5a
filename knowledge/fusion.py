"""Reciprocal rank fusion: several rankings to one, by places only, since their scores are not comparable."""

from __future__ import annotations

from collections.abc import Sequence

from knowledge.types import ChunkIds


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
