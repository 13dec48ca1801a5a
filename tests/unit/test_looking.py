from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from adapters.testing import FakeEncoder
from adapters.types import Matrix
from bot.looking import MOST_TOGETHER
from tests.pipelines import FROZEN_QUESTION, INVOICES, answer, pipeline

INVOICE_QUESTION = "When are invoices sent by mail?"


class Noting(FakeEncoder):
    """Notes what it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[list[str]] = []

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
