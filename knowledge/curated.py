"""Curated questions by their wording: what the encoder misses, above all in a language that it does not know."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Final

import numpy as np
from rapidfuzz import fuzz, process

from knowledge.types import ChunkIds, ChunkKind, Passage, StoredChunk
from knowledge.wording import same_matter

TAUGHT: Final = "taught"  # source of what was taught in chat: it stands before the same question of a file
EARLIER: Final = "earlier"  # anchor of a taught answer that another one has replaced, kept to be brought back
_ENDING: Final = re.compile(r"[\s?!.,;:。，！；：、…]+$")  # NFKC has made full-width ? and ! plain before
_RANK_FILE: Final = 1
_RANK_TAUGHT: Final = 2
MIN_LETTERS: Final = 0.25  # string similarity; English paraphrases have .35 and more
_SPACE: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CuratedMatch:
    """A curated question near to what was asked."""

    passage: Passage
    similarity: float  # cosine of the questions, [-1, 1]; 0 for one that the encoder does not read
    # Of their letters, [0, 1]; 1 for the same wording. For one that the encoder does not read, of what they ask.
    string_similarity: float
    exact: bool  # the same wording but for case, width, spaces and the closing punctuation

    @property
    def strength(self) -> float:
        """How surely both ask the same, [0, 1]; see ``match_strength``."""
        return match_strength(self.similarity, self.string_similarity)


def match_strength(similarity: float, string_similarity: float) -> float:
    """Combine the two similarities: the better one counts, since each is blind where the other sees.

    Meaning counts only where some letters agree: an encoder that does not read a language finds its questions all
    alike (all-MiniLM gives two unrelated Chinese questions up to .86).
    """
    meaning = similarity if string_similarity >= MIN_LETTERS else 0.0
    return min(1.0, max(0.0, meaning, string_similarity))


def normalise(question: str) -> str:
    """Take case, width, spacing and closing punctuation off a question."""
    visible = "".join(c for c in unicodedata.normalize("NFKC", question) if unicodedata.category(c) != "Cf")
    return _ENDING.sub("", _SPACE.sub(" ", visible).strip()).casefold()


def string_similarity(one: str, other: str) -> float:
    """Compare two normalised questions by their letters (insertions and deletions), [0, 1]."""
    return fuzz.ratio(one, other) / 100


@dataclass(frozen=True, slots=True)
class CuratedBook:
    """The curated questions of one state of the store."""

    questions: dict[int, str] = field(default_factory=dict)  # chunk id to normalised question
    collections: dict[int, str] = field(default_factory=dict)
    ranks: dict[int, int] = field(default_factory=dict)  # of those with the same question, the highest is in force
    hidden: frozenset[int] = frozenset()  # chunks in whose place another one answers

    def changed(self, *, added: Iterable[StoredChunk], removed: Collection[int]) -> CuratedBook:
        """Make the book of the next state."""
        questions = {key: value for key, value in self.questions.items() if key not in removed}
        collections = {key: value for key, value in self.collections.items() if key not in removed}
        ranks = {key: value for key, value in self.ranks.items() if key not in removed}
        for stored in added:
            if stored.chunk.kind is ChunkKind.CURATED:
                questions[stored.id] = normalise(stored.chunk.question)
                collections[stored.id] = stored.collection
                ranks[stored.id] = _rank(stored)
        return CuratedBook(questions, collections, ranks, _hidden(questions, collections, ranks))

    def visible(self, collections: Collection[str] | None) -> dict[int, str]:
        """Questions by chunk id, in the collections given; None for all."""
        return {
            key: value
            for key, value in self.questions.items()
            if key not in self.hidden and (collections is None or self.collections[key] in collections)
        }

    @staticmethod
    def nearest(question: str, questions: dict[int, str], top_k: int) -> ChunkIds:
        """Find the questions whose letters are most like those of a normalised question, best first.

        Takes about 1 ms for 1,000 questions.
        """
        found = process.extract(question, questions, scorer=fuzz.ratio, limit=top_k)
        return np.array([chunk_id for _, _, chunk_id in found], dtype=np.int64)

    @staticmethod
    def nearest_in_matter(question: str, questions: dict[int, str], top_k: int) -> ChunkIds:
        """Find the questions that most surely ask the same as a normalised one, by words alone, best first."""
        found = nlargest(top_k, questions, key=lambda chunk_id: same_matter(question, questions[chunk_id]))
        return np.array(found, dtype=np.int64)


def _rank(stored: StoredChunk) -> int:
    if stored.source != TAUGHT:
        return _RANK_FILE
    return 0 if stored.chunk.anchor == EARLIER else _RANK_TAUGHT


def _hidden(questions: dict[int, str], collections: dict[int, str], ranks: dict[int, int]) -> frozenset[int]:
    """What was replaced, and what asks the same as something taught in the same collection."""
    taught = {(collections[key], question) for key, question in questions.items() if ranks[key] == _RANK_TAUGHT}
    return frozenset(
        key
        for key, question in questions.items()
        if ranks[key] < _RANK_FILE or (ranks[key] < _RANK_TAUGHT and (collections[key], question) in taught)
    )
