"""What the message path lets a generator write, sentence by sentence, and what stands around it."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

from adapters.errors import GenerationError
from adapters.testing import FakeEncoder, ScriptedGenerator
from adapters.types import ChatTurn, GenerationLimits, Judged, Matrix
from bot.pipeline import Delta, Done, Searching, Writing
from bot.testing import FixedClassifier
from bot.texts import say
from bot.types import AnswerKind, Outcome, Turn
from knowledge.testing import chunk
from tests.pipelines import (
    FROZEN,
    FROZEN_QUESTION,
    HELP,
    INVOICES,
    REFUND_QUESTION,
    REFUNDS,
    answer,
    events,
    pipeline,
    settings,
)

# -- written answers


async def test_a_written_answer_comes_sentence_by_sentence_and_with_its_source(tmp_path: Path) -> None:
    draft = "Refunds reach your bank within five working days. Fees are kept by the card company."
    generator = ScriptedGenerator([draft])
    said = await events(pipeline(tmp_path, generator=generator), REFUND_QUESTION)
    assert said[:-1] == [
        Searching(),
        Writing(passages=3),
        Delta(text="Refunds reach your bank within five working days."),
        Delta(text=" Fees are kept by the card company."),
    ]
    assert isinstance(said[-1], Done)
    given = said[-1].answer
    assert given.text == f"{draft} [1]"
    assert (given.kind, given.outcome) == (AnswerKind.GENERATED, Outcome.ANSWERED)
    assert [(source.number, source.title, source.excerpt) for source in given.sources] == [(1, "Refunds", REFUNDS)]
    assert given.trace.draft == draft
    assert given.trace.versions["generator"] == "scripted-generator"
    assert given.trace.reason.startswith("written from the documents; every sentence was found in them")
    assert [passage.used for passage in given.trace.passages if passage.chunk_id == 1] == [True]
    assert generator.cancelled == 0


async def test_the_generator_reads_the_extract_and_the_question_within_the_limits(tmp_path: Path) -> None:
    generator = ScriptedGenerator(["Fees are kept by the card company. " * 50])
    path = pipeline(tmp_path, generator=generator, settings=settings(max_new_tokens=16))
    await answer(path, REFUND_QUESTION)
    [turns] = generator.asked
    assert REFUNDS in turns[-1].content
    assert INVOICES not in turns[-1].content
    assert turns[-1].content.endswith(f"Question: {REFUND_QUESTION}")


async def test_the_token_limit_is_handed_to_the_generator(tmp_path: Path) -> None:
    generator = ScriptedGenerator(["Fees are kept by the card company. " * 50])
    path = pipeline(tmp_path, generator=generator, settings=settings(max_new_tokens=16))
    assert len((await answer(path, REFUND_QUESTION)).trace.draft.split()) == 16


async def test_a_sentence_is_shown_before_the_next_is_written(tmp_path: Path) -> None:
    generator = ScriptedGenerator([REFUNDS])
    async with aclosing(pipeline(tmp_path, generator=generator).answer(REFUND_QUESTION)) as said:
        async for event in said:
            if isinstance(event, Delta):
                break
    assert generator.cancelled == 1


async def test_an_unsupported_sentence_ends_the_answer_and_the_generators_work(tmp_path: Path) -> None:
    supported = "Refunds reach your bank within five working days."
    generator = ScriptedGenerator([f"{supported} Elephants paint Paris. Fees are kept by the card company."])
    said = await events(pipeline(tmp_path, generator=generator), REFUND_QUESTION)
    assert [event.text for event in said if isinstance(event, Delta)] == [supported]
    assert isinstance(said[-1], Done)
    given = said[-1].answer
    assert (given.text, given.kind) == (f"{supported} [1]", AnswerKind.GENERATED)
    assert '; it ends where the model left them: name "Paris" is not in the passages' in given.trace.reason
    assert generator.cancelled == 1


async def test_when_nothing_written_is_supported_the_documents_are_quoted(tmp_path: Path) -> None:
    said = await events(pipeline(tmp_path, "Elephants paint Paris."), REFUND_QUESTION)
    assert not [event for event in said if isinstance(event, Delta)]
    assert isinstance(said[-1], Done)
    given = said[-1].answer
    assert (given.text, given.kind) == (f"{say('quoted', 'en')} {REFUNDS} [1]", AnswerKind.QUOTED)
    assert given.outcome is Outcome.ANSWERED
    assert given.trace.draft == "Elephants paint Paris."
    assert given.trace.reason == (
        'word for word: what the model wrote is not in the documents (name "Paris" is not in the passages)'
    )


async def test_a_silent_generator_means_a_quotation(tmp_path: Path) -> None:
    given = await answer(pipeline(tmp_path, ""), REFUND_QUESTION)
    assert (given.kind, given.trace.reason) == (AnswerKind.QUOTED, "word for word: the model wrote nothing")


async def test_a_generator_that_fails_means_a_quotation_with_its_reason(tmp_path: Path) -> None:
    given = await answer(pipeline(tmp_path, GenerationError("The generator is busy.")), REFUND_QUESTION)
    assert (given.text, given.kind) == (f"{say('quoted', 'en')} {REFUNDS} [1]", AnswerKind.QUOTED)
    assert given.trace.reason == "word for word: The generator is busy."
    assert "generator" not in given.trace.versions


class BreaksOff:
    """Fails after its first sentence."""

    name = "breaks-off"
    grounded = False

    async def stream(
        self,
        turns: Sequence[ChatTurn],  # noqa: ARG002 - the Protocol's
        limits: GenerationLimits,  # noqa: ARG002 - the Protocol's
        *,
        judged: Judged | None = None,  # noqa: ARG002 - the Protocol's
    ) -> AsyncGenerator[str, None]:
        yield "Refunds reach your bank within five working days. Fees are"
        raise GenerationError("The line broke.")

    async def aclose(self) -> None:
        pass


async def test_what_was_shown_before_the_generator_broke_off_stays_and_the_trace_says_so(tmp_path: Path) -> None:
    given = await answer(pipeline(tmp_path, generator=BreaksOff()), REFUND_QUESTION)
    assert given.text == "Refunds reach your bank within five working days. [1]"
    assert given.kind is AnswerKind.GENERATED
    assert given.trace.reason.endswith("; it was cut short: The line broke.")


async def test_a_question_in_chinese_is_answered_with_a_quotation_and_the_generator_is_not_asked(
    tmp_path: Path,
) -> None:
    text = "连续三次输入错误密码，账户会被冻结30分钟。"
    generator = ScriptedGenerator([])
    path = pipeline(tmp_path, chunks=[chunk(text, title="账户")], generator=generator)
    given = await answer(path, "账户为什么会被冻结？")
    assert (given.text, given.kind) == (f"{say('quoted', 'zh')} {text} [1]", AnswerKind.QUOTED)
    assert given.trace.reason == "answers in zh are quoted"
    assert generator.asked == []


async def test_a_curated_answer_is_quoted_whole_and_without_a_lead_in(tmp_path: Path) -> None:
    path = pipeline(tmp_path, "", chunks=HELP[2:], settings=settings(curated_similarity=1.0))
    given = await answer(path, "What freezes an account of mine?")
    assert (given.text, given.kind) == (f"{FROZEN} [1]", AnswerKind.QUOTED)


async def test_a_follow_up_is_searched_for_with_the_question_before(tmp_path: Path) -> None:
    history = (Turn(question="When are invoices sent?", answer="On the first day of each month. [1]"),)
    generator, classifier = ScriptedGenerator([INVOICES]), FixedClassifier()
    path = pipeline(tmp_path, generator=generator, classifier=classifier)
    given = await answer(path, "and are they sent by mail?", history=history)
    assert given.trace.query == "When are invoices sent? are they sent by mail?"
    assert classifier.asked == [given.trace.query]  # the text that the embedding is of
    assert given.text == f"{INVOICES} [1]"
    assert "When are invoices sent?" in generator.asked[0][-1].content


async def test_a_question_that_stands_alone_is_searched_for_as_it_is(tmp_path: Path) -> None:
    history = (Turn(question="When are invoices sent?", answer="On the first day of each month. [1]"),)
    given = await answer(pipeline(tmp_path, ""), REFUND_QUESTION, history=history)
    assert given.trace.query == REFUND_QUESTION


# -- around it


async def test_the_timings_are_laps_of_the_clock_in_milliseconds(tmp_path: Path) -> None:
    ticks = itertools.count()
    path = pipeline(tmp_path, INVOICES, clock=lambda: float(next(ticks)))
    timings = (await answer(path, "When are invoices sent by mail?")).trace.timings_ms
    assert list(timings) == ["encode", "classify", "retrieve", "extract", "first_token", "check", "write", "total"]
    assert {timings[lap] for lap in ("encode", "classify", "retrieve", "extract", "first_token")} == {1000.0}
    assert timings["total"] > timings["write"] > timings["first_token"]


async def test_a_decision_without_the_generator_has_no_times_of_writing(tmp_path: Path) -> None:
    timings = (await answer(pipeline(tmp_path), FROZEN_QUESTION)).trace.timings_ms
    assert list(timings) == ["encode", "classify", "retrieve", "total"]


class ThreadNoting(FakeEncoder):
    """Notes the threads in which it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()

    def encode(self, texts: Sequence[str]) -> Matrix:
        self.threads.add(threading.get_ident())
        return super().encode(texts)


async def test_models_and_search_do_not_run_on_the_event_loop(tmp_path: Path) -> None:
    encoder = ThreadNoting()
    path = pipeline(tmp_path, INVOICES, encoder=encoder)
    encoder.threads.clear()
    await answer(path, "When are invoices sent?")
    assert encoder.threads
    assert threading.get_ident() not in encoder.threads


async def test_two_questions_at_once_get_their_own_answers(tmp_path: Path) -> None:
    def written(turns: Sequence[ChatTurn]) -> str:
        return INVOICES if "invoices" in turns[-1].content.rpartition("Question:")[2] else REFUNDS

    path = pipeline(tmp_path, generator=ScriptedGenerator(written, seconds_per_word=0.001))
    invoices, refunds = await asyncio.gather(
        answer(path, "When are invoices sent by mail?"), answer(path, REFUND_QUESTION)
    )
    assert (invoices.text, refunds.text) == (f"{INVOICES} [1]", f"{REFUNDS} [1]")
