"""The types of knowledge: document > chunk > passage (a chunk scored for one query)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float32]  # shape (dim,)
Matrix: TypeAlias = NDArray[np.float32]  # shape (n, dim)
ChunkIds: TypeAlias = NDArray[np.int64]  # shape (n,)

DEFAULT_COLLECTION = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A piece of a document under one heading."""

    title_path: tuple[str, ...]  # headings from the outermost inwards, the document's title not included
    anchor: str  # where it stands in the source: "#heading-slug", "page=3", "row=12"; "" for the top
    text: str  # plain text or Markdown body, without the heading


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAnswer:
    """A curated pair: first-class knowledge, given verbatim when the question matches almost exactly."""

    question: str
    answer: str
    language: str  # ISO 639-1, or "und"
    anchor: str  # "row=12"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a parser read from one file or page."""

    source: str  # what the admin named: an absolute folder, an absolute file, or a URL
    uri: str  # unique within a collection: the file's absolute path, or the URL
    collection: str  # the border of access
    title: str
    language: str  # ISO 639-1, or "und"
    media_type: str  # "text/markdown", "application/pdf", ...
    digest: str  # SHA-256 (hex) of the raw bytes and of the parser's and chunker's settings
    sections: tuple[Section, ...]
    pairs: tuple[QuestionAnswer, ...]


class ProblemKind(StrEnum):
    """Why something could not be read, or not wholly."""

    MISSING = "missing"  # the source itself is not there
    UNREADABLE = "unreadable"  # permission denied, or the disk failed
    LOOP = "loop"  # a link that leads back to a folder above it
    EMPTY = "empty"  # 0 bytes, only white space, or no text in it
    TOO_LARGE = "too large"
    UNSUPPORTED = "unsupported"  # a format without a parser, or without question and answer
    ENCRYPTED = "encrypted"
    BROKEN = "broken"
    WRONGLY_NAMED = "wrongly named"  # read by its content; only the name is wrong
    BAD_ROW = "bad row"  # one row of a table of questions and answers
    REFUSED = "refused"  # an address that must not be visited
    UNREACHABLE = "unreachable"  # a page that did not arrive, or not in time


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that was not read, or not wholly; it never stops the rest.

    A problem says nothing about what was kept from an earlier run: a page that is unreachable today
    has not vanished. Its uri may be a folder, and then stands for everything below.
    """

    uri: str  # file, folder or URL
    kind: ProblemKind
    reason: str  # one sentence for the admin: what is wrong and what to do
    skipped: bool = True  # False: a remark about something that was read all the same


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLimits:
    """How much is taken from one source, and from where."""

    max_megabytes: float = 32.0  # raw size of one file or page, MB of 10^6 bytes, > 0
    max_characters: int = 4_000_000  # text of one document, >= 1; a book has about one million
    page_seconds: float = 20.0  # whole time for one web page, redirects and retries included, > 0
    max_redirects: int = 5  # >= 0
    allow_private: bool = False  # visit web addresses inside the own network

    @property
    def max_bytes(self) -> int:
        """The raw size limit in bytes."""
        return int(self.max_megabytes * 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file or page that was read but not yet parsed: enough to know whether it has changed."""

    source: str  # as in Document
    uri: str  # as in Document
    media_type: str  # by content first, by name or header only where the content leaves it open
    digest: str  # as in Document
    remarks: tuple[Problem, ...]  # such as a wrong name; none of them skips the file
    content: bytes = field(repr=False)  # the bytes that the digest was made of


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What became of one Found."""

    document: Document | None  # None: nothing of it can be kept, the last problem says why
    problems: tuple[Problem, ...]  # rows left out, remarks, and the reason when there is no document


class ChunkKind(StrEnum):
    """What a chunk holds."""

    PASSAGE = "passage"
    CURATED = "curated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A piece of a document that is embedded and found as one, not yet stored."""

    ordinal: int  # position in the document, from 0
    kind: ChunkKind
    title_path: tuple[str, ...]  # document title first, then the headings
    anchor: str
    question: str  # "" for a passage
    text: str  # the passage, or the curated answer

    @property
    def embedding_text(self) -> str:
        """What the encoder reads: the question of a curated pair, else titles and text."""
        if self.kind is ChunkKind.CURATED:
            return self.question
        return "\n".join((" > ".join(self.title_path), self.text))

    @property
    def lexical_text(self) -> str:
        """What BM25 reads: titles, question and text."""
        return "\n".join(part for part in (" > ".join(self.title_path), self.question, self.text) if part)

    @property
    def title_text(self) -> str:
        """What BM25 reads of the titles alone: titles and question."""
        return "\n".join(part for part in (" > ".join(self.title_path), self.question) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChunk:
    """A chunk with the id that the store gave it; ids are never used again."""

    id: int
    document_id: int
    source: str
    uri: str
    collection: str
    language: str
    chunk: Chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document's row, without its text."""

    id: int
    source: str
    uri: str
    collection: str
    title: str
    language: str
    media_type: str
    digest: str
    chunks: int
    ingested_at: str  # ISO 8601, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A stored chunk scored for one query."""

    stored: StoredChunk
    # Cosine, [-1, 1]; computed for every passage, also those that only BM25 found. 0 for a query that is not read.
    similarity: float
    lexical: float  # BM25, >= 0
    fused: float  # what it was ranked by, [-1, 1] (see knowledge.fusion), and what advice changed
    rank: int  # from 1


@dataclass(frozen=True, slots=True)
class Hits:
    """Ids that one query found, best first, not yet looked up in the store."""

    ids: ChunkIds
    scores: Vector  # cosine similarity or BM25, whichever index found them


class Mention(Protocol):
    """A passage as somebody saw it earlier; its document may have changed since."""

    @property
    def uri(self) -> str:
        """Of its document."""

    @property
    def digest(self) -> str:
        """Of what the passage said, titles not included; see knowledge.advice.text_digest."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Advised:
    """What advice says about one query."""

    vector: Vector  # to search with, in place of the query's own; unit length, shape (dim,)
    changes: Mapping[int, float]  # what to add to scores, by chunk id; each [-1, 1]


class Advice(Protocol):
    """What was learned of how people ask; knowledge is handed some and knows not where it comes from."""

    @property
    def mentions(self) -> Sequence[Mention]:
        """The passages that it has learned of."""

    @property
    def vectors(self) -> Matrix:
        """Their vectors by the encoder that searches, shape (len(mentions), dim)."""

    def aim(self, vector: Vector) -> Vector:
        """Turn a query's unit vector to where its passages lie; a unit vector, shape (dim,)."""

    def changes(self, vector: Vector) -> Mapping[int, float]:
        """What to add to scores by the number of the mention, for a query's own vector; what is missing stays."""


class Encoder(Protocol):
    """Text to vectors; knowledge is handed one and knows no model library."""

    @property
    def name(self) -> str:
        """Fingerprint of weights and settings: vectors of another name are of no use."""

    @property
    def dimension(self) -> int:
        """Width of the vectors."""

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Encode texts to unit vectors, shape (len(texts), dimension), float32."""

    def reads(self, text: str) -> bool:
        """Whether its vector says what a text is about: texts whose characters it does not know are all alike to it."""


class KnowledgeStore(Protocol):
    """Where documents, chunks and their vectors are kept; the index is only a copy of it."""

    def revision(self) -> int:
        """A number that grows with every change of documents or chunks."""

    def document_digests(self, *, source: str, collection: str) -> Mapping[str, str]:
        """Map uri to digest for all documents of one source."""

    def replace_document(self, document: Document, chunks: Sequence[Chunk], vectors: Matrix, *, encoder: str) -> int:
        """Put a document with its chunks in place of the one with its (collection, uri); one transaction.

        Returns:
            The document's id.
        """

    def remove_document(self, document_id: int) -> bool:
        """Remove a document and its chunks; False if there is none."""

    def documents(self, *, collections: Sequence[str] | None = None) -> tuple[StoredDocument, ...]:
        """All documents, by collection and uri."""

    def chunk_ids(self) -> tuple[tuple[int, str], ...]:
        """Every chunk's (id, collection), by id."""

    def load_chunks(self, ids: Sequence[int] | None = None) -> Iterator[StoredChunk]:
        """Read chunks, by id; all of them when ids is None. Ids that are gone are left out."""

    def load_vectors(self, ids: Sequence[int]) -> tuple[ChunkIds, Matrix]:
        """Read vectors, by id, with the ids that still exist."""

    def stale_chunk_ids(self, *, encoder: str) -> tuple[int, ...]:
        """Ids of chunks whose vectors were made by an encoder of another name."""

    def put_vectors(self, ids: Sequence[int], vectors: Matrix, *, encoder: str) -> None:
        """Replace vectors (after the encoder was changed); one transaction."""
