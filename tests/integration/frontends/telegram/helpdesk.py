"""A whole bot on a Bot API server on loopback: the real client library, a real store, scripted models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.testing import ScriptedGenerator
from adapters.types import ChatTurn
from bot.config import Settings
from bot.desk import Desk
from bot.frontends.telegram.frontend import TelegramFrontend
from bot.frontends.telegram.pace import Rates
from bot.store.crypto import Keyring
from bot.store.store import Store
from bot.testing import teach
from bot.testing_desk import fake_desk
from knowledge.testing import chunk
from tests.fakes.telegram_server import TelegramServer
from tests.fakes.telegram_world import Chat, Person, Post

REFUNDS = "Refunds reach your bank within five working days."
INVOICES = "Invoices are sent by mail on the first day of each month."
Q_REFUND = "When do refunds reach my bank?"
Q_INVOICE = "When are invoices sent?"
TEAM = -100_777
QUICK = Rates(chat=(10_000, 1.0), group=(10_000, 1.0), overall=10_000)
DEADLINE_SECONDS = 10.0

ADA = Person(id=11, name="Ada")
EVE = Person(id=22, name="Eve", language="zh-hans")


def written(turns: Sequence[ChatTurn]) -> str:
    return INVOICES if "nvoices" in turns[-1].content.rpartition("Question:")[2] else REFUNDS


class Helpdesk:
    """The server, and a bot that can be stopped and started over the same store."""

    def __init__(self, folder: Path, server: TelegramServer) -> None:
        self._folder = folder
        self._keyring = Keyring.generate()
        self._running: AsyncExitStack | None = None
        self.server = server
        self.world = server.world
        self.slept: list[float] = []
        self.notices: list[str] = []
        self.generator = ScriptedGenerator(written)
        self.rates = QUICK
        self.telegram: dict[str, Any] = {}
        self.serve: dict[str, Any] = {}
        self.store: Store
        self.desk: Desk
        self.frontend: TelegramFrontend

    @property
    def settings(self) -> Settings:
        return Settings.model_validate(
            {
                "answers": {"min_answerability": 0.0},
                "serve": {"team": f"telegram:{TEAM}", **self.serve},
                "telegram": {
                    "token": self.server.token,
                    "base_url": self.server.base_url,
                    "base_file_url": self.server.base_file_url,
                    **self.telegram,
                },
            }
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(min(seconds, 0.01))

    async def start(self) -> None:
        stack = AsyncExitStack()
        self._running = stack
        self.store = stack.enter_context(Store.open(f"sqlite:///{self._folder / 'store.db'}", self._keyring))
        if self.store.migrate():
            teach(self.store.knowledge, chunk(REFUNDS, title="Refunds"), chunk(INVOICES, title="Invoices", ordinal=1))
        self.frontend = TelegramFrontend(
            self.settings.telegram, sleep=self.sleep, rates=self.rates, notice=self.notices.append
        )
        stack.push_async_callback(self.frontend.aclose)
        self.desk = fake_desk(
            self.store,
            self._folder / "index",
            {"telegram": self.frontend.messenger},
            generator=self.generator,
            settings=self.settings,
            sleep=self.sleep,
        )
        await self.desk.start()
        stack.push_async_callback(self.desk.stop)
        await self.frontend.start(self.desk)
        stack.push_async_callback(self.frontend.stop)

    async def stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            await running.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def settle(self) -> None:
        """Until everything that people did has been dealt with."""
        await until(lambda: not self.world.queue)
        await self.desk.idle()
        await self.frontend.idle()
        await self.desk.idle()

    async def ask(self, text: str, person: Person = ADA, chat: Chat | None = None, **more: Any) -> Post | None:  # noqa: ANN401 - as World.say has them
        """Say something and give the bot's newest message there."""
        self.world.say(person, text, chat, **more)
        await self.settle()
        return self.newest(chat or self.world.private(person))

    async def press(self, label: str, person: Person = ADA, chat: Chat | None = None, **more: Any) -> str:  # noqa: ANN401 - as World.press has them
        """Press a button under the bot's newest message that has any; gives the toast."""
        where = chat or self.world.private(person)
        post = [one for one in self.world.replies(where) if one.buttons][-1]
        press_id = self.world.press(person, post.id, label, where, **more)
        await self.settle()
        return self.world.toasts[press_id]

    def newest(self, chat: Chat) -> Post | None:
        replies = self.world.replies(chat)
        return replies[-1] if replies else None

    def texts(self, chat: Chat | None = None) -> list[str]:
        return [post.text for post in self.world.replies(chat or self.world.private(ADA))]

    async def converse(
        self, dialogue: Sequence[tuple[str, str]], person: Person = ADA, chat: Chat | None = None
    ) -> None:
        """Check a dialogue; "" stands for silence, all else for how the reply begins."""
        where = chat or self.world.private(person)
        for said, replied in dialogue:
            before = len(self.world.replies(where))
            await self.ask(said, person, where)
            new = [post.text for post in self.world.replies(where)[before:]]
            assert [text[: len(replied)] for text in new] == ([replied] if replied else []), said


@asynccontextmanager
async def helpdesk(folder: Path) -> AsyncIterator[Helpdesk]:
    async with TelegramServer() as server:
        desk = Helpdesk(folder, server)
        try:
            yield desk
        finally:
            await desk.stop()


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: It did not come true.
    """
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - conditions on a server, which has no event for each
            await asyncio.sleep(0.005)
