"""Ratings and corrections to examples: trusted, merged, masked, and each remembers where it came from (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

from adapters.examples import (
    AnswerExample,
    Example,
    Examples,
    IntentExample,
    LinkExample,
    RatingId,
    ShownPassage,
    VerdictExample,
)
from bot.learning.causes import Told, examples_of, item_of
from bot.learning.corrections import near, source_of, taught_by
from bot.learning.masking import Masker
from bot.store.feedback import ApprovedCorrection, GivenRating, RatedAnswer, Rater
from bot.types import AnswerKind, RatingReason, RatingValue, Role, StoredAnswer
from training.splits import normalised
from training.trust import RaterFacts, Trust, TrustConfig, Vote, weigh

AT_THE_SERVER: Final = "console"  # whose people hold the store anyway
LEAST_MARGIN: Final = 0.2  # by which one side of a contradiction must weigh more
NEVER_RATED: Final = frozenset({AnswerKind.COMMAND, AnswerKind.RELAYED, AnswerKind.ERROR})

Search: TypeAlias = Callable[[str], Sequence[ShownPassage]]  # the passages that a text's words are looked for in
E = TypeVar("E", IntentExample, LinkExample, AnswerExample, VerdictExample)


class LeftOut(StrEnum):
    """Why nothing is learned from an answer that was rated."""

    DISPUTED = "disputed"  # people contradict each other, and neither side weighs much more
    DOUBTFUL = "doubtful"  # whoever rated it is hardly believed
    CORRECTED = "corrected"  # liked, but an admin approved another answer
    OUT_OF_DATE = "out of date"  # the document's fault: an admin's task
    NO_CAUSE = "no cause"  # what was rated says nothing that can be learned
    FEW_PEOPLE = "few people"  # too few people rated, none of them staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """An answer from which nothing is learned."""

    answer_id: int
    question: str = field(repr=False)  # masked
    why: LeftOut


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What can be learned now, from whom, and what cannot."""

    examples: Examples
    outdated: tuple[str, ...] = ()  # uris of the documents that were called out of date
    left_out: tuple[Omission, ...] = ()
    people: tuple[int, ...] = ()  # whose ratings and corrections are in the examples, by id
    authors: Mapping[RatingId, int] = field(default_factory=dict)  # who gave which rating or correction
    trust: Trust | None = None  # what was believed; None where nobody rated


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """All that was said of one answer to one question, however often it was given."""

    answers: tuple[RatedAnswer, ...]  # by age

    @property
    def newest(self) -> StoredAnswer:
        return self.answers[-1].stored

    @property
    def votes(self) -> dict[int, tuple[StoredAnswer, GivenRating]]:
        """Each person's last rating that is about the answer, not about the document's age."""
        given = sorted(
            ((one.stored, rating) for one in self.answers for rating in one.ratings), key=lambda pair: pair[1].at
        )
        last = {rating.user_id: (stored, rating) for stored, rating in given}
        return {user: pair for user, pair in last.items() if pair[1].reason is not RatingReason.OUT_OF_DATE}


def gather(
    rated: Sequence[RatedAnswer],
    raters: Mapping[int, Rater],
    *,
    masker: Masker,
    search: Search,
    labels: Collection[str],
    config: TrustConfig | None = None,
) -> Gathered:
    """Make examples of everything that people said.

    Args:
        rated: Answers with ratings and approved corrections, oldest first.
        raters: Everybody who rated or corrected.
        masker: Takes personal data out of what is learned.
        search: Finds passages for an approved correction.
        labels: Every intent there is.
        config: How careful to be about whom to believe.
    """
    items = _items(rated)
    trust = _trust(items, raters, config)
    told, left_out = _told(items, raters, trust)
    corrected = _corrections(rated)
    found = _learned(told, corrected, labels, left_out)
    for stored, correction in corrected.values():
        passage = source_of(correction.text, stored.answer.trace.query, near(stored, search(correction.text)))
        found += taught_by(stored, correction.text, f"c:{correction.id}", passage)
    examples, undecided = _settled([_masked(one, masker) for one in found])
    authors = _authors(rated)
    return Gathered(
        examples=examples,
        outdated=_outdated(rated),
        left_out=_omissions(left_out, undecided, masker, {one.stored.id: one.stored for one in rated}),
        people=tuple(sorted({authors[rating] for rating in examples.ratings})),
        authors=authors,
        trust=trust,
    )


def _learned(
    told: Iterable[Told], corrected: Collection[str], labels: Collection[str], left_out: dict[int, LeftOut]
) -> list[Example]:
    """What the believed ratings teach; notes in `left_out` why some teach nothing."""
    found: list[Example] = []
    for one in told:
        learned = examples_of(one, labels)
        if one.good and normalised(one.question) in corrected:
            left_out[one.stored.id] = LeftOut.CORRECTED
        elif learned:
            found += learned
        else:
            left_out[one.stored.id] = LeftOut.NO_CAUSE
    return found


def _omissions(
    left_out: Mapping[int, LeftOut], undecided: Iterable[Example], masker: Masker, answers: Mapping[int, StoredAnswer]
) -> tuple[Omission, ...]:
    omitted = [
        Omission(answer_id=answer_id, question=masker.question(answers[answer_id].question), why=why)
        for answer_id, why in sorted(left_out.items())
    ]
    return (*omitted, *(_contradicted(one, masker, answers) for one in undecided))


def facts_of(raters: Mapping[int, Rater]) -> dict[int, RaterFacts]:
    """What counts of people when they are believed or not."""
    return {
        one.id: RaterFacts(id=one.id, since=one.since, staff=one.role is not Role.USER or one.platform == AT_THE_SERVER)
        for one in raters.values()
    }


def _items(rated: Iterable[RatedAnswer]) -> dict[str, _Item]:
    groups: dict[str, list[RatedAnswer]] = defaultdict(list)
    for one in rated:
        if one.stored.answer.kind not in NEVER_RATED:
            groups[item_of(one.stored)].append(one)
    return {name: _Item(answers=tuple(answers)) for name, answers in groups.items()}


def _trust(items: Mapping[str, _Item], raters: Mapping[int, Rater], config: TrustConfig | None) -> Trust:
    votes = [
        Vote(item=name, rater=user, good=rating.value is RatingValue.UP, at=rating.at)
        for name, item in items.items()
        for user, (_, rating) in item.votes.items()
    ]
    return weigh(votes, facts_of(raters), config)


def _told(
    items: Mapping[str, _Item], raters: Mapping[int, Rater], trust: Trust
) -> tuple[list[Told], dict[int, LeftOut]]:
    """What is believed of each answer; by answer, why nothing is."""
    told: list[Told] = []
    left_out: dict[int, LeftOut] = {}
    for name, item in items.items():
        if not item.votes:
            if any(one.ratings for one in item.answers):
                left_out[item.newest.id] = LeftOut.OUT_OF_DATE
        elif not trust.enough:
            left_out[item.newest.id] = LeftOut.FEW_PEOPLE
        elif name in trust.verdicts:
            told.append(_believed(item, name, raters, trust))
        else:
            left_out[item.newest.id] = LeftOut.DISPUTED if name in trust.disputed else LeftOut.DOUBTFUL
    return told, left_out


def _believed(item: _Item, name: str, raters: Mapping[int, Rater], trust: Trust) -> Told:
    verdict = trust.verdicts[name]
    value = RatingValue.UP if verdict.good else RatingValue.DOWN
    last = [item.votes[user] for user in verdict.raters]
    facts = facts_of(raters)
    labels = [
        rating.comment
        for _, rating in last
        if rating.reason is RatingReason.WRONG_TOPIC and rating.comment and facts[rating.user_id].staff
    ]
    return Told(
        stored=max((stored for stored, _ in last), key=lambda one: one.id),
        good=verdict.good,
        weight=verdict.weight,
        reasons=() if verdict.good else tuple(rating.reason for _, rating in last),
        label=labels[-1] if labels else "",
        ratings=tuple(
            sorted(
                f"{one.stored.id}:{rating.user_id}"
                for one in item.answers
                for rating in one.ratings
                if rating.user_id in verdict.raters and rating.value is value
            )
        ),
    )


def _corrections(rated: Iterable[RatedAnswer]) -> dict[str, tuple[StoredAnswer, ApprovedCorrection]]:
    """The correction that counts for each question: the one that was approved last."""
    every = [(one.stored, correction) for one in rated for correction in one.corrections]
    return {
        normalised(stored.answer.trace.query or stored.question): (stored, correction)
        for stored, correction in sorted(every, key=lambda pair: (pair[1].at, pair[1].id))
    }


def _authors(rated: Iterable[RatedAnswer]) -> dict[RatingId, int]:
    authors: dict[RatingId, int] = {}
    for one in rated:
        authors |= {f"{one.stored.id}:{rating.user_id}": rating.user_id for rating in one.ratings}
        authors |= {f"c:{correction.id}": correction.user_id for correction in one.corrections}
    return authors


def _outdated(rated: Iterable[RatedAnswer]) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                source.uri
                for one in rated
                if any(rating.reason is RatingReason.OUT_OF_DATE for rating in one.ratings)
                for source in one.stored.answer.sources
            }
        )
    )


def _masked(example: Example, masker: Masker) -> Example:
    question = masker.question(example.question)
    if not isinstance(example, AnswerExample):
        return replace(example, question=question)
    public = "\n".join(f"{one.title}\n{one.text}" for one in example.passages)
    return replace(
        example,
        question=question,
        answer=masker.mask(example.answer, public=public),
        better=masker.mask(example.better, public=public),
    )


def _settled(found: Sequence[Example]) -> tuple[Examples, list[Example]]:
    """Merge what is said twice, and decide what contradicts itself; what cannot be decided comes back by itself."""
    intents, no_intents = _decided(
        [one for one in found if isinstance(one, IntentExample)],
        key=lambda one: normalised(one.question),
        value=lambda one: one.label,
    )
    links, no_links = _decided(
        [one for one in found if isinstance(one, LinkExample)],
        key=lambda one: (normalised(one.question), one.passage.key),
        value=lambda one: one.good,
    )
    answers, no_answers = _decided(
        [one for one in found if isinstance(one, AnswerExample)],
        key=lambda one: (normalised(one.question), normalised(one.answer), normalised(one.better)),
        value=lambda one: one.liked,
    )
    verdicts, no_verdicts = _decided(
        [one for one in found if isinstance(one, VerdictExample)],
        key=lambda one: normalised(one.question),
        value=lambda one: one.answerable,
    )
    settled = Examples(intents=intents, links=links, answers=answers, verdicts=verdicts)
    return settled, [*no_intents, *no_links, *no_answers, *no_verdicts]


def _decided(
    found: Sequence[E], *, key: Callable[[E], Hashable], value: Callable[[E], Hashable]
) -> tuple[tuple[E, ...], list[E]]:
    """One example for each key, with the ratings of all that say the same; the newest gives the rest."""
    groups: dict[Hashable, dict[Hashable, E]] = {}
    for one in found:
        said = groups.setdefault(key(one), {})
        said[value(one)] = _merged(said[value(one)], one) if value(one) in said else one
    kept: list[E] = []
    undecided: list[E] = []
    for said in groups.values():
        first, *rest = sorted(said.values(), key=lambda one: -one.weight)
        margin = first.weight - max((one.weight for one in rest), default=0.0)
        if rest and margin < LEAST_MARGIN:
            undecided.append(first)
        else:
            kept.append(replace(first, weight=margin))
    return tuple(kept), undecided


def _merged(before: E, now: E) -> E:
    """Two that say the same: each alone may be mistaken."""
    weight = 1 - (1 - before.weight) * (1 - now.weight)
    return replace(now, weight=weight, ratings=tuple(sorted({*before.ratings, *now.ratings})))


def _contradicted(example: Example, masker: Masker, answers: Mapping[int, StoredAnswer]) -> Omission:
    """What is said of an example's first answer that cannot be decided."""
    answer_id = next((int(one.partition(":")[0]) for one in example.ratings if not one.startswith("c:")), 0)
    question = masker.question(answers[answer_id].question) if answer_id in answers else example.question
    return Omission(answer_id=answer_id, question=question, why=LeftOut.DISPUTED)
