"""What a terminal reads and how it shows things."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from bot.frontends.readers import PipeReader
from bot.frontends.terminal import parse_complaint
from bot.frontends.terminal_view import explanation, full_sources, place, reason_menu, reason_named, show_answer_end
from bot.types import RatingReason, Source, StoredAnswer
from tests.stores import NOON, answer

SOURCE = Source(
    number=1, title="Refunds", uri="/docs/refunds.md", anchor="#how-long", excerpt="Five [bold] days.", chunk_id=7
)
STORED = StoredAnswer(id=3, message_id=1, conversation_id=1, question="How long?", answer=answer(), created_at=NOON)


def shown(what: RenderableType | Callable[[Console], None]) -> str:
    out = Console(file=io.StringIO(), width=120, highlight=False)
    if callable(what):
        what(out)
    else:
        out.print(what)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


@pytest.mark.parametrize(
    ("typed", "reason", "correction"),
    [
        ("", None, ""),
        ("3", RatingReason.BAD_WORDING, ""),
        ("3 Say it shorter.", RatingReason.BAD_WORDING, "Say it shorter."),
        ("3: Say it shorter.", RatingReason.BAD_WORDING, "Say it shorter."),
        ("bad wording", RatingReason.BAD_WORDING, ""),
        ("Bad Wording: Say it: shorter.", RatingReason.BAD_WORDING, "Say it: shorter."),
        ("bad wording:", RatingReason.BAD_WORDING, ""),
        ("out of date:It is 2026.", RatingReason.OUT_OF_DATE, "It is 2026."),
        ("other", RatingReason.OTHER, ""),
        ("It takes 3 days.", None, "It takes 3 days."),
        ("Opening hours: 9 to 5.", None, "Opening hours: 9 to 5."),
        ("0 days", None, "0 days"),
        ("6", None, "6"),
        ("30 days, not 14.", None, "30 days, not 14."),
        ("１ wrong", RatingReason.WRONG_TOPIC, "wrong"),
        ("² is not a number", None, "² is not a number"),
    ],
)
def test_a_complaint_on_one_line_has_a_reason_a_correction_or_both(
    typed: str, reason: RatingReason | None, correction: str
) -> None:
    assert parse_complaint(typed) == (reason, correction)


@pytest.mark.parametrize("reason", RatingReason)
def test_every_reason_is_on_the_menu_under_the_number_that_means_it(reason: RatingReason) -> None:
    number = list(RatingReason).index(reason) + 1
    assert f"{number} {reason.value}" in reason_menu()
    assert reason_named(f" {number} ") is reason
    assert reason_named(reason.value.upper()) is reason


@pytest.mark.parametrize(
    ("uri", "anchor", "expected"),
    [
        ("https://example.org/a.html", "#time", "https://example.org/a.html#time"),
        ("/docs/a.md", "", "/docs/a.md"),
        ("/docs/a.pdf", "page=3", "/docs/a.pdf#page=3"),
        ("/docs/a.md", "#%E6%97%B6%E9%97%B4", "/docs/a.md#时间"),
        (str(Path.cwd() / "help" / "a.md"), "#time", "help/a.md#time"),
    ],
)
def test_a_place_is_as_short_as_it_can_be(uri: str, anchor: str, expected: str) -> None:
    assert place(replace(SOURCE, uri=uri, anchor=anchor)) == expected


def test_an_answer_ends_with_its_choices_and_its_numbered_sources() -> None:
    given = replace(answer(), sources=(SOURCE,), suggestions=("One?", "Two?"))
    lines = shown(lambda out: show_answer_end(out, given)).splitlines()
    assert lines == ["  1. One?", "  2. Two?", "  [1] Refunds  /docs/refunds.md#how-long"]


def test_sources_are_shown_word_for_word_and_their_brackets_are_no_markup() -> None:
    assert "    Five [bold] days." in [
        line.rstrip() for line in shown(full_sources(replace(answer(), sources=(SOURCE,)))).splitlines()
    ]


def test_an_explanation_names_decision_intent_passages_versions_and_timings() -> None:
    text = shown(explanation(STORED))
    facts = {" ".join(line.split()) for line in text.splitlines()}
    assert {
        "answer #3, answered (generated)",
        "because the best passage is good enough",
        "searched for How long does a refund take?",
        "intent question, confidence 0.30, in scope 0.00",
        "model wrote Five days.",
        "encoder mini",
        "generator smol",
        "ms encode 1 total 310",
        "* Refunds -0.250 3.50 0.0164",
    } <= facts


def test_an_explanation_leaves_out_what_there_is_not() -> None:
    trace = replace(
        STORED.answer.trace, intent=None, passages=(), query="How long?", draft="", versions={}, timings_ms={}
    )
    text = shown(explanation(replace(STORED, answer=replace(STORED.answer, trace=trace))))
    assert [line.split()[0] for line in text.splitlines()] == ["answer", "because"]


async def test_a_pipe_gives_its_lines_and_then_its_end() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8", newline="") as stream:
        os.write(writing, "one\n\n二\r\nlast".encode())
        os.close(writing)
        reader = PipeReader(stream)
        assert [await reader.read("> ") for _ in range(6)] == ["one", "", "二", "last", None, None]


async def test_an_empty_file_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with (tmp_path / "empty").open(encoding="utf-8") as stream:
        assert await PipeReader(stream).read("> ") is None
