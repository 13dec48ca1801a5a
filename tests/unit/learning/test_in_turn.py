"""Leaving out in turn what is learned from."""

from __future__ import annotations

from collections import Counter

from adapters.examples import AnswerExample, Examples
from bot.learning.held_out import HeldOut
from bot.learning.in_turn import PARTS, new_to, part_of

QUESTIONS = tuple(f"How long does a refund of {number} euros take?" for number in range(300))


def test_the_parts_are_about_as_large_and_a_question_never_changes_its_part() -> None:
    parts = Counter(map(part_of, QUESTIONS))
    assert set(parts) == set(range(PARTS))
    assert max(parts.values()) < 2 * min(parts.values())
    assert all(part_of(question) == part_of(f" {question.upper()}") for question in QUESTIONS)


def test_questions_that_a_version_has_learned_from_are_passed_over() -> None:
    first, second, third = QUESTIONS[:3]
    examples = Examples(
        answers=tuple(
            AnswerExample(
                question=question, answer="Five days.", liked=True, better="", passages=(), weight=1.0, ratings=ratings
            )
            for question, ratings in ((first, ("1:1",)), (second, ("2:1", "3:2")), (third, ("4:1",)))
        )
    )
    items = [HeldOut(question=question) for question in (first.upper(), second, third)]
    assert [item.question for item in new_to({"1:1", "3:2"}, items, examples)] == [third]
    assert new_to((), items, examples) == tuple(items)
