"""What nearly the same questions tell of a held-out one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from adapters.examples import AnswerExample, Examples, VerdictExample
from adapters.types import Matrix
from bot.learning.held_out import HeldOut
from bot.learning.near import rated_questions, with_near
from knowledge.testing import MemoryStore, WordEncoder, chunk, document
from training.splits import feedback_side
from training.types import Split

TOPICS = ("refund", "invoice", "password", "delivery", "voucher", "contract")
WAYS = ("how", "what about", "tell me of")
LIES = {"how": "Payouts cost one percent.", "what about": "Call our office tomorrow."}


def encode(texts: Sequence[str]) -> Matrix:
    """A direction for each topic, and a little of another for each way to ask."""
    rows = np.zeros((len(texts), len(TOPICS) + len(WAYS)), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        row[: len(TOPICS)] = [topic in text for topic in TOPICS]
        row[len(TOPICS) :] = [0.4 * text.startswith(way) for way in WAYS]
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def said(topic: str) -> str:
    return f"The {topic} is explained on its own page."


def answered(*, lie: bool = False) -> tuple[AnswerExample, ...]:
    return tuple(
        AnswerExample(
            question=f"{way} the {topic}?",
            passages=(),
            answer=LIES[way] if lie else said(topic),
            liked=True,
            weight=1.0,
            ratings=("1:1",),
        )
        for topic in TOPICS
        for way in WAYS[:2]
    )


def near(question: str, examples: Examples) -> tuple[str, ...]:
    [item] = with_near([HeldOut(question=question)], examples, encode)
    return item.near


def test_a_question_gets_the_right_answers_of_those_that_are_nearly_the_same() -> None:
    assert set(near("tell me of the refund?", Examples(answers=answered()))) == {said("refund")}


def test_a_question_is_no_neighbour_of_itself() -> None:
    assert near("How the refund?", Examples(answers=answered())) == (said("refund"),), "the other wording's, once"


def test_where_neighbours_have_other_answers_they_tell_nothing() -> None:
    assert near("tell me of the refund?", Examples(answers=answered(lie=True))) == ()


def test_a_correction_takes_the_place_of_what_was_liked() -> None:
    better = AnswerExample(
        question="how the refund?",
        passages=(),
        answer=said("refund"),
        liked=False,
        better="It takes five days.",
        weight=1.0,
        ratings=("c:1",),
    )
    found = near("tell me of the refund?", Examples(answers=(*answered(), better)))
    assert set(found) == {said("refund"), "It takes five days."}


def test_what_the_documents_do_not_tell_is_no_answer() -> None:
    refused = VerdictExample(question="why the refund?", scores={}, answerable=False, weight=1.0, ratings=("1:1",))
    assert "" not in near("tell me of the refund?", Examples(answers=answered(), verdicts=(refused,)))


@pytest.mark.parametrize("examples", [Examples(), Examples(answers=answered()[:4])])
def test_too_little_tells_nothing(examples: Examples) -> None:
    assert near("tell me of the refund?", examples) == ()


def test_chinese_questions_have_no_neighbours() -> None:
    assert near("tell me of the refund 退款?", Examples(answers=answered())) == ()


def test_every_side_knows_its_neighbours_and_hides_the_entries_made_of_them() -> None:
    examples = Examples(answers=answered())
    store, encoder = MemoryStore(), WordEncoder()
    entries = [chunk("x", question=one.question, title="FAQ", ordinal=n) for n, one in enumerate(examples.answers)]
    vectors = encoder.encode([one.embedding_text for one in entries])
    store.replace_document(document("/faq.csv"), entries, vectors, encoder=encoder.name)
    sides = rated_questions(examples, store.load_chunks(), encode)
    for side, items in ((Split.TEST, sides.test), (Split.DEV, sides.dev), (Split.TRAIN, sides.train)):
        assert {item.question for item in items} == {
            one.question for one in examples.answers if feedback_side(one.question) is side
        }
        assert all(item.near and len(item.avoid) == 1 for item in items)
