"""Answers as Markdown for a chat."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.cards import card_of, safe, source_line, text_of
from bot.types import AnswerKind, Source
from tests.stores import answer

SOURCE = Source(number=1, title="Fees > Other", uri="/srv/help/fees.md", anchor="#other", excerpt="", chunk_id=1)


def test_sources_stand_numbered_beneath_the_answer_in_its_readers_language() -> None:
    card = card_of(answer("Five days [1]."), "zh", rates=7)
    assert card.text == "Five days [1].\n\n**来源**\n1. Refunds (refunds.md)"
    assert card.rates == 7


def test_a_web_source_is_a_link_and_a_file_shows_no_path_of_the_server() -> None:
    assert source_line(SOURCE, "en") == r"Fees \> Other (fees.md)"
    web = replace(SOURCE, uri="https://help.example.com/fees (1)", anchor="other")
    assert source_line(web, "en") == r"[Fees \> Other](https://help.example.com/fees%20%281%29#other)"


def test_a_citation_below_a_table_does_not_become_its_last_row() -> None:
    table = "| a | b |\n| --- | --- |\n| 1 | 2 |\n[1]"
    two = replace(answer(table), sources=(SOURCE, replace(SOURCE, number=2)))
    assert card_of(two, "en").text.startswith("| a | b |\n| --- | --- |\n| 1 | 2 |\n\n[1]\n")
    assert card_of(answer(table), "en").text.startswith("| a | b |\n| --- | --- |\n| 1 | 2 |\n\n**Sources**")


@pytest.mark.parametrize("lead", ["The documents say:", "文档中写道："])
def test_what_is_quoted_whole_is_cited_where_it_is_led_to(lead: str) -> None:
    table = "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert text_of(answer(f"{lead}\n{table}\n[1]")) == f"{lead} [1]\n{table}"
    assert text_of(answer(f"{lead} Five days. [1]")) == f"{lead} Five days. [1]"
    assert text_of(answer(f"Fees:\n{table}\n[1]")) == f"Fees:\n{table}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("press <Enter> now", r"press \<Enter\> now"),
        ("`x < y` and <b>", r"`x < y` and \<b\>"),
        ("```\n<a>\n```\n<b>", "```\n<a>\n```\n\\<b\\>"),
        (r"C:\temp", r"C:\\temp"),
        ("an open ```fence <a>", "an open ```fence <a>"),
    ],
)
def test_what_looks_like_html_stays_to_be_read_and_code_is_left_alone(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_a_commands_reply_is_markdown_already() -> None:
    reply = replace(answer("**Status** <ok>"), kind=AnswerKind.COMMAND, sources=())
    assert card_of(reply, "en").text == "**Status** <ok>"
