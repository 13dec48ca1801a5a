"""Curated answers given in chat: live with the next question."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Protocol

from knowledge.language import detect
from knowledge.types import DEFAULT_COLLECTION, Chunk, ChunkKind, Document, Encoder, KnowledgeStore

SOURCE = "taught"  # what such documents name as their source
_SPACE = re.compile(r"\s+")


class Teacher(Protocol):
    """Takes curated answers."""

    def teach(self, question: str, answer: str) -> int:
        """Keep a curated answer in the place of the one that this question had; returns the document's id."""

    def unteach(self, question: str) -> bool:
        """Remove the curated answer of a question; False if there is none."""


class KnowledgeTeacher:
    """Keeps each as a document of its own. Blocks."""

    def __init__(self, store: KnowledgeStore, encoder: Encoder) -> None:
        self._store = store
        self._encoder = encoder

    def teach(self, question: str, answer: str) -> int:
        """Keep a curated answer in the place of the one that this question had; returns the document's id."""
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
        vectors = self._encoder.encode([chunk.embedding_text])
        return self._store.replace_document(document, [chunk], vectors, encoder=self._encoder.name)

    def unteach(self, question: str) -> bool:
        """Remove the curated answer of a question; False if there is none."""
        uri = uri_of(question)
        found = next((one.id for one in self._store.documents() if one.uri == uri), None)
        return found is not None and self._store.remove_document(found)


def uri_of(question: str) -> str:
    """The name of a question's document: the same for other case, width, spaces and closing punctuation."""
    plain = _SPACE.sub(" ", unicodedata.normalize("NFKC", question)).strip().casefold().rstrip("?!. ？！。")
    return f"{SOURCE}:{hashlib.sha256(plain.encode()).hexdigest()[:16]}"
