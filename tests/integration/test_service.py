"""The bot over a real store: a message is kept before it is answered, and its answer before it is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.errors import GenerationError
from adapters.testing import ScriptedGenerator
from adapters.types import ChatTurn, GenerationLimits
from bot.config import Settings
from bot.pipeline import Delta, Searching
from bot.service import Answered, Bot
from bot.store.crypto import Keyring
from bot.store.store import Store
from bot.testing import fake_bot, teach
from bot.types import (
    AnswerKind,
    Correction,
    Outcome,
    Rating,
    RatingReason,
    RatingValue,
    StoredAnswer,
    StoredMessage,
)
from knowledge.testing import chunk
from tests.stores import NOON, message

REFUNDS = "Refunds reach your bank within five working days."
INVOICES = "Invoices are sent by mail on the first day of each month."
SETTINGS = Settings.model_validate({"answers": {"min_answerability": 0.0}, "bot": {"conversation_idle_minutes": 30}})
WHOSE = {"platform": "slack", "sender": "U1"}
Open = Callable[[], tuple[Bot, Store]]


@pytest.fixture
def reopen(tmp_path: Path) -> Iterator[Open]:
    """Opens the same store again, as the next start of the program does; nothing of the last start is closed."""
    keyring = Keyring.generate()
    with ExitStack() as stack:

        def opened() -> tuple[Bot, Store]:
            store = stack.enter_context(Store.open(f"sqlite:///{tmp_path / 'store.db'}", keyring, clock=lambda: NOON))
            if store.migrate():
                teach(store.knowledge, chunk(REFUNDS, title="Refunds"), chunk(INVOICES, title="Invoices", ordinal=1))
            return fake_bot(store, tmp_path / "index", generator=ScriptedGenerator(written), settings=SETTINGS), store

        yield opened


def written(turns: Sequence[ChatTurn]) -> str:
    return INVOICES if "nvoices" in turns[-1].content.rpartition("Question:")[2] else REFUNDS


async def accepted(bot: Bot, text: str = "When do refunds reach my bank?", **fields: object) -> StoredMessage:
    stored = await bot.accept(message(text, **fields))  # type: ignore[arg-type]  # passed on as they are
    assert stored is not None
    return stored


async def answered(bot: Bot, stored: StoredMessage) -> StoredAnswer:
    last = [event async for event in bot.reply(stored)][-1]
    assert isinstance(last, Answered)
    return last.stored


async def test_a_message_is_stored_answered_and_delivered(reopen: Open) -> None:
    bot, store = reopen()
    stored = await accepted(bot)
    assert await bot.pending(**WHOSE) == (stored,)
    events = [event async for event in bot.reply(stored)]
    assert events[0] == Searching()
    assert [event.text for event in events if isinstance(event, Delta)] == [REFUNDS]
    assert isinstance(events[-1], Answered)
    answer = events[-1].stored
    assert (answer.message_id, answer.question, answer.created_at) == (stored.id, stored.message.text, NOON)
    assert (answer.answer.text, answer.answer.kind) == (f"{REFUNDS} [1]", AnswerKind.GENERATED)
    assert await bot.pending(**WHOSE) == ()
    assert await bot.undelivered(**WHOSE) == (answer,)
    assert store.answers.get(answer.id) == answer
    assert answer.answer.trace.draft == REFUNDS
    assert answer.answer.trace.query == stored.message.text
    assert set(answer.answer.trace.timings_ms) >= {"encode", "retrieve", "first_token", "total"}
    await bot.delivered(answer.id)
    assert await bot.undelivered(**WHOSE) == ()


async def test_the_same_event_is_taken_once(reopen: Open) -> None:
    bot, _ = reopen()
    assert await bot.accept(message("first", event_id="E1")) is not None
    assert await bot.accept(message("first", event_id="E1")) is None
    assert len(await bot.pending(**WHOSE)) == 1


async def test_what_was_not_answered_before_a_crash_is_pending_after_it(reopen: Open) -> None:
    bot, _ = reopen()
    stored = await accepted(bot)
    async with aclosing(bot.reply(stored)) as events:
        async for event in events:
            if isinstance(event, Delta):
                break
    again, _ = reopen()
    assert await again.pending(**WHOSE) == (stored,)
    assert (await answered(again, stored)).answer.text == f"{REFUNDS} [1]"
    assert await again.pending(**WHOSE) == ()


async def test_what_was_not_shown_before_a_crash_is_undelivered_after_it(reopen: Open) -> None:
    bot, _ = reopen()
    answer = await answered(bot, await accepted(bot))
    again, _ = reopen()
    assert await again.pending(**WHOSE) == ()
    assert await again.undelivered(**WHOSE) == (answer,)
    assert await again.undelivered(platform="slack", sender="U2") == ()


async def test_answering_a_message_twice_keeps_the_first_answer(reopen: Open) -> None:
    bot, store = reopen()
    stored = await accepted(bot)
    first, second = await answered(bot, stored), await answered(bot, stored)
    assert first == second
    assert store.answers.count() == 1


async def test_rating_again_replaces_and_the_same_rating_changes_nothing(reopen: Open) -> None:
    bot, store = reopen()
    stored = await accepted(bot)
    answer = await answered(bot, stored)
    up = Rating(answer_id=answer.id, user_id=stored.user_id, value=RatingValue.UP)
    down = replace(up, value=RatingValue.DOWN, reason=RatingReason.OUT_OF_DATE)
    assert [await bot.rate(rating) for rating in (up, up, down)] == [True, False, True]
    assert store.ratings.of(answer.id, stored.user_id) == down
    assert store.ratings.tally() == {RatingValue.UP: 0, RatingValue.DOWN: 1}


async def test_a_correction_is_kept(reopen: Open) -> None:
    bot, store = reopen()
    stored = await accepted(bot)
    answer = await answered(bot, stored)
    correction = Correction(answer_id=answer.id, user_id=stored.user_id, text="It takes three days.")
    await bot.correct(correction)
    assert store.ratings.corrections(answer.id) == (correction,)


async def test_a_message_that_was_taken_back_is_neither_pending_nor_history(reopen: Open) -> None:
    bot, _ = reopen()
    dropped = await accepted(bot)
    await bot.drop(dropped)
    again, store = reopen()
    assert await again.pending(**WHOSE) == ()
    later = await accepted(again, "When are invoices sent?", minutes=1)
    assert later.conversation_id == dropped.conversation_id
    assert store.inbox.history(later.conversation_id, before_message_id=later.id, turns=9) == ()


async def test_a_follow_up_knows_the_conversation_until_a_new_one_begins(reopen: Open) -> None:
    bot, _ = reopen()
    await answered(bot, await accepted(bot, "When are invoices sent?"))
    resolved = await answered(bot, await accepted(bot, "and are they sent by mail?", minutes=1))
    assert resolved.answer.trace.query == "When are invoices sent? are they sent by mail?"
    await bot.new_conversation(platform="slack", channel="C1")
    fresh = await accepted(bot, "and are they sent by mail?", minutes=2)
    assert fresh.conversation_id != resolved.conversation_id
    assert (await answered(bot, fresh)).answer.trace.query == "and are they sent by mail?"


async def test_a_long_silence_begins_a_new_conversation(reopen: Open) -> None:
    bot, _ = reopen()
    first = await accepted(bot, minutes=0)
    assert (await accepted(bot, minutes=30)).conversation_id == first.conversation_id
    assert (await accepted(bot, minutes=61)).conversation_id != first.conversation_id


async def test_two_conversations_at_once_do_not_mix(reopen: Open) -> None:
    bot, store = reopen()
    asked = [
        await accepted(bot, "When are invoices sent?" if n % 2 else "When do refunds reach my bank?", channel=f"C{n}")
        for n in range(8)
    ]
    answers = await asyncio.gather(*(answered(bot, stored) for stored in asked))
    assert [answer.message_id for answer in answers] == [stored.id for stored in asked]
    assert [answer.answer.text for answer in answers] == [f"{REFUNDS} [1]", f"{INVOICES} [1]"] * 4
    assert len({stored.conversation_id for stored in asked}) == 8
    assert store.answers.count() == 8


async def test_a_failure_on_the_way_is_answered_with_an_apology_that_is_stored(reopen: Open, tmp_path: Path) -> None:
    def broken(_: Sequence[ChatTurn]) -> str:
        raise RuntimeError("out of memory")

    _, store = reopen()
    bot = fake_bot(store, tmp_path / "index", generator=ScriptedGenerator(broken), settings=SETTINGS)
    answer = await answered(bot, await accepted(bot))
    assert (answer.answer.kind, answer.answer.outcome) == (AnswerKind.ERROR, Outcome.ABSTAINED)
    assert "out of memory" not in answer.answer.text
    assert store.answers.unanswered(limit=9) == (answer,)


async def test_who_wrote_before_is_known_and_what_they_typed(reopen: Open) -> None:
    bot, _ = reopen()
    assert await bot.user_id(**WHOSE) is None
    stored = await accepted(bot, "one")
    await accepted(bot, "two")
    again, _ = reopen()
    assert await again.user_id(**WHOSE) == stored.user_id
    assert again.typed_before(**WHOSE) == ("one", "two")


async def test_closing_the_bot_stops_its_generator(reopen: Open, tmp_path: Path) -> None:
    _, store = reopen()
    generator = ScriptedGenerator([REFUNDS])
    bot = fake_bot(store, tmp_path / "index", generator=generator, settings=SETTINGS)
    await bot.aclose()
    with pytest.raises(GenerationError, match="was stopped"):
        await anext(generator.stream([], GenerationLimits(max_new_tokens=1, seconds=1)))
