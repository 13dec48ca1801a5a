"""What people said of answers, as the learning loop reads it; on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.store.store import Store
from bot.types import Correction, Rating, RatingReason, RatingValue, Role, StoredAnswer
from tests.stores import NOON, FakeClock, accepted, answer, answered, chunks, document, vectors


def person(store: Store, sender: str = "U1", name: str = "") -> int:
    return store.people.meet("slack", sender, name).id


def rate(store: Store, stored: StoredAnswer, user: int, reason: RatingReason | None = None) -> None:
    value = RatingValue.UP if reason is None else RatingValue.DOWN
    store.ratings.rate(Rating(answer_id=stored.id, user_id=user, value=value, reason=reason, comment="so"))


def test_rated_answers_come_with_all_ratings_and_only_the_approved_corrections(store: Store, clock: FakeClock) -> None:
    answered(store, "Nobody rated this")
    first, second = answered(store, "One?"), answered(store, "Two?")
    ada, bob = person(store), person(store, "U2", "Bob")
    rate(store, second, bob, RatingReason.WRONG_SOURCE)
    clock.move(minutes=1)
    rate(store, second, ada)
    numbers = [
        store.ratings.correct(Correction(answer_id=first.id, user_id=bob, text=text)) for text in ("yes", "no", "?")
    ]
    clock.move(minutes=1)
    store.ratings.decide(numbers[0], approved=True)
    store.ratings.decide(numbers[1], approved=False)
    rated = store.feedback.rated()
    assert [one.stored for one in rated] == [first, second]
    assert [(one.id, one.user_id, one.text, one.at) for one in rated[0].corrections] == [
        (numbers[0], bob, "yes", NOON + timedelta(minutes=2))
    ]
    assert [(one.user_id, one.value, one.reason, one.comment, one.at) for one in rated[1].ratings] == [
        (bob, RatingValue.DOWN, RatingReason.WRONG_SOURCE, "so", NOON),
        (ada, RatingValue.UP, None, "so", NOON + timedelta(minutes=1)),
    ]
    assert rated[0].ratings == ()
    assert rated[1].corrections == ()


def test_raters_are_those_who_rated_or_corrected_with_role_and_first_day(store: Store, clock: FakeClock) -> None:
    stored = answered(store)
    person(store, "U9", "Nobody")
    clock.move(minutes=5)
    admin, user = person(store, "U2", "Bob"), person(store, "U3", "Eve")
    store.people.set_role(admin, Role.ADMIN)
    store.ratings.correct(Correction(answer_id=stored.id, user_id=admin, text="right"))
    rate(store, stored, user)
    raters = store.feedback.raters()
    assert {one.id: (one.name, one.role, one.since, one.platform) for one in raters.values()} == {
        admin: ("Bob", Role.ADMIN, clock.now, "slack"),
        user: ("Eve", Role.USER, clock.now, "slack"),
    }
    assert store.feedback.names() == ("Ada", "Bob", "Eve", "Nobody")


def test_ratings_and_approved_corrections_are_counted_since_a_time(store: Store, clock: FakeClock) -> None:
    stored, user = answered(store), person(store)
    rate(store, stored, user)
    waiting = store.ratings.correct(Correction(answer_id=stored.id, user_id=user, text="right"))
    assert store.feedback.count() == 1
    clock.move(minutes=1)
    store.ratings.decide(waiting, approved=True)
    assert store.feedback.count() == 2
    assert store.feedback.given() == {f"{stored.id}:{user}", f"c:{waiting}"}
    assert store.feedback.given(clock.now) == {f"c:{waiting}"}
    assert store.feedback.count(clock.now) == 1
    assert store.feedback.count(clock.now + timedelta(seconds=1)) == 0


def test_rated_questions_come_newest_rating_first(store: Store, clock: FakeClock) -> None:
    one, two = answered(store, "One?"), answered(store, "Two?")
    rate(store, two, person(store), RatingReason.OTHER)
    clock.move(minutes=1)
    rate(store, one, person(store))
    assert store.feedback.questions(9) == (("One?", RatingValue.UP), ("Two?", RatingValue.DOWN))
    assert store.feedback.questions(1) == (("One?", RatingValue.UP),)


# -- who was asked


def test_a_person_is_asked_about_one_answer_in_a_day(store: Store, clock: FakeClock) -> None:
    first, second, third = answered(store), answered(store), answered(store)
    ada, bob = person(store), person(store, "U2")

    def ask(stored: StoredAnswer, user: int) -> bool:
        return store.asks.ask(stored.id, user, not_since=clock.now - timedelta(days=1))

    assert ask(first, ada) is True
    assert ask(second, ada) is False
    assert ask(second, bob) is True
    assert (store.asks.has(first.id), store.asks.has(second.id), store.asks.has(third.id)) == (True, True, False)
    assert store.asks.last(ada) == NOON
    assert store.asks.last(person(store, "U3")) is None
    clock.move(minutes=24 * 60 + 1)
    assert ask(third, ada) is True
    assert store.asks.count(clock.now) == 1
    assert store.asks.count(NOON) == 3


def test_what_was_asked_of_a_person_goes_with_them(store: Store) -> None:
    stored, bob = answered(store), person(store, "U2")
    store.asks.ask(stored.id, bob, not_since=NOON)
    store.people.forget(bob)
    assert store.asks.has(stored.id) is False


# -- documents that are out of date


def outdated(store: Store, sender: str = "U1", text: str = "How long?") -> StoredAnswer:
    stored = store.answers.add(accepted(store, text, sender=sender).id, answer())
    rate(store, stored, person(store, sender), RatingReason.OUT_OF_DATE)
    return stored


@pytest.fixture
def refunds(store: Store) -> int:
    return store.knowledge.replace_document(document(), chunks("One."), vectors(1), encoder="mini")


def test_an_outdated_document_is_listed_once_with_people_and_questions(store: Store, refunds: int) -> None:
    outdated(store, text="First?")
    outdated(store, "U2", "Second?")
    both = answered(store, "Third?")
    rate(store, both, person(store, "U2"), RatingReason.OUT_OF_DATE)
    rate(store, both, person(store, "U3"), RatingReason.OUT_OF_DATE)
    [task] = store.document_tasks.open()
    assert (task.document_id, task.uri, task.title) == (refunds, "/docs/refunds.md", "Refunds and 退款")
    assert (task.people, task.questions, task.opened_at) == (3, ("Third?", "Second?", "First?"), NOON)


def test_another_reason_or_a_rating_taken_back_takes_the_document_off_the_list(store: Store, refunds: int) -> None:
    assert refunds
    stored, ada, bob = outdated(store), person(store), person(store, "U2")
    rate(store, stored, bob, RatingReason.OUT_OF_DATE)
    rate(store, stored, ada)
    assert [task.people for task in store.document_tasks.open()] == [1]
    store.ratings.withdraw(stored.id, bob, RatingValue.DOWN)
    assert store.document_tasks.open() == ()


def test_a_document_ingested_with_other_content_waits_no_more_but_later_answers_open_it_again(
    store: Store, clock: FakeClock, refunds: int
) -> None:
    outdated(store)
    clock.move(minutes=1)
    assert store.knowledge.replace_document(document(digest="d2"), chunks("Two."), vectors(1), encoder="mini")
    assert store.document_tasks.open() == ()
    clock.move(minutes=1)
    outdated(store, text="And now?")
    assert [(task.document_id, task.questions) for task in store.document_tasks.open()] == [(refunds, ("And now?",))]


def test_an_admin_settles_a_document_and_the_same_answer_does_not_open_it_again(store: Store, refunds: int) -> None:
    assert refunds
    stored = outdated(store)
    assert store.document_tasks.settle("/docs/refunds.md") is True
    assert store.document_tasks.settle("/docs/refunds.md") is False
    rate(store, stored, person(store, "U2"), RatingReason.OUT_OF_DATE)
    assert store.document_tasks.open() == ()
    outdated(store, text="Still?")
    assert [task.questions for task in store.document_tasks.open()] == [("Still?",)]


def test_a_document_that_is_removed_waits_no_more(store: Store, refunds: int) -> None:
    outdated(store)
    store.knowledge.remove_document(refunds)
    assert store.document_tasks.open() == ()
