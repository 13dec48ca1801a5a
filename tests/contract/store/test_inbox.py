from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from bot.store.crypto import Keyring
from bot.store.errors import StoreError
from bot.store.store import Store
from bot.types import Turn
from tests.stores import accepted, answer, answered, message


def test_a_message_comes_back_from_the_inbox_as_it_went_in(store: Store) -> None:
    said = message("我的账户为何被冻结？ \x00 \ud800", thread="T1")
    stored = store.inbox.accept(said, idle_minutes=30)
    assert stored is not None
    assert stored.message == said
    assert store.inbox.pending(platform="slack") == (stored,)
    assert store.inbox.get(stored.id) == stored
    assert store.inbox.get(stored.id + 1) is None


def test_a_time_of_another_zone_comes_back_as_the_same_instant_in_utc(store: Store) -> None:
    said = message()
    local = said.received_at.astimezone(timezone(timedelta(hours=8)))
    stored = store.inbox.accept(replace(said, received_at=local), idle_minutes=30)
    assert stored is not None
    kept = store.inbox.pending(platform="slack")[0].message.received_at
    assert kept == said.received_at
    assert kept.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    naive = message().received_at.replace(tzinfo=None)
    with pytest.raises(StoreError, match="time zone"):
        store.inbox.accept(replace(message(), received_at=naive), idle_minutes=30)
    assert store.inbox.pending(platform="slack") == ()


def test_an_event_is_accepted_once(store: Store) -> None:
    first = message(event_id="E1")
    assert store.inbox.accept(first, idle_minutes=30) is not None
    assert store.inbox.accept(first, idle_minutes=30) is None
    assert store.inbox.accept(replace(first, platform="telegram"), idle_minutes=30) is not None
    assert len(store.inbox.pending(platform="slack")) == 1


def test_an_event_that_comes_again_leaves_no_trace(store: Store) -> None:
    accepted(store, event_id="E1", sender_name="Ada")
    store.inbox.close_conversation("slack", "C1", "")
    assert store.inbox.accept(message(event_id="E1", sender_name="Eve"), idle_minutes=30) is None
    assert store.inbox.close_conversation("slack", "C1", "") is False, "it must not open a conversation"
    assert [person.name for person in store.people.list()] == ["Ada"]


def test_an_event_is_accepted_once_over_a_restart(store: Store, store_url: str, keyring: Keyring) -> None:
    accepted(store, event_id="E1")
    store.close()
    with Store.open(store_url, keyring) as again:
        assert again.inbox.accept(message(event_id="E1"), idle_minutes=30) is None


def test_events_sent_by_four_threads_at_once_are_accepted_once_into_one_conversation(store: Store) -> None:
    events = [message(event_id=f"E{number}", sender=f"U{number % 3}") for number in range(25)] * 4
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda one: store.inbox.accept(one, idle_minutes=30), events))
    assert sum(result is not None for result in results) == 25
    waiting = store.inbox.pending(platform="slack")
    assert sorted(one.message.event_id for one in waiting) == sorted({one.event_id for one in events})
    assert len({one.conversation_id for one in waiting}) == 1
    assert len(store.people.list()) == 3


def test_pending_messages_are_given_oldest_first_and_by_sender(store: Store) -> None:
    one = accepted(store, "one", sender="U1")
    two = accepted(store, "two", sender="U2")
    three = accepted(store, "three", sender="U1")
    accepted(store, "elsewhere", platform="telegram")
    assert [stored.id for stored in store.inbox.pending(platform="slack")] == [one.id, two.id, three.id]
    assert [stored.id for stored in store.inbox.pending(platform="slack", sender="U1")] == [one.id, three.id]


def test_an_answered_or_failed_message_is_pending_no_more(store: Store) -> None:
    failed = accepted(store, "failed")
    stored = answered(store)
    store.inbox.fail(failed.id)
    store.inbox.fail(stored.message_id)
    assert store.inbox.pending(platform="slack") == ()
    turns = store.inbox.history(stored.conversation_id, before_message_id=stored.message_id + 1, turns=5)
    assert len(turns) == 1, "failing an answered message must not undo its answer"


def test_attempts_are_counted_over_a_restart(store: Store, store_url: str, keyring: Keyring) -> None:
    stored = accepted(store)
    assert store.inbox.attempt(stored.id) == 1
    store.close()
    with Store.open(store_url, keyring) as again:
        assert again.inbox.attempt(stored.id) == 2
        assert again.inbox.attempt(stored.id + 1) == 0


@pytest.mark.parametrize(
    ("later", "same"),
    [
        ({"minutes": 30}, True),
        ({"minutes": 30.1}, False),
        ({"minutes": -5}, True),
        ({"thread": "T2"}, False),
        ({"channel": "C2"}, False),
        ({"sender": "U2"}, True),
    ],
)
def test_a_conversation_is_a_place_without_a_long_pause(store: Store, later: dict[str, Any], *, same: bool) -> None:
    first = accepted(store)
    second = accepted(store, **later)
    assert (second.conversation_id == first.conversation_id) is same


def test_a_pause_counts_from_the_newest_message_not_from_one_that_came_late(store: Store) -> None:
    first = accepted(store, minutes=0)
    accepted(store, minutes=20)
    accepted(store, minutes=10)
    assert accepted(store, minutes=50).conversation_id == first.conversation_id


def test_closing_a_conversation_makes_the_next_message_open_another(store: Store) -> None:
    first = accepted(store)
    assert store.inbox.close_conversation("slack", "C1", "") is True
    assert store.inbox.close_conversation("slack", "C1", "") is False
    second = accepted(store)
    third = accepted(store)
    assert second.conversation_id != first.conversation_id
    assert third.conversation_id == second.conversation_id


def test_history_is_the_last_answered_turns_before_a_message_oldest_first(store: Store) -> None:
    for number in range(4):
        answered(store, f"question {number}", answer(f"answer {number}"))
    accepted(store, "not answered")
    now = accepted(store, "now")
    store.answers.add(now.id, answer("answered already"))
    assert store.inbox.history(now.conversation_id, before_message_id=now.id, turns=2) == (
        Turn(question="question 2", answer="answer 2"),
        Turn(question="question 3", answer="answer 3"),
    )
    assert store.inbox.history(now.conversation_id, before_message_id=now.id, turns=0) == ()
    assert store.inbox.history(now.conversation_id + 1, before_message_id=now.id, turns=5) == ()


def test_a_known_name_is_replaced_by_a_new_one_and_not_by_an_unknown_one(store: Store) -> None:
    accepted(store, sender_name="Ada")
    accepted(store, sender_name="")
    person = store.people.by_platform("slack", "U1")
    assert person is not None
    assert person.name == "Ada"
    accepted(store, sender_name="Ada L.")
    assert {one.message.sender_name for one in store.inbox.pending(platform="slack")} == {"Ada L."}
