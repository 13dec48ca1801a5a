from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bot.store.answers import Delivery
from bot.store.errors import StoreError
from bot.store.store import Store
from bot.types import Answer, AnswerKind, Outcome, StoredAnswer
from tests.stores import NOON, FakeClock, accepted, answer, answered


def test_an_answer_comes_back_exactly_with_its_trace(store: Store) -> None:
    waiting = accepted(store, "How long?")
    stored = store.answers.add(waiting.id, answer())
    assert stored == StoredAnswer(
        id=stored.id,
        message_id=waiting.id,
        conversation_id=waiting.conversation_id,
        question="How long?",
        answer=answer(),
        created_at=NOON,
    )
    assert store.answers.get(stored.id) == stored
    assert store.answers.get(stored.id + 1) is None


def test_every_kind_and_outcome_comes_back(store: Store) -> None:
    for kind, outcome in itertools.product(AnswerKind, Outcome):
        said = replace(answer(), kind=kind, outcome=outcome, sources=(), suggestions=())
        bare = replace(said, trace=replace(said.trace, intent=None, passages=(), versions={}, timings_ms={}))
        assert answered(store, reply=bare).answer == bare


def test_a_message_is_answered_once(store: Store) -> None:
    waiting = accepted(store)
    first = store.answers.add(waiting.id, answer("first"))
    second = store.answers.add(waiting.id, answer("second"))
    assert second == first
    assert store.answers.count() == 1


def test_four_threads_that_answer_one_message_at_once_store_one_answer(store: Store) -> None:
    waiting = accepted(store)

    def add(number: int) -> Answer:
        return store.answers.add(waiting.id, answer(f"from {number}")).answer

    with ThreadPoolExecutor(4) as pool:
        texts = {one.text for one in pool.map(add, range(4))}
    assert len(texts) == 1
    assert store.answers.count() == 1


def test_answering_a_message_that_does_not_exist_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="no message 99"):
        store.answers.add(99, answer())


def test_the_latest_answer_is_that_to_the_newest_question(store: Store) -> None:
    early, late = accepted(store), accepted(store)
    store.answers.add(late.id, answer("to the late one"))
    store.answers.add(early.id, answer("to the early one"))
    latest = store.answers.latest(late.conversation_id)
    assert latest is not None
    assert latest.answer.text == "to the late one"
    assert store.answers.latest(late.conversation_id + 1) is None


def test_unanswered_gives_the_refusals_newest_first(store: Store) -> None:
    refused = [answered(store, f"odd {n}", answer("no", outcome=Outcome.ABSTAINED)) for n in range(3)]
    answered(store)
    assert store.answers.unanswered(2) == (refused[2], refused[1])


def test_an_answer_is_undelivered_until_its_one_part_arrived(store: Store, clock: FakeClock) -> None:
    first, second = answered(store), answered(store)
    assert store.answers.undelivered("slack") == (first, second)
    assert store.answers.undelivered("telegram") == ()
    clock.move(minutes=1)
    store.answers.mark_delivered(first.id, part=1, platform_message_id="ts-1")
    store.answers.mark_delivered(first.id, part=1, platform_message_id="ts-2")
    assert store.answers.undelivered("slack") == (second,)
    assert store.answers.deliveries(first.id) == (Delivery(part=1, platform_message_id="ts-1", delivered_at=clock.now),)


def test_an_answer_in_several_parts_is_undelivered_until_all_arrived(store: Store) -> None:
    stored = answered(store)
    store.answers.plan_delivery(stored.id, parts=3)
    store.answers.mark_delivered(stored.id, part=1, platform_message_id="a")
    store.answers.plan_delivery(stored.id, parts=3)
    store.answers.mark_delivered(stored.id, part=3, platform_message_id="c")
    assert store.answers.undelivered("slack") == (stored,)
    assert [one.platform_message_id for one in store.answers.deliveries(stored.id)] == ["a", "", "c"]
    store.answers.mark_delivered(stored.id, part=2, platform_message_id="b")
    assert store.answers.undelivered("slack") == ()
