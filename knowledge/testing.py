"""Fakes for tests: the store's meaning in memory, an encoder that needs no weights."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from threading import RLock

import numpy as np

from knowledge.errors import KnowledgeError
from knowledge.types import (
    DEFAULT_COLLECTION,
    Chunk,
    ChunkIds,
    ChunkKind,
    Document,
    Matrix,
    StoredChunk,
    StoredDocument,
    Vector,
)


def chunk(text: str = "", *, question: str = "", ordinal: int = 0, title: str = "Help") -> Chunk:
    """Make a passage, or a curated chunk when there is a question."""
    return Chunk(
        ordinal=ordinal,
        kind=ChunkKind.CURATED if question else ChunkKind.PASSAGE,
        title_path=(title,),
        anchor=f"#part-{ordinal}",
        question=question,
        text=text,
    )


def stored_chunk(chunk_id: int, made: Chunk, *, collection: str = DEFAULT_COLLECTION) -> StoredChunk:
    """Make a chunk as the store would return it."""
    return StoredChunk(
        id=chunk_id, document_id=1, source="/help", uri="/help/a.md", collection=collection, language="en", chunk=made
    )


def document(
    uri: str, *, source: str = "/help", collection: str = DEFAULT_COLLECTION, digest: str = "d1", title: str = "Help"
) -> Document:
    """Make a document without text; its chunks are handed to the store beside it."""
    return Document(
        source=source,
        uri=uri,
        collection=collection,
        title=title,
        language="en",
        media_type="text/markdown",
        digest=digest,
        sections=(),
        pairs=(),
    )


@dataclass(slots=True)
class _Row:
    """A chunk with its vector, as a table would hold it."""

    stored: StoredChunk
    vector: Vector
    encoder: str


@dataclass(slots=True)
class MemoryStore:
    """A KnowledgeStore in memory; every method is one transaction."""

    clock: Callable[[], datetime] = lambda: datetime(2026, 11, 24, tzinfo=UTC)
    _documents: dict[int, StoredDocument] = field(default_factory=dict)
    _chunks: dict[int, _Row] = field(default_factory=dict)
    _revision: int = 0
    _document_ids: Iterator[int] = field(default_factory=lambda: count(1))
    _chunk_ids: Iterator[int] = field(default_factory=lambda: count(1))
    _lock: RLock = field(default_factory=RLock)

    def revision(self) -> int:
        """See KnowledgeStore."""
        return self._revision

    def document_digests(self, *, source: str, collection: str) -> Mapping[str, str]:
        """See KnowledgeStore."""
        with self._lock:
            return {
                document.uri: document.digest
                for document in self._documents.values()
                if document.source == source and document.collection == collection
            }

    def replace_document(self, document: Document, chunks: Sequence[Chunk], vectors: Matrix, *, encoder: str) -> int:
        """See KnowledgeStore."""
        if len(chunks) != len(vectors):
            raise KnowledgeError(f"Expected {len(chunks)} vectors, one for each chunk, and got {len(vectors)}.")
        with self._lock:
            document_id = self._known(document) or next(self._document_ids)
            self._drop_chunks(document_id)
            self._documents[document_id] = StoredDocument(
                id=document_id,
                source=document.source,
                uri=document.uri,
                collection=document.collection,
                title=document.title,
                language=document.language,
                media_type=document.media_type,
                digest=document.digest,
                chunks=len(chunks),
                ingested_at=self.clock().isoformat(),
            )
            for chunk, vector in zip(chunks, vectors, strict=True):
                stored = StoredChunk(
                    id=next(self._chunk_ids),
                    document_id=document_id,
                    source=document.source,
                    uri=document.uri,
                    collection=document.collection,
                    language=document.language,
                    chunk=chunk,
                )
                self._chunks[stored.id] = _Row(stored, np.array(vector, dtype=np.float32), encoder)
            self._revision += 1
            return document_id

    def remove_document(self, document_id: int) -> bool:
        """See KnowledgeStore."""
        with self._lock:
            if document_id not in self._documents:
                return False
            self._drop_chunks(document_id)
            del self._documents[document_id]
            self._revision += 1
            return True

    def documents(self, *, collections: Sequence[str] | None = None) -> tuple[StoredDocument, ...]:
        """See KnowledgeStore."""
        with self._lock:
            wanted = [
                document
                for document in self._documents.values()
                if collections is None or document.collection in collections
            ]
        return tuple(sorted(wanted, key=lambda document: (document.collection, document.uri)))

    def chunk_ids(self) -> tuple[tuple[int, str], ...]:
        """See KnowledgeStore."""
        with self._lock:
            return tuple((chunk_id, self._chunks[chunk_id].stored.collection) for chunk_id in sorted(self._chunks))

    def load_chunks(self, ids: Sequence[int] | None = None) -> Iterator[StoredChunk]:
        """See KnowledgeStore."""
        with self._lock:
            wanted = sorted(self._chunks) if ids is None else sorted(set(ids) & self._chunks.keys())
            return iter([self._chunks[chunk_id].stored for chunk_id in wanted])

    def load_vectors(self, ids: Sequence[int]) -> tuple[ChunkIds, Matrix]:
        """See KnowledgeStore."""
        with self._lock:
            known = sorted(set(ids) & self._chunks.keys())
            if not known:
                return np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.float32)
            found = [self._chunks[chunk_id].vector for chunk_id in known]
            if len({len(vector) for vector in found}) > 1:
                raise KnowledgeError("The stored vectors are not all of one width.")
            return np.array(known, dtype=np.int64), np.stack(found)

    def stale_chunk_ids(self, *, encoder: str) -> tuple[int, ...]:
        """See KnowledgeStore."""
        with self._lock:
            return tuple(chunk_id for chunk_id in sorted(self._chunks) if self._chunks[chunk_id].encoder != encoder)

    def put_vectors(self, ids: Sequence[int], vectors: Matrix, *, encoder: str) -> None:
        """See KnowledgeStore."""
        if len(ids) != len(vectors):
            raise KnowledgeError(f"Expected {len(ids)} vectors, one for each chunk, and got {len(vectors)}.")
        with self._lock:
            self._revision += bool(ids)
            for chunk_id, vector in zip(ids, vectors, strict=True):
                if chunk_id in self._chunks:
                    row = self._chunks[chunk_id]
                    self._chunks[chunk_id] = replace(row, vector=np.array(vector, dtype=np.float32), encoder=encoder)

    def _known(self, document: Document) -> int | None:
        """Find the document that another replaces; it keeps its id."""
        for old in self._documents.values():
            if (old.collection, old.uri) == (document.collection, document.uri):
                return old.id
        return None

    def _drop_chunks(self, document_id: int) -> None:
        """Forget a document's chunks; their ids are never used again."""
        for chunk_id in [key for key, row in self._chunks.items() if row.stored.document_id == document_id]:
            del self._chunks[chunk_id]


@dataclass(slots=True)
class WordEncoder:
    """An Encoder whose vectors are sums of one fixed random direction a word: texts that share words are close.

    Equal texts have equal vectors on every machine and in every process.
    """

    name: str = "words-1"
    dimension: int = 32
    texts_encoded: int = 0  # how much work it was asked for
    unread: frozenset[str] = frozenset()  # texts that it cannot read

    def encode(self, texts: Sequence[str]) -> Matrix:
        """See Encoder; a text without words is a zero vector."""
        self.texts_encoded += len(texts)
        return np.stack([self._vector(text) for text in texts]) if texts else self._vector("")[np.newaxis][:0]

    def reads(self, text: str) -> bool:
        """See Encoder."""
        return text not in self.unread

    def _vector(self, text: str) -> Vector:
        """Sum the words' directions, to length 1."""
        total = np.zeros(self.dimension, dtype=np.float32)
        for word in re.findall(r"\w+", text.casefold()):
            total += self._direction(word)
        return total / (np.linalg.norm(total) or np.float32(1))

    def _direction(self, word: str) -> Vector:
        """Draw a word's direction from its digest."""
        seed = int.from_bytes(hashlib.sha256(f"{self.name}:{word}".encode()).digest()[:8], "big")
        return np.random.default_rng(seed).standard_normal(self.dimension).astype(np.float32)
