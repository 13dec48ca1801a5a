"""An answer that grows before its reader's eyes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bot.blocking import run_blocking
from bot.buttons import Rows
from bot.frontends.base import Messenger, PlatformError, target_of
from bot.frontends.typist import Typist
from bot.store.store import Store
from bot.types import StoredMessage

HINT_SECONDS = 0.3  # an answer that is there by then needs no "is typing"


class Growing:
    """An answer that grows before its reader's eyes, from its first words on."""

    def __init__(
        self,
        store: Store,
        messenger: Messenger,
        stored: StoredMessage,
        place: str,
        sleep: Callable[[float], Awaitable[None]],
        *,
        buttons: Rows = (),
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._stored = stored
        self._place = place
        self._sleep = sleep
        self._buttons = buttons  # while it grows
        self._typist: Typist | None = None
        self._text = ""
        self._hints: set[asyncio.Task[None]] = set()

    def hint(self) -> None:
        """Show that an answer is being made, if it takes a while; nothing waits for it."""
        task = asyncio.create_task(self._work())
        self._hints.add(task)
        task.add_done_callback(self._hints.discard)

    def add(self, text: str) -> None:
        """Show more of it."""
        self.show(self._text + text)

    def show(self, text: str) -> None:
        """Show a text in the place of what is there."""
        self._text = text
        if self._typist is None:
            target = target_of(self._stored)
            live = self._messenger.live(target, self._placed, self._place, buttons=self._buttons)
            self._typist = Typist(live, seconds=self._messenger.live_seconds(target), sleep=self._sleep)
        self._typist.show(self._text)

    async def close(self) -> None:
        """Show nothing more; again does nothing."""
        for hint in self._hints:
            hint.cancel()
        typist, self._typist = self._typist, None
        if typist is not None:
            await typist.close()

    async def _work(self) -> None:
        await self._sleep(HINT_SECONDS)
        with suppress(PlatformError):
            await self._messenger.working(target_of(self._stored))

    async def _placed(self, message_id: str) -> None:
        await run_blocking(self._store.inbox.note_reply, self._stored.id, message_id)
