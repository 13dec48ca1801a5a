"""Cards as Slack shows them: cut to size, harmless, whole."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.buttons import Verb, command, data_of, rating_row
from bot.cards import Card, safe
from bot.frontends.slack.markup import (
    SECTION_CHARACTERS,
    TEXT_CHARACTERS,
    button_blocks,
    cut,
    escaped,
    harmless,
    notification,
    parts,
    plain,
    plain_blocks,
    text_blocks,
    unescaped,
    without_buttons,
)
from bot.types import Button, RatingValue
from tests.fakes.slack_rules import check_message_blocks

WORDS = re.compile(r"[^\W_]+")
# what breaks splitters: fences, marks, mentions, entities, long words, Chinese
MARKDOWN = st.lists(
    st.one_of(
        st.sampled_from(
            ["```", "```py", "\n\n", "\n", "`", "**", "[a](http://b.c)", "<@U1>", "<!channel>", "&lt;", "\\", "。", " "]
        ),
        st.text(max_size=40),
        st.text(alphabet="字词句", min_size=1, max_size=60),
    ),
    max_size=60,
).map("".join)


@given(text=MARKDOWN, limit=st.integers(120, 400))
def test_every_word_survives_cutting_and_every_piece_fits(text: str, limit: int) -> None:
    pieces = cut(harmless(text), limit)
    assert all(0 < len(piece) <= limit for piece in pieces)
    letters = "".join(WORDS.findall(harmless(text)))
    left = "".join(WORDS.findall("\n\n".join(pieces)))
    # the language of a code block that is cut stands over each of its pieces
    assert _is_within(letters, left)


def _is_within(needle: str, hay: str) -> bool:
    found = iter(hay)
    return all(letter in found for letter in needle)


@given(text=MARKDOWN)
def test_nothing_that_goes_out_can_ping_anybody(text: str) -> None:
    for part in parts(Card(text=safe(text))) + parts(Card(text=text)):
        assert not re.search(r"<[@!#]", str(part.body))
        assert "<" not in notification(part.plain)


@given(text=st.text(max_size=300))
def test_plain_words_are_those_of_the_text(text: str) -> None:
    [part] = parts(Card(text=safe(text)))
    assert _is_within("".join(WORDS.findall(text)), part.plain)
    assert unescaped(escaped(text)) == text


@given(text=MARKDOWN)
def test_slack_takes_the_blocks_of_any_part_formatted_or_not(text: str) -> None:
    rows = (rating_row(1), (command("Why?", "why"),))
    for part in parts(Card(text=text * 40, buttons=rows)):
        check_message_blocks([*text_blocks(str(part.body)), *button_blocks(part.buttons)])
        check_message_blocks([*plain_blocks(part.plain), *button_blocks(part.buttons)])


def test_a_short_card_is_one_part_with_its_buttons() -> None:
    rows = (rating_row(7),)
    [part] = parts(Card(text="**Sources**\n1. [A](https://a.example)", buttons=rows, rates=7))
    assert part.body == "**Sources**\n1. [A](https://a.example)"
    assert part.plain == "Sources\n1. A (https://a.example)"
    assert (part.buttons, part.rates) == (rows, 7)


def test_an_empty_card_still_says_something() -> None:
    assert [part.body for part in parts(Card(text=" \n"))] == ["…"]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a < b & c > d", "a &lt; b & c > d"),
        (r"\<@U1\> and \\ and \*", r"&lt;@U1&gt; and \\ and \*"),
        ("&lt; stays to be read", "&amp;lt; stays to be read"),
        ("> quoted", "> quoted"),
        ("`<b>` and `<@U1>`", "`<b>` and `<\u2060@U1>`"),
        ("```\n<!here> &amp;\n```", "```\n<\u2060!here> &amp;\n```"),
    ],
)
def test_what_slack_would_act_on_is_shown_as_it_is(text: str, sent: str) -> None:
    assert harmless(text) == sent


def test_pieces_end_where_paragraphs_do() -> None:
    assert cut("one one\n\ntwo two\n\nthree", 16) == ["one one\n\ntwo two", "three"]


def test_code_that_is_cut_is_closed_and_opened_again_in_its_language() -> None:
    code = "\n".join(f"line {number}" for number in range(6))
    assert cut(f"Do:\n\n```sh\n{code}\n```\nDone.", 32) == [
        "Do:",
        "```sh\nline 0\nline 1\nline 2\n```",
        "```sh\nline 3\nline 4\nline 5\n```",
        "Done.",
    ]


def test_code_that_was_never_closed_is_closed() -> None:
    assert cut("```\na", 100) == ["```\na\n```"]


def test_a_long_paragraph_is_cut_at_ends_of_sentences_and_never_inside_an_entity() -> None:
    assert cut("One two. Three four. Five", 21) == ["One two. Three four.", "Five"]
    assert cut("x" * 18 + "&lt;" + "y" * 5, 20) == ["x" * 18, "&lt;yyyyy"]
    assert cut("一二三。四五六。七八", 9) == ["一二三。四五六。", "七八"]


def test_unformatted_text_is_cut_into_sections() -> None:
    blocks = plain_blocks("word " * 1000)
    assert [block["type"] for block in blocks] == ["section", "section"]
    assert all(len(block["text"]["text"]) <= SECTION_CHARACTERS for block in blocks)


def test_a_notification_is_never_long() -> None:
    assert len(notification("a" * TEXT_CHARACTERS)) == 3000
    assert notification("a & <b>") == "a &amp; &lt;b&gt;"


def test_thumbs_become_slacks_feedback_buttons_and_the_others_buttons() -> None:
    rows = (rating_row(7, rated=RatingValue.UP), (Button(label="Go", data="x:go", style="primary"),))
    feedback, actions = button_blocks(rows)
    [element] = feedback["elements"]
    assert feedback["type"] == "context_actions"
    assert element["type"] == "feedback_buttons"
    assert (element["positive_button"]["text"]["text"], element["positive_button"]["value"]) == ("👍 ✓", "r:7:up")
    assert element["negative_button"]["value"] == data_of(Verb.RATE, 7, "down")
    assert actions["elements"] == [
        {
            "type": "button",
            "action_id": "1.0",
            "text": {"type": "plain_text", "text": "Go", "emoji": True},
            "value": "x:go",
            "style": "primary",
        }
    ]


def test_a_note_stands_above_buttons_only() -> None:
    assert button_blocks((), note="Thank you!") == []
    blocks = [*text_blocks("a"), *button_blocks((rating_row(1),), note="Thank you!")]
    assert [block["type"] for block in blocks] == ["markdown", "context", "context_actions"]
    assert without_buttons(blocks) == text_blocks("a")


def test_plain_text_has_no_marks_and_all_words() -> None:
    text = harmless(safe("Use `a <b>` and **bold** in [the *manual*](https://a.example/x_y)\n```sh\n<@U1>\n```"))
    assert plain(text) == "Use a <b> and bold in the *manual* (https://a.example/x_y)\nsh\n<@U1>"
