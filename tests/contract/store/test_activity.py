from __future__ import annotations

from dataclasses import replace

from bot.store.activity import Activity
from bot.store.store import Store
from bot.types import AnswerKind, Rating, RatingValue
from tests.stores import NOON, accepted, answer


def test_what_somebody_asked_and_rated_is_counted_without_their_commands(store: Store) -> None:
    first = accepted(store, sender="U1")
    given = store.answers.add(first.id, answer())
    command = accepted(store, sender="U1", minutes=5)
    store.answers.add(command.id, replace(answer(), kind=AnswerKind.COMMAND))
    other = accepted(store, sender="U2")
    for user in (first.user_id, other.user_id):
        store.ratings.rate(Rating(answer_id=given.id, user_id=user, value=RatingValue.UP))
    quiet = store.people.meet("slack", "U3")
    found = store.activity.by_person()
    assert found[first.user_id] == Activity(questions=1, ratings=1, last_at=command.message.received_at)
    assert found[other.user_id] == Activity(questions=0, ratings=1, last_at=other.message.received_at)
    assert quiet.id not in found


def test_two_selves_add_up() -> None:
    assert Activity(questions=1, ratings=2, last_at=NOON) + Activity(questions=3) == Activity(
        questions=4, ratings=2, last_at=NOON
    )
    assert Activity() + Activity() == Activity()
