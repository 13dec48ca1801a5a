"""The request for a rating: under a few answers, stored before it is shown, and no part of the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.testing import FakeEncoder, ScriptedGenerator
from adapters.types import Matrix
from bot.config import Settings
from bot.desk import Desk
from bot.frontends.base import PlatformError
from bot.frontends.fake import FakeMessenger
from bot.learning.asking import FIRST, Asker
from bot.store.crypto import Keyring
from bot.store.store import Store
from bot.testing import teach
from bot.testing_desk import fake_desk
from bot.texts import say
from bot.types import Answer, AnswerKind, Origin, Place, Rating, RatingValue, StoredAnswer, StoredMessage
from knowledge.testing import chunk
from tests.stores import FakeClock, answer, message

REQUEST = say("ask-rating", "en")
UNSURE = {"answerable": 0.36}
SURE = {"answerable": 0.99}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", Keyring.generate(), clock=clock) as opened:
        opened.migrate()
        yield opened


def asker_of(store: Store, clock: FakeClock, *, share: float = 0.5) -> Asker:
    return Asker(store, FakeEncoder(), share=share, threshold=0.35, now=clock)


def said(
    store: Store, text: str = "What about fees?", *, sender: str = "U1", reply: Answer | None = None, **fields: object
) -> tuple[StoredMessage, StoredAnswer]:
    stored = store.inbox.accept(message(text, sender=sender, **fields), idle_minutes=30)  # type: ignore[arg-type]  # passed on as they are
    assert stored is not None
    return stored, store.answers.add(stored.id, reply or unsure())


def unsure(scores: dict[str, float] | None = None) -> Answer:
    made = answer()
    return replace(made, trace=replace(made.trace, query="", scores=scores or UNSURE))


async def watched(store: Store, asker: Asker) -> None:
    """Answers enough for the asker to know what is usual; all of them sure, each to somebody else."""
    for number in range(FIRST):
        one = said(store, f"Sure {number}?", sender=f"W{number}", reply=unsure(SURE))
        await asker.asks(*one, fresh=True)


async def test_an_uncertain_answer_is_asked_about_and_a_sure_one_is_not(store: Store, clock: FakeClock) -> None:
    asker = asker_of(store, clock, share=0.1)
    known = said(store, "Sure 0?", sender="K", reply=unsure(SURE))
    store.ratings.rate(Rating(answer_id=known[1].id, user_id=known[0].user_id, value=RatingValue.UP))
    await watched(store, asker)
    before = store.asks.count(clock.now - timedelta(days=1))
    assert await asker.asks(*said(store, "Sure 0?", sender="A", reply=unsure(SURE)), fresh=True) is False
    assert await asker.asks(*said(store, sender="B"), fresh=True) is True
    assert store.asks.count(clock.now - timedelta(days=1)) == before + 1


async def test_nobody_is_asked_twice_a_day(store: Store, clock: FakeClock) -> None:
    asker = asker_of(store, clock)
    await watched(store, asker)
    assert await asker.asks(*said(store, "One?"), fresh=True) is True
    clock.move(minutes=23 * 60)
    assert await asker.asks(*said(store, "Two?"), fresh=True) is False
    clock.move(minutes=61)
    assert await asker.asks(*said(store, "Three?"), fresh=True) is True


async def test_what_was_decided_before_a_crash_counts_after_it(store: Store, clock: FakeClock) -> None:
    asker = asker_of(store, clock)
    await watched(store, asker)
    asked, other = said(store, "One?"), said(store, "Two?", sender="U2", reply=unsure(SURE))
    assert await asker.asks(*asked, fresh=True) is True
    again = asker_of(store, clock)
    assert await again.asks(*asked, fresh=False) is True
    assert await again.asks(*other, fresh=False) is False


@pytest.mark.parametrize("kind", [AnswerKind.COMMAND, AnswerKind.CANNED, AnswerKind.REFUSAL, AnswerKind.CURATED])
async def test_commands_small_talk_refusals_and_curated_answers_are_not_asked_about(
    store: Store, clock: FakeClock, kind: AnswerKind
) -> None:
    asker = asker_of(store, clock)
    await watched(store, asker)
    assert await asker.asks(*said(store, reply=replace(unsure(), kind=kind)), fresh=True) is False


@pytest.mark.parametrize("origin", [Origin(replaces="e1"), Origin(avoid=(7,))])
async def test_whoever_wants_another_answer_is_not_asked(store: Store, clock: FakeClock, origin: Origin) -> None:
    asker = asker_of(store, clock)
    await watched(store, asker)
    assert await asker.asks(*said(store, origin=origin), fresh=True) is False


async def test_right_after_a_command_nobody_is_asked(store: Store, clock: FakeClock) -> None:
    asker = asker_of(store, clock)
    await watched(store, asker)
    said(store, "", origin=Origin(command="new"), reply=replace(answer(), kind=AnswerKind.COMMAND))
    assert await asker.asks(*said(store, "One?"), fresh=True) is False
    assert await asker.asks(*said(store, "Two?"), fresh=True) is True


async def test_it_stays_within_its_share_of_a_weeks_answers(store: Store, clock: FakeClock) -> None:
    asker = asker_of(store, clock, share=0.1)
    await watched(store, asker)
    for number in range(100):
        await asker.asks(*said(store, f"Q {number}?", sender=f"P{number}"), fresh=True)
    assert store.asks.count(clock.now - timedelta(days=7)) <= 13  # a tenth of 130 answers


async def test_switched_off_nobody_is_asked(store: Store, clock: FakeClock) -> None:
    asker = asker_of(store, clock, share=0.0)
    await watched(store, asker)
    assert await asker.asks(*said(store), fresh=True) is False


class Unread(FakeEncoder):
    """As all-MiniLM with Chinese: every question is the same to it."""

    def encode(self, texts: Sequence[str]) -> Matrix:
        return super().encode(["one"] * len(texts))

    def reads(self, text: str) -> bool:
        return text.isascii()


async def test_a_question_that_the_encoder_does_not_read_is_new_unless_it_was_rated_in_like_words(
    store: Store, clock: FakeClock
) -> None:
    asker = Asker(store, Unread(), share=0.5, threshold=0.35, now=clock)
    for number in range(5):
        rated = said(store, "退款需要多久？", sender=f"R{number}", reply=unsure(SURE))
        store.ratings.rate(Rating(answer_id=rated[1].id, user_id=rated[0].user_id, value=RatingValue.UP))
    for number in range(FIRST):
        await asker.asks(*said(store, "退款需要多久？", sender=f"W{number}", reply=unsure(SURE)), fresh=True)
    assert await asker.asks(*said(store, "退款要多长时间？", sender="A", reply=unsure(SURE)), fresh=True) is False
    assert await asker.asks(*said(store, "发票怎么开？", sender="B", reply=unsure(SURE)), fresh=True) is True


# -- through the desk


class Everybody:
    """Asks under every answer, and notes that it is stored by then."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.fresh: list[bool] = []

    async def asks(self, stored: StoredMessage, answer: StoredAnswer, *, fresh: bool) -> bool:
        assert self._store.answers.of_message(stored.id) == answer
        self.fresh.append(fresh)
        return True


class Chat:
    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.messenger = FakeMessenger("slack")
        self.asker = Everybody(store)
        teach(store.knowledge, chunk("Refunds reach your bank within five working days.", title="Refunds"))
        self._folder = folder
        self.desk: Desk

    async def start(self) -> None:
        self.desk = fake_desk(
            self.store,
            self._folder / "index",
            {"slack": self.messenger},
            generator=ScriptedGenerator(lambda _: "Refunds reach your bank within five working days."),
            settings=Settings.model_validate({"answers": {"min_answerability": 0.0}}),
            asker=self.asker,
        )
        await self.desk.start()

    async def say(self, text: str) -> None:
        await self.desk.said(message(text, platform="slack", origin=Origin(place=Place.DIRECT)))
        await self.desk.idle()

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.messenger.messages.values()]


@pytest.fixture
async def chat(store: Store, tmp_path: Path) -> AsyncIterator[Chat]:
    opened = Chat(store, tmp_path)
    await opened.start()
    yield opened
    await opened.desk.stop()


async def test_the_request_stands_beneath_the_answer_and_is_no_part_of_it(chat: Chat, store: Store) -> None:
    await chat.say("When do refunds reach my bank?")
    [shown] = chat.texts
    assert shown.endswith(f"\n\n{REQUEST}")
    [kept] = store.answers.recent(5)
    assert REQUEST not in kept.answer.text
    history = store.inbox.history(kept.conversation_id, before_message_id=99, turns=3)
    assert [REQUEST in turn.answer for turn in history] == [False]


async def test_an_answer_delivered_late_asks_as_it_would_have_in_time(
    chat: Chat, store: Store, clock: FakeClock
) -> None:
    clock.now = datetime.now(UTC)  # what is a day old would be given up
    chat.messenger.faults.extend([PlatformError("no")] * 8)
    await chat.say("When do refunds reach my bank?")
    chat.messenger.faults.clear()
    [kept] = store.answers.undelivered("slack")
    assert kept.answer.text
    await chat.desk.stop()
    await chat.start()
    await chat.desk.idle()
    assert any(REQUEST in text for text in chat.texts)
    assert chat.asker.fresh == [True, False]
