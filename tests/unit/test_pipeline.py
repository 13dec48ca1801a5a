"""Each decision of the message path that needs no generator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.retrieval.answers import AnswerMemory, span_of
from adapters.testing import FakeEncoder, ScriptedGenerator
from adapters.types import Intent
from bot import looking
from bot.pipeline import Done, Pipeline, Searching
from bot.testing import FixedClassifier, fake_pipeline, teach
from bot.texts import say
from bot.types import AnswerKind, Outcome, Source
from knowledge.advice import text_digest
from knowledge.curated import TAUGHT
from knowledge.testing import MemoryStore, chunk
from knowledge.types import Chunk
from tests.pipelines import (
    FROZEN,
    FROZEN_QUESTION,
    HELP,
    answer,
    events,
    pipeline,
    refusing,
    settings,
)

# -- curated


async def test_an_exact_curated_question_gives_its_answer_verbatim(tmp_path: Path) -> None:
    said = await events(pipeline(tmp_path), "why is my ACCOUNT frozen")
    assert said[0] == Searching()
    assert len(said) == 2
    assert isinstance(said[1], Done)
    given = said[1].answer
    assert (given.text, given.kind, given.outcome) == (FROZEN, AnswerKind.CURATED, Outcome.ANSWERED)
    assert given.sources == (
        Source(
            number=1,
            title=f"FAQ > {FROZEN_QUESTION}",
            uri="/help/a.md",
            anchor="#part-2",
            excerpt=FROZEN,
            chunk_id=3,
        ),
    )
    assert given.suggestions == ()
    assert given.trace.reason == f'the curated question "{FROZEN_QUESTION}" matches (1.00)'
    assert given.trace.draft == ""
    assert given.trace.versions == {"encoder": "fake-encoder-384", "intent": "fixed-classifier"}
    assert {passage.chunk_id: passage.used for passage in given.trace.passages}[3] is True


async def test_an_exact_curated_question_comes_before_small_talk(tmp_path: Path) -> None:
    greeting = chunk("Good morning from the team.", question="Good morning!", title="FAQ")
    path = pipeline(tmp_path, chunks=[greeting], classifier=FixedClassifier("greeting"))
    assert (await answer(path, "good morning")).text == "Good morning from the team."


async def test_an_almost_exact_curated_question_is_enough(tmp_path: Path) -> None:
    path = pipeline(tmp_path, settings=settings(curated_similarity=0.92))
    given = await answer(path, "Why is my acount frozen?")
    assert (given.text, given.kind) == (FROZEN, AnswerKind.CURATED)
    assert re.fullmatch(r'the curated question "Why is my account frozen\?" matches \(0\.9\d\)', given.trace.reason)


async def test_an_almost_exact_curated_question_does_not_come_before_small_talk(tmp_path: Path) -> None:
    path = pipeline(tmp_path, classifier=FixedClassifier("greeting"))
    assert (await answer(path, "Why is my acount frozen?")).kind is AnswerKind.CANNED


async def test_below_the_limit_a_curated_question_is_not_given_verbatim(tmp_path: Path) -> None:
    path = pipeline(tmp_path, settings=refusing(curated_similarity=1.0))
    assert (await answer(path, "Why is my acount frozen?")).kind is AnswerKind.REFUSAL


def taught(folder: Path, *chunks: Chunk, source: str = TAUGHT, **parts: Any) -> Pipeline:  # noqa: ANN401 - handed on
    store = MemoryStore()
    teach(store, *chunks, source=source)
    chosen = refusing(curated_similarity=1.0)
    return fake_pipeline(store, folder, generator=ScriptedGenerator([]), settings=chosen, **parts)


FROZEN_CHUNK = chunk(FROZEN, question=FROZEN_QUESTION, title="FAQ")


async def test_ratings_teach_from_which_meaning_on_a_taught_question_is_the_same(tmp_path: Path) -> None:
    near = await answer(taught(tmp_path / "near", FROZEN_CHUNK, curated_from=0.6), "Why is my account locked?")
    assert (near.text, near.kind) == (FROZEN, AnswerKind.CURATED)
    far = await answer(taught(tmp_path / "far", FROZEN_CHUNK, curated_from=0.99), "Why is my account locked?")
    assert far.kind is AnswerKind.REFUSAL


async def test_what_ratings_teach_of_nearness_is_not_applied_to_an_faq_file(tmp_path: Path) -> None:
    path = taught(tmp_path, FROZEN_CHUNK, source="/help/faq.csv", curated_from=0.6)
    assert (await answer(path, "Why is my account locked?")).kind is not AnswerKind.CURATED


async def test_what_ratings_teach_of_nearness_is_not_applied_to_chinese(tmp_path: Path) -> None:
    frozen = chunk("点击红色横幅。", question="我的账户为什么被冻结了?", title="FAQ")
    path = taught(tmp_path, frozen, curated_from=0.0)
    assert (await answer(path, "我的账户为什么被关闭了?")).kind is not AnswerKind.CURATED


# -- liked answers

FEES = "Card payments cost 2 percent. The fee is taken at once. Ask the owner for a discount."
FEE = "The fee is taken at once."


def liked_answers(question: str, passage: str = FEES, part: str = FEE, *, liked: bool = True) -> AnswerMemory:
    span = span_of(part, passage, digest=text_digest(passage))
    assert span is not None
    return AnswerMemory(questions=FakeEncoder().encode([question]), spans=(span,), liked=np.array([liked]))


def fee_path(folder: Path, **parts: Any) -> Pipeline:  # noqa: ANN401 - handed on to fake_pipeline
    return pipeline(folder, chunks=[chunk(FEES, title="Fees")], settings=refusing(), **parts)


async def test_a_question_that_is_nearly_the_same_gets_the_lines_that_were_liked(tmp_path: Path) -> None:
    known = liked_answers("When is the card fee taken?")
    path = fee_path(tmp_path, answers=known, curated_from=0.6)
    given = await answer(path, "When is the card fee taken away?")
    assert given.text == f"The documents say: {FEE} [1]"
    assert (given.kind, given.outcome) == (AnswerKind.QUOTED, Outcome.ANSWERED)
    assert [source.excerpt for source in given.sources] == [FEES]
    assert given.trace.reason.startswith("people liked it as the answer to a question that is nearly the same (0.")


@pytest.mark.parametrize(
    ("known", "curated_from"),
    [
        (liked_answers("When is the card fee taken?"), 0.99),  # not near enough
        (liked_answers("When is the card fee taken?"), None),  # nobody knows what is near enough
        (liked_answers("When is the card fee taken?", liked=False), 0.6),
        (liked_answers("When is the card fee taken?", passage=f"{FEES} Changed."), 0.6),  # its words are no more
    ],
)
async def test_liked_lines_are_not_given_again_without_reason(
    tmp_path: Path, known: AnswerMemory, curated_from: float | None
) -> None:
    path = fee_path(tmp_path, answers=known, curated_from=curated_from)
    assert (await answer(path, "When is the card fee taken away?")).kind is AnswerKind.REFUSAL


@pytest.mark.parametrize(("sure", "kind"), [(1.1, AnswerKind.QUOTED), (0.0, AnswerKind.REFUSAL)])
async def test_where_the_documents_answer_surely_a_liked_answer_needs_a_nearer_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sure: float, kind: AnswerKind
) -> None:
    monkeypatch.setattr(looking, "SURE", sure)
    known, asked = "When is the card fee taken?", "When is the card fee taken away?"
    nearness = float(np.prod(FakeEncoder().encode([known, asked]), axis=0).sum())
    path = fee_path(tmp_path, answers=liked_answers(known), curated_from=nearness - looking.NEARER / 2)
    assert (await answer(path, asked)).kind is kind
    path = fee_path(tmp_path / "nearer", answers=liked_answers(known), curated_from=nearness - 2 * looking.NEARER)
    assert (await answer(path, asked)).kind is AnswerKind.QUOTED


async def test_liked_lines_of_a_page_that_the_asker_may_not_see_stay_hidden(tmp_path: Path) -> None:
    path = fee_path(tmp_path, answers=liked_answers("When is the card fee taken?"), curated_from=0.6)
    said = await events(path, "When is the card fee taken away?", collections=["staff"])
    assert isinstance(said[-1], Done)
    assert said[-1].answer.kind is AnswerKind.REFUSAL


async def test_a_curated_answer_to_a_nearer_question_comes_before_liked_lines(tmp_path: Path) -> None:
    curated = chunk("At the end of the month.", question="When is the card fee taken away from us?", title="FAQ")
    known = liked_answers("When is the card fee taken?")
    path = taught(tmp_path, chunk(FEES, title="Fees"), curated, answers=known, curated_from=0.6)
    assert (await answer(path, "When is the card fee taken away from you?")).kind is AnswerKind.CURATED
    assert (await answer(path, "When is the card fee taken, please?")).kind is AnswerKind.QUOTED


# -- did you mean

ACCOUNT_QUESTIONS = [
    "Why is my account frozen?",
    "Why is my account locked?",
    "Why is my account closed?",
    "Why is my account slow?",
]


def account_help(folder: Path, *, margin: float) -> Pipeline:
    chunks = [chunk(f"Answer {n}.", question=q, ordinal=n, title="FAQ") for n, q in enumerate(ACCOUNT_QUESTIONS)]
    chosen = settings(min_answerability=1.0, curated_similarity=1.0, suggestion_similarity=0.5, near_tie_margin=margin)
    return pipeline(folder, chunks=chunks, settings=chosen)


async def test_near_ties_are_offered_as_up_to_three_choices(tmp_path: Path) -> None:
    given = await answer(account_help(tmp_path, margin=1.0), "Why is my account blocked?")
    assert (given.text, given.kind) == (say("did-you-mean", "en"), AnswerKind.CLARIFICATION)
    assert given.outcome is Outcome.ABSTAINED
    assert len(given.suggestions) == 3
    assert given.suggestions[0] == "Why is my account locked?"
    assert set(given.suggestions) < set(ACCOUNT_QUESTIONS)
    assert given.sources == ()
    assert re.fullmatch(r"no passage is good enough \(0\.\d\d < 1\.00\), but these come near", given.trace.reason)


async def test_a_choice_that_is_clearly_nearest_is_offered_alone(tmp_path: Path) -> None:
    given = await answer(account_help(tmp_path, margin=0.0), "Why is my account blocked?")
    assert given.suggestions == ("Why is my account locked?",)


async def test_a_choice_that_shares_only_how_it_begins_is_not_offered(tmp_path: Path) -> None:
    path = account_help(tmp_path, margin=1.0)
    assert (await answer(path, "Why is my router blocked?")).kind is AnswerKind.REFUSAL


async def test_a_message_out_of_scope_gets_no_choices(tmp_path: Path) -> None:
    chunks = [chunk("Answer.", question=ACCOUNT_QUESTIONS[0], title="FAQ")]
    path = pipeline(
        tmp_path,
        chunks=chunks,
        classifier=FixedClassifier("out_of_scope"),
        settings=settings(curated_similarity=1.0, suggestion_similarity=0.0),
    )
    given = await answer(path, "Why is my account blocked?")
    assert (given.kind, given.suggestions, given.text) == (AnswerKind.REFUSAL, (), say("out-of-scope", "en"))


# -- refusals


async def test_a_refusal_names_what_the_nearest_documents_are_about(tmp_path: Path) -> None:
    given = await answer(pipeline(tmp_path, settings=refusing()), "Who has painted the refunds and the invoices?")
    pages = say("refusal-pages", "en", pages="“Refunds” and “Invoices”", count=2)
    assert given.text == f"{pages} {say('refusal-kept', 'en')}"
    assert (given.kind, given.outcome) == (AnswerKind.REFUSAL, Outcome.ABSTAINED)
    assert (given.sources, given.suggestions) == ((), ())
    assert re.fullmatch(r"no passage is good enough: answerability 0\.\d\d is below 1\.00", given.trace.reason)
    assert [passage.used for passage in given.trace.passages] == [False, False, False]


async def test_a_refusal_names_the_configured_topics(tmp_path: Path) -> None:
    path = pipeline(tmp_path, settings=refusing({"topics": "payments and invoices"}))
    given = await answer(path, "Who has painted the refunds desk?")
    assert given.text.startswith(say("refusal-topics", "en", topics="payments and invoices"))


async def test_a_refusal_in_chinese_separates_topics_as_chinese_does(tmp_path: Path) -> None:
    given = await answer(
        pipeline(tmp_path, settings=refusing({"language": "zh"})), "Who has painted the refunds and the invoices?"
    )
    assert given.text.startswith(say("refusal-pages", "zh", pages="《Refunds》和《Invoices》", count=2))


async def test_a_refusal_names_no_page_that_has_nothing_to_do_with_the_question(tmp_path: Path) -> None:
    given = await answer(pipeline(tmp_path, settings=refusing()), "Xylophone zebra quartz")
    assert given.text == f"{say('refusal', 'en')} {say('refusal-kept', 'en')}"


@pytest.mark.parametrize("title", ["help-2024_final.md", "0041", "A" * 60, "fees.html"])
async def test_a_title_that_no_sentence_can_take_is_not_named(tmp_path: Path, title: str) -> None:
    path = pipeline(tmp_path, chunks=[chunk("Refunds take five days.", title=title)], settings=refusing())
    given = await answer(path, "Who has painted the refunds desk?")
    assert given.text == f"{say('refusal', 'en')} {say('refusal-kept', 'en')}"


async def test_questions_of_the_faq_are_no_topics(tmp_path: Path) -> None:
    given = await answer(pipeline(tmp_path, chunks=HELP[2:], settings=refusing()), "Who painted my account?")
    assert given.text == f"{say('refusal', 'en')} {say('refusal-kept', 'en')}"


async def test_without_documents_the_refusal_says_how_to_add_some(tmp_path: Path) -> None:
    given = await answer(pipeline(tmp_path, chunks=[]), "What happens to refunds?")
    assert (given.text, given.trace.reason) == (say("refusal-empty", "en"), "there are no documents to search")


async def test_a_collection_that_a_person_may_not_see_does_not_exist_for_them(tmp_path: Path) -> None:
    store = MemoryStore()
    teach(store, *HELP, collection="board")
    path = fake_pipeline(store, tmp_path, generator=ScriptedGenerator([]), settings=settings())
    given = await answer(path, FROZEN_QUESTION, collections=["default"])
    assert (given.text, given.trace.passages) == (say("refusal-empty", "en"), ())
    assert (await answer(path, FROZEN_QUESTION, collections=["board"])).text == FROZEN


async def test_out_of_scope_is_refused_with_the_near_pages_only(tmp_path: Path) -> None:
    path = pipeline(tmp_path, classifier=FixedClassifier("out_of_scope", confidence=0.97))
    given = await answer(path, "Who won the refunds league?")
    assert given.text == say("out-of-scope-pages", "en", pages="“Refunds”", count=1)
    assert (given.kind, given.outcome) == (AnswerKind.REFUSAL, Outcome.ABSTAINED)
    assert given.trace.reason == "intent out_of_scope (confidence 0.97)"


async def test_out_of_scope_far_from_every_page_names_none(tmp_path: Path) -> None:
    path = pipeline(tmp_path, classifier=FixedClassifier("out_of_scope", confidence=0.97))
    assert (await answer(path, "Xylophone zebra quartz")).text == say("out-of-scope", "en")


# -- small talk


async def test_what_the_documents_answer_is_a_question_even_if_it_sounds_like_a_call_for_a_person(
    tmp_path: Path,
) -> None:
    path = pipeline(tmp_path, classifier=FixedClassifier("human", confidence=0.99))
    given = await answer(path, FROZEN_QUESTION)
    assert given.kind is not AnswerKind.CANNED
    assert given.outcome is Outcome.ANSWERED


@pytest.mark.parametrize(
    ("text", "bot", "said"),
    [
        ("hi there", {"name": "Robo"}, "Hello, I am Robo."),
        ("早上好", {"name": "Robo"}, "你好，我是Robo。"),
        ("hi there", {"language": "zh"}, "你好，我是Burnish。"),
    ],
)
async def test_a_canned_reply_has_the_bots_name_and_the_persons_language(
    tmp_path: Path, text: str, bot: Mapping[str, str], said: str
) -> None:
    path = pipeline(tmp_path, classifier=FixedClassifier("greeting"), settings=settings(bot))
    given = await answer(path, text)
    assert (given.text, given.kind, given.outcome) == (said, AnswerKind.CANNED, Outcome.ANSWERED)
    assert given.trace.passages == ()
    assert given.trace.reason == "intent greeting (confidence 1.00)"


async def test_a_call_for_a_person_is_kept_as_unanswered(tmp_path: Path) -> None:
    given = await answer(pipeline(tmp_path, classifier=FixedClassifier("human")), "a human please")
    assert (given.text, given.kind, given.outcome) == (say("human", "en"), AnswerKind.CANNED, Outcome.ABSTAINED)


async def test_text_that_repeats_an_example_needs_no_classifier(tmp_path: Path) -> None:
    known = Intent(label="greeting", confidence=1.0, in_scope=1.0)
    given = await answer(pipeline(tmp_path, match={"hi": known}.get), "hi")
    assert (given.kind, given.trace.intent) == (AnswerKind.CANNED, known)
