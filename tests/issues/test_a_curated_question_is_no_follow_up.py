"""A curated question that begins like a follow-up was searched for together with the question before it."""

from __future__ import annotations

from pathlib import Path

from bot.pipeline import Done
from bot.types import AnswerKind, Turn
from knowledge.testing import chunk
from tests.pipelines import pipeline

HISTORY = (Turn(question="What is the fee for a refund by bank transfer?", answer="None."),)
LONG = chunk("One business day.", question="How long does it take?", title="Verification")
OTHER = chunk("None, ever.", question="What is the fee for a refund by bank transfer?", title="Refunds", ordinal=1)


async def test_a_curated_question_word_for_word_gets_its_own_answer_whatever_was_said_before(tmp_path: Path) -> None:
    path = pipeline(tmp_path, chunks=[LONG, OTHER])
    events = [event async for event in path.answer("how long does it take", history=HISTORY)]
    assert isinstance(events[-1], Done)
    answer = events[-1].answer
    assert (answer.kind, answer.text) == (AnswerKind.CURATED, "One business day.")
    assert answer.trace.query == "how long does it take"
    followed = [event async for event in path.answer("And how long does that take?", history=HISTORY)]
    assert isinstance(followed[-1], Done)
    assert HISTORY[0].question in followed[-1].answer.trace.query
