"""What is calculated behind the lists and reports."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.testing import FakeEncoder
from bot.commands.teaching import wilson
from bot.curation import grouped
from bot.types import AnswerKind, Outcome, StoredAnswer
from tests.stores import NOON, answer


def asked(number: int, question: str) -> StoredAnswer:
    refusal = answer("I do not know.", outcome=Outcome.ABSTAINED)
    assert refusal.kind is AnswerKind.REFUSAL
    return StoredAnswer(
        id=number,
        message_id=number,
        conversation_id=1,
        question=question,
        answer=refusal,
        created_at=NOON + timedelta(minutes=number),
    )


def test_questions_with_nearly_the_same_words_are_one_group_and_the_largest_comes_first() -> None:
    newest_first = [
        asked(5, "Where is the office?"),
        asked(4, "How long does a parcel take to Norway?"),
        asked(3, "how long does a parcel take to Norway"),
        asked(2, "Who is the boss?"),
        asked(1, "How long does a parcel take to Norway please?"),
    ]
    groups = grouped(newest_first, list(FakeEncoder().encode([one.question for one in newest_first])))
    assert [group.ids for group in groups] == [(4, 3, 1), (5,), (2,)]


def test_questions_that_the_encoder_does_not_read_are_grouped_by_their_words_alone() -> None:
    questions = ["退款要多久到账？", "怎么关闭账户？", "退款多长时间到账？", "公司的总裁是谁？", "Who is the boss?"]
    newest_first = [asked(5 - number, question) for number, question in enumerate(questions)]
    [english] = FakeEncoder().encode(["Who is the boss?"])
    groups = grouped(newest_first, [None, None, None, None, english])
    assert [group.ids for group in groups] == [(5, 3), (4,), (2,), (1,)]


def test_nothing_unanswered_makes_no_group() -> None:
    assert grouped([], []) == ()


@pytest.mark.parametrize(
    ("good", "all_", "low", "high"),
    [
        # by hand from the formula; 81 of 263 is Newcombe 1998, table I
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_interval_is_wilsons(good: int, all_: int, low: float, high: float) -> None:
    assert wilson(good, all_) == pytest.approx((low, high), abs=5e-5)
