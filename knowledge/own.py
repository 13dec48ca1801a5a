"""The vectors that a version's own encoder makes of the documents, beside those of the knowledge base.

They are made before the version serves and follow the documents afterwards; what is new is searched by the knowledge
base's vectors until a thread has encoded it. A file keeps them by what each chunk says, so that nothing is encoded
twice; it is a copy that can be made again, and a torn one is.
"""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from knowledge.index import NO_IDS, VectorIndex
from knowledge.ranking import Own
from knowledge.retrieve import KnowledgeBase, Progress, sampled, silent
from knowledge.types import ChunkIds, Encoder, StoredChunk, Vector

FILE: Final = "own-vectors.npz"
TOGETHER: Final = 4  # chunks encoded at once, .1 to .2 s of a core: a question waits for no more
SAVE_EVERY: Final = 512  # chunks encoded, about 30 s of a core: what a kill costs

LOCK_SECONDS: Final = 60.0  # writing 20,000 vectors of 384 numbers takes about .1 s

Codes = NDArray[np.float16]  # one vector, shape (dim,)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What queries go by; replaced as a whole."""

    revision: int | None  # of the knowledge base
    typical: Vector
    missing: ChunkIds
    behind: bool  # something is missing, or is there that is gone


class OwnVectors:
    """Another encoder's vectors of what a knowledge base holds. Thread-safe; blocks."""

    def __init__(self, base: KnowledgeBase, encoder: Encoder, file: Path | None) -> None:
        """Encode nothing yet: every chunk is missing until `follow`.

        Args:
            base: What is followed.
            encoder: Makes the vectors.
            file: Where they are kept from one start to the next; None for nowhere.
        """
        self._base = base
        self._encoder = encoder
        self._file = file
        self._index = VectorIndex(encoder.dimension)
        self._digests: dict[int, bytes] = {}  # of the chunks in the index
        self._following = Lock()
        self._turn = Lock()
        self._thread: Thread | None = None
        self._again = False  # the thread is to look once more
        self._closing = Event()
        self._look = _Look(None, np.zeros(encoder.dimension, dtype=np.float32), NO_IDS, behind=True)
        self._note()

    def __len__(self) -> int:
        return len(self._index)

    @property
    def missing(self) -> int:
        """How many chunks have no vector yet."""
        return len(self._look.missing)

    def asked(self, text: str) -> Own:
        """A query, encoded, with the vectors to compare it with."""
        look = self._look
        vector = self._encoder.encode([text])[0]
        return Own(index=self._index, vector=vector, typical=look.typical, missing=look.missing)

    def refresh(self) -> None:
        """Note what has changed in the knowledge base, and have a thread see to it; returns at once."""
        if self._base.revision == self._look.revision and not self._look.behind:
            return
        self._note()
        if not self._look.behind:
            return
        with self._turn:
            if self._closing.is_set():
                return
            self._again = True
            if self._thread is None or not self._thread.is_alive():
                # A daemon: a program that ends without `close` is not held up, and the file is whole at any moment.
                self._thread = Thread(target=self._keep_up, name="own-vectors", daemon=True)
                self._thread.start()

    def follow(
        self,
        progress: Progress = silent,
        *,
        stop: Callable[[], bool] = lambda: False,
        most: int | None = None,
    ) -> bool:
        """Encode what is new and drop what is gone; others search meanwhile.

        Args:
            progress: Told how far it is.
            stop: Asked between batches whether to leave it at that; what was encoded is kept.
            most: Chunks to encode; where there are more, none is. None for any number.

        Returns:
            Whether every chunk has its vector.
        """
        with self._following:
            ids = self._base.ids
            gone = np.setdiff1d(self._index.ids, ids)
            self._index.remove(gone)
            for chunk_id in gone.tolist():
                self._digests.pop(chunk_id, None)
            lacking = self._recalled(np.setdiff1d(ids, self._index.ids))
            whole = (most is None or len(lacking) <= most) and self._encode(lacking, progress, stop)
            if len(gone) and not lacking:  # nothing stays of what was taken out of the documents
                self._save()
            self._note()
            return whole

    def close(self) -> None:
        """End the thread, at the latest after the batch that it is at."""
        self._closing.set()
        with self._turn:
            thread = self._thread
        if thread is not None:
            thread.join()

    # -- what is new

    def _keep_up(self) -> None:
        while True:
            with self._turn:
                if not self._again or self._closing.is_set():
                    self._thread = None
                    return
                self._again = False
            self.follow(stop=self._closing.is_set)

    def _note(self) -> None:
        revision = self._base.revision  # before the ids: what changes meanwhile is seen next time
        ids, there = self._base.ids, self._index.ids
        missing = np.setdiff1d(ids, there)
        behind = len(missing) > 0 or len(there) > len(ids)
        self._look = _Look(revision, self._index.mean(sampled(ids)), missing, behind)

    def _recalled(self, new: ChunkIds) -> list[int]:
        """Take in what the file knows.

        Returns:
            The chunks that have to be encoded.
        """
        if not len(new):
            return []
        kept, lacking = _read(self._file, self._encoder), list[int]()
        ids, vectors = list[int](), list[Codes]()
        for stored in self._base.chunks(new):
            digest = _digest(stored)
            if (codes := kept.get(digest)) is None:
                lacking.append(stored.id)
                continue
            self._digests[stored.id] = digest
            ids.append(stored.id)
            vectors.append(codes)
        if ids:
            self._index.add(np.array(ids, dtype=np.int64), np.stack(vectors).astype(np.float32))
        return lacking

    def _encode(self, lacking: list[int], progress: Progress, stop: Callable[[], bool]) -> bool:
        """Encode chunks, keeping them now and then; False where it was stopped."""
        unsaved = 0
        for start in range(0, len(lacking), TOGETHER):
            if stop():
                if unsaved:
                    self._save()
                return False
            chunks = list(self._base.chunks(np.array(lacking[start : start + TOGETHER], dtype=np.int64)))
            if chunks:  # all of them may have been replaced meanwhile
                made = self._encoder.encode([stored.chunk.embedding_text for stored in chunks])
                # In 16 bits, as the file has them: a version finds the same after a start as before it.
                vectors = made.astype(np.float16).astype(np.float32)
                self._digests |= {stored.id: _digest(stored) for stored in chunks}
                self._index.add(np.array([stored.id for stored in chunks], dtype=np.int64), vectors)
            progress(min(start + TOGETHER, len(lacking)), len(lacking), "encode")
            unsaved += len(chunks)
            if unsaved >= SAVE_EVERY:
                self._save()
                unsaved = 0
        if unsaved:
            self._save()
        return True

    def _save(self) -> None:
        """Keep the vectors of every chunk that is there; what cannot be kept is made again after the next start."""
        if self._file is None or not self._file.parent.is_dir():  # the version may have been pruned
            return
        ids = self._index.ids
        digests = np.frombuffer(b"".join(self._digests[one] for one in ids.tolist()), dtype=np.uint8)
        partial = self._file.with_name(f"{self._file.name}.partial")
        try:
            with (
                FileLock(self._file.with_name(f"{self._file.name}.lock"), timeout=LOCK_SECONDS),
                partial.open("wb") as out,
            ):
                np.savez(
                    out,
                    encoder=np.array(self._encoder.name),
                    digests=digests.reshape(len(ids), -1),
                    vectors=self._index.vectors(ids).astype(np.float16),
                )
                out.flush()
                os.fsync(out.fileno())
                partial.replace(self._file)
        except (OSError, Timeout) as error:
            log.warning(
                "own vectors not kept", extra={"action": "own-vectors-not-kept", "reason": type(error).__name__}
            )


def _digest(stored: StoredChunk) -> bytes:
    return hashlib.sha256(stored.chunk.embedding_text.encode()).digest()


def _read(file: Path | None, encoder: Encoder) -> Mapping[bytes, Codes]:
    """What a file keeps, by the digest of what a chunk says; nothing where it is missing, torn or another encoder's."""
    if file is None or not file.is_file():
        return {}
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as kept:
            name, digests, vectors = str(kept["encoder"]), kept["digests"], kept["vectors"]
        fits = name == encoder.name and vectors.shape == (len(digests), encoder.dimension)
        return {row.tobytes(): codes for row, codes in zip(digests, vectors, strict=True)} if fits else {}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        log.warning("own vectors made again", extra={"action": "own-vectors-torn", "reason": type(error).__name__})
        return {}
