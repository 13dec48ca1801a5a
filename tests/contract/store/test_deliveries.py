"""Answers on their way, as they are found again, counted and seen to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.store.store import Store
from bot.types import AnswerKind, Outcome
from tests.stores import NOON, FakeClock, accepted, answer, answered

REFUSAL = answer("I do not know.", outcome=Outcome.ABSTAINED)
SAID = replace(answer("/help"), kind=AnswerKind.COMMAND)


def test_an_answer_is_found_by_its_message_and_by_the_platforms_message_that_it_is(store: Store) -> None:
    asked = accepted(store)
    assert store.answers.of_message(asked.id) is None
    stored = store.answers.add(asked.id, answer())
    assert store.answers.of_message(asked.id) == stored
    store.answers.plan_delivery(stored.id, parts=2)
    store.answers.mark_delivered(stored.id, part=1, platform_message_id="ts-1")
    store.answers.place_part(stored.id, part=2, platform_message_id="ts-2")
    for part in ("ts-1", "ts-2"):
        assert store.answers.by_message("slack", "C1", part) == stored
    for platform, channel, message_id in (("telegram", "C1", "ts-1"), ("slack", "C2", "ts-1"), ("slack", "C1", "x")):
        assert store.answers.by_message(platform, channel, message_id) is None


def test_of_two_answers_in_one_message_the_newer_is_found(store: Store) -> None:
    older, newer = answered(store), answered(store)
    for one in (older, newer):
        store.answers.mark_delivered(one.id, part=1, platform_message_id="ts-1")
    assert store.answers.by_message("slack", "C1", "ts-1") == newer


def test_a_part_is_placed_until_it_is_delivered_and_then_stays(store: Store, clock: FakeClock) -> None:
    stored = answered(store)
    store.answers.place_part(stored.id, part=1, platform_message_id="ts-1")
    store.answers.place_part(stored.id, part=1, platform_message_id="ts-2")
    [part] = store.answers.deliveries(stored.id)
    assert (part.platform_message_id, part.delivered_at) == ("ts-2", None)
    assert store.answers.undelivered("slack") == (stored,)
    store.answers.mark_delivered(stored.id, part=1, platform_message_id="ts-2")
    store.answers.place_part(stored.id, part=1, platform_message_id="ts-3")
    [part] = store.answers.deliveries(stored.id)
    assert (part.platform_message_id, part.delivered_at) == ("ts-2", clock.now)


def test_what_is_abandoned_is_not_tried_again_and_what_was_delivered_stays_so(store: Store) -> None:
    stored = answered(store)
    store.answers.plan_delivery(stored.id, parts=2)
    store.answers.mark_delivered(stored.id, part=1, platform_message_id="ts-1")
    store.answers.abandon(stored.id)
    assert store.answers.undelivered("slack") == ()
    delivered = [part.delivered_at is not None for part in store.answers.deliveries(stored.id)]
    assert delivered == [True, False]
    store.answers.mark_delivered(stored.id, part=2, platform_message_id="ts-2")
    assert store.answers.deliveries(stored.id)[1].delivered_at is None


def test_a_settled_question_is_on_no_list_of_the_unanswered(store: Store) -> None:
    first, second, third = (answered(store, reply=REFUSAL) for _ in range(3))
    store.answers.settle([first.id, third.id, 99])
    assert store.answers.unanswered(9) == (second,)
    store.answers.settle([])
    assert store.answers.unanswered(9) == (second,)


@pytest.mark.parametrize("kind", [AnswerKind.CANNED, AnswerKind.COMMAND])
def test_small_talk_and_commands_are_not_unanswered_questions(store: Store, kind: AnswerKind) -> None:
    answered(store, reply=replace(REFUSAL, kind=kind))
    assert store.answers.unanswered(9) == ()


def test_counts_are_by_kind_and_outcome_since_a_time_and_leave_commands_out(store: Store, clock: FakeClock) -> None:
    answered(store)
    clock.move(minutes=60)
    for reply in (answer(), answer(), REFUSAL, SAID):
        answered(store, reply=reply)
    given, refused = (AnswerKind.GENERATED, Outcome.ANSWERED), (AnswerKind.REFUSAL, Outcome.ABSTAINED)
    assert store.answers.counts(NOON) == {given: 3, refused: 1}
    assert store.answers.counts(clock.now) == {given: 2, refused: 1}, "the time itself counts"
    clock.move(minutes=1)
    assert store.answers.counts(clock.now) == {}


def test_what_a_command_said_is_neither_the_latest_answer_nor_history(store: Store) -> None:
    stored = answered(store)
    answered(store, "/help", SAID)
    assert store.answers.latest(stored.conversation_id) == stored
    turns = store.inbox.history(stored.conversation_id, before_message_id=99, turns=9)
    assert [turn.answer for turn in turns] == [stored.answer.text]
