"""Markdown as Telegram's text and entities: nothing of the words is lost, every piece fits."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from telegram import MessageEntity

from bot.frontends.telegram.markup import LIMIT, Piece, pieces


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def under(piece: Piece, entity: MessageEntity) -> str:
    data = piece.text.encode("utf-16-le")
    return data[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")


def formatted(markdown: str) -> tuple[str, list[tuple[str, str]]]:
    [piece] = pieces(markdown)
    return piece.text, [(str(entity.type), under(piece, entity)) for entity in piece.entities]


@pytest.mark.parametrize(
    ("markdown", "text", "entities"),
    [
        ("**Sources**\n1. Refunds (a.md)", "Sources\n1. Refunds (a.md)", [("bold", "Sources")]),
        ("*so* ~~not~~ `x<y`", "so not x<y", [("italic", "so"), ("strikethrough", "not"), ("code", "x<y")]),
        ("# Title\n\nText", "Title\n\nText", [("underline", "Title"), ("bold", "Title")]),
        ("> said\n> twice", "said\ntwice", [("blockquote", "said\ntwice")]),
        ("- a\n- b", "• a\n• b", []),
        ("```py\nx = 1 < 2\n```", "x = 1 < 2", [("pre", "x = 1 < 2")]),
        ("    a && b <c>\n", "a && b <c>", [("pre", "a && b <c>")]),
        ("😀 **é** 👍🏽 `a`", "😀 é 👍🏽 a", [("bold", "é"), ("code", "a")]),
        ("[Refunds](https://a.b/c?d=e&f=g)", "Refunds", [("text_link", "Refunds")]),
    ],
)
def test_markdown_becomes_text_and_entities(markdown: str, text: str, entities: list[tuple[str, str]]) -> None:
    assert formatted(markdown) == (text, entities)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<!-- hidden --> shown",
        "a <b>x</b> &amp; &lt;i&gt;",
        "it costs $5 and $6, or $a_b$",
        "this || that || more",
        "_ * ` [ ] ( ) ~ # + - = | { } . !",
        "\u202eright to left\u202c and \u200bzero\u200dwidth",
        "C:\\path\\new 1 < 2 > 0",
        "snake_case_name and 2 * 3 * 4",
    ],
)
def test_what_is_no_markdown_is_shown_as_it_was_written(text: str) -> None:
    assert formatted(text)[0] == text


def test_a_link_that_leads_nowhere_on_the_web_keeps_its_words() -> None:
    assert formatted("[click](javascript:alert(1)) and [read](other.md)") == ("click and read", [])


def test_a_text_of_which_markdown_would_lose_words_is_shown_as_it_was_written() -> None:
    lossy = "See [below][1].\n\n[unused]: https://a.b 'a title'"
    assert formatted(lossy) == (lossy, [])


def test_what_no_message_can_hold_is_replaced() -> None:
    assert formatted("a\ud800b\x00c\r\nd")[0] == "a\ufffdbc\nd"
    assert formatted(" \n\t ")[0] == "…"
    assert formatted("")[0] == "…"


def test_a_long_text_is_cut_between_paragraphs() -> None:
    paragraphs = [f"{number}: " + "word " * 150 for number in range(12)]
    cut = pieces("\n\n".join(paragraphs))
    assert len(cut) == 3
    assert [piece.text[-4:] for piece in cut] == ["word"] * 3
    assert all(piece.text[0].isdigit() for piece in cut)
    assert "".join("".join(piece.text.split()) for piece in cut) == "".join("".join(paragraphs).split())


def test_code_that_is_cut_in_two_is_code_in_both_and_otherwise_stays_whole() -> None:
    lines = "\n".join(f"    line_{number} = {number}" for number in range(400))
    cut = pieces(f"Before.\n\n```python\n{lines}\n```\n\nAfter.")
    blocks = [(under(piece, entity), entity.language) for piece in cut for entity in piece.entities]
    assert len(blocks) > 1
    assert {language for _, language in blocks} == {"python"}
    assert "\n".join(block for block, _ in blocks) == lines, "with the spaces that each line begins with"
    short = "\n".join(f"x{number}" for number in range(300))
    whole = pieces("word " * 600 + f"\n\n```\n{short}\n```\n\n" + "word " * 600)
    assert [under(piece, entity) for piece in whole for entity in piece.entities] == [short]


def test_a_cut_comes_where_code_ends_rather_than_in_the_lines_after_it() -> None:
    code = "\n".join("x = 1" for _ in range(400))
    after = "\n".join("a line of prose" for _ in range(150))
    first, second = pieces(f"```\n{code}\n```\n{after}")
    assert (first.text, second.text) == (code, after)


def test_one_endless_word_is_cut_between_its_signs() -> None:
    cut = pieces("👩‍👩‍👧" * 1_500)
    assert all(units(piece.text) <= LIMIT for piece in cut)
    assert "".join(piece.text for piece in cut) == "👩‍👩‍👧" * 1_500
    assert all(piece.text.startswith("👩") for piece in cut)


def test_the_plain_form_shows_where_links_lead() -> None:
    [piece] = pieces("Read [this](https://a.b/c) first.")
    assert piece.plain == "Read this (https://a.b/c) first."


SIGNS = st.lists(
    st.one_of(
        st.sampled_from("*_[]()~`>#+-=|{}.!\\<>&$:/\n\n  \t0123ab"),
        st.characters(codec=None),
        st.sampled_from(
            ["```\n", "http://a.b", "<script>", "&amp;", "\ud800", "\u202e", "\u200d", "👩‍👧", "||", "](", "| ", "1. "]
        ),
    ),
    max_size=60,
).map("".join)


def visible(text: str) -> Counter[str]:
    return Counter(
        sign for sign in text if sign.isalpha() or (ord(sign) > 0x2000 and sign.isprintable() and sign != "\ufffd")
    )


@settings(max_examples=400, deadline=None)
@given(SIGNS, st.integers(min_value=2, max_value=40))
def test_every_visible_sign_survives_and_every_piece_fits(text: str, limit: int) -> None:
    cut = pieces(text, limit=limit)
    shown = "".join(piece.text for piece in cut)
    hidden = "".join((entity.url or "") + (entity.language or "") for piece in cut for entity in piece.entities)
    missing = visible(text) - visible(shown + hidden)
    assert not missing
    for piece in cut:
        assert 1 <= units(piece.text) <= limit
        assert piece.text == piece.text.rstrip()
        assert piece.text[0] != " " or piece.entities[0].offset == 0
        assert units(piece.plain) <= limit
        for entity in piece.entities:
            assert entity.offset >= 0
            assert entity.length > 0
            assert entity.offset + entity.length <= units(piece.text)
            assert under(piece, entity)
