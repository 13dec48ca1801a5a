"""Sources to the store: only what changed is parsed and encoded, and each document is committed by itself.

Killed at any instant, every document is as it was or as it should be, and the next run does the rest.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import numpy as np
from filelock import FileLock, Timeout

from knowledge import chunking
from knowledge import sources as sources_module
from knowledge.errors import KnowledgeError
from knowledge.types import (
    Chunk,
    Document,
    Encoder,
    Found,
    KnowledgeStore,
    Matrix,
    Parsed,
    Problem,
    ProblemKind,
    SourceLimits,
    StoredDocument,
)

Progress: TypeAlias = Callable[[int, int, str], None]  # done, total so far, what is being done

COMMIT_CHUNKS: Final = 512  # chunks gathered over several documents, sorted by length, before they are encoded
ENCODE_BATCH: Final = 64  # chunks handed to the encoder at once; the progress moves after each


class Reader(Protocol):
    """How sources become documents and chunks."""

    @property
    def collection(self) -> str:
        """Where the documents belong."""

    def resolve(self, source: str) -> str:
        """Give a source the name that its documents carry: an absolute path, or a URL."""

    def estimate(self, source: str) -> int:
        """Say how many files or pages a resolved source has, about; for the progress."""

    def discover(self, source: str) -> Iterator[Found | Problem]:
        """Find a resolved source's files or pages, and what could not be read."""

    def parse(self, found: Found) -> Parsed:
        """Read one of them."""

    def chunk(self, document: Document) -> tuple[Chunk, ...]:
        """Cut a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReader:
    """The Reader of folders, files and web pages: knowledge.sources and knowledge.chunking with their settings."""

    collection: str
    count_tokens: Callable[[str], int]  # the encoder's
    target_tokens: int = 200  # length of a chunk's text
    max_tokens: int = 240  # of its titles and text together
    limits: SourceLimits = field(default_factory=SourceLimits)

    def resolve(self, source: str) -> str:
        """See Reader."""
        return sources_module.canonical(source)

    def estimate(self, source: str) -> int:
        """See Reader; files that will be refused are counted too."""
        count = 0
        for _, folders, files in os.walk(source):  # nothing for a file or a URL
            folders[:] = [name for name in folders if not name.startswith(".")]
            count += sum(not name.startswith(".") for name in files)
        return count or 1

    def discover(self, source: str) -> Iterator[Found | Problem]:
        """See Reader."""
        settings = chunking.settings(target_tokens=self.target_tokens, max_tokens=self.max_tokens)
        return sources_module.discover(source, limits=self.limits, settings=settings)

    def parse(self, found: Found) -> Parsed:
        """See Reader."""
        return sources_module.parse(found, collection=self.collection, limits=self.limits)

    def chunk(self, document: Document) -> tuple[Chunk, ...]:
        """See Reader."""
        return chunking.chunk(
            document,
            count_tokens=self.count_tokens,
            target_tokens=self.target_tokens,
            max_tokens=self.max_tokens,
        )


class IngestOutcome(StrEnum):
    """What became of one document."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    PROBLEM = "problem"  # not read; what was kept of it from an earlier run stays


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRow:
    """One line of the summary."""

    source: str
    uri: str
    outcome: IngestOutcome
    chunks: int  # that the store now holds of it
    problems: tuple[Problem, ...] = ()  # why it was not read, or remarks on one that was


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What one run did."""

    rows: tuple[IngestRow, ...]
    chunks_encoded: int
    seconds: float  # wall clock

    @property
    def counts(self) -> Mapping[IngestOutcome, int]:
        """How many documents had each outcome."""
        return Counter(row.outcome for row in self.rows)


@dataclass(frozen=True, slots=True)
class _Pending:
    """A parsed document that waits for its vectors."""

    document: Document
    chunks: tuple[Chunk, ...]
    outcome: IngestOutcome
    problems: tuple[Problem, ...]


def ingest(
    sources: Sequence[str],
    *,
    store: KnowledgeStore,
    encoder: Encoder,
    reader: Reader,
    lock_file: Path,
    progress: Progress | None = None,
) -> IngestReport:
    """Bring the documents of some sources up to date in the store.

    Args:
        sources: Folders, files and URLs, as the admin names them.
        store: Where documents are kept.
        encoder: Makes the chunks' vectors.
        reader: Reads sources. A document that another source brought into the same collection is the same document.
        lock_file: Held during the run; its folder is made if it is missing.
        progress: Called as (done, total, what) after each document and each batch of chunks; done and total count
            documents, and the total is an estimate until the last call.

    Returns:
        One row for each document, source by source: read ones in the order found, then removed ones.

    Raises:
        KnowledgeError: Another ingest is running, or the store or encoder failed. What is committed stays.
    """
    started = time.monotonic()
    run = _Run(store, encoder, reader, progress or _silent)
    with _alone(lock_file):
        run.take_all(dict.fromkeys(reader.resolve(source) for source in sources))
    return IngestReport(rows=tuple(run.rows), chunks_encoded=run.encoded, seconds=time.monotonic() - started)


class _Run:
    """One ingest under way."""

    def __init__(self, store: KnowledgeStore, encoder: Encoder, reader: Reader, progress: Progress) -> None:
        self._store = store
        self._encoder = encoder
        self._reader = reader
        self._progress = progress
        self._expected = 0
        self.rows: list[IngestRow] = []
        self.encoded = 0

    def take_all(self, sources: Iterable[str]) -> None:
        """Bring sources up to date, one after another."""
        sources = tuple(sources)
        self._expected = sum(self._reader.estimate(source) for source in sources)
        for source in sources:
            self._take(source)
        self._progress(len(self.rows), len(self.rows), "done")

    def _take(self, source: str) -> None:
        """Bring one source up to date."""
        documents = self._store.documents(collections=[self._reader.collection])
        known = {document.uri: document for document in documents}
        pending: list[_Pending] = []
        seen: set[str] = set()
        spared: list[str] = []  # files and folders with a problem: what was kept of them stays
        for found in self._reader.discover(source):
            if isinstance(found, Problem):
                spared.append(found.uri)
            elif found.uri in seen:  # reached twice, by a link
                continue
            else:
                seen.add(found.uri)
            taken = self._read(found, source, known.get(found.uri))
            if isinstance(taken, _Pending):
                pending.append(taken)
            else:
                self._report(taken)
            if sum(len(waiting.chunks) for waiting in pending) >= COMMIT_CHUNKS:
                self._commit(source, pending)
                pending = []
        self._commit(source, pending)
        unseen = [document for document in known.values() if document.source == source and document.uri not in seen]
        vanished = [document for document in unseen if not any(_covers(uri, document.uri) for uri in spared)]
        self._remove(source, vanished, empty=not seen and not spared)

    def _read(self, found: Found | Problem, source: str, old: StoredDocument | None) -> _Pending | IngestRow:
        """Parse and cut one document if it is new or has changed; else give its row."""
        kept = old.chunks if old else 0
        if isinstance(found, Problem):
            return _row(source, found.uri, IngestOutcome.PROBLEM, kept, (found,))
        if old is not None and old.digest == found.digest:
            return _row(source, found.uri, IngestOutcome.UNCHANGED, kept, found.remarks)
        parsed = self._reader.parse(found)
        problems = tuple(dict.fromkeys((*found.remarks, *parsed.problems)))
        if parsed.document is None:
            return _row(source, found.uri, IngestOutcome.PROBLEM, kept, problems)
        outcome = IngestOutcome.ADDED if old is None else IngestOutcome.CHANGED
        return _Pending(parsed.document, self._reader.chunk(parsed.document), outcome, problems)

    def _commit(self, source: str, pending: Sequence[_Pending]) -> None:
        """Encode documents together, then commit them one by one."""
        vectors = self._encode([piece.embedding_text for waiting in pending for piece in waiting.chunks])
        start = 0
        for waiting in pending:
            end = start + len(waiting.chunks)
            self._store.replace_document(
                waiting.document, waiting.chunks, vectors[start:end], encoder=self._encoder.name
            )
            self._report(_row(source, waiting.document.uri, waiting.outcome, end - start, waiting.problems))
            start = end

    def _encode(self, texts: Sequence[str]) -> Matrix:
        """Encode texts in batches of like length, so that little is spent on padding."""
        vectors = np.zeros((len(texts), self._encoder.dimension), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda position: len(texts[position]))
        for start in range(0, len(order), ENCODE_BATCH):
            batch = order[start : start + ENCODE_BATCH]
            vectors[batch] = self._encoder.encode([texts[position] for position in batch])
            self.encoded += len(batch)
            self._progress(len(self.rows), max(self._expected, len(self.rows)), f"{self.encoded} chunks encoded")
        return vectors

    def _remove(self, source: str, vanished: Sequence[StoredDocument], *, empty: bool) -> None:
        """Remove documents that the source no longer has; not when it has nothing at all, as a disk not mounted."""
        if vanished and empty:
            reason = (
                f"The source is empty, but {len(vanished)} documents came from it before; is a disk not mounted? "
                "Nothing was removed; remove them by hand if that is meant."
            )
            problem = Problem(uri=source, kind=ProblemKind.EMPTY, reason=reason)
            self._report(_row(source, source, IngestOutcome.PROBLEM, sum(old.chunks for old in vanished), (problem,)))
            return
        for document in vanished:
            self._store.remove_document(document.id)
            self._report(_row(source, document.uri, IngestOutcome.REMOVED, 0, ()))

    def _report(self, row: IngestRow) -> None:
        """Note what became of a document."""
        self.rows.append(row)
        self._progress(len(self.rows), max(self._expected, len(self.rows)), row.uri)


@contextmanager
def _alone(lock_file: Path) -> Iterator[None]:
    """Keep other ingest runs out; a killed one holds nothing."""
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(lock_file, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise KnowledgeError("Another ingest is running; wait until it ends, then run this again.") from error
    except OSError as error:
        raise KnowledgeError(f"The lock {lock_file} cannot be made ({error.strerror}); can you write there?") from error
    try:
        yield
    finally:
        lock.release()


def _covers(uri: str, other: str) -> bool:
    """Whether a uri is another, or a folder above it (either slash, as the system writes them)."""
    return other == uri or other.startswith((uri.rstrip("/\\") + "/", uri.rstrip("/\\") + "\\"))


def _row(source: str, uri: str, outcome: IngestOutcome, chunks: int, problems: tuple[Problem, ...]) -> IngestRow:
    return IngestRow(source=source, uri=uri, outcome=outcome, chunks=chunks, problems=problems)


def _silent(_done: int, _total: int, _what: str) -> None:
    """Report progress to nobody."""
