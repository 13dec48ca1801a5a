"""A whole bot in a workspace on loopback: the real Slack libraries, the real desk and store, fake models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from adapters.testing import ScriptedGenerator
from adapters.types import ChatTurn
from bot.config import Settings
from bot.desk import Desk
from bot.frontends.base import Inbox
from bot.frontends.delivery import patiently
from bot.frontends.slack.frontend import SlackFrontend
from bot.store.crypto import Keyring
from bot.store.store import Store
from bot.testing import teach
from bot.testing_desk import fake_desk
from bot.types import StoredAnswer
from knowledge.testing import chunk
from tests.fakes.slack_server import SlackServer
from tests.fakes.slack_world import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Posted

REFUNDS = "Refunds reach your bank within five working days."
INVOICES = "Invoices are sent by mail on the first day of each month."
Q_REFUND = "When do refunds reach my bank?"
Q_INVOICE = "When are invoices sent?"
TEAM_CHANNEL = "CTEAM"
BOT = "<@UBOT>"
PING_SECONDS = 0.1  # so that a broken connection is noticed at once


def written(turns: Sequence[ChatTurn]) -> str:
    return INVOICES if "nvoices" in turns[-1].content.rpartition("Question:")[2] else REFUNDS


class Office:
    """A bot at work; `restart` is a crash and a new start over the same store."""

    def __init__(self, slack: SlackServer, folder: Path, stack: AsyncExitStack, **options: Any) -> None:  # noqa: ANN401 - the front end's options
        self.slack = slack
        self.world = slack.world
        self._folder = folder
        self._stack = stack
        self._keyring = Keyring.generate()
        self._options = options
        self.mode = "socket"
        self.gate: Callable[[Desk], Inbox] = lambda desk: desk  # what the front end speaks to instead of the desk
        self.slept: list[float] = []
        self.store: Store
        self.desk: Desk
        self.front: SlackFrontend

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def start(self) -> None:
        settings = Settings.model_validate(
            {
                "answers": {"min_answerability": 0.0},
                "serve": {"team": f"slack:{TEAM_CHANNEL}"},
                "slack": {
                    "bot_token": BOT_TOKEN,
                    "app_token": APP_TOKEN,
                    "signing_secret": SIGNING_SECRET,
                    "base_url": self.slack.base_url,
                    "listen": "127.0.0.1:0",
                    "mode": self.mode,
                },
            }
        )
        self.store = self._stack.enter_context(Store.open(f"sqlite:///{self._folder / 'store.db'}", self._keyring))
        if self.store.migrate():
            teach(self.store.knowledge, chunk(REFUNDS, title="Refunds"), chunk(INVOICES, title="Invoices", ordinal=1))
        self.front = SlackFrontend(settings.slack, ping_seconds=PING_SECONDS, **self._options)
        self.desk = fake_desk(
            self.store,
            self._folder / "index",
            {"slack": self.front.messenger},
            generator=ScriptedGenerator(written),
            settings=settings,
            sleep=self.sleep,
        )
        await self.desk.start()  # first what the last run left, as bot.serve does
        await patiently(lambda: self.front.start(self.gate(self.desk)), sleep=self.sleep)
        if self.mode == "http":
            self.slack.events_url = f"http://127.0.0.1:{self.front.port}/slack/events"

    async def stop(self) -> None:
        await self.front.stop()
        await self.desk.stop()
        await self.front.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def quiet(self) -> None:
        """Wait until everything that happened is acknowledged, answered and shown."""
        await self.slack.settled()
        await self.desk.idle()
        assert self.front._background is not None
        await self.front._background.finish(seconds=10)
        await self.desk.idle()

    async def say(self, text: str, channel: str = "D1", *, user: str = "U1", thread: str = "", **more: Any) -> str:  # noqa: ANN401 - the server's options
        ts = self.slack.say(user, channel, text, thread, **more)
        await self.quiet()
        return ts

    async def press(self, posted: Posted, label: str, *, user: str = "U1") -> None:
        self.slack.press(user, posted.channel, posted.ts, label)
        await self.quiet()

    def replies(self, channel: str = "D1", thread: str | None = None) -> list[str]:
        """What the bot said, each up to its sources."""
        return [
            one.shown.partition(" [1]")[0]
            for one in self.world.of_bot(channel)
            if thread is None or one.thread == thread
        ]

    def answer(self) -> StoredAnswer:
        [answer] = self.store.answers.recent(1)
        return answer

    def shown(self, channel: str = "D1") -> Posted:
        """The bot's newest message."""
        return list(self.world.of_bot(channel))[-1]


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with SlackServer(redeliver_seconds=1.0) as server:
        server.world.user("U1", name="Ada")
        server.world.user("U2", name="Bob Stone", locale="zh-CN")
        server.world.user("U5", name="Eve")
        yield server


@pytest.fixture
async def office(slack: SlackServer, tmp_path: Path) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        office = Office(slack, tmp_path, stack)
        await office.start()
        yield office
        await office.stop()
