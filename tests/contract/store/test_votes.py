"""Which adapter versions had a say in an answer, and what people think of their answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.store.answers import versions_of
from bot.store.store import Store
from bot.types import Answer, Correction, Rating, RatingValue
from tests.stores import FakeClock, accepted, answer


def by(**versions: str) -> Answer:
    given = answer()
    return replace(given, trace=replace(given.trace, versions={"encoder": "e", **versions}))


def rated(store: Store, given: Answer, *votes: tuple[str, bool]) -> int:
    stored = store.answers.add(accepted(store).id, given)
    for sender, up in votes:
        user = store.people.meet("slack", sender).id
        value = RatingValue.UP if up else RatingValue.DOWN
        store.ratings.rate(Rating(answer_id=stored.id, user_id=user, value=value))
    return stored.id


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ({}, ()),
        ({"intent": "few-shot-1a"}, ("intent-0", "retrieval-0")),
        ({"intent": "intent-3", "retrieval": "retrieval-2"}, ("intent-3", "retrieval-2")),
        ({"intent": "intent-20261124-1a2b3c", "generator": "0123456789abcdef"},
         ("intent-0", "retrieval-0", "generator-0")),
        ({"intent": "few-shot-1a", "generator": "generator-12"}, ("intent-0", "retrieval-0", "generator-12")),
    ],
)  # fmt: skip
def test_every_task_that_was_asked_is_named_with_its_version(
    versions: dict[str, str], expected: tuple[str, ...]
) -> None:
    assert versions_of(by(**versions).trace) == expected


def test_votes_are_those_of_the_answers_in_which_a_version_had_a_say(store: Store) -> None:
    rated(store, by(intent="x", generator="generator-1"), ("U1", True), ("U2", False))
    rated(store, by(intent="x", generator="generator-12"), ("U1", True))
    rated(store, by(intent="x"), ("U3", False))
    rated(store, by(), ("U4", True))
    assert [vote.up for vote in store.answers.votes("generator-1")] == [True, False]
    assert [vote.up for vote in store.answers.votes("generator-12")] == [True]
    assert [vote.up for vote in store.answers.votes("intent-0")] == [True, False, True, False]
    assert len(store.answers.votes()) == 4
    assert store.answers.votes("generator-2") == ()


def test_votes_are_counted_by_when_the_answer_was_given(store: Store, clock: FakeClock) -> None:
    early, first = by(intent="intent-1"), clock()
    answer_id = rated(store, early, ("U1", True))
    clock.move(minutes=10)
    later = clock()
    rated(store, by(intent="intent-1"), ("U1", False))
    assert [vote.up for vote in store.answers.votes("intent-1", since=first)] == [True, False]
    assert [vote.up for vote in store.answers.votes("intent-1", since=later)] == [False]
    assert [vote.up for vote in store.answers.votes(since=first, until=later)] == [True]
    [vote] = store.answers.votes("intent-1", until=later)
    assert (vote.rated_at, vote.user_id) == (first, store.people.meet("slack", "U1").id)
    stored = store.answers.get(answer_id)
    assert stored is not None
    assert vote.conversation_id == stored.conversation_id
    counts = [store.answers.count_by(name, since=since) for name, since in (("intent-1", first), ("intent-1", later))]
    assert counts == [2, 1]
    assert store.answers.count_by("intent-2", since=first) == 0


def test_what_goes_with_a_person_is_named_as_a_lineage_names_it(store: Store) -> None:
    ada, bob = (store.people.meet("slack", sender).id for sender in ("U1", "U2"))
    theirs = rated(store, by(), ("U1", True), ("U2", False))  # asked by U1
    others = store.answers.add(accepted(store, sender="U3").id, answer()).id
    for user in (ada, bob):
        store.ratings.rate(Rating(answer_id=others, user_id=user, value=RatingValue.UP))
    of_bob = store.ratings.correct(Correction(answer_id=theirs, user_id=bob, text="four days"))
    of_ada = store.ratings.correct(Correction(answer_id=others, user_id=ada, text="four days"))
    other = store.ratings.correct(Correction(answer_id=others, user_id=bob, text="four days"))
    assert set(store.ratings.ids_of(ada)) == {
        f"{theirs}:{ada}", f"{theirs}:{bob}", f"{others}:{ada}", f"c:{of_bob}", f"c:{of_ada}"
    }  # fmt: skip
    assert f"c:{other}" in store.ratings.ids_of(bob)
