"""The message path with a grounded generator: it judges each passage by itself, and writes from the best."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from pathlib import Path

import pytest

from adapters.errors import GenerationError
from adapters.retrieval.config import Calibration
from adapters.testing import ScriptedGenerator
from adapters.types import ChatTurn
from bot.confidence import judged_answerability
from bot.pipeline import Delta, Done
from bot.types import AnswerKind, Outcome
from knowledge.testing import chunk
from tests.pipelines import FROZEN, INVOICES, REFUND_QUESTION, REFUNDS, answer, events, pipeline, refusing, settings

SURE = 80.0  # the head weighs little beside retrieval
UNSURE = -80.0


async def test_each_passage_is_read_by_itself_then_the_question(tmp_path: Path) -> None:
    generator = ScriptedGenerator(lambda _: "Fees are kept by the card company.", answerable=[SURE, UNSURE, UNSURE])
    await answer(pipeline(tmp_path, generator=generator, settings=settings({"name": "Ada"})), REFUND_QUESTION)
    assert len(generator.asked) == 4
    assert generator.asked[3][1].content.startswith("Question: ")  # by itself, to see what the passages add
    for turns in generator.asked:
        assert [turn.role for turn in turns] == ["system", "user"]
        assert turns[0].content.startswith("You are Ada, a support assistant.")
        assert f"Question: {REFUND_QUESTION}\n" in turns[1].content
    near = "Refunds reach your bank within five working days. Fees are kept by the card company."
    assert f"[1] Refunds\n{near}\n" in generator.asked[0][1].content  # the lines near the question, not the third
    assert [INVOICES in turns[1].content for turns in generator.asked].count(True) == 1
    assert generator.cancelled == 3


async def test_the_answer_is_written_from_the_passage_that_the_generator_judges_best(tmp_path: Path) -> None:
    generator = ScriptedGenerator(
        lambda turns: INVOICES if INVOICES in turns[1].content else "Elephants paint Paris.",
        answerable=[UNSURE, SURE, UNSURE],
    )
    given = await answer(pipeline(tmp_path, generator=generator), "When are invoices and refunds sent?")
    judged_best = generator.asked[1][1].content
    expected = INVOICES if INVOICES in judged_best else REFUNDS
    assert given.sources[0].excerpt == expected


async def test_a_quotation_is_from_the_passage_that_was_judged_best(tmp_path: Path) -> None:
    generator = ScriptedGenerator(lambda _: "Elephants paint Paris.", answerable=[UNSURE, SURE, UNSURE])
    given = await answer(pipeline(tmp_path, generator=generator), REFUND_QUESTION)
    assert given.kind is AnswerKind.QUOTED
    assert given.sources[0].excerpt in {INVOICES, FROZEN}


async def test_where_the_generator_is_unsure_the_lines_are_quoted_instead_of_its_words(tmp_path: Path) -> None:
    generator = ScriptedGenerator(lambda _: "Fees are kept by the card company.", answerable=[-0.5, UNSURE, UNSURE])
    given = await answer(pipeline(tmp_path, generator=generator), REFUND_QUESTION)
    assert (given.kind, given.sources[0].excerpt) == (AnswerKind.QUOTED, REFUNDS)
    assert "the model is not sure" in given.trace.reason
    assert generator.cancelled == 4


async def test_one_reading_that_fails_leaves_the_others(tmp_path: Path) -> None:
    script: list[str | Exception] = [
        GenerationError("busy"),
        "Fees are kept by the card company.",
        GenerationError("busy"),
    ]
    generator = ScriptedGenerator(script, answerable=[SURE, SURE, SURE])
    given = await answer(pipeline(tmp_path, generator=generator), REFUND_QUESTION)
    assert given.outcome is Outcome.ANSWERED
    assert "busy" not in given.trace.reason


async def test_where_all_readings_fail_the_documents_are_quoted(tmp_path: Path) -> None:
    generator = ScriptedGenerator([GenerationError("busy")] * 3, answerable=[SURE, SURE, SURE])
    given = await answer(pipeline(tmp_path, generator=generator), REFUND_QUESTION)
    assert (given.kind, given.trace.reason) == (AnswerKind.QUOTED, "word for word: busy")


async def test_a_low_verdict_of_the_generator_is_a_refusal_and_nothing_is_shown(tmp_path: Path) -> None:
    generator = ScriptedGenerator(lambda _: REFUNDS, answerable=[UNSURE] * 3)
    path = pipeline(tmp_path, generator=generator, settings=settings(min_answerability=0.5, suggestion_similarity=1.0))
    said = await events(path, REFUND_QUESTION)
    assert not [event for event in said if isinstance(event, Delta)]
    assert isinstance(said[-1], Done)
    given = said[-1].answer
    assert (given.kind, given.outcome) == (AnswerKind.REFUSAL, Outcome.ABSTAINED)
    assert given.trace.scores["head"] == UNSURE
    assert given.trace.scores["answerable"] == judged_answerability(given.trace.scores["retrieval"], UNSURE, 0.0)
    assert generator.cancelled == 4


async def test_a_high_verdict_lets_weak_retrieval_through(tmp_path: Path) -> None:
    generator = ScriptedGenerator(
        lambda _: "Fees are kept by the card company.", answerable=[UNSURE, UNSURE, SURE, UNSURE, UNSURE, UNSURE]
    )
    path = pipeline(tmp_path, generator=generator, settings=settings(min_answerability=0.9, suggestion_similarity=1.0))
    assert (await answer(path, REFUND_QUESTION)).outcome is Outcome.ANSWERED
    assert (await answer(path, REFUND_QUESTION)).kind is AnswerKind.REFUSAL


async def test_how_much_likelier_the_best_passage_makes_the_question_decides_too(tmp_path: Path) -> None:
    def likelihood(turns: Sequence[ChatTurn]) -> float:
        return -1.0 if "Refunds reach your bank" in turns[1].content else -4.0

    found = {}
    for name, of in (("same", lambda _: -4.0), ("likelier", likelihood)):
        generator = ScriptedGenerator(lambda _: REFUNDS, answerable=[0.0] * 4, likelihood=of)
        path = pipeline(tmp_path / name, generator=generator, settings=settings(min_answerability=0.0))
        found[name] = (await answer(path, REFUND_QUESTION)).trace.scores
    assert (found["same"]["likelihood"], found["likelier"]["likelihood"]) == (0.0, 3.0)
    assert found["likelier"]["answerable"] > found["same"]["answerable"]


async def test_where_the_question_is_not_found_in_a_prompt_no_likelihood_counts(tmp_path: Path) -> None:
    def likelihood(turns: Sequence[ChatTurn]) -> float | None:
        return None if REFUNDS[:20] in turns[1].content else -4.0

    def unfound(_: Sequence[ChatTurn]) -> None:
        return None

    generator = ScriptedGenerator(lambda _: REFUNDS, answerable=[0.0] * 4, likelihood=unfound)
    given = await answer(pipeline(tmp_path / "none", generator=generator), REFUND_QUESTION)
    assert "likelihood" not in given.trace.scores
    assert given.trace.scores["answerable"] == judged_answerability(given.trace.scores["retrieval"], 0.0)
    generator = ScriptedGenerator(lambda _: REFUNDS, answerable=[0.0] * 4, likelihood=likelihood)
    given = await answer(pipeline(tmp_path / "some", generator=generator), REFUND_QUESTION)
    assert given.trace.scores["likelihood"] == 0.0  # of the passages where it was found


async def test_where_retrieval_is_hopeless_the_generator_is_not_asked(tmp_path: Path) -> None:
    generator = ScriptedGenerator([], answerable=[])
    path = pipeline(tmp_path, generator=generator, settings=refusing())
    given = await answer(path, "zzz qqq xxx")
    assert (given.kind, generator.asked) == (AnswerKind.REFUSAL, [])


async def test_a_list_keeps_its_lines(tmp_path: Path) -> None:
    draft = "Refunds reach your bank within five working days.\n\nFees are kept by the card company."
    generator = ScriptedGenerator(lambda _: draft, answerable=[SURE, UNSURE, UNSURE])
    given = await answer(pipeline(tmp_path, generator=generator), REFUND_QUESTION)
    assert given.text.startswith("Refunds reach your bank within five working days.\nFees are kept")


async def test_a_line_that_leads_to_a_list_is_not_shown_without_it(tmp_path: Path) -> None:
    page = chunk(
        "The desk asks for these papers first:\n\n- the receipt of the shop\n- the card that paid for it.",
        title="Refunds",
    )
    lead = ScriptedGenerator(lambda _: "The desk asks for these papers first:", answerable=[SURE])
    given = await answer(pipeline(tmp_path / "a", generator=lead, chunks=[page]), "What do I need for a refund?")
    assert given.kind is AnswerKind.QUOTED
    assert "- the card that paid" in given.text
    whole = ScriptedGenerator(
        lambda _: "The desk asks for these papers first:\n\n- the receipt of the shop\n- the card that paid for it.",
        answerable=[SURE],
    )
    given = await answer(pipeline(tmp_path / "b", generator=whole, chunks=[page]), "What do I need for a refund?")
    assert given.text.startswith(
        "The desk asks for these papers first:\n\n- the receipt of the shop\n- the card that paid for it."
    )


async def test_chinese_is_quoted_by_a_grounded_generator_too(tmp_path: Path) -> None:
    generator = ScriptedGenerator([], answerable=[])
    path = pipeline(tmp_path, generator=generator, chunks=[chunk("三次输错密码，账户冻结三十分钟。", title="账户")])
    given = await answer(path, "输错密码账户冻结多久？")
    assert given.kind is AnswerKind.QUOTED
    assert generator.asked == []


async def test_what_ratings_taught_moves_the_line_of_refusal_and_the_trace_keeps_the_score_before(
    tmp_path: Path,
) -> None:
    found = {}
    for shift in (0.0, 1.0, -1.0):
        generator = ScriptedGenerator(lambda _: "Fees are kept by the card company.", answerable=[0.0] * 4)
        path = pipeline(tmp_path / str(shift), generator=generator, calibration=Calibration(shift=shift))
        found[shift] = (await answer(path, REFUND_QUESTION)).trace.scores
    assert len({scores["retrieval"] for scores in found.values()}) == 1
    odds = {shift: log(scores["answerable"] / (1 - scores["answerable"])) for shift, scores in found.items()}
    assert odds[1.0] - odds[0.0] == pytest.approx(1.0)
    assert odds[0.0] - odds[-1.0] == pytest.approx(1.0)


async def test_a_calibration_counts_where_the_generator_is_not_asked_too(tmp_path: Path) -> None:
    kinds = {}
    for shift in (0.0, -1.0):
        path = pipeline(
            tmp_path / str(shift),
            generator=ScriptedGenerator(lambda _: REFUNDS),
            settings=settings(min_answerability=0.15, suggestion_similarity=1.0),
            calibration=Calibration(shift=shift),
        )
        given = await answer(path, REFUND_QUESTION)
        kinds[shift] = (given.kind, given.trace.scores["retrieval"])
    assert kinds[0.0][1] == kinds[-1.0][1] > 0.15
    assert kinds[0.0][0] is not AnswerKind.REFUSAL
    assert kinds[-1.0][0] is AnswerKind.REFUSAL
