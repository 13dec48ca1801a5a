"""What an approved correction teaches (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from adapters.examples import AnswerExample, Example, IntentExample, LinkExample, RatingId, ShownPassage, VerdictExample
from bot.figures import Figure, figures, same
from bot.learning.causes import FROM_DOCUMENTS, refused_by_intent, shown
from bot.learning.scoring import bare
from bot.routing import QUESTION
from bot.types import AnswerKind, StoredAnswer
from bot.words import content_keys
from training.splits import normalised

FOUND: Final = 0.7  # share of a correction's content words that stand in a passage from which it says the same
LEAST_WORDS: Final = 3  # of a correction that can be found at all: "yes" stands everywhere


def source_of(correction: str, question: str, passages: Iterable[ShownPassage]) -> ShownPassage | None:
    """The passage in which a correction's words stand, every figure of it among them; None if there is none.

    Args:
        correction: What somebody said the right answer is.
        question: Its figures prove nothing.
        passages: Where to look; of equals the first counts.
    """
    wanted = content_keys(correction)
    if len(wanted) < LEAST_WORDS:
        return None
    asked = figures(question)
    facts = [fact for fact in figures(correction) if not any(same(fact, known) for known in asked)]
    best, most = None, FOUND
    for passage in passages:
        text = f"{passage.title}\n{passage.text}"
        share = len(wanted & content_keys(text)) / len(wanted)
        if (share > most or (best is None and share == most)) and _all_in(facts, text):
            best, most = passage, share
    return best


def taught_by(stored: StoredAnswer, correction: str, rating: RatingId, found: ShownPassage | None) -> list[Example]:
    """What the right answer to a question teaches.

    Args:
        stored: The wrong answer.
        correction: The right one, approved.
        rating: "c:ID".
        found: The passage that says it, if one does: without it a generator would learn to make it up.
    """
    answer, ratings = stored.answer, (rating,)
    question = answer.trace.query or stored.question
    examples: list[Example] = [
        AnswerExample(
            question=question,
            passages=() if found is None else (found,),
            answer=bare(answer.text) if answer.kind in FROM_DOCUMENTS else "",
            liked=False,
            better=correction,
            weight=1.0,
            ratings=ratings,
        )
    ]
    by_intent = answer.kind is AnswerKind.CANNED or refused_by_intent(stored)
    if by_intent and normalised(question) == normalised(stored.question):
        examples.append(IntentExample(question=question, label=QUESTION, weight=1.0, ratings=ratings))
    if found is None:
        return examples
    examples.append(LinkExample(question=question, passage=found, good=True, weight=1.0, ratings=ratings))
    if answer.trace.scores and answer.kind is not AnswerKind.CURATED:
        verdict = VerdictExample(
            question=question, scores=dict(answer.trace.scores), answerable=True, weight=1.0, ratings=ratings
        )
        examples.append(verdict)
    return examples


def near(stored: StoredAnswer, searched: Iterable[ShownPassage]) -> tuple[ShownPassage, ...]:
    """Where a correction is looked for: what the wrong answer came from, then what a search for its words finds."""
    return tuple({passage.key: passage for passage in (*shown(stored), *searched)}.values())


def _all_in(facts: Iterable[Figure], text: str) -> bool:
    there = figures(text)
    return all(any(same(fact, known) for known in there) for fact in facts)
