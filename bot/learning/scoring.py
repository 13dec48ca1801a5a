"""How good an answer to a held-out question is: one number that decides, and the parts that are reported (pure).

Why it is weighed like this: docs/adr/0010.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from adapters.examples import ShownPassage
from adapters.intent.config import QUESTION
from bot.figures import figures, same
from bot.grounding import check_sentence
from bot.learning.held_out import HeldOut
from bot.sentences import split_sentences
from bot.texts import languages, say
from bot.types import Answer, AnswerKind, Outcome
from bot.words import words
from training.paired import Measured


class Chance(NamedTuple):
    """How often an answer of a kind is right, [0, 1], by what is known of nearly the same questions."""

    same: float  # it says what is right for one of them
    unknown: float  # nothing is known of any
    other: float  # it says something else than what is right for them


# As seen in simulated teams with 15 % mistaken ratings (docs/experiments-learning.md).
AS_WANTED: Final = Chance(same=1.0, unknown=0.9, other=0.75)
NOT_AS_WANTED: Final = Chance(same=0.5, unknown=0.05, other=0.05)
AGAIN: Final = Chance(same=0.7, unknown=0.3, other=0.1)  # the disliked answer
NOT_AGAIN: Final = Chance(same=0.65, unknown=0.3, other=0.1)  # another one
SHOWN_WRONG: Final = Chance(same=0.5, unknown=0.1, other=0.05)  # from a passage called wrong, or not the right one
UNTOLD: Final = Chance(same=0.9, unknown=0.5, other=0.3)  # the documents do tell, and that is all that is known
NOT_REFUSED: Final = Chance(same=0.5, unknown=0.15, other=0.15)  # an answer where they are said not to tell
RIGHTLY_REFUSED: Final = 0.9
REFUSED: Final = 0.3  # a refusal where the documents do tell: as good as an answer that is right 3 times in 10
PASSAGE_ALONE: Final = 0.8  # the right passage is shown, and nothing else is known
PASSAGE_WEIGHT: Final = 0.3  # of the passage beside the agreement of the words
SAME_PAGE: Final = 0.5  # of a right passage's credit, where another part of its page is shown: often that tells it too
HELD: Final = (
    0.7  # share of a wanted answer's content words from which a passage holds it; its figures must all be there
)
UNBACKED: Final = 0.5  # what is left of an answer that no passage backs
SAME: Final = 0.6  # agreement from which one answer says what the other says; hardly one such was wrong
REPEATED: Final = 0.9  # share of words in common from which an answer is the disliked one again
_RECALL: Final = 3.0  # beta of the F measure: a fact in three quoted lines is an answer, if a long one
_FIGURE_WEIGHT: Final = 2.0
_FROM_DOCUMENTS: Final = (AnswerKind.GENERATED, AnswerKind.QUOTED, AnswerKind.CURATED)
_CITATION: Final = re.compile(r"\s*\[\d+\]")


def measure(item: HeldOut, answer: Answer, *, margin: float | None = None) -> Measured:
    """Measure an answer by what people's ratings say of its question.

    Args:
        item: The question.
        answer: What the bot said to it now.
        margin: By how much the generator finds the wanted answer likelier than the unwanted one, nats a token.
    """
    text = bare(answer.text)
    answered = answer.outcome is Outcome.ANSWERED
    told = max((agreement(text, one, item.question) for one in item.wanted), default=None) if answered else None
    passage = _passage(item, answer) if answered else None
    grounded = _grounded(answer, text, item.question) if answered else None
    return Measured(
        answer=answer.text,
        utility=_utility(item, answer, text, told=told, passage=passage, grounded=grounded),
        agreement=told,
        right_passage=None if passage is None else passage == 1,
        grounded=grounded,
        right_verdict=None if item.answerable is None else answered is item.answerable,
        margin=margin,
        characters=len(text),
    )


def bare(text: str) -> str:
    """An answer without its citations and without the bot's own words before a quotation."""
    for language in languages():
        text = text.removeprefix(say("quoted", language)).lstrip()
    return _CITATION.sub("", text).strip()


def agreement(answer: str, wanted: str, question: str) -> float:
    """How much of a wanted answer an answer says, and how little else.

    Args:
        answer: Without citations.
        wanted: What people approved or liked.
        question: Its figures prove nothing.

    Returns:
        F3 of the content words (what is missing counts nine times what is too much), figures counted double, halved
        at most by the wanted answer's figures that are missing; [0, 1].
    """
    said, told = _weights(answer), _weights(bare(wanted))
    common = sum(weight for key, weight in told.items() if key in said)
    if not common:
        return float(answer.strip() == wanted.strip())
    precision, recall = common / sum(said.values()), common / sum(told.values())
    square = _RECALL**2
    score = (1 + square) * precision * recall / (square * precision + recall)
    return score * (1 + _facts(answer, bare(wanted), question)) / 2


def same_answer(answer: str, wanted: str, question: str) -> bool:
    """Whether an answer says most of what another one says."""
    return agreement(bare(answer), wanted, question) >= SAME


def _facts(answer: str, wanted: str, question: str) -> float:
    """Share of the wanted answer's figures that an answer has; 1 where it has none of its own."""
    asked, said = figures(question), figures(answer)
    facts = [fact for fact in figures(wanted) if not any(same(fact, known) for known in asked)]
    return sum(any(same(fact, known) for known in said) for fact in facts) / len(facts) if facts else 1.0


def _weights(text: str) -> Mapping[str, float]:
    return {word.key: _FIGURE_WEIGHT if word.key[0].isdigit() else 1.0 for word in words(text) if word.content}


def _utility(
    item: HeldOut,
    answer: Answer,
    text: str,
    *,
    told: float | None,
    passage: float | None,
    grounded: float | None,
) -> float:
    """The number that decides; `told` is the agreement with a wanted answer, `passage` how right what is shown is."""
    if item.intent and not _right_topic(item, answer):
        return 0.0
    if answer.outcome is not Outcome.ANSWERED:
        return _refused(item)
    backing = UNBACKED + (1 - UNBACKED) * (1.0 if grounded is None else grounded)
    return backing * _right(item, text, told=told, passage=passage)


def _refused(item: HeldOut) -> float:
    if _knows_only_the_topic(item):
        return 1.0
    return RIGHTLY_REFUSED if item.answerable is False else REFUSED


def _right(item: HeldOut, text: str, *, told: float | None, passage: float | None) -> float:
    """How likely an answer is right, [0, 1]."""
    repeated = _repeats(text, item, told or 0.0)
    if _knows_only_the_topic(item):
        return 1.0
    if item.answerable is False:
        return _of(NOT_REFUSED, item, text)
    if told is not None:
        return _of(NOT_AS_WANTED, item, text) if repeated else _as_wanted(item, text, told, passage=passage)
    if passage and not repeated:  # only where the answer stands is known
        return max(PASSAGE_ALONE * passage, _of(NOT_AGAIN, item, text))
    return _of(_not_wanted(item, repeated=repeated, wrong=passage == 0), item, text)


def _not_wanted(item: HeldOut, *, repeated: bool, wrong: bool) -> Chance:
    """Where no right answer is known: by what was turned down."""
    if wrong:
        return SHOWN_WRONG
    if repeated:
        return AGAIN
    only_refusal = item.answerable is True and not (item.unwanted or item.wrong)
    return UNTOLD if only_refusal else NOT_AGAIN


def _as_wanted(item: HeldOut, text: str, told: float, *, passage: float | None) -> float:
    """How likely an answer is right that says so much of a wanted one."""
    said = min(1.0, told / SAME)
    if passage is not None:
        said = (1 - PASSAGE_WEIGHT) * said + PASSAGE_WEIGHT * passage
    least, most = (0.0, 1.0) if item.certain else (_of(NOT_AS_WANTED, item, text), _of(AS_WANTED, item, text))
    return least + (most - least) * said


def _of(chance: Chance, item: HeldOut, text: str) -> float:
    if not item.near:
        return chance.unknown
    return chance.same if _as_near(item, text) else chance.other


def _as_near(item: HeldOut, text: str) -> bool:
    """Whether an answer says what is right for a question that is nearly the same."""
    return any(agreement(text, one, item.question) >= SAME for one in item.near)


def _knows_only_the_topic(item: HeldOut) -> bool:
    return bool(item.intent) and item.answerable is None and not (item.unwanted or item.wrong)


def _right_topic(item: HeldOut, answer: Answer) -> bool:
    """Whether the message was sorted as people say; from the documents is right for any question to them."""
    if item.intent == QUESTION and answer.kind in _FROM_DOCUMENTS:
        return True
    return answer.trace.intent is not None and answer.trace.intent.label == item.intent


def _repeats(text: str, item: HeldOut, told: float) -> bool:
    """Whether it is a disliked answer again, and not the wanted one."""
    likest = max((_overlap(text, bare(one)) for one in item.unwanted), default=0.0)
    return likest >= REPEATED and likest > told


def _overlap(one: str, other: str) -> float:
    """Share of the content words of both that they have in common, [0, 1]."""
    first, second = _weights(one), _weights(other)
    union = first.keys() | second.keys()
    return len(first.keys() & second.keys()) / len(union) if union else float(one == other)


def _passage(item: HeldOut, answer: Answer) -> float | None:
    """How right the passages shown are, [0, 1]; None where nothing is known of them.

    What was liked need not be the only passage that is right: one with a wanted answer in it is as good.
    """
    shown = [ShownPassage(uri=s.uri, title=s.title, text=s.excerpt) for s in answer.sources]
    keys = {one.key for one in shown}
    if keys & item.right or any(_holds(one.text, wanted, item.question) for one in shown for wanted in item.wanted):
        return 1.0
    if item.right:
        return SAME_PAGE if not keys & item.wrong and {one.uri for one in shown} & item.pages else 0.0
    return 0.0 if keys & item.wrong else None


def _holds(text: str, wanted: str, question: str) -> bool:
    """Whether a wanted answer can be read in a passage."""
    said, told = _weights(text), _weights(bare(wanted))
    common = sum(weight for key, weight in told.items() if key in said)
    return bool(told) and common >= HELD * sum(told.values()) and _facts(text, bare(wanted), question) == 1


def _grounded(answer: Answer, text: str, question: str) -> float | None:
    """Share of the sentences that the passages shown back; what is given word for word is."""
    if answer.kind is not AnswerKind.GENERATED:
        return 1.0 if answer.kind in _FROM_DOCUMENTS else None
    evidence = [f"{source.title}\n\n{source.excerpt}" for source in answer.sources]
    sentences = [one for one in split_sentences(text) if _weights(one)]
    backed = [check_sentence(one, evidence, question).supported for one in sentences]
    return sum(backed) / len(backed) if backed else None
