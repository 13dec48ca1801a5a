"""How the bot is doing is counted alike on both databases, and answers are found by how they were rated."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.store.inbox import EDIT_MARK
from bot.store.reviews import Rated, Wish
from bot.store.schema import CorrectionStatus
from bot.store.store import Store
from bot.types import AnswerKind, Correction, Origin, Outcome, Rating, RatingReason, RatingValue, StoredAnswer
from tests.stores import NOON, FakeClock, accepted, answer, answered, chunks, document, vectors

DAY = timedelta(days=1)


def rate(store: Store, about: StoredAnswer, who: str, value: RatingValue, reason: RatingReason | None = None) -> None:
    person = store.people.meet("slack", who)
    store.ratings.rate(Rating(answer_id=about.id, user_id=person.id, value=value, reason=reason, comment="old news"))


def refused(store: Store, text: str = "Who am I?") -> StoredAnswer:
    return answered(store, text, answer("I do not know.", outcome=Outcome.ABSTAINED))


def test_an_empty_store_has_nothing_to_count(store: Store) -> None:
    totals = store.overview.totals(NOON - DAY, NOON + DAY)
    assert (totals.questions, totals.answered, totals.rated, totals.ratings) == (0, 0, 0, 0)
    assert store.overview.seconds(NOON - DAY, NOON + DAY) == ()
    assert [one.questions for one in store.overview.days([NOON - DAY, NOON], NOON + DAY)] == [0, 0]
    waiting = store.overview.waiting()
    assert (waiting.questions, waiting.corrections, waiting.documents) == (0, 0, 0)
    assert store.reviews.answers(Wish(), 10).rows == ()


def test_what_happened_is_counted_by_outcome_and_what_commands_said_is_not(store: Store) -> None:
    liked = answered(store)
    refused(store)
    answered(store, "/help", replace(answer(), kind=AnswerKind.COMMAND))
    rate(store, liked, "U1", RatingValue.UP)
    rate(store, liked, "U2", RatingValue.DOWN)
    store.handoffs.open(liked.conversation_id, 1, "Who pays?", team_platform="slack", team_channel="C9")
    totals = store.overview.totals(NOON, NOON + DAY)
    assert (totals.questions, totals.answered, totals.abstained, totals.handed_off) == (2, 1, 1, 1)
    assert (totals.rated, totals.up, totals.down) == (1, 1, 1)
    assert store.overview.totals(NOON - DAY, NOON).questions == 0, "the end is not part of a time"


def test_a_question_that_is_answered_once_more_is_one_question_in_every_count_and_list(store: Store) -> None:
    first = store.answers.add(accepted(store, "Who pays?", event_id="e").id, answer("The buyer."))
    again = accepted(store, "Who pays?", event_id=f"e{EDIT_MARK}again-1", origin=Origin(replaces="e", avoid=(1,)))
    person = again.user_id
    second = store.answers.add(again.id, answer("The buyer. I found no other."))
    rate(store, second, "U1", RatingValue.UP)
    totals = store.overview.totals(NOON, NOON + DAY)
    assert (totals.questions, totals.answered, totals.rated) == (1, 1, 1)
    assert [one.answered for one in store.overview.days([NOON], NOON + DAY)] == [1]
    assert store.activity.by_person()[person].questions == 1
    assert sum(store.answers.counts(NOON).values()) == 1
    assert [one.id for one in store.reviews.answers(Wish(), 10).rows] == [second.id]
    assert store.reviews.answers(Wish(rated=Rated.NONE), 10).rows == ()
    rate(store, first, "U1", RatingValue.DOWN)
    assert [one.id for one in store.reviews.answers(Wish(rated=Rated.DOWN), 10).rows] == [first.id]


def test_each_piece_of_time_has_its_own_counts(store: Store, clock: FakeClock) -> None:
    rate(store, answered(store), "U1", RatingValue.UP)
    clock.now = NOON + DAY
    refused(store)
    rate(store, answered(store), "U1", RatingValue.DOWN)
    clock.now = NOON + 3 * DAY
    answered(store)  # after the last piece
    days = store.overview.days([NOON - DAY, NOON, NOON + DAY], NOON + 2 * DAY)
    assert [(one.answered, one.abstained, one.up, one.down) for one in days] == [
        (0, 0, 0, 0),
        (1, 0, 1, 0),
        (1, 1, 0, 1),
    ]
    assert [one.answered for one in store.overview.days([NOON], NOON + 4 * DAY)] == [3]


def test_people_waited_from_their_message_to_its_answer(store: Store, clock: FakeClock) -> None:
    for seconds in (3, 1):
        stored = accepted(store)
        clock.now = stored.message.received_at + timedelta(seconds=seconds)
        store.answers.add(stored.id, answer())
    broken = accepted(store)
    clock.now = NOON + timedelta(seconds=90)
    store.answers.add(broken.id, replace(answer(), kind=AnswerKind.ERROR, outcome=Outcome.ABSTAINED))
    assert store.overview.seconds(NOON, NOON + DAY) == (1.0, 3.0)


def test_what_waits_is_counted_until_somebody_has_seen_to_it(store: Store) -> None:
    store.knowledge.replace_document(document(), chunks("One."), vectors(1), encoder="fake")
    lost, given = refused(store), answered(store)
    person = store.people.meet("slack", "U1")
    correction = store.ratings.correct(Correction(answer_id=given.id, user_id=person.id, text="Seven."))
    rate(store, given, "U1", RatingValue.DOWN, RatingReason.OUT_OF_DATE)
    waiting = store.overview.waiting()
    assert (waiting.questions, waiting.corrections, waiting.documents) == (1, 1, 1)
    assert len(store.document_tasks.open()) == 1
    store.answers.settle([lost.id])
    store.ratings.decide(correction, approved=True, text="Eight.")
    store.document_tasks.settle("/docs/refunds.md")
    waiting = store.overview.waiting()
    assert (waiting.questions, waiting.corrections, waiting.documents) == (0, 0, 0)
    (kept,) = store.reviews.corrections(given.id)
    assert (kept.text, kept.status) == ("Eight.", CorrectionStatus.APPROVED)


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        (Wish(), ["none", "down", "disputed", "up"]),
        (Wish(rated=Rated.UP), ["up"]),
        (Wish(rated=Rated.DOWN), ["down"]),
        (Wish(rated=Rated.DISPUTED), ["disputed"]),
        (Wish(rated=Rated.NONE), ["none"]),
        (Wish(outcome=Outcome.ABSTAINED), ["none"]),
        (Wish(version="generator-3"), ["disputed"]),
        (Wish(words="DISP"), ["disputed"]),
        (Wish(words="do not KNOW"), ["none"]),
        (Wish(words="nowhere"), []),
    ],
    ids=lambda one: repr(one) if isinstance(one, Wish) else "",
)
def test_answers_are_found_by_what_they_are(store: Store, wish: Wish, found: list[str]) -> None:
    up = answered(store, "up")
    trace = replace(answer().trace, versions={"intent": "", "generator": "generator-3"})
    disputed = answered(store, "disputed", replace(answer(), trace=trace))
    down = answered(store, "down")
    refused(store, "none")
    answered(store, "/help", replace(answer(), kind=AnswerKind.COMMAND))
    rate(store, up, "U1", RatingValue.UP)
    rate(store, disputed, "U1", RatingValue.UP)
    rate(store, disputed, "U2", RatingValue.DOWN)
    rate(store, down, "U1", RatingValue.DOWN, RatingReason.BAD_WORDING)
    listing = store.reviews.answers(wish, 10)
    assert [one.question for one in listing.rows] == found
    assert (listing.older, listing.searched) == (0, True)


def test_a_list_goes_on_where_it_left_off(store: Store) -> None:
    for number in range(5):
        answered(store, f"question {number}")
    first = store.reviews.answers(Wish(), 2)
    second = store.reviews.answers(Wish(before=first.older), 2)
    third = store.reviews.answers(Wish(before=second.older), 2)
    asked = [[one.question for one in page.rows] for page in (first, second, third)]
    assert asked == [["question 4", "question 3"], ["question 2", "question 1"], ["question 0"]]
    assert third.older == 0


def test_a_search_says_where_it_stopped(store: Store) -> None:
    for number in range(5):
        answered(store, f"question {number}")
    first = store.reviews.answers(Wish(words="question 0"), 2, scan=3)
    assert (first.rows, first.searched) == ((), False)
    second = store.reviews.answers(Wish(words="question 0", before=first.older), 2, scan=3)
    assert [one.question for one in second.rows] == ["question 0"]
    assert second.searched


def test_what_people_said_is_read_newest_first(store: Store, clock: FakeClock) -> None:
    first, second = answered(store, "first"), answered(store, "second")
    rate(store, second, "U1", RatingValue.DOWN, RatingReason.OTHER)
    clock.move(minutes=1)
    rate(store, first, "U2", RatingValue.DOWN)
    rate(store, first, "U3", RatingValue.UP)
    assert [one.question for one in store.reviews.complaints(10)] == ["first", "second"]
    assert [one.question for one in store.reviews.complaints(1, skip=1)] == ["second"]
    assert {one.value for one in store.reviews.opinions(first.id)} == {RatingValue.UP, RatingValue.DOWN}
    assert store.reviews.complaints(10)[1].comment == "old news"


def test_documents_are_counted_by_the_answers_that_they_were_a_source_of(store: Store, clock: FakeClock) -> None:
    answered(store)
    twice = answer().sources * 2  # two passages of one document count once
    answered(store, "again", replace(answer(), sources=twice))
    assert store.reviews.used(NOON) == {"/docs/refunds.md": 2}
    clock.now = NOON + DAY
    answered(store, "later")
    assert store.reviews.used(NOON) == {"/docs/refunds.md": 3}, "what is new is read as well"
    assert store.reviews.used(NOON + DAY) == {"/docs/refunds.md": 1}
    person = store.people.by_platform("slack", "U1")
    assert person is not None
    store.people.forget(person.id)
    assert store.reviews.used(NOON) == {}, "what was forgotten counts no more"


def test_written_answers_and_a_documents_chunks_are_read_by_themselves(store: Store) -> None:
    store.knowledge.replace_document(document(), chunks("One.", "Why?|Because."), vectors(2), encoder="fake")
    other = store.knowledge.replace_document(document("/docs/b.md"), chunks("Two."), vectors(1), encoder="fake")
    assert [one.chunk.text for one in store.knowledge.curated()] == ["Because."]
    assert [one.chunk.text for one in store.knowledge.chunks_of(other)] == ["Two."]
