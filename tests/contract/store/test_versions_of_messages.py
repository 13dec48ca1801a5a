"""Edited questions, places that move, and what the desk asks of the inbox besides."""

from __future__ import annotations

import pytest

from bot.store.errors import NotWaitingError
from bot.store.inbox import EDIT_MARK
from bot.store.store import Store
from bot.types import Origin, StoredMessage
from tests.stores import accepted, answer


def edited(store: Store, number: int, text: str = "New words") -> StoredMessage:
    return accepted(store, text, event_id=f"e{EDIT_MARK}{number}", origin=Origin(replaces="e"))


def test_a_message_is_found_by_its_first_event_in_its_newest_version(store: Store) -> None:
    first = accepted(store, event_id="e")
    accepted(store, event_id="e2")
    accepted(store, event_id="e", platform="telegram")
    assert store.inbox.by_event("slack", "e") == first
    second = edited(store, 1)
    assert store.inbox.by_event("slack", "e") == second
    assert store.inbox.by_event("slack", "nothing") is None
    assert store.inbox.earlier_versions(first) == ()
    assert store.inbox.earlier_versions(edited(store, 2)) == (second.id, first.id)


def test_an_edit_ends_what_waited_of_the_version_before(store: Store) -> None:
    first = accepted(store, event_id="e")
    said = store.answers.add(first.id, answer())
    second = edited(store, 1)
    before = store.inbox.get(first.id)
    assert before is not None
    assert before.replaced
    assert not second.replaced
    assert store.answers.undelivered("slack") == ()
    assert store.answers.get(said.id) is not None
    edited(store, 2)
    assert [one.id for one in store.inbox.pending(platform="slack")] == [second.id + 1], "the unanswered one is dropped"
    assert store.inbox.history(first.conversation_id, before_message_id=99, turns=9) == ()


def test_a_percent_sign_in_an_event_id_is_no_wildcard(store: Store) -> None:
    first = accepted(store, event_id="%")
    accepted(store, event_id=f"ab{EDIT_MARK}1")
    assert store.inbox.by_event("slack", "%") == first


def test_the_answer_to_an_edit_goes_where_the_last_one_stands(store: Store) -> None:
    first = accepted(store, event_id="e")
    assert store.inbox.earlier_reply(edited(store, 1)) == ()
    store.inbox.note_reply(first.id, "ts-0")
    noted = store.inbox.get(first.id)
    assert noted is not None
    assert noted.reply_id == "ts-0"
    second = edited(store, 2)
    assert store.inbox.earlier_reply(second) == ("ts-0",)
    said = store.answers.add(second.id, answer())
    store.answers.plan_delivery(said.id, parts=3)
    store.answers.mark_delivered(said.id, part=2, platform_message_id="ts-2")
    store.answers.place_part(said.id, part=1, platform_message_id="ts-1")
    assert store.inbox.earlier_reply(edited(store, 3)) == ("ts-1", "ts-2")
    with pytest.raises(NotWaitingError):  # its sender wrote something else meanwhile
        store.answers.add(first.id, answer())


def test_a_placeholder_that_was_on_its_way_when_its_question_was_edited_is_used_for_the_edits_answer(
    store: Store,
) -> None:
    first = accepted(store, event_id="e")
    said = store.answers.add(first.id, answer())
    store.answers.plan_delivery(said.id, parts=1)
    second = edited(store, 2)
    store.answers.place_part(said.id, part=1, platform_message_id="ts-1")
    assert store.inbox.earlier_reply(second) == ("ts-1",)
    assert store.answers.undelivered("slack") == ()


def test_speakers_are_those_who_spoke_to_the_bot_in_that_place(store: Store) -> None:
    accepted(store, thread="t1", sender="U1")
    accepted(store, thread="t1", sender="U2", minutes=100)
    accepted(store, thread="t1", sender="U1")
    accepted(store, thread="", sender="U3")
    accepted(store, thread="t1", sender="U4", channel="C2")
    assert store.inbox.speakers("slack", "C1", "t1") == {"U1", "U2"}, "in earlier conversations too"
    assert store.inbox.speakers("telegram", "C1", "t1") == frozenset()


def test_a_channel_takes_its_conversations_along_to_its_new_id(store: Store) -> None:
    old, apart = accepted(store, channel="C1"), accepted(store, channel="C2")
    store.inbox.rename_channel("slack", "C1", "C9")
    moved = store.inbox.get(old.id)
    assert moved is not None
    assert moved.message.channel == "C9"
    assert accepted(store, channel="C9").conversation_id == old.conversation_id
    assert accepted(store, channel="C2").conversation_id == apart.conversation_id


def test_where_both_ids_have_an_open_conversation_the_new_ones_stays_open(store: Store) -> None:
    old, new = accepted(store, channel="C1"), accepted(store, channel="C9")
    store.inbox.rename_channel("slack", "C1", "C9")
    assert accepted(store, channel="C9").conversation_id == new.conversation_id
    moved = store.inbox.get(old.id)
    assert moved is not None
    assert moved.message.channel == "C9"


def test_history_can_be_that_of_one_person(store: Store) -> None:
    mine, theirs = accepted(store, "Mine?", sender="U1"), accepted(store, "Theirs?", sender="U2")
    for one in (mine, theirs):
        store.answers.add(one.id, answer())
    conversation = mine.conversation_id
    everybody = store.inbox.history(conversation, before_message_id=99, turns=9)
    assert [turn.question for turn in everybody] == ["Mine?", "Theirs?"]
    alone = store.inbox.history(conversation, before_message_id=99, turns=9, user_id=mine.user_id)
    assert [turn.question for turn in alone] == ["Mine?"]


def test_another_answer_that_is_given_up_leaves_the_one_before_in_force(store: Store) -> None:
    first = accepted(store, event_id="e")
    store.answers.add(first.id, answer("The first."))
    again = Origin(replaces="e", avoid=(1,))
    for number in (1, 2):  # the second time, too
        second = accepted(store, event_id=f"e{EDIT_MARK}{number}", origin=again)
        store.inbox.fail(second.id)
        states = {one.id: one.replaced for one in store.inbox.named([first.id, second.id])}
        assert states == {first.id: False, second.id: True}
    history = store.inbox.history(first.conversation_id, before_message_id=99, turns=9)
    assert [turn.answer for turn in history] == ["The first."]


def test_only_what_was_given_up_is_counted(store: Store) -> None:
    first = accepted(store, event_id="e")
    store.answers.add(first.id, answer())
    again = Origin(replaces="e", avoid=(1,))
    second = accepted(store, event_id=f"e{EDIT_MARK}1", origin=again)
    store.answers.add(second.id, answer("Another."))
    accepted(store, event_id=f"e{EDIT_MARK}2", origin=again)
    assert store.inbox.given_up_since(first) == 0, "the second was answered, the third waits"
    stopped = accepted(store, event_id=f"e{EDIT_MARK}3", origin=again)
    store.inbox.fail(stopped.id)
    assert store.inbox.given_up_since(second) == 2, "the third gave way to the fourth, and that was stopped"


def test_new_words_that_are_given_up_do_not_bring_the_old_ones_back(store: Store) -> None:
    first = accepted(store, event_id="e")
    store.answers.add(first.id, answer())
    second = edited(store, 1)
    store.inbox.fail(second.id)
    states = {one.id: one.replaced for one in store.inbox.named([first.id, second.id])}
    assert states == {first.id: True, second.id: False}


def test_another_answer_to_what_was_never_answered_is_given_up_alone(store: Store) -> None:
    first = accepted(store, event_id="e")
    second = accepted(store, event_id=f"e{EDIT_MARK}1", origin=Origin(replaces="e", avoid=(1,)))
    store.inbox.fail(second.id)
    states = {one.id: one.replaced for one in store.inbox.named([first.id, second.id])}
    assert states == {first.id: True, second.id: False}
