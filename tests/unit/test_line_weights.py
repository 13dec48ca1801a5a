"""The tuner calls right what quotes the answer from the right document, and finds better weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.lines import CHOSEN_BY, Asked, Case, Measured, choose, measure, right, shares
from bot.extract import LINE_WEIGHTS, LineFeatures, lines
from knowledge.types import Chunk, ChunkKind, Passage, StoredChunk

ONLY_MEANING = LineFeatures(meaning=1.0, words=0.0, titled=0.0, passage=0.0, figure=0.0)
ONLY_WORDS = replace(ONLY_MEANING, meaning=0.0, words=1.0)
TEXT = "Cards are sent by post. They cost nothing. Ask us anything. Transfers need 5 days."


def case(*, document: str = "fees.md", question: str = "", text: str = TEXT, gold: str = "5 days") -> Case:
    kind = ChunkKind.CURATED if question else ChunkKind.PASSAGE
    chunk = Chunk(ordinal=0, kind=kind, title_path=("Manual",), anchor="", question=question, text=text)
    stored = StoredChunk(id=1, document_id=1, source="", uri="/help/fees.md", collection="", language="en", chunk=chunk)
    return Case(
        asked=Asked(set=CHOSEN_BY[0], text="What do transfers need?", document=document, gold=((gold,),)),
        fusion="scores",
        vector=np.array([1.0, 0.0], dtype=np.float32),
        passages=(Passage(stored=stored, similarity=0.5, lexical=1.0, fused=0.5, rank=1),),
    )


def measured(of: Case, nearest: int = 0) -> Measured:
    known = {
        line.embedding_text: np.array([float(number == nearest), 0.0], dtype=np.float32)
        for number, line in enumerate(lines(of.passages))
    }
    return measure(of, known)


def test_the_lines_that_the_weights_choose_decide() -> None:
    assert not right(measured(case()), ONLY_MEANING)
    assert right(measured(case()), ONLY_WORDS)


def test_the_answer_must_come_from_its_document() -> None:
    assert not right(measured(case(document="other.md")), ONLY_WORDS)


def test_a_curated_answer_counts_as_a_whole() -> None:
    assert right(measured(case(question="How are cards sent?")), ONLY_MEANING)


def test_nothing_found_is_not_right() -> None:
    assert not right(measured(replace(case(), passages=())), ONLY_WORDS)


def test_shares_are_by_way_and_set() -> None:
    found = [measured(case()), measured(case(gold="never"))]
    assert shares(found, ONLY_WORDS) == {("scores", CHOSEN_BY[0]): 0.5}


def test_the_best_weights_of_the_grid_come_first() -> None:
    (best, weights), *_, (worst, _) = choose([measured(case())])
    assert (best, worst) == (1.0, 0.0)
    assert weights.meaning == LINE_WEIGHTS.meaning
    assert right(measured(case()), weights)
