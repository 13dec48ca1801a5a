"""Curated answers given in chat: live with the next question."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import replace
from typing import Protocol

from knowledge.curated import EARLIER, TAUGHT
from knowledge.language import detect
from knowledge.types import DEFAULT_COLLECTION, Chunk, ChunkKind, Document, Encoder, KnowledgeStore

SOURCE = TAUGHT  # what such documents name as their source
_SPACE = re.compile(r"\s+")


class Teacher(Protocol):
    """Takes curated answers."""

    def teach(self, question: str, answer: str) -> int:
        """Keep a curated answer in the place of the one that this question had; returns the document's id."""

    def correct(self, question: str, answer: str) -> int:
        """The same for a wrong curated answer, which `unteach` brings back."""

    def unteach(self, question: str) -> bool:
        """Remove the curated answer of a question; False if there is none."""


class KnowledgeTeacher:
    """Keeps each as a document of its own. Blocks."""

    def __init__(self, store: KnowledgeStore, encoder: Encoder) -> None:
        self._store = store
        self._encoder = encoder

    def teach(self, question: str, answer: str) -> int:
        """Keep a curated answer in the place of the one that this question had; returns the document's id."""
        return self._keep(question, answer)

    def correct(self, question: str, answer: str) -> int:
        """The same for a wrong curated answer, which `unteach` brings back.

        A wrong answer that stands in a file is hidden as long as this one is in force (knowledge.curated); one that
        was taught is kept beneath it.
        """
        taught = self._taught(question)
        before = next((chunk for chunk in taught if chunk.anchor != EARLIER), None)
        if before is not None and before.text == answer:  # asked for again, as after a crash
            before = next((chunk for chunk in taught if chunk.anchor == EARLIER), None)
        return self._keep(question, answer, earlier=before)

    def unteach(self, question: str) -> bool:
        """Remove the curated answer of a question, and put back the one that it corrected; False if there is none."""
        uri = uri_of(question)
        found = next((one.id for one in self._store.documents() if one.uri == uri), None)
        if found is None:
            return False
        earlier = next((chunk for chunk in self._taught(question) if chunk.anchor == EARLIER), None)
        if earlier is not None:
            self._keep(earlier.question, earlier.text)
            return True
        return self._store.remove_document(found)

    def _keep(self, question: str, answer: str, *, earlier: Chunk | None = None) -> int:
        digest = hashlib.sha256(f"{question}\n{answer}".encode()).hexdigest()
        document = Document(
            source=SOURCE,
            uri=uri_of(question),
            collection=DEFAULT_COLLECTION,
            title=question,
            language=detect(f"{question}\n{answer}"),
            media_type="text/plain",
            digest=digest,
            sections=(),
            pairs=(),
        )
        chunk = Chunk(
            ordinal=0, kind=ChunkKind.CURATED, title_path=(question,), anchor="", question=question, text=answer
        )
        kept = [chunk] if earlier is None else [chunk, replace(earlier, ordinal=1, anchor=EARLIER)]
        vectors = self._encoder.encode([one.embedding_text for one in kept])
        return self._store.replace_document(document, kept, vectors, encoder=self._encoder.name)

    def _taught(self, question: str) -> tuple[Chunk, ...]:
        """What was taught of a question: the answer in force, and perhaps the one that it corrected."""
        uri = uri_of(question)
        return tuple(one.chunk for one in self._store.load_chunks() if one.uri == uri)


def uri_of(question: str) -> str:
    """The name of a question's document: the same for other case, width, spaces and closing punctuation."""
    plain = _SPACE.sub(" ", unicodedata.normalize("NFKC", question)).strip().casefold().rstrip("?!. ？！。")
    return f"{SOURCE}:{hashlib.sha256(plain.encode()).hexdigest()[:16]}"
