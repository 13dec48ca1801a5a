"""Questions that the encoder cannot read are searched by their words alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bot.store.crypto import Keyring
from bot.store.store import Store
from knowledge.retrieve import Fusion, KnowledgeBase, RetrievalMode, RetrievalSettings
from knowledge.testing import WordEncoder, chunk, document
from knowledge.types import Advised, KnowledgeStore
from tests.stores import keyring

__all__ = ["keyring"]

ASKED = "退款需要多长时间才能到账？"
REFUND, IDENTITY, FEE = "退款多久能到账？", "身份验证需要多长时间？", "退款时手续费会退还吗？"
STRANGE = "北京天气"


@pytest.fixture
def store(tmp_path: Path, keyring: Keyring) -> Iterator[KnowledgeStore]:
    with Store.open(str(tmp_path / "store.sqlite3"), keyring) as opened:
        opened.migrate()
        yield opened.knowledge


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder(unread=frozenset({ASKED, STRANGE}))


def fill(store: KnowledgeStore, encoder: WordEncoder, *, alike: str) -> None:
    """Three curated questions and a page; the question asked and one of them have the very same vector."""
    vectors = encoder.encode(["one", "two", "three", "four"])
    vectors[[REFUND, IDENTITY, FEE].index(alike)] = encoder.encode([ASKED])[0]
    pieces = [chunk(f"答{question}", question=question) for question in (REFUND, IDENTITY, FEE)]
    for number, (piece, vector) in enumerate(zip([*pieces, chunk("发票每月初寄出。")], vectors, strict=True)):
        store.replace_document(document(f"/{number}"), [piece], vector[np.newaxis], encoder=encoder.name)


def open_base(
    store: KnowledgeStore, encoder: WordEncoder, folder: Path, settings: RetrievalSettings | None = None
) -> KnowledgeBase:
    fill(store, encoder, alike=IDENTITY)
    return KnowledgeBase.open(store, encoder, folder, settings)


def test_the_curated_question_that_asks_the_same_comes_before_the_one_with_the_same_vector(
    store: KnowledgeStore, encoder: WordEncoder, tmp_path: Path
) -> None:
    base = open_base(store, encoder, tmp_path / "index")
    refund, *others = base.curated(ASKED, encoder.encode([ASKED])[0])
    assert refund.passage.stored.chunk.question == REFUND
    assert (refund.strength, refund.similarity, refund.exact) == (1.0, 0.0, False)
    assert max(match.strength for match in others) < 0.5


@pytest.mark.parametrize("fusion", list(Fusion))
@pytest.mark.parametrize("mode", list(RetrievalMode))
def test_passages_are_ranked_by_words_alone(
    mode: RetrievalMode, fusion: Fusion, store: KnowledgeStore, encoder: WordEncoder, tmp_path: Path
) -> None:
    base = open_base(store, encoder, tmp_path / "index", RetrievalSettings(mode=mode, fusion=fusion))
    found = base.search(ASKED, encoder.encode([ASKED])[0])
    assert [passage.stored.chunk.question for passage in found][:2] == [REFUND, FEE]
    assert {passage.similarity for passage in found} == {0.0}


def test_what_was_learned_of_one_is_not_applied_to_another(
    store: KnowledgeStore, encoder: WordEncoder, tmp_path: Path
) -> None:
    base = open_base(store, encoder, tmp_path / "index")
    vector = encoder.encode([ASKED])[0]
    plain = base.search(ASKED, vector)
    changes = {passage.stored.id: 1.0 for passage in plain if passage.stored.chunk.question == IDENTITY}
    assert base.search(ASKED, vector, advice=Advised(vector=vector, changes=changes)) == plain


def test_a_question_that_shares_no_word_still_finds_that_there_are_documents(
    store: KnowledgeStore, encoder: WordEncoder, tmp_path: Path
) -> None:
    base = open_base(store, encoder, tmp_path / "index")
    found = base.search(STRANGE, encoder.encode([STRANGE])[0])
    assert {(passage.lexical, passage.similarity, passage.fused) for passage in found} == {(0.0, 0.0, 0.0)}
