"""The message path with a grounded generator: it reads several passages, and has a say in what can be answered."""

from __future__ import annotations

from pathlib import Path

from adapters.testing import ScriptedGenerator
from bot.confidence import judged_answerability
from bot.pipeline import Delta, Done
from bot.types import AnswerKind, Outcome
from knowledge.testing import chunk
from tests.pipelines import INVOICES, REFUND_QUESTION, REFUNDS, answer, events, pipeline, refusing, settings

SURE = 8.0
UNSURE = -8.0


async def test_it_reads_the_passages_numbered_then_the_question(tmp_path: Path) -> None:
    generator = ScriptedGenerator(["Fees are kept by the card company."], answerable=[SURE])
    await answer(pipeline(tmp_path, generator=generator, settings=settings({"name": "Ada"})), REFUND_QUESTION)
    [turns] = generator.asked
    assert [turn.role for turn in turns] == ["system", "user"]
    assert turns[0].content.startswith("You are Ada, a support assistant.")
    assert f"[1] Refunds\n{REFUNDS}" in turns[1].content
    assert INVOICES in turns[1].content
    assert f"Question: {REFUND_QUESTION}\n" in turns[1].content


async def test_a_low_verdict_of_the_generator_is_a_refusal_and_nothing_is_shown(tmp_path: Path) -> None:
    generator = ScriptedGenerator([REFUNDS], answerable=[UNSURE])
    path = pipeline(tmp_path, generator=generator, settings=settings(min_answerability=0.5, suggestion_similarity=1.0))
    said = await events(path, REFUND_QUESTION)
    assert not [event for event in said if isinstance(event, Delta)]
    assert isinstance(said[-1], Done)
    given = said[-1].answer
    assert (given.kind, given.outcome) == (AnswerKind.REFUSAL, Outcome.ABSTAINED)
    assert given.trace.scores["head"] == UNSURE
    assert given.trace.scores["answerable"] == judged_answerability(given.trace.scores["retrieval"], UNSURE)
    assert generator.cancelled == 1


async def test_a_high_verdict_lets_weak_retrieval_through(tmp_path: Path) -> None:
    generator = ScriptedGenerator(["Fees are kept by the card company."] * 2, answerable=[SURE, UNSURE])
    path = pipeline(tmp_path, generator=generator, settings=settings(min_answerability=0.9, suggestion_similarity=1.0))
    assert (await answer(path, REFUND_QUESTION)).kind is AnswerKind.GENERATED
    assert (await answer(path, REFUND_QUESTION)).kind is AnswerKind.REFUSAL


async def test_where_retrieval_is_hopeless_the_generator_is_not_asked(tmp_path: Path) -> None:
    generator = ScriptedGenerator([], answerable=[])
    path = pipeline(tmp_path, generator=generator, settings=refusing())
    given = await answer(path, "zzz qqq xxx")
    assert (given.kind, generator.asked) == (AnswerKind.REFUSAL, [])


async def test_each_sentence_cites_the_passage_that_backs_it(tmp_path: Path) -> None:
    draft = f"{INVOICES} Fees are kept by the card company. Ask the desk about delays."
    generator = ScriptedGenerator([draft], answerable=[SURE])
    said = await events(pipeline(tmp_path, generator=generator), "When are invoices sent, and what of fees?")
    assert isinstance(said[-1], Done)
    given = said[-1].answer
    assert given.text == f"{INVOICES} [1] Fees are kept by the card company. Ask the desk about delays. [2]"
    assert [(source.number, source.excerpt) for source in given.sources] == [(1, INVOICES), (2, REFUNDS)]
    shown = "".join(event.text for event in said if isinstance(event, Delta))
    assert given.text.startswith(shown)


async def test_a_list_keeps_its_lines(tmp_path: Path) -> None:
    draft = "Refunds reach your bank within five working days.\n\nAsk the desk about delays."
    generator = ScriptedGenerator([draft], answerable=[SURE])
    given = await answer(pipeline(tmp_path, generator=generator), REFUND_QUESTION)
    assert given.text.startswith("Refunds reach your bank within five working days.\nAsk the desk")


async def test_chinese_is_quoted_by_a_grounded_generator_too(tmp_path: Path) -> None:
    generator = ScriptedGenerator([], answerable=[])
    path = pipeline(tmp_path, generator=generator, chunks=[chunk("三次输错密码，账户冻结三十分钟。", title="账户")])
    given = await answer(path, "输错密码账户冻结多久？")
    assert given.kind is AnswerKind.QUOTED
    assert generator.asked == []
