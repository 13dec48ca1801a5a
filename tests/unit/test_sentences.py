"""Sentences end where a reader would end them, in a whole text and in a stream alike."""

from __future__ import annotations

import random

import pytest

from bot.sentences import SentenceBuffer, split_sentences

TEXTS = (
    "It costs 3.5 dollars, e.g. for teams. See https://a.example/x?y=1. Next one! Is it? Yes.",
    "Dr. Smith of Acme Inc. paid approx. 5 euros at 5 p.m. on No. 3 Main St. in Paris. The end.",
    "To start:\n\n1. Open Settings.\n2. Click Save. It closes.\n\nDone.",
    "Run this:\n\n```sh\ncd /tmp. Now\n\necho 1\n```\nThen `a. B` works. Bye.",
    "退款需要3.5天。真的吗？是的！“好。”请打开 https://a.example/x。然后点 Save. Then wait.",
    "A line that is\nwrapped at a column. Another\none.\n# Heading\nText below\n- item\n- item two\n| a | b |",
    "```\nnever closed. Really",
    "   \n\n leading white space. ok then. End...",
    "",
)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It costs 3.5 euros. Really.", ("It costs 3.5 euros. ", "Really.")),
        ("Use a browser, e.g. Firefox. Done.", ("Use a browser, e.g. Firefox. ", "Done.")),
        ("See https://a.example/x. Then go.", ("See https://a.example/x. ", "Then go.")),
        ("1. Open it.\n2. Close it.", ("1. Open it.\n", "2. Close it.")),
        ("Ask Dr. Smith. He knows.", ("Ask Dr. Smith. ", "He knows.")),
        ("退款需要3.5天。真的吗？是的！", ("退款需要3.5天。", "真的吗？", "是的！")),
        ("Run:\n```\na. B\n\nc\n```\nOk. Bye.", ("Run:\n", "```\na. B\n\nc\n```\n", "Ok. ", "Bye.")),
        ("A line\nwrapped here. Two.", ("A line\nwrapped here. ", "Two.")),
        ("# Fees\nThey are low.", ("# Fees\n", "They are low.")),
        ("Type `a. B` now. Go.", ("Type `a. B` now. ", "Go.")),
        (
            "He paid (see p. 5 etc.) and left... then slept. Ok.",
            ("He paid (see p. 5 etc.) and left... then slept. ", "Ok."),
        ),
        ("One thing", ("One thing",)),
        ("", ()),
    ],
)
def test_a_text_is_split_where_its_sentences_end(text: str, sentences: tuple[str, ...]) -> None:
    assert split_sentences(text) == sentences


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("seed", range(5))
def test_a_stream_gives_the_sentences_of_the_whole_text_however_it_is_cut(text: str, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - cuts a text, nothing secret
    buffer = SentenceBuffer()
    found: list[str] = []
    rest = text
    while rest:
        size = rng.randint(1, 8)
        found += buffer.feed(rest[:size])
        rest = rest[size:]
    found += buffer.flush()
    assert tuple(found) == split_sentences(text)
    assert "".join(found) == text


def test_a_sentence_is_given_as_soon_as_the_next_word_is_whole() -> None:
    buffer = SentenceBuffer()
    assert buffer.feed("It costs 3.") == []
    assert buffer.feed("5 euros. Th") == []
    assert buffer.feed("en ") == ["It costs 3.5 euros. "]
    assert buffer.flush() == ["Then "]


def test_a_chinese_sentence_is_given_with_the_first_character_after_it() -> None:
    buffer = SentenceBuffer()
    assert buffer.feed("三天。") == []
    assert buffer.feed("好") == ["三天。"]


def test_an_open_code_fence_is_held_back_until_it_closes() -> None:
    buffer = SentenceBuffer()
    assert buffer.feed("Run:\n```\na. B\nc. D\n") == ["Run:\n"]
    assert buffer.feed("```\nDone now. ") == ["```\na. B\nc. D\n```\n"]


def test_flush_empties_the_buffer() -> None:
    buffer = SentenceBuffer()
    buffer.feed("Half")
    assert buffer.flush() == ["Half"]
    assert buffer.flush() == []
