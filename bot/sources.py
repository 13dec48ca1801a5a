"""Passages as the reader of an answer, and as its trace, see them (pure)."""

from __future__ import annotations

from bot.reading import titles
from bot.types import Source, TracedPassage
from knowledge.types import Passage

CITATION = " [1]"  # of a quotation


def cited(text: str) -> str:
    """The citation, on a line of its own after a table or a list."""
    return CITATION if "\n" not in text else f"\n{CITATION.strip()}"


def source_of(number: int, passage: Passage) -> Source:
    """A passage with its number as cited, from 1."""
    chunk = passage.stored.chunk
    return Source(
        number=number,
        title=" > ".join(titles(passage)),
        uri=passage.stored.uri,
        anchor=chunk.anchor,
        excerpt=chunk.text,
        chunk_id=passage.stored.id,
    )


def traced(passage: Passage, used: set[int]) -> TracedPassage:
    """A passage's scores; `used` are the chunk ids that stand behind the answer."""
    return TracedPassage(
        chunk_id=passage.stored.id,
        title=" > ".join(passage.stored.chunk.title_path),
        uri=passage.stored.uri,
        similarity=passage.similarity,
        lexical=passage.lexical,
        fused=passage.fused,
        used=passage.stored.id in used,
    )
