"""Sentences end where a reader would end them, in a whole text and in a stream alike."""

from __future__ import annotations

import random

import pytest

from bot.sentences import SentenceBuffer, split_sentences, unwrapped

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
        ("Run:\n```\na. B\n\nc\n```\nFine. Bye.", ("Run:\n", "```\na. B\n\nc\n```\n", "Fine. ", "Bye.")),
        ("A line\nwrapped here. Two.", ("A line\nwrapped here. ", "Two.")),
        ("# Fees\nThey are low.", ("# Fees\n", "They are low.")),
        ("Type `a. B` now. Go.", ("Type `a. B` now. ", "Go.")),
        (
            "He paid (see p. 5 etc.) and left... then slept. Ok.",
            ("He paid (see p. 5 etc.) and left... then slept. ", "Ok."),
        ),
        ("We can guide you on how to\nfile a claim. Two.", ("We can guide you on how to\nfile a claim. ", "Two.")),
        (
            "Ask for Dr.\nSmith of Acme Inc. at\n5 p.m. on Friday.",
            ("Ask for Dr.\nSmith of Acme Inc. at\n5 p.m. on Friday.",),
        ),
        ("It lends money;\nthe bank decides. Two.", ("It lends money;\nthe bank decides. ", "Two.")),
        ("Before you eat;\nAfter you eat;", ("Before you eat;\n", "After you eat;")),
        ("You can do this:\nCall us.\nWrite to us.", ("You can do this:\n", "Call us.\n", "Write to us.")),
        ("**It is free.** Call us. *Now.*", ("**It is free.** ", "Call us. ", "*Now.*")),
        ("Is it (really?) yours? (It is.) Good.", ("Is it (really?) yours? ", "(It is.) ", "Good.")),
        ("Fees of max. 5 euros apply.", ("Fees of max. 5 euros apply.",)),
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


FULL = "This line is as long as its column lets it be, so that the next word is moved to the"
FENCE = f"```\n{FULL}\nnext\n```"


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        (f"{FULL}\nnext one.", f"{FULL} next one."),
        (f"- {FULL}\n  next one.\n- {FULL}\n- end", f"- {FULL} next one.\n- {FULL}\n- end"),
        (f"{FULL}\n\nAnother paragraph.", f"{FULL}\n\nAnother paragraph."),
        (f"{FULL}:\nfirst\nsecond", f"{FULL}:\nfirst\nsecond"),
        (f"# {FULL}\nText", f"# {FULL}\nText"),
        (f"| {FULL} |\n| b |", f"| {FULL} |\n| b |"),
        (FENCE, FENCE),
        (f"{FULL}\nend.\n{FENCE}\n{FULL}\nend.", f"{FULL} end.\n{FENCE}\n{FULL} end."),
        ("Milk\nbread and butter\neggs", "Milk\nbread and butter\neggs"),
        (f"{FULL} {FULL}\nnext", f"{FULL} {FULL}\nnext"),
        ("账" * 75 + "\n户被冻结。", "账" * 75 + "户被冻结。"),
        ("", ""),
    ],
)
def test_lines_are_joined_where_they_were_wrapped_and_nowhere_else(text: str, joined: str) -> None:
    assert unwrapped(text) == joined


def test_a_long_paragraph_is_unwrapped_in_no_time() -> None:
    paragraph = "word " * 20_000
    assert unwrapped(paragraph) == paragraph  # a pattern that goes back and forth would take hours
