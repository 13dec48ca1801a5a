"""Text to passages: the store is the truth, the vector index and BM25 are copies of it that follow by chunk id."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias

import numpy as np

from knowledge import snapshot
from knowledge.curated import CuratedBook, CuratedMatch, normalise, string_similarity
from knowledge.fusion import fuse
from knowledge.index import IndexSettings, VectorIndex
from knowledge.lexical import Analyzer, LexicalIndex, LexicalSettings
from knowledge.types import ChunkIds, Encoder, Hits, KnowledgeStore, Passage, StoredChunk, Vector

__all__ = ["CuratedMatch", "KnowledgeBase", "Progress", "RetrievalMode", "RetrievalSettings"]

Progress: TypeAlias = Callable[[int, int, str], None]  # done, total, label

READ_BATCH: Final = 4_096  # vectors read from the store at once: 6 MB of 384 numbers each
ENCODE_BATCH: Final = 256  # chunks encoded and committed at once when the encoder was changed
CURATED_DEPTH: Final = 10  # questions looked at from either side
_NO_IDS: Final[ChunkIds] = np.zeros(0, dtype=np.int64)
_NO_HITS: Final = Hits(_NO_IDS, np.zeros(0, dtype=np.float32))


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
    # Held-out nDCG@10 of 10 against the usual 60: FeedbackQA .667 and .665, within a collection .715 and .709, SQuAD 2
    # .785 and .780; vectors alone .608, .672 and .699.
    rrf_k: float = 10.0  # see knowledge.fusion
    depth: int = 50  # places read from either ranking before they are fused
    vector_weight: float = 1.0
    lexical_weight: float = 1.0
    index: IndexSettings = field(default_factory=IndexSettings)
    lexical: LexicalSettings = field(default_factory=LexicalSettings)


@dataclass(frozen=True, slots=True)
class _View:
    """What was read of one state of the store; replaced as a whole."""

    revision: int | None  # None before the first reading
    ids: ChunkIds  # ascending
    collections: tuple[str, ...]  # of the chunks, in the order of ids
    curated: CuratedBook
    _allowed: dict[frozenset[str], ChunkIds] = field(default_factory=dict)

    def allowed(self, collections: Sequence[str] | None) -> ChunkIds | None:
        """Ids of the chunks in these collections; None for no restriction."""
        if collections is None:
            return None
        key = frozenset(collections)
        if key not in self._allowed:
            mask = np.fromiter((name in key for name in self.collections), dtype=bool, count=len(self.collections))
            self._allowed[key] = self.ids[mask]
        return self._allowed[key]


class KnowledgeBase:
    """Search over everything in the store.

    Thread-safe. Every method blocks: call it through a thread. While one thread refreshes, others search the state
    before; none waits for it.

    Make one with ``open``.
    """

    def __init__(
        self,
        *,
        store: KnowledgeStore,
        encoder: Encoder,
        index: VectorIndex,
        lexical: LexicalIndex,
        index_folder: Path,
        settings: RetrievalSettings,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._index = index
        self._lexical = lexical
        self._index_folder = index_folder
        self._settings = settings
        self._refreshing = Lock()
        self._unsaved = False
        self._view = _View(None, _NO_IDS, (), CuratedBook())

    @classmethod
    def open(
        cls,
        store: KnowledgeStore,
        encoder: Encoder,
        index_folder: Path,
        settings: RetrievalSettings | None = None,
        progress: Progress | None = None,
    ) -> KnowledgeBase:
        """Load the saved index and bring it up to the store's state.

        Args:
            store: Where documents are kept.
            encoder: Makes the queries' vectors; chunks whose vectors another encoder made are encoded again.
            index_folder: Holds the saved index and jieba's dictionary; may be missing or deleted at any time.
            settings: How passages are found.
            progress: Called as (done, total, label) while chunks are encoded or read.
        """
        settings = settings or RetrievalSettings()
        index = snapshot.load(
            index_folder,
            encoder=encoder.name,
            dimension=encoder.dimension,
            settings=settings.index,
            originals=store.load_vectors,
        ) or VectorIndex(encoder.dimension, settings=settings.index, originals=store.load_vectors)
        base = cls(
            store=store,
            encoder=encoder,
            index=index,
            lexical=LexicalIndex(Analyzer(settings.lexical, cache_folder=index_folder / "jieba")),
            index_folder=index_folder,
            settings=settings,
        )
        base.refresh(progress)
        return base

    def __len__(self) -> int:
        return len(self._view.ids)

    def refresh(self, progress: Progress | None = None) -> None:
        """Take in what has changed in the store; one small query when nothing has.

        Returns at once when another thread is at it.
        """
        if not self._refreshing.acquire(blocking=False):
            return
        try:
            if self._store.revision() != self._view.revision:
                self._follow(progress or _silent)
        finally:
            self._refreshing.release()

    def search(
        self, text: str, vector: Vector, *, collections: Sequence[str] | None = None, top_k: int | None = None
    ) -> tuple[Passage, ...]:
        """Find the passages that fit a text best.

        Args:
            text: What BM25 looks for.
            vector: The text's embedding, shape (dim,).
            collections: The only collections that may be found; None for all, an empty sequence for none.
            top_k: How many; None for the setting.

        Returns:
            Passages, best first; fewer than top_k only when there are no more.

        Raises:
            DimensionMismatchError: The vector is not from this knowledge base's encoder.
        """
        wanted = self._settings.top_k if top_k is None else top_k
        depth = max(self._settings.depth, wanted)
        allowed = self._view.allowed(collections)
        close = like = _NO_HITS
        if self._settings.mode is not RetrievalMode.LEXICAL:
            close = self._index.search(vector[np.newaxis, :], depth, allowed)[0]
        if self._settings.mode is not RetrievalMode.VECTOR:
            like = self._lexical.search(text, depth, allowed)
        rankings = [(close.ids, self._settings.vector_weight), (like.ids, self._settings.lexical_weight)]
        fused = fuse(rankings, k=self._settings.rrf_k)
        return self._passages(fused, text, vector, collections=collections, top_k=wanted)

    def curated(
        self, text: str, vector: Vector, *, collections: Sequence[str] | None = None, top_k: int = 3
    ) -> tuple[CuratedMatch, ...]:
        """Find the curated questions nearest to a text, by meaning and by wording.

        Args:
            text: The question asked.
            vector: Its embedding, shape (dim,).
            collections: The only collections that may be found; None for all.
            top_k: How many at most.

        Returns:
            Matches; those with the same wording first, then by strength.
        """
        questions = self._view.curated.visible(collections)
        if not questions:
            return ()
        asked = normalise(text)
        same = [chunk_id for chunk_id, question in questions.items() if question == asked]
        visible = np.fromiter(questions, dtype=np.int64, count=len(questions))
        close = self._index.search(vector[np.newaxis, :], CURATED_DEPTH, visible)[0].ids
        like = CuratedBook.nearest(asked, questions, CURATED_DEPTH)
        order = [(chunk_id, 1.0) for chunk_id in dict.fromkeys([*same, *close.tolist(), *like.tolist()])]
        passages = self._passages(order, text, vector, collections=collections, top_k=len(order))
        matches = [
            CuratedMatch(
                passage=passage,
                similarity=passage.similarity,
                string_similarity=string_similarity(asked, questions[passage.stored.id]),
                exact=questions[passage.stored.id] == asked,
            )
            for passage in passages
        ]
        return tuple(sorted(matches, key=lambda match: (not match.exact, -match.strength))[:top_k])

    def best_curated(self, text: str, vector: Vector, collections: Sequence[str] | None = None) -> CuratedMatch | None:
        """Find the nearest curated question; None when there is none at all."""
        return next(iter(self.curated(text, vector, collections=collections, top_k=1)), None)

    def save(self) -> None:
        """Save the index for a faster next start; nothing is done when it has not changed.

        Raises:
            KnowledgeError: The disk is full or the folder cannot be written.
        """
        with self._refreshing:
            if self._unsaved:
                snapshot.save(self._index_folder, self._index, encoder=self._encoder.name)
                self._unsaved = False

    def _passages(
        self,
        fused: Sequence[tuple[int, float]],
        text: str,
        vector: Vector,
        *,
        collections: Sequence[str] | None,
        top_k: int,
    ) -> tuple[Passage, ...]:
        """Look chunks up, best first, until there are enough; one removed since leaves its place to the next."""
        found: list[Passage] = []
        for start in range(0, len(fused), max(1, top_k)):
            part = fused[start : start + top_k]
            ids = np.array([chunk_id for chunk_id, _ in part], dtype=np.int64)
            stored = {chunk.id: chunk for chunk in self._store.load_chunks(ids.tolist())}
            similarities = self._index.scores(vector, ids).tolist()
            lexical = self._lexical.scores(text, ids).tolist()
            for (chunk_id, score), similarity, words in zip(part, similarities, lexical, strict=True):
                chunk = stored.get(chunk_id)
                if chunk is None or math.isnan(similarity) or not _may_see(chunk, collections):
                    continue
                found.append(
                    Passage(stored=chunk, similarity=similarity, lexical=words, fused=score, rank=len(found) + 1)
                )
            if len(found) >= top_k:
                break
        return tuple(found[:top_k])

    def _follow(self, progress: Progress) -> None:
        """Bring index, BM25 and curated questions to the store's state; a chunk's id stands for its content."""
        self._encode_stale(progress)
        revision = self._store.revision()  # before the reading: what changes during it is seen next time
        listed = self._store.chunk_ids()
        ids = np.array([chunk_id for chunk_id, _ in listed], dtype=np.int64)
        gone = np.setdiff1d(self._index.ids, ids)
        new = np.setdiff1d(ids, self._index.ids)
        self._unsaved = self._unsaved or len(gone) > 0 or len(new) > 0
        self._index.remove(gone)
        for done, batch in _batches(new, READ_BATCH):
            there, vectors = self._store.load_vectors(batch.tolist())
            if len(there):  # all of them may have been replaced since they were listed
                self._index.add(there, vectors)
            progress(done, len(new), "index")
        removed = np.setdiff1d(self._lexical.ids, ids)
        unread = np.setdiff1d(ids, self._lexical.ids)
        curated: list[StoredChunk] = []
        if len(removed) or len(unread):
            self._lexical.update(added=self._texts(unread, curated, progress), removed=removed)
        book = self._view.curated.changed(added=curated, removed=frozenset(removed.tolist()))
        self._view = _View(revision, ids, tuple(name for _, name in listed), book)

    def _texts(self, ids: ChunkIds, chunks: list[StoredChunk], progress: Progress) -> Iterator[tuple[int, str]]:
        """Read chunks' words by id, and keep the chunks that hold a curated question."""
        for done, batch in _batches(ids, READ_BATCH):
            for stored in self._store.load_chunks(batch.tolist()):
                if stored.chunk.question:
                    chunks.append(stored)
                yield stored.id, stored.chunk.lexical_text
            progress(done, len(ids), "words")

    def _encode_stale(self, progress: Progress) -> None:
        """Encode chunks whose vectors another encoder made; each batch is committed, so a kill loses little."""
        stale = np.array(self._store.stale_chunk_ids(encoder=self._encoder.name), dtype=np.int64)
        for done, batch in _batches(stale, ENCODE_BATCH):
            chunks = list(self._store.load_chunks(batch.tolist()))
            vectors = self._encoder.encode([stored.chunk.embedding_text for stored in chunks])
            ids = [stored.id for stored in chunks]
            self._index.remove(np.array(ids, dtype=np.int64))  # whatever it holds of them is of the other encoder
            self._store.put_vectors(ids, vectors, encoder=self._encoder.name)
            progress(done, len(stale), "encode")


def _batches(ids: ChunkIds, size: int) -> Iterator[tuple[int, ChunkIds]]:
    """Cut ids into batches, each with the number of ids up to its end."""
    for start in range(0, len(ids), size):
        batch = ids[start : start + size]
        yield start + len(batch), batch


def _may_see(stored: StoredChunk, collections: Sequence[str] | None) -> bool:
    """Test access once more, on the row itself."""
    return collections is None or stored.collection in collections


def _silent(_done: int, _total: int, _label: str) -> None:
    """Report progress to nobody."""
