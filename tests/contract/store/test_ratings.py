from __future__ import annotations

import pytest

from bot.store.errors import StoreError
from bot.store.store import Store
from bot.types import Correction, Rating, RatingReason, RatingValue
from tests.stores import accepted, answer, answered


def _up(answer_id: int, user_id: int) -> Rating:
    return Rating(answer_id=answer_id, user_id=user_id, value=RatingValue.UP)


def test_rating_again_replaces_and_never_counts_twice(store: Store) -> None:
    stored = answered(store)
    user = store.people.list()[0].id
    assert store.ratings.of(stored.id, user) is None
    assert store.ratings.rate(_up(stored.id, user)) is True
    assert store.ratings.rate(_up(stored.id, user)) is False
    assert store.ratings.tally() == {RatingValue.UP: 1, RatingValue.DOWN: 0}
    down = Rating(
        answer_id=stored.id,
        user_id=user,
        value=RatingValue.DOWN,
        reason=RatingReason.WRONG_SOURCE,
        comment="旧的",
    )
    assert store.ratings.rate(down) is True
    assert store.ratings.of(stored.id, user) == down
    assert store.ratings.tally() == {RatingValue.UP: 0, RatingValue.DOWN: 1}


def test_two_people_count_twice(store: Store) -> None:
    waiting = accepted(store, sender="U1")
    stored = store.answers.add(waiting.id, answer())
    other = accepted(store, sender="U2").user_id
    store.ratings.rate(_up(stored.id, waiting.user_id))
    store.ratings.rate(_up(stored.id, other))
    assert store.ratings.tally()[RatingValue.UP] == 2


def test_a_rating_of_nothing_or_by_nobody_is_refused(store: Store) -> None:
    stored = answered(store)
    user = store.people.list()[0].id
    with pytest.raises(StoreError, match="no answer 99"):
        store.ratings.rate(_up(99, user))
    with pytest.raises(StoreError, match="no user 99"):
        store.ratings.rate(_up(stored.id, 99))
    with pytest.raises(StoreError, match="no answer 99"):
        store.ratings.correct(Correction(answer_id=99, user_id=user, text="x"))


def test_corrections_of_one_answer_are_kept_side_by_side(store: Store) -> None:
    stored, other = answered(store), answered(store)
    user = store.people.list()[0].id
    said = [Correction(answer_id=stored.id, user_id=user, text=text) for text in ("three days", "三天")]
    first, second = (store.ratings.correct(one) for one in said)
    assert second > first
    assert store.ratings.corrections(stored.id) == tuple(said)
    assert store.ratings.corrections(other.id) == ()
