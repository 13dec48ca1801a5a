"""The prompt that the generator is trained on and asked with: passages first, then the question, then how to answer.

Passages come first so that several questions can share their keys and values: training packs the questions of a
passage behind it, and serving can keep the prefix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from adapters.types import ChatTurn

DEFAULT_SYSTEM: Final = "You are a support assistant. You answer from the text that you are given."


class Style(StrEnum):
    """How long an answer is wanted."""

    SHORT = "short"  # the fact alone, in the words of the text
    SENTENCES = "sentences"  # one to three sentences of the text


_WISH: Final = {
    Style.SHORT: "Answer from the text in a few words.",
    Style.SENTENCES: "Answer from the text in one to three sentences.",
}
QUESTION_MARK: Final = "Question:"  # where the part that passages share ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A passage as the generator reads it."""

    title: str  # its title path, or "" for none
    text: str


def evidence_text(passages: Sequence[Evidence]) -> str:
    """The passages, numbered from 1, and the word that leads to the question."""
    blocks = [
        f"[{number}] {passage.title}\n{passage.text.strip()}" if passage.title else f"[{number}] {passage.text.strip()}"
        for number, passage in enumerate(passages, start=1)
    ]
    return "\n\n".join([*blocks, QUESTION_MARK])


def question_text(question: str, style: Style) -> str:
    """What stands behind `evidence_text`."""
    return f" {question.strip()}\n{_WISH[style]}"


def question_place(text: str) -> tuple[int, int]:
    """Where the question stands in a prompt's text, white space before it included: (start, end).

    (0, 0) in a text that is no grounded prompt.
    """
    end = max(text.rfind(f"\n{wish}") for wish in _WISH.values())
    start = text.rfind(QUESTION_MARK, 0, max(end, 0))
    return (start + len(QUESTION_MARK), end) if 0 <= start < end else (0, 0)


def grounded_turns(
    question: str, passages: Sequence[Evidence], *, style: Style = Style.SENTENCES, system: str = DEFAULT_SYSTEM
) -> tuple[ChatTurn, ...]:
    """Build the prompt of a grounded answer.

    Args:
        question: One that can be understood by itself.
        passages: What to answer from, best first.
        style: How long an answer is wanted.
        system: Who answers.

    Returns:
        A system turn and a user turn.
    """
    return (
        ChatTurn(role="system", content=system),
        ChatTurn(role="user", content=evidence_text(passages) + question_text(question, style)),
    )
