"""Where a complaint has its cause, and what exactly a rating says (pure).

    wrong topic     of small talk or "out of scope": the intent was wrong, it is a question for the documents; of an
                    answer from the documents: they were searched for something else, so what was shown is no answer
    wrong source    what was shown is no answer; whether anything else is, nobody said
    bad wording     the generator's words, not its passage
    out of date     the document: no example at all, an admin's task
    other, none     the answer as a whole is unwanted; whose fault it is nobody said, so no passage is blamed

A 👍 praises all of it: intent, passage, words, and that it answered. A rated refusal tells whether the documents hold
the answer; whoever asked can only believe that they do, so "something else" counts half, and a bare 👎, which may
well mean no more than that they would have liked an answer, teaches nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from adapters.examples import (
    AnswerExample,
    Example,
    IntentExample,
    LinkExample,
    RatingId,
    ShownPassage,
    VerdictExample,
)
from bot.learning.scoring import bare
from bot.routing import QUESTION
from bot.types import AnswerKind, RatingReason, StoredAnswer
from training.splits import normalised

UNEXPLAINED: Final = 0.3  # of a rating's weight, where it blames the answer as a whole: most often not the words
BELIEVED: Final = 0.5  # where somebody who cannot know says so
WRITTEN: Final = frozenset({AnswerKind.GENERATED, AnswerKind.QUOTED})
FROM_DOCUMENTS: Final = WRITTEN | {AnswerKind.CURATED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One answer to one question, with what is believed of it."""

    stored: StoredAnswer
    good: bool
    weight: float  # (0, 1]
    reasons: tuple[RatingReason | None, ...] = ()  # of a 👎, one for each person who is believed
    label: str = ""  # the intent that a trainer says it is; "" for none
    ratings: tuple[RatingId, ...] = field(default=(), repr=False)

    @property
    def question(self) -> str:
        """The question as it can stand alone: a follow-up as it was understood."""
        return self.stored.answer.trace.query or self.stored.question

    @property
    def passages(self) -> tuple[ShownPassage, ...]:
        """What the answer was made from."""
        return shown(self.stored)


def shown(stored: StoredAnswer) -> tuple[ShownPassage, ...]:
    """The passages that an answer was made from, as its reader saw them."""
    return tuple(ShownPassage(uri=one.uri, title=one.title, text=one.excerpt) for one in stored.answer.sources)


def item_of(stored: StoredAnswer) -> str:
    """What is the same for everybody who was told the same: question and answer, normalised."""
    question = stored.answer.trace.query or stored.question
    return f"{normalised(question)}\n{normalised(bare(stored.answer.text))}"


def examples_of(told: Told, labels: Collection[str]) -> list[Example]:
    """What is to be learned from one answer; nothing where the rating says nothing that can be learned.

    Args:
        told: The answer.
        labels: Every intent there is.
    """
    if told.label in labels:
        return _intent(told, told.label, 1.0)
    return _praised(told) if told.good else _blamed(told)


def refused_by_intent(stored: StoredAnswer) -> bool:
    """Whether a refusal came of the intent, not of what the documents hold."""
    trace = stored.answer.trace
    return (
        stored.answer.kind is AnswerKind.REFUSAL
        and trace.intent is not None
        and trace.intent.label != QUESTION
        and trace.reason.startswith(f"intent {trace.intent.label} ")
    )


def _praised(told: Told) -> list[Example]:
    answer = told.stored.answer
    intent = answer.trace.intent
    if answer.kind in FROM_DOCUMENTS:
        found = _links(told, good=True, share=1.0)
        if answer.kind in WRITTEN:
            found += [*_answer(told, share=1.0), *_verdict(told, answerable=True, share=1.0)]
        return found
    if answer.kind is AnswerKind.CANNED and intent is not None:
        return _intent(told, intent.label, 1.0)
    if answer.kind is AnswerKind.REFUSAL:
        named = _intent(told, intent.label, 1.0) if refused_by_intent(told.stored) and intent is not None else []
        return [*named, *_verdict(told, answerable=False, share=1.0)]
    return []


def _blamed(told: Told) -> list[Example]:
    kind = told.stored.answer.kind
    shares = {reason: told.reasons.count(reason) / len(told.reasons) for reason in told.reasons}
    if kind in FROM_DOCUMENTS:
        return [one for reason, share in shares.items() for one in _blamed_answer(told, reason, share)]
    if kind is AnswerKind.CANNED or refused_by_intent(told.stored):
        return [one for reason, share in shares.items() for one in _blamed_intent(told, reason, share)]
    if kind is AnswerKind.REFUSAL:
        return [one for reason, share in shares.items() for one in _blamed_refusal(told, reason, share)]
    return []


def _blamed_answer(told: Told, reason: RatingReason | None, share: float) -> list[Example]:
    if reason is RatingReason.WRONG_SOURCE:
        return _links(told, good=False, share=share)
    if reason is RatingReason.WRONG_TOPIC:
        return _links(told, good=False, share=share * BELIEVED)
    if told.stored.answer.kind not in WRITTEN:
        return []  # the words of a curated answer are a person's
    return _answer(told, share=share if reason is RatingReason.BAD_WORDING else share * UNEXPLAINED)


def _blamed_intent(told: Told, reason: RatingReason | None, share: float) -> list[Example]:
    refused = told.stored.answer.kind is AnswerKind.REFUSAL
    if reason in {RatingReason.WRONG_TOPIC, RatingReason.WRONG_SOURCE}:
        return _intent(told, QUESTION, share)
    if refused and reason is RatingReason.OTHER:  # they wanted an answer
        return _intent(told, QUESTION, share * BELIEVED)
    return []  # a greeting that nobody likes is a greeting all the same


def _blamed_refusal(told: Told, reason: RatingReason | None, share: float) -> list[Example]:
    if reason in {None, RatingReason.BAD_WORDING}:
        return []
    known = reason in {RatingReason.WRONG_SOURCE, RatingReason.WRONG_TOPIC}
    return _verdict(told, answerable=True, share=share if known else share * BELIEVED)


def _intent(told: Told, label: str, share: float) -> list[Example]:
    if normalised(told.question) != normalised(told.stored.question):
        return []  # a follow-up means nothing alone, and resolved it is not what was classified
    return [
        IntentExample(question=told.question, label=label, weight=told.weight * share, ratings=told.ratings),
    ]


def _links(told: Told, *, good: bool, share: float) -> list[Example]:
    return [
        LinkExample(
            question=told.question, passage=passage, good=good, weight=told.weight * share, ratings=told.ratings
        )
        for passage in told.passages
    ]


def _answer(told: Told, *, share: float) -> list[Example]:
    return [
        AnswerExample(
            question=told.question,
            passages=told.passages,
            answer=bare(told.stored.answer.text),
            liked=told.good,
            weight=told.weight * share,
            ratings=told.ratings,
        )
    ]


def _verdict(told: Told, *, answerable: bool, share: float) -> list[Example]:
    scores = told.stored.answer.trace.scores
    if not scores:
        return []
    return [
        VerdictExample(
            question=told.question,
            scores=dict(scores),
            answerable=answerable,
            weight=told.weight * share,
            ratings=told.ratings,
        )
    ]
