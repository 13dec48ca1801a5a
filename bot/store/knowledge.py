"""Documents, chunks and vectors: the original of which the search index is a copy."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from threading import Lock
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, bindparam, delete, insert, select, update

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.errors import StoreError
from bot.store.schema import Base, ChunkRow, DocumentRow
from bot.store.statements import BATCH, batches, read_setting, write_setting
from knowledge.types import (
    Chunk,
    ChunkIds,
    ChunkKind,
    Document,
    Matrix,
    StoredChunk,
    StoredDocument,
)

REVISION_KEY = "knowledge_revision"
CHUNKS_AT_HAND = 2_000  # of some kilobytes each
_WIRE = np.dtype("<f4")  # float32, little-endian, whatever the machine is


class Knowledge:
    """The store behind `knowledge.types.KnowledgeStore`.

    Every change takes the revision's row first: writers stand in line there and cannot lock each other out further on.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock
        # A chunk never changes and its id is never given again; what is asked is only whether it still exists.
        self._at_hand: OrderedDict[int, StoredChunk] = OrderedDict()
        self._hand = Lock()

    def revision(self) -> int:
        """A number that grows with every change of documents or chunks."""
        with self._database.read() as connection:
            return int(read_setting(connection, REVISION_KEY) or 0)

    def document_digests(self, *, source: str, collection: str) -> Mapping[str, str]:
        """Map uri to digest for all documents of one source."""
        query = select(DocumentRow.uri, DocumentRow.digest).where(
            DocumentRow.source == source, DocumentRow.collection == collection
        )
        with self._database.read() as connection:
            return dict(connection.execute(query).all())

    def replace_document(self, document: Document, chunks: Sequence[Chunk], vectors: Matrix, *, encoder: str) -> int:
        """Put a document with its chunks in place of the one with its (collection, uri); one transaction.

        Args:
            document: Its row; the sections and pairs are not kept, the chunks hold them.
            chunks: All chunks, with ordinals of their own.
            vectors: One for each chunk, shape (len(chunks), dim), float32.
            encoder: Name of the encoder that made them.

        Returns:
            The document's id; the replaced document keeps its id, its chunks get new ones.

        Raises:
            StoreError: There is not one vector for each chunk.
        """
        embeddings = _to_bytes(vectors, count=len(chunks))
        with self._database.write() as connection:
            _raise_revision(connection)
            document_id = self._put_document(connection, document, chunk_count=len(chunks))
            rows = [
                _chunk_values(document_id, chunk, encoder, embedding)
                for chunk, embedding in zip(chunks, embeddings, strict=True)
            ]
            for batch in batches(rows):
                connection.execute(insert(ChunkRow), list(batch))
        return document_id

    def remove_document(self, document_id: int) -> bool:
        """Remove a document and its chunks; False if there is none."""
        with self._database.write() as connection:
            found = connection.execute(select(DocumentRow.id).where(DocumentRow.id == document_id)).first()
            if found is None:
                return False
            _raise_revision(connection)
            connection.execute(delete(DocumentRow).where(DocumentRow.id == document_id))
        return True

    def documents(self, *, collections: Sequence[str] | None = None) -> tuple[StoredDocument, ...]:
        """All documents, by collection and uri."""
        query = select(*_columns(DocumentRow))
        if collections is not None:
            query = query.where(DocumentRow.collection.in_(collections))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        # sorted here: each database server has its own idea of the order of texts
        return tuple(sorted(map(_stored_document, rows), key=lambda one: (one.collection, one.uri)))

    def chunk_ids(self) -> tuple[tuple[int, str], ...]:
        """Every chunk's (id, collection), by id."""
        query = select(ChunkRow.id, DocumentRow.collection).join_from(ChunkRow, DocumentRow)
        with self._database.read() as connection:
            return tuple((row.id, row.collection) for row in connection.execute(query.order_by(ChunkRow.id)))

    def load_chunks(self, ids: Sequence[int] | None = None) -> Iterator[StoredChunk]:
        """Read chunks in ascending order of id; all of them when ids is None. Ids that are gone are left out.

        Read in batches, each in a short transaction of its own: a slow reader holds nobody up.
        """
        if ids is None:
            yield from self._load_all_chunks()
            return
        for batch in batches(sorted(set(ids))):
            yield from self._named_chunks(batch)

    def curated(self, *, limit: int | None = None) -> tuple[StoredChunk, ...]:
        """Read curated answers, by id: all of them, or the first."""
        return tuple(self._read_chunks(_chunks().where(ChunkRow.kind == ChunkKind.CURATED.value).limit(limit)))

    def chunks_of(self, document_id: int) -> tuple[StoredChunk, ...]:
        """Read a document's chunks in their order."""
        return tuple(self._read_chunks(_chunks().where(ChunkRow.document_id == document_id)))

    def load_vectors(self, ids: Sequence[int]) -> tuple[ChunkIds, Matrix]:
        """Read vectors in ascending order of id, with the ids that still exist.

        Returns:
            Ids, shape (n,), and vectors, shape (n, dim); (0, 0) if none of the ids exists.

        Raises:
            StoreError: The vectors are not all of one width.
        """
        found: list[int] = []
        blobs: list[bytes] = []
        with self._database.snapshot() as connection:
            for batch in batches(sorted(set(ids))):
                query = select(ChunkRow.id, ChunkRow.embedding).where(ChunkRow.id.in_(batch))
                for chunk_id, embedding in connection.execute(query.order_by(ChunkRow.id)):
                    found.append(chunk_id)
                    blobs.append(embedding)
        return np.asarray(found, dtype=np.int64), _to_matrix(blobs)

    def stale_chunk_ids(self, *, encoder: str) -> tuple[int, ...]:
        """Ids of chunks whose vectors were made by an encoder of another name, ascending."""
        query = select(ChunkRow.id).where(ChunkRow.encoder != encoder).order_by(ChunkRow.id)
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())

    def put_vectors(self, ids: Sequence[int], vectors: Matrix, *, encoder: str) -> None:
        """Replace vectors (after the encoder was changed); one transaction. Ids that are gone are left out.

        Raises:
            StoreError: There is not one vector for each id.
        """
        rows = [
            {"chunk": int(chunk_id), "vector": embedding, "made_by": encoder}
            for chunk_id, embedding in zip(ids, _to_bytes(vectors, count=len(ids)), strict=True)
        ]
        if not rows:
            return
        change = (
            update(ChunkRow)
            .where(ChunkRow.id == bindparam("chunk"))
            .values(embedding=bindparam("vector"), encoder=bindparam("made_by"))
        )
        with self._database.write() as connection:
            _raise_revision(connection)
            connection.execute(change, rows)

    def _put_document(self, connection: Connection, document: Document, *, chunk_count: int) -> int:
        values = {
            "source": document.source,
            "uri": document.uri,
            "collection": document.collection,
            "title": document.title,
            "language": document.language,
            "media_type": document.media_type,
            "digest": document.digest,
            "chunk_count": chunk_count,
            "ingested_at": self._clock(),
        }
        known = select(DocumentRow.id).where(
            DocumentRow.collection == document.collection, DocumentRow.uri == document.uri
        )
        document_id = connection.execute(known).scalar_one_or_none()
        if document_id is None:
            added = insert(DocumentRow).values(values).returning(DocumentRow.id)
            return connection.execute(added).scalar_one()
        connection.execute(delete(ChunkRow).where(ChunkRow.document_id == document_id))
        connection.execute(update(DocumentRow).where(DocumentRow.id == document_id).values(values))
        return document_id

    def _load_all_chunks(self) -> Iterator[StoredChunk]:
        last = 0
        while True:
            read = list(self._read_chunks(_chunks().where(ChunkRow.id > last).limit(BATCH)))
            yield from read
            if len(read) < BATCH:
                return
            last = read[-1].id

    def _named_chunks(self, ids: Sequence[int]) -> list[StoredChunk]:
        with self._hand:
            known = {chunk_id: self._at_hand[chunk_id] for chunk_id in ids if chunk_id in self._at_hand}
        with self._database.read() as connection:
            there = connection.execute(_STILL_THERE, {"ids": ids}).scalars().all()
            missing = [chunk_id for chunk_id in there if chunk_id not in known]
            rows = connection.execute(_NAMED, {"ids": missing}).all() if missing else ()
        known |= {row.id: _stored_chunk(row) for row in rows}
        found = [known[chunk_id] for chunk_id in there if chunk_id in known]
        self._keep_at_hand(found, gone=set(ids).difference(there))
        return found

    def _keep_at_hand(self, chunks: Sequence[StoredChunk], *, gone: set[int]) -> None:
        with self._hand:
            for chunk_id in gone:
                self._at_hand.pop(chunk_id, None)
            for chunk in chunks:
                self._at_hand[chunk.id] = chunk
                self._at_hand.move_to_end(chunk.id)
            while len(self._at_hand) > CHUNKS_AT_HAND:
                self._at_hand.popitem(last=False)

    def _read_chunks(self, query: Select[*tuple[Any, ...]]) -> Iterator[StoredChunk]:
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(ChunkRow.id)).all()
        return map(_stored_chunk, rows)


def _columns(table: type[Base]) -> tuple[Any, ...]:
    return tuple(table.__table__.columns)


def _chunks() -> Select[*tuple[Any, ...]]:
    return select(
        ChunkRow.id,
        ChunkRow.document_id,
        ChunkRow.ordinal,
        ChunkRow.kind,
        ChunkRow.anchor,
        ChunkRow.title_path,
        ChunkRow.question,
        ChunkRow.text.label("body"),
        DocumentRow.source,
        DocumentRow.uri,
        DocumentRow.collection,
        DocumentRow.language,
    ).join_from(ChunkRow, DocumentRow)


_STILL_THERE = select(ChunkRow.id).where(ChunkRow.id.in_(bindparam("ids", expanding=True))).order_by(ChunkRow.id)
_NAMED = _chunks().where(ChunkRow.id.in_(bindparam("ids", expanding=True)))


def _stored_chunk(row: Row[*tuple[Any, ...]]) -> StoredChunk:
    return StoredChunk(
        id=row.id,
        document_id=row.document_id,
        source=row.source,
        uri=row.uri,
        collection=row.collection,
        language=row.language,
        chunk=Chunk(
            ordinal=row.ordinal,
            kind=ChunkKind(row.kind),
            title_path=tuple(json.loads(row.title_path)),
            anchor=row.anchor,
            question=row.question,
            text=row.body,
        ),
    )


def _stored_document(row: Row[*tuple[Any, ...]]) -> StoredDocument:
    return StoredDocument(
        id=row.id,
        source=row.source,
        uri=row.uri,
        collection=row.collection,
        title=row.title,
        language=row.language,
        media_type=row.media_type,
        digest=row.digest,
        chunks=row.chunk_count,
        ingested_at=row.ingested_at.astimezone(UTC).isoformat(),
    )


def _chunk_values(document_id: int, chunk: Chunk, encoder: str, embedding: bytes) -> dict[str, Any]:
    return {
        "document_id": document_id,
        "ordinal": chunk.ordinal,
        "kind": chunk.kind.value,
        "anchor": chunk.anchor,
        "title_path": json.dumps(chunk.title_path),
        "question": chunk.question,
        "text": chunk.text,
        "encoder": encoder,
        "embedding": embedding,
    }


def _raise_revision(connection: Connection) -> None:
    revision = int(read_setting(connection, REVISION_KEY, lock=True) or 0)
    write_setting(connection, REVISION_KEY, str(revision + 1))


def _to_bytes(vectors: Matrix, *, count: int) -> list[bytes]:
    if len(vectors) != count:
        raise StoreError(f"Expected {count} vectors, one for each chunk, and got {len(vectors)}.")
    return [row.tobytes() for row in np.ascontiguousarray(vectors, dtype=_WIRE)]


def _to_matrix(blobs: Sequence[bytes]) -> Matrix:
    if not blobs:
        return np.empty((0, 0), dtype=np.float32)
    widths = {len(blob) for blob in blobs}
    if len(widths) > 1 or widths == {0} or widths.pop() % _WIRE.itemsize:
        raise StoreError(
            "The stored vectors are not all of one width; run `burnish store check`, then ingest the documents again."
        )
    matrix = np.frombuffer(b"".join(blobs), dtype=_WIRE).reshape(len(blobs), -1)
    return matrix.astype(np.float32)  # our own memory and byte order, and writable
