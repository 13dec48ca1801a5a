"""What the generator reads: its prompt, and the evidence that its sentences are checked against (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.generator.prompt import Evidence, grounded_turns
from adapters.types import ChatTurn
from bot.extract import Extract
from bot.prompts import answer_turns
from bot.types import Turn
from knowledge.types import Passage

# Who answers, in the words that the base adapter was trained with among others.
_SYSTEM = "You are {name}, a support assistant. You answer from the text that you are given."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A prompt over one passage, and what may back the answer."""

    turns: tuple[ChatTurn, ...]
    evidence: tuple[str, ...]  # as bot.grounding.check_sentence takes it
    passage: int  # its number among the passages found, from 1


def titles(passage: Passage) -> tuple[str, ...]:
    """A passage's title path, with its curated question where that is not the title already."""
    chunk = passage.stored.chunk
    return (*dict.fromkeys((*chunk.title_path, chunk.question)),) if chunk.question else chunk.title_path


def grounded_reading(query: str, passages: Sequence[Passage], extract: Extract, *, name: str) -> Reading:
    """For a generator that was trained on the prompt of adapters.generator.prompt.

    Args:
        query: The question, resolved so that it stands alone.
        passages: What was found, best first.
        extract: What is read of one of them.
        name: What the bot is called.
    """
    read = Evidence(title=" > ".join(titles(passages[extract.passage - 1])), text=extract.text)
    return Reading(
        turns=grounded_turns(query, [read], system=_SYSTEM.format(name=name)),
        evidence=(f"{read.title}\n\n{read.text}",),
        passage=extract.passage,
    )


def question_alone(query: str, *, name: str) -> tuple[ChatTurn, ...]:
    """The prompt of grounded_reading() without a passage."""
    return grounded_turns(query, [], system=_SYSTEM.format(name=name))


def bare_reading(text: str, history: Sequence[Turn], passages: Sequence[Passage], extract: Extract) -> Reading:
    """For a generator that nobody has trained: one extract, and a worked example before it."""
    passage = passages[extract.passage - 1]
    return Reading(
        turns=answer_turns(text, [passage], history, extracts=[extract.text]),
        evidence=(f"{' > '.join(titles(passage))}\n\n{extract.text}",),
        passage=extract.passage,
    )
