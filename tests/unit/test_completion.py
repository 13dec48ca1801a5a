"""A chat completion's messages as the bot reads them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.types import Turn
from bot.web.api.completion import CompletionRequest


def request(*messages: tuple[str, Any], **more: object) -> CompletionRequest:
    said = [{"role": role, "content": content} for role, content in messages]
    return CompletionRequest.model_validate({"model": "burnish", "messages": said, **more})


def test_the_last_message_of_the_users_is_the_question_and_the_rest_is_history() -> None:
    asked = request(
        ("system", "Be brief."),
        ("user", "One?"),
        ("assistant", "Two."),
        ("assistant", "Three."),
        ("user", "Four?"),
        ("user", " Five? "),
        ("assistant", "Not yet asked for."),
    )
    assert asked.question == "Five?"
    assert asked.first == "One?"
    assert asked.history(turns=9, characters=99) == (
        Turn(question="One?", answer="Two.\nThree."),
        Turn(question="Four?", answer=""),
    )


@pytest.mark.parametrize(
    ("turns", "questions"), [(0, []), (1, ["c"]), (2, ["b", "c"]), (3, ["a", "b", "c"]), (4, ["a", "b", "c"])]
)
def test_the_last_turns_are_kept(turns: int, questions: list[str]) -> None:
    asked = request(*(("user", letter) for letter in "abcd"))
    assert [one.question for one in asked.history(turns=turns, characters=9)] == questions


def test_long_texts_of_the_history_are_cut() -> None:
    asked = request(("user", "abcdef"), ("assistant", "ghijkl"), ("assistant", "mno"), ("user", "why?"))
    assert asked.history(turns=1, characters=4) == (Turn(question="abcd", answer="ghij"),)


def test_pieces_of_a_message_are_read_as_one() -> None:
    asked = request(("user", [{"type": "text", "text": "One"}, {"type": "text", "text": "two?"}]))
    assert asked.question == "One\ntwo?"


def test_an_answer_before_any_question_is_no_history() -> None:
    assert request(("assistant", "Hello!"), ("user", "Hi")).history(turns=3, characters=9) == ()


def test_without_anything_of_the_users_there_is_no_question() -> None:
    assert request(("system", "Be brief.")).question == ""
    assert request(("system", "Be brief.")).first == ""


def test_either_name_of_the_end_user_counts() -> None:
    assert request(("user", "a"), user="ada", safety_identifier="grace").end_user == "ada"
    assert request(("user", "a"), safety_identifier="grace").end_user == "grace"
    assert request(("user", "a")).end_user is None
