"""Text to passages: the store is the truth, the vector index and BM25 are copies of it that follow by chunk id."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias

import numpy as np

from knowledge import snapshot
from knowledge.curated import CuratedBook, CuratedMatch, normalise, string_similarity
from knowledge.index import VectorIndex
from knowledge.lexical import Analyzer, LexicalIndex
from knowledge.ranking import Fusion, Landscape, Own, Ranking, RetrievalMode, RetrievalSettings, Scored
from knowledge.types import Advised, ChunkIds, Encoder, KnowledgeStore, Matrix, Passage, StoredChunk, Vector
from knowledge.wording import matter, same_matter

__all__ = ["CuratedMatch", "Fusion", "KnowledgeBase", "Progress", "RetrievalMode", "RetrievalSettings"]

Progress: TypeAlias = Callable[[int, int, str], None]  # done, total, label

READ_BATCH: Final = 4_096  # vectors read from the store at once: 6 MB of 384 numbers each
ENCODE_BATCH: Final = 256  # chunks encoded and committed at once when the encoder was changed
TYPICAL_SAMPLE: Final = 500  # about so many chunks tell how near to a question any chunk lies
CURATED_DEPTH: Final = 10  # questions looked at from either side
_NO_IDS: Final[ChunkIds] = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _View:
    """What was read of one state of the store; replaced as a whole."""

    revision: int | None  # None before the first reading
    ids: ChunkIds  # ascending
    collections: tuple[str, ...]  # of the chunks, in the order of ids
    curated: CuratedBook
    typical: Vector  # mean vector of a sample of the chunks, shape (dim,)
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
        titles: LexicalIndex,
        index_folder: Path,
        settings: RetrievalSettings,
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._index = index
        self._lexical = lexical
        self._titles = titles
        self._ranking = Ranking(index, lexical, titles, settings)
        self._index_folder = index_folder
        self._settings = settings
        self._refreshing = Lock()
        self._unsaved = False
        self._view = _View(None, _NO_IDS, (), CuratedBook(), np.zeros(encoder.dimension, dtype=np.float32))

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
        analyzer = Analyzer(settings.lexical, cache_folder=index_folder / "jieba")
        base = cls(
            store=store,
            encoder=encoder,
            index=index,
            lexical=LexicalIndex(analyzer),
            titles=LexicalIndex(analyzer),
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
                self._follow(progress or silent)
        finally:
            self._refreshing.release()

    @property
    def revision(self) -> int | None:
        """The state of the store that is searched."""
        return self._view.revision

    def search(
        self,
        text: str,
        vector: Vector,
        *,
        collections: Sequence[str] | None = None,
        top_k: int | None = None,
        advice: Advised | None = None,
        own: Own | None = None,
    ) -> tuple[Passage, ...]:
        """Find the passages that fit a text best.

        Args:
            text: What BM25 looks for.
            vector: The text's embedding, shape (dim,).
            collections: The only collections that may be found; None for all, an empty sequence for none.
            top_k: How many; None for the setting.
            advice: What was learned about this query; knowledge.advice.AdvisedKnowledge gives it.
            own: The query as a version's own encoder reads it; knowledge.own.OwnVectors gives it.

        Returns:
            Passages, best first; fewer than top_k only when there are no more.

        Raises:
            DimensionMismatchError: The vector is not from this knowledge base's encoder.
        """
        wanted = self._settings.top_k if top_k is None else top_k
        view = self._view
        # Queries that the encoder does not read are all alike: what was learned of one would be applied to every other.
        read = self._encoder.reads(text)
        found = self._ranking.ranked(
            text if read else matter(text, self._lexical.words),
            Advised(vector=vector, changes={}) if advice is None or not read else advice,
            allowed=view.allowed(collections),
            depth=max(self._settings.depth, wanted),
            typical=view.typical,
            own=own,
            by_words=not read,
        )
        return self._passages(found, collections=collections, top_k=wanted)

    def is_curated(self, text: str, *, collections: Sequence[str] | None = None) -> bool:
        """Whether a curated question has this very wording, but for case, width, spaces and closing punctuation."""
        asked = normalise(text)
        return any(question == asked for question in self._view.curated.visible(collections).values())

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
        read = self._encoder.reads(text)
        close = self._index.search(vector[np.newaxis, :], CURATED_DEPTH, visible)[0].ids if read else _NO_IDS
        nearest = CuratedBook.nearest if read else CuratedBook.nearest_in_matter
        like, alike = nearest(asked, questions, CURATED_DEPTH), string_similarity if read else same_matter
        ids = np.array(list(dict.fromkeys([*same, *close.tolist(), *like.tolist()])), dtype=np.int64)
        similarities = self._index.scores(vector, ids) * np.float32(read)  # NaN stays
        order = Scored(ids, np.ones(len(ids), dtype=np.float32), similarities, self._lexical.scores(text, ids))
        passages = self._passages(order, collections=collections, top_k=len(ids))
        matches = [
            CuratedMatch(
                passage=passage,
                similarity=passage.similarity,
                string_similarity=alike(asked, questions[passage.stored.id]),
                exact=questions[passage.stored.id] == asked,
            )
            for passage in passages
        ]
        return tuple(sorted(matches, key=lambda match: (not match.exact, -match.strength))[:top_k])

    def best_curated(self, text: str, vector: Vector, collections: Sequence[str] | None = None) -> CuratedMatch | None:
        """Find the nearest curated question; None when there is none at all."""
        return next(iter(self.curated(text, vector, collections=collections, top_k=1)), None)

    def near(self, vectors: Matrix, top_k: int) -> list[list[tuple[StoredChunk, float]]]:
        """Find the chunks nearest to each of some vectors, with their cosines, nearest first."""
        hits = self._index.search(vectors, top_k)
        ids = np.unique(np.concatenate([_NO_IDS, *(one.ids for one in hits)]))
        stored = {chunk.id: chunk for chunk in self._store.load_chunks(ids.tolist())}
        return [
            [
                (stored[number], cosine)
                for number, cosine in zip(one.ids.tolist(), one.scores.tolist(), strict=True)
                if number in stored
            ]
            for one in hits
        ]

    def landscape(self, ids: ChunkIds) -> Landscape:
        """What training needs to know of some chunks; those that are gone are left out."""
        there, vectors = self._store.load_vectors(ids.tolist())
        return Landscape(ids=there, vectors=vectors, typical=self._view.typical, ranking=self._ranking)

    def chunks(self, ids: ChunkIds | None = None) -> Iterator[StoredChunk]:
        """Chunks by id, read from the store: all, or those of these ids that are still there."""
        for _, batch in _batches(self.ids if ids is None else ids, READ_BATCH):
            yield from self._store.load_chunks(batch.tolist())

    @property
    def ids(self) -> ChunkIds:
        """Every chunk's id, ascending."""
        return self._view.ids

    def save(self) -> None:
        """Save the index for a faster next start; nothing is done when it has not changed.

        Raises:
            KnowledgeError: The disk is full or the folder cannot be written.
        """
        with self._refreshing:
            if self._unsaved:
                snapshot.save(self._index_folder, self._index, encoder=self._encoder.name)
                self._unsaved = False

    def _passages(self, found: Scored, *, collections: Sequence[str] | None, top_k: int) -> tuple[Passage, ...]:
        """Look chunks up, best first, until there are enough; one removed since leaves its place to the next."""
        passages: list[Passage] = []
        for start in range(0, len(found.ids), max(1, top_k)):
            rows = range(start, min(start + top_k, len(found.ids)))
            stored = {chunk.id: chunk for chunk in self._store.load_chunks(found.ids[rows].tolist())}
            for row in rows:
                chunk, similarity = stored.get(int(found.ids[row])), float(found.similarities[row])
                if chunk is None or math.isnan(similarity) or not _may_see(chunk, collections):
                    continue
                if chunk.id in self._view.curated.hidden:
                    continue
                passages.append(
                    Passage(
                        stored=chunk,
                        similarity=similarity,
                        lexical=float(found.lexical[row]),
                        fused=float(found.fused[row]),
                        rank=len(passages) + 1,
                    )
                )
            if len(passages) >= top_k:
                break
        return tuple(passages[:top_k])

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
            titles: dict[int, str] = {}
            self._lexical.update(added=self._texts(unread, curated, titles, progress), removed=removed)
            self._titles.update(added=titles, removed=removed)
        book = self._view.curated.changed(added=curated, removed=frozenset(removed.tolist()))
        self._view = _View(
            revision,
            ids,
            tuple(name for _, name in listed),
            book,
            self._index.mean(sampled(ids)),
        )

    def _texts(
        self, ids: ChunkIds, chunks: list[StoredChunk], titles: dict[int, str], progress: Progress
    ) -> Iterator[tuple[int, str]]:
        """Read chunks' words by id, and keep their titles and the chunks that hold a curated question."""
        for done, batch in _batches(ids, READ_BATCH):
            for stored in self._store.load_chunks(batch.tolist()):
                if stored.chunk.question:
                    chunks.append(stored)
                titles[stored.id] = stored.chunk.title_text
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


def sampled(ids: ChunkIds) -> ChunkIds:
    """A few of many ids, evenly: enough to tell how near to a question any chunk lies."""
    return ids[:: max(1, len(ids) // TYPICAL_SAMPLE)]


def _batches(ids: ChunkIds, size: int) -> Iterator[tuple[int, ChunkIds]]:
    """Cut ids into batches, each with the number of ids up to its end."""
    for start in range(0, len(ids), size):
        batch = ids[start : start + size]
        yield start + len(batch), batch


def _may_see(stored: StoredChunk, collections: Sequence[str] | None) -> bool:
    """Test access once more, on the row itself."""
    return collections is None or stored.collection in collections


def silent(_done: int, _total: int, _label: str) -> None:
    """Report progress to nobody."""
