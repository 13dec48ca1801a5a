"""Advice moves passages up and down, and follows the documents; it never shows what somebody may not see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from knowledge.advice import AdvisedKnowledge, text_digest
from knowledge.retrieve import Fusion, KnowledgeBase, RetrievalMode, RetrievalSettings
from knowledge.testing import MemoryStore, WordEncoder, chunk, document
from knowledge.types import Matrix, Vector

REFUND, INVOICE, SECRET = "refund reaches the bank", "invoice comes by mail", "salaries are paid on the last day"


@dataclass(frozen=True, kw_only=True)
class Said:
    """A passage that was rated."""

    uri: str
    text: str

    @property
    def digest(self) -> str:
        return text_digest(self.text)


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """Advice that says the same of every query."""

    mentions: Sequence[Said]
    vectors: Matrix
    by: Mapping[int, float] = field(default_factory=dict)
    to: Vector | None = None

    def aim(self, vector: Vector) -> Vector:
        return vector if self.to is None else self.to

    def changes(self, vector: Vector) -> Mapping[int, float]:
        assert vector.ndim == 1
        return self.by


class World:
    """A store with a knowledge base over it."""

    def __init__(self, folder: Path, settings: RetrievalSettings | None = None) -> None:
        self.store, self.encoder = MemoryStore(), WordEncoder()
        self.put("/a.md", REFUND)
        self.put("/b.md", INVOICE)
        self.put("/c.md", SECRET, collection="staff")
        self.base = KnowledgeBase.open(self.store, self.encoder, folder, settings)

    def put(self, uri: str, *texts: str, collection: str = "default") -> None:
        pieces = [chunk(text, ordinal=number, title="") for number, text in enumerate(texts)]
        vectors = self.encoder.encode([piece.embedding_text for piece in pieces])
        self.store.replace_document(document(uri, collection=collection), pieces, vectors, encoder=self.encoder.name)

    def advised(self, *said: tuple[str, str], by: Mapping[int, float] | None = None, to: str = "") -> AdvisedKnowledge:
        mentions = [Said(uri=uri, text=text) for uri, text in said]
        vectors = self.encoder.encode([f"\n{one.text}" for one in mentions])
        aim = self.encoder.encode([to])[0] if to else None
        return AdvisedKnowledge(self.base, Fixed(mentions=mentions, vectors=vectors, by=by or {}, to=aim))

    def found(self, knowledge: AdvisedKnowledge | KnowledgeBase, text: str, *seen: str) -> list[str]:
        vector = self.encoder.encode([text])[0]
        passages = knowledge.search(text, vector, collections=list(seen) or None, top_k=3)
        return [passage.stored.chunk.text for passage in passages]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_without_anything_to_say_the_search_is_the_same(world: World) -> None:
    for text in ("refund", "invoice by mail", "something else"):
        assert world.found(world.advised(), text) == world.found(world.base, text)


@pytest.mark.parametrize(
    "settings",
    [
        RetrievalSettings(),
        RetrievalSettings(fusion=Fusion.PLACES),
        RetrievalSettings(mode=RetrievalMode.VECTOR),
        RetrievalSettings(mode=RetrievalMode.LEXICAL),
    ],
)
def test_a_passage_is_moved_up_or_down_however_it_is_searched(tmp_path: Path, settings: RetrievalSettings) -> None:
    world = World(tmp_path, settings)
    assert world.found(world.base, "refund bank invoice")[0] == REFUND
    assert world.found(world.advised(("/b.md", INVOICE), by={0: 0.9}), "refund bank invoice")[0] == INVOICE
    assert world.found(world.advised(("/a.md", REFUND), by={0: -0.9}), "refund bank invoice")[0] == INVOICE


def test_a_passage_that_no_search_finds_is_found_by_advice(tmp_path: Path) -> None:
    world = World(tmp_path, RetrievalSettings(depth=1))
    vector = world.encoder.encode(["refund"])[0]
    alone = world.base.search("refund", vector, top_k=1)
    assert [one.stored.chunk.text for one in alone] == [REFUND]
    advised = world.advised(("/b.md", INVOICE), by={0: 1.0}).search("refund", vector, top_k=1)
    assert [one.stored.chunk.text for one in advised] == [INVOICE]


def test_what_somebody_may_not_see_stays_hidden(world: World) -> None:
    advised = world.advised(("/c.md", SECRET), by={0: 1.0})
    assert world.found(advised, "refund")[0] == SECRET
    assert SECRET not in world.found(advised, "refund", "default")
    assert world.found(advised, "refund", "default")[0] == REFUND


def test_a_query_is_searched_where_advice_aims(world: World) -> None:
    assert world.found(world.advised(to=INVOICE), "moolah")[0] == INVOICE


def test_a_passage_is_known_again_after_its_document_was_taken_in_anew(world: World) -> None:
    advised = world.advised(("/b.md", INVOICE), by={0: 0.9})
    world.put("/b.md", "preface without meaning", INVOICE)
    assert world.found(advised, "refund bank")[0] == REFUND  # the old chunk is gone, nobody has looked for the new one
    advised.refresh()
    assert world.found(advised, "refund bank")[0] == INVOICE


def test_a_passage_whose_words_changed_a_little_is_still_the_same(world: World) -> None:
    advised = world.advised(("/b.md", INVOICE), by={0: 0.9})
    changed = INVOICE + " always"
    world.put("/b.md", "preface without meaning", changed)
    advised.refresh()
    assert world.found(advised, "refund bank")[0] == changed


def test_another_text_or_another_document_is_not_taken_for_it(world: World) -> None:
    advised = world.advised(("/b.md", INVOICE), by={0: 0.9})
    world.put("/b.md", "holidays are listed in the calendar")
    world.put("/d.md", INVOICE)
    advised.refresh()
    assert world.found(advised, "refund bank")[0] == REFUND


def test_the_same_passage_in_two_collections_is_moved_in_both(world: World) -> None:
    world.put("/b.md", INVOICE, collection="staff")
    world.base.refresh()
    advised = world.advised(("/b.md", INVOICE), by={0: 0.9})
    assert world.found(advised, "refund bank", "default")[0] == INVOICE
    assert world.found(advised, "refund bank", "staff")[0] == INVOICE


def test_curated_questions_are_matched_by_the_query_itself(world: World) -> None:
    pieces = [chunk("Under settings.", question="Where do I change my name?")]
    vectors = world.encoder.encode([piece.embedding_text for piece in pieces])
    world.store.replace_document(document("/faq.csv"), pieces, vectors, encoder=world.encoder.name)
    world.base.refresh()
    advised = world.advised(to=INVOICE)
    text = "where do I change my name"
    assert advised.is_curated(text)
    match = advised.curated(text, world.encoder.encode([text])[0])[0]
    assert match.exact
    assert match.similarity == pytest.approx(1.0, abs=1e-3)
    assert np.isfinite(match.passage.fused)
