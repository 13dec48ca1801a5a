"""What was learned of how people ask, applied to a knowledge base; passages are found again in what is there now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from knowledge.own import OwnVectors
from knowledge.retrieve import CuratedMatch, KnowledgeBase
from knowledge.types import Advice, Advised, Matrix, Mention, Passage, StoredChunk, Vector

LOOKED_AT: Final = 10  # chunks nearest to a mention, among which it is sought
ALIKE: Final = 0.8  # cosine from which another text of the same document is taken for the passage, its words changed
_BATCH: Final = 256  # mentions sought at once


def located(base: KnowledgeBase, mentions: Sequence[Mention], vectors: Matrix) -> Mapping[int, tuple[int, ...]]:
    """Find passages that were seen earlier among the chunks of now.

    Args:
        base: Where to look.
        mentions: What was seen.
        vectors: Their vectors by the base's encoder, shape (len(mentions), dim).

    Returns:
        For each mention that is found, by its number: the ids of the chunks with its words (one in each collection that
        holds it), or, where its words have changed, of the chunk of its document that is nearest in meaning.
    """
    found: dict[int, tuple[int, ...]] = {}
    for start in range(0, len(mentions), _BATCH):
        near = base.near(vectors[start : start + _BATCH], LOOKED_AT)
        for number, chunks in enumerate(near, start=start):
            if ids := _same(mentions[number], chunks):
                found[number] = ids
    return found


def text_digest(text: str) -> str:
    """What a passage is known by where its words must not stand: SHA-256, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def _same(mention: Mention, near: Sequence[tuple[StoredChunk, float]]) -> tuple[int, ...]:
    own = [(stored, cosine) for stored, cosine in near if stored.uri == mention.uri]
    unchanged = tuple(stored.id for stored, _ in own if text_digest(stored.chunk.text) == mention.digest)
    return unchanged or tuple(stored.id for stored, cosine in own[:1] if cosine >= ALIKE)


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Where the mentions lie at one state of the store."""

    revision: int | None
    ids: Mapping[int, tuple[int, ...]]


class AdvisedKnowledge:
    """A knowledge base that searches as advice says; used in the place of the knowledge base itself.

    Several may share one knowledge base. Thread-safe; every method blocks.
    """

    def __init__(self, base: KnowledgeBase, advice: Advice, own: OwnVectors | None = None) -> None:
        """Find the passages that the advice is about.

        Args:
            base: What is searched.
            advice: What was learned.
            own: The vectors of an encoder that was tuned; None where the knowledge base's own decide what is near.
        """
        self._base = base
        self._advice = advice
        self._own = own
        self._placing = Lock()
        self._places = self._placed()

    def refresh(self) -> None:
        """Take in what has changed in the store, and find the passages again where something has."""
        self._base.refresh()
        if self._own is not None:
            self._own.refresh()
        if self._base.revision != self._places.revision and self._placing.acquire(blocking=False):
            try:
                self._places = self._placed()
            finally:
                self._placing.release()

    def search(
        self, text: str, vector: Vector, *, collections: Sequence[str] | None = None, top_k: int | None = None
    ) -> tuple[Passage, ...]:
        """Find the passages that fit a text best; see KnowledgeBase."""
        places = self._places.ids
        changes = {
            chunk_id: change
            for number, change in self._advice.changes(vector).items()
            for chunk_id in places.get(number, ())
        }
        advised = Advised(vector=self._advice.aim(vector), changes=changes)
        own = None if self._own is None else self._own.asked(text)
        return self._base.search(text, vector, collections=collections, top_k=top_k, advice=advised, own=own)

    def is_curated(self, text: str, *, collections: Sequence[str] | None = None) -> bool:
        """Whether a curated question has this very wording; no advice changes that."""
        return self._base.is_curated(text, collections=collections)

    def curated(
        self, text: str, vector: Vector, *, collections: Sequence[str] | None = None, top_k: int = 3
    ) -> tuple[CuratedMatch, ...]:
        """Find the curated questions nearest to this one, best first; no advice changes them."""
        return self._base.curated(text, vector, collections=collections, top_k=top_k)

    def _placed(self) -> _Places:
        revision = self._base.revision  # before the search: what changes during it is seen next time
        return _Places(revision, located(self._base, self._advice.mentions, self._advice.vectors))
