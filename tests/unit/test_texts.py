"""The bot's own words."""

from __future__ import annotations

import pytest

from bot.texts import keys, language_of, languages, say


def test_every_language_says_everything_that_english_says() -> None:
    assert languages() == ("en", "zh")
    for language in languages():
        assert keys(language) == keys("en")
    assert len(set(keys("en"))) == len(keys("en")), "a sentence stands in two files"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How long does a refund take?", "en"),
        ("我的账户为何被冻结?", "zh"),
        ("TiDB 怎么升级？", "zh"),
        ("What does 你好 mean in English, please?", "en"),
        ("???", "en"),
        ("", "en"),
    ],
)
def test_the_language_follows_the_letters_of_the_message(text: str, language: str) -> None:
    assert language_of(text) == language


def test_the_admins_language_wins_over_the_messages() -> None:
    assert language_of("我的账户为何被冻结?", setting="en") == "en"


def test_a_language_without_a_file_falls_back_to_english() -> None:
    assert say("quoted", "fr") == say("quoted", "en") == "The documents say:"


def test_values_are_put_in_and_a_missing_one_is_an_error() -> None:
    assert "1200" in say("too-long", "en", characters=1200, limit=1000).replace(",", "")
    with pytest.raises(KeyError):
        say("too-long", "en", characters=1200)
