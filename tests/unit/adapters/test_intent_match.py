"""Short texts that repeat an example are recognised without a model."""

from __future__ import annotations

import pytest

from adapters.intent.config import load_definitions
from adapters.intent.match import ExampleMatcher, has_cjk, plain

MATCHER = ExampleMatcher(load_definitions())


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("thanks", "thanks"),
        ("  THANKS!!! 🙏", "thanks"),
        ("ｔｈａｎｋｓ", "thanks"),
        ("good  mornign", "greeting"),
        ("谢谢！", "thanks"),
        ("谢谢你啊", "thanks"),
        ("转人工。", "human"),
        ("我要退货", "question"),
    ],
)
def test_spelling_punctuation_emoji_and_width_do_not_matter(text: str, label: str) -> None:
    found = MATCHER.match(text)
    assert found is not None
    assert found.label == label


@pytest.mark.parametrize(
    "text", ["", "?!", "🙏", "how do I turn off the alarm of the oven", "退款政策里的时限怎么计算", "thanks " * 20]
)
def test_other_texts_are_left_to_the_head(text: str) -> None:
    assert MATCHER.match(text) is None


def test_an_exact_match_is_surer_than_a_near_one() -> None:
    exact, near = MATCHER.match("thank you very much"), MATCHER.match("thank you very mutch")
    assert exact is not None
    assert near is not None
    assert (exact.confidence, near.confidence) == (1.0, 0.95)


def test_only_out_of_scope_examples_are_out_of_scope() -> None:
    joke, thanks = MATCHER.match("tell me a joke"), MATCHER.match("thanks")
    assert joke is not None
    assert thanks is not None
    assert (joke.in_scope, thanks.in_scope) == (0.0, 1.0)


def test_plain_text_keeps_letters_digits_and_single_spaces() -> None:
    assert plain("  Don't   STOP, №5! ") == "don t stop no5"
    assert plain("你好 , 请问…") == "你好请问"


def test_chinese_is_told_from_other_scripts() -> None:
    assert has_cjk("OK 谢谢")
    assert not has_cjk("merci, ça va? ありがとう".replace("ありがとう", ""))
