from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from adapters.retrieval.answers import AnswerMemory, span_of
from adapters.testing import FakeEncoder
from adapters.types import Matrix
from bot.looking import MOST_TOGETHER
from bot.types import AnswerKind
from knowledge.advice import text_digest
from tests.pipelines import FROZEN_QUESTION, INVOICES, answer, pipeline, refusing

INVOICE_QUESTION = "When are invoices sent by mail?"


class Noting(FakeEncoder):
    """Notes what it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[list[str]] = []
        self.literate = True

    def reads(self, text: str) -> bool:
        """Every text or none."""
        return self.literate and super().reads(text)

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Encode and note."""
        self.encoded.append(list(texts))
        return super().encode(texts)


async def test_questions_that_come_at_the_same_time_are_encoded_together(tmp_path: Path) -> None:
    encoder = Noting()
    path = pipeline(tmp_path, encoder=encoder)
    encoder.encoded.clear()
    await asyncio.gather(*(answer(path, FROZEN_QUESTION) for _ in range(MOST_TOGETHER + 1)))
    assert encoder.encoded == [[FROZEN_QUESTION] * MOST_TOGETHER, [FROZEN_QUESTION]]


async def test_questions_that_come_at_the_same_time_get_each_their_own_answer(tmp_path: Path) -> None:
    path = pipeline(tmp_path, INVOICES)
    frozen, invoices = await asyncio.gather(answer(path, FROZEN_QUESTION), answer(path, INVOICE_QUESTION))
    assert (frozen.trace.query, invoices.trace.query) == (FROZEN_QUESTION, INVOICE_QUESTION)
    assert "freeze" in frozen.text
    assert "Invoices" in invoices.text


async def test_a_line_is_encoded_once_however_often_it_is_read(tmp_path: Path) -> None:
    encoder = Noting()
    path = pipeline(tmp_path, INVOICES, INVOICES, encoder=encoder)
    first = await answer(path, INVOICE_QUESTION)
    encoder.encoded.clear()
    again = await answer(path, INVOICE_QUESTION)
    assert encoder.encoded == [[INVOICE_QUESTION]]
    assert again.trace.scores == first.trace.scores


async def test_for_a_question_that_the_encoder_does_not_read_words_choose_the_line(tmp_path: Path) -> None:
    encoder = Noting()
    encoder.literate = False
    path = pipeline(tmp_path, "", encoder=encoder)
    encoder.encoded.clear()
    given = await answer(path, INVOICE_QUESTION)
    assert given.text == f"The documents say: {INVOICES} [1]"
    assert encoder.encoded == [[INVOICE_QUESTION]]  # no line is


async def test_what_was_liked_is_not_given_again_to_a_question_that_the_encoder_does_not_read(tmp_path: Path) -> None:
    encoder = Noting()
    span = span_of(INVOICES, INVOICES, digest=text_digest(INVOICES))
    assert span is not None
    liked = AnswerMemory(questions=encoder.encode([INVOICE_QUESTION]), spans=(span,), liked=np.array([True]))
    path = pipeline(tmp_path, encoder=encoder, settings=refusing(), answers=liked, curated_from=0.6)
    assert (await answer(path, INVOICE_QUESTION)).kind is AnswerKind.QUOTED
    encoder.literate = False
    assert (await answer(path, INVOICE_QUESTION)).kind is AnswerKind.REFUSAL
