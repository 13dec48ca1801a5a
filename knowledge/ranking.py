"""Two searches to one ranking: what is near in meaning, what shares the words, and what advice says of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

import numpy as np

from knowledge.fusion import BlendWeights, blend, centred, fuse, shares
from knowledge.index import IndexSettings, VectorIndex
from knowledge.lexical import LexicalIndex, LexicalSettings
from knowledge.types import Advised, ChunkIds, Hits, Matrix, Vector

_NO_HITS: Final = Hits(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))


class Fusion(StrEnum):
    """How two searches become one ranking in hybrid mode."""

    SCORES = "scores"  # knowledge.fusion.blend
    PLACES = "places"  # reciprocal rank fusion


class RetrievalMode(StrEnum):
    """How passages are found."""

    HYBRID = "hybrid"
    VECTOR = "vector"
    LEXICAL = "lexical"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalSettings:
    """How passages are found and ranked; chosen with benchmarks/retrieval.py."""

    mode: RetrievalMode = RetrievalMode.HYBRID
    top_k: int = 5  # passages, unless the caller says otherwise
    fusion: Fusion = Fusion.SCORES
    weights: BlendWeights = field(default_factory=BlendWeights)  # of scores
    rrf_k: float = 10.0  # of places; better than the usual 60
    vector_weight: float = 1.0  # of places
    lexical_weight: float = 1.0  # of places
    depth: int = 50  # places read from each ranking before they are fused
    index: IndexSettings = field(default_factory=IndexSettings)
    lexical: LexicalSettings = field(default_factory=LexicalSettings)


@dataclass(frozen=True, slots=True)
class Scored:
    """Candidates with their scores, best first; row by row."""

    ids: ChunkIds
    fused: Vector
    similarities: Vector  # NaN where the index has lost the chunk meanwhile
    lexical: Vector


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Own:
    """One query as another encoder reads it, with that encoder's vectors of the chunks.

    The two encoders' vectors never meet: a chunk that has no vector here yet is compared by the knowledge base's own.
    """

    index: VectorIndex
    vector: Vector  # the query's, unit length, shape (dim,)
    typical: Vector  # mean vector of the chunks, shape (dim,)
    missing: ChunkIds  # ascending; chunks that the index does not hold


class Ranking:
    """Ranks chunks for a query, from indexes that the knowledge base keeps up to date. Thread-safe."""

    def __init__(
        self, index: VectorIndex, lexical: LexicalIndex, titles: LexicalIndex, settings: RetrievalSettings
    ) -> None:
        """Keep the indexes."""
        self.settings = settings
        self._index = index
        self._lexical = lexical
        self._titles = titles

    def ranked(
        self,
        text: str,
        advice: Advised,
        *,
        allowed: ChunkIds | None,
        depth: int,
        typical: Vector,
        own: Own | None = None,
        by_words: bool = False,
    ) -> Scored:
        """Search as the mode says and order what was found.

        Args:
            text: What BM25 looks for.
            advice: The vector to search with, and changes of scores.
            allowed: The only ids that may be found, ascending; None for all.
            depth: Places read from each search.
            typical: Mean vector of the chunks.
            own: What decides how near a chunk is, in the place of the advice's vector; the similarities that are given
                back are that vector's all the same.
            by_words: Whether words alone decide, for a query that no encoder reads: every similarity is 0, and what
                shares no word only fills the places that are left.
        """
        settings, vector = self.settings, advice.vector
        mode = RetrievalMode.LEXICAL if by_words else settings.mode
        close = like = named = _NO_HITS
        if settings.mode is not RetrievalMode.LEXICAL:
            close = self._close(vector, own, depth, allowed)
        if mode is not RetrievalMode.VECTOR:
            like = self._lexical.search(text, depth, allowed)
            named = self._titles.search(text, depth, allowed)
        ids = np.unique(np.concatenate([close.ids, like.ids, named.ids, _told(advice.changes, allowed)]))
        similarities, lexical = self._index.scores(vector, ids), self._lexical.scores(text, ids)
        if by_words:
            similarities *= 0  # NaN stays
        nearness = _nearness(similarities, float(typical @ vector), ids, own)
        if mode is RetrievalMode.HYBRID and settings.fusion is Fusion.PLACES:
            rankings = [(close.ids, settings.vector_weight), (like.ids, settings.lexical_weight)]
            places = dict(fuse(rankings, k=settings.rrf_k))
            fused = np.array([places.get(chunk_id, 0.0) for chunk_id in ids.tolist()], dtype=np.float32)
        elif mode is RetrievalMode.VECTOR:
            fused = similarities if own is None else nearness
        else:
            titles = shares(self._titles.scores(text, ids), named)
            weights = settings.weights
            if mode is RetrievalMode.LEXICAL:
                weights = replace(weights, similarity=0.0)
            fused = blend(nearness, shares(lexical, like), titles, weights)
        if advice.changes and len(ids):
            # Places give a tenth of what scores give: a change counts as a share of the best.
            scale = float(fused.max()) if settings.fusion is Fusion.PLACES else 1.0
            fused = fused + scale * np.array([advice.changes.get(one, 0.0) for one in ids.tolist()], dtype=np.float32)
        order = np.lexsort((ids, -fused))
        return Scored(ids[order], fused[order], similarities[order], lexical[order])

    def _close(self, vector: Vector, own: Own | None, depth: int, allowed: ChunkIds | None) -> Hits:
        """The nearest chunks, nearest first."""
        if own is None:
            return self._index.search(vector[np.newaxis, :], depth, allowed)[0]
        close = own.index.search(own.vector[np.newaxis, :], depth, allowed)[0]
        rest = own.missing if allowed is None else own.missing[np.isin(own.missing, allowed)]
        if not len(rest):
            return close
        others = self._index.search(vector[np.newaxis, :], depth, rest)[0]
        new = ~np.isin(others.ids, close.ids)  # one may have got its vector since it was noted as missing
        ids = np.concatenate([close.ids, others.ids[new]])
        scores = np.concatenate([close.scores, others.scores[new]])
        order = np.argsort(-scores, kind="stable")
        return Hits(ids[order], scores[order])

    def words(self, text: str, ids: ChunkIds) -> Vector:
        """What words and titles add to the blended score of given chunks, as shares of the best of all."""
        like, named = self._lexical.search(text, 1), self._titles.search(text, 1)
        nothing = np.zeros(len(ids), dtype=np.float32)
        words, titles = shares(self._lexical.scores(text, ids), like), shares(self._titles.scores(text, ids), named)
        return blend(nothing, words, titles, self.settings.weights)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Landscape:
    """Some of the chunks with everything that blended scores are made of, for training."""

    ids: ChunkIds  # ascending
    vectors: Matrix  # (len(ids), dim)
    typical: Vector  # (dim,)
    ranking: Ranking

    @property
    def nearness(self) -> float:
        """What a centred cosine counts for in the blended score, [0, 1]."""
        weights = self.ranking.settings.weights
        return weights.similarity / (weights.similarity + weights.words + weights.titles)

    def words(self, text: str) -> Vector:
        """What words and titles add to the blended score of each chunk, shape (len(ids),)."""
        return self.ranking.words(text, self.ids)


def _nearness(similarities: Vector, typical: float, ids: ChunkIds, own: Own | None) -> Vector:
    """Centred cosines, [-1, 1]: an encoder's own where it has them."""
    near = centred(np.nan_to_num(similarities), typical)
    if own is None:
        return near
    scores = own.index.scores(own.vector, ids)
    return np.where(np.isnan(scores), near, centred(scores, float(own.typical @ own.vector)))


def _told(changes: Mapping[int, float], allowed: ChunkIds | None) -> ChunkIds:
    """The chunks that advice names, of those that may be found."""
    told = np.fromiter(changes, dtype=np.int64, count=len(changes))
    return told if allowed is None else told[np.isin(told, allowed)]
