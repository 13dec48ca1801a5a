"""Corrections as admins decide about them; ratings taken back and counted by reason."""

from __future__ import annotations

import pytest

from bot.store.store import Store
from bot.types import Correction, Rating, RatingReason, RatingValue
from tests.stores import NOON, FakeClock, accepted, answered


def proposed(store: Store, text: str) -> int:
    stored = answered(store, f"About {text}?")
    return store.ratings.correct(Correction(answer_id=stored.id, user_id=store.people.list()[0].id, text=text))


def test_corrections_wait_oldest_first_until_they_are_decided(store: Store) -> None:
    first, second, third = (proposed(store, text) for text in ("one", "二", "three"))
    waiting = store.ratings.proposed(9)
    assert [(one.id, one.question, one.text, one.waits) for one in waiting] == [
        (first, "About one?", "one", True),
        (second, "About 二?", "二", True),
        (third, "About three?", "three", True),
    ]
    assert {one.created_at for one in waiting} == {NOON}
    assert store.ratings.proposed(1) == waiting[:1]
    assert store.ratings.decide(first, approved=True) is True
    assert store.ratings.decide(second, approved=False) is True
    assert store.ratings.proposed(9) == waiting[2:]
    decided = store.ratings.proposal(first)
    assert decided is not None
    assert decided.waits is False
    assert store.ratings.proposal(99) is None


@pytest.mark.parametrize("approved", [True, False])
def test_what_is_decided_stays_decided(store: Store, *, approved: bool) -> None:
    correction = proposed(store, "one")
    store.ratings.decide(correction, approved=approved)
    assert store.ratings.decide(correction, approved=not approved) is False
    assert store.ratings.decide(99, approved=True) is False


def test_a_correction_is_found_by_every_word_of_it(store: Store) -> None:
    number = proposed(store, "three days")
    same = Correction(answer_id=1, user_id=1, text="three days")
    [kept] = store.ratings.corrections(store.ratings.proposed(1)[0].answer_id)
    assert store.ratings.find(kept) == number
    other = accepted(store, sender="U2").user_id
    for different in (
        Correction(answer_id=kept.answer_id, user_id=kept.user_id, text="three day"),
        Correction(answer_id=kept.answer_id, user_id=other, text=kept.text),
        Correction(answer_id=kept.answer_id + 1, user_id=kept.user_id, text=same.text),
    ):
        assert store.ratings.find(different) is None


def test_a_rating_is_taken_back_only_if_it_is_still_that_one(store: Store) -> None:
    stored = answered(store)
    user = store.people.list()[0].id
    store.ratings.rate(Rating(answer_id=stored.id, user_id=user, value=RatingValue.DOWN))
    assert store.ratings.withdraw(stored.id, user, RatingValue.UP) is False
    assert store.ratings.of(stored.id, user) is not None
    assert store.ratings.withdraw(stored.id, user, RatingValue.DOWN) is True
    assert store.ratings.of(stored.id, user) is None
    assert store.ratings.withdraw(stored.id, user, RatingValue.DOWN) is False


def test_ratings_and_reasons_are_counted_since_a_time(store: Store, clock: FakeClock) -> None:
    def rate(value: RatingValue, reason: RatingReason | None = None) -> None:
        stored = answered(store)
        user = store.people.list()[0].id
        store.ratings.rate(Rating(answer_id=stored.id, user_id=user, value=value, reason=reason))

    rate(RatingValue.DOWN, RatingReason.OTHER)
    rate(RatingValue.UP)
    clock.move(minutes=60)
    rate(RatingValue.UP)
    rate(RatingValue.DOWN)
    rate(RatingValue.DOWN, RatingReason.WRONG_TOPIC)
    assert store.ratings.reasons(NOON) == {RatingReason.OTHER: 1, None: 1, RatingReason.WRONG_TOPIC: 1}
    assert store.ratings.reasons(clock.now) == {None: 1, RatingReason.WRONG_TOPIC: 1}
    assert store.ratings.tally(clock.now) == {RatingValue.UP: 1, RatingValue.DOWN: 2}
    assert store.ratings.tally() == {RatingValue.UP: 2, RatingValue.DOWN: 3}


def test_the_log_counts_what_somebody_did_since_a_time(store: Store, clock: FakeClock) -> None:
    for actor, action in (("slack:U1", "claim"), ("slack:U1", "teach"), ("slack:U2", "claim")):
        store.audit.record(actor=actor, action=action)
    clock.move(minutes=5)
    store.audit.record(actor="slack:U1", action="claim")
    assert store.audit.count(actor="slack:U1", action="claim", since=NOON) == 2
    assert store.audit.count(actor="slack:U1", action="claim", since=clock.now) == 1
