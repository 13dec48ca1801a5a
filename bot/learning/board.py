"""Shows how far a run is, in the message that asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from bot.blocking import run_blocking
from bot.buttons import Rows
from bot.buttons import command as command_button
from bot.cards import Card
from bot.frontends.base import Messenger, PlatformError, target_of
from bot.learning.loop import LearningLoop
from bot.learning.report import progress_text, report_text
from bot.store.runs import Run
from bot.store.store import Store
from bot.texts import say
from bot.types import StoredMessage

SECONDS = 2.0  # between two edits at least; more where the platform wants more


class Board:
    """Edits the replies to those who asked for a run; the report itself is posted."""

    def __init__(
        self,
        store: Store,
        loop: LearningLoop,
        messengers: Mapping[str, Messenger],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._loop = loop
        self._messengers = messengers
        self._sleep = sleep
        self._following: set[asyncio.Task[None]] = set()

    def follow(self, stored: StoredMessage, run: Run, language: str) -> None:
        """Show how far a run is, until its end, in the reply to a message."""
        messenger = self._messengers.get(stored.message.platform)
        if messenger is None or stored.message.origin.unseen:  # what one person alone sees cannot be changed
            return
        task = asyncio.create_task(self._follow(messenger, stored, run, language))
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def stop(self) -> None:
        """Edit no more."""
        for task in self._following:
            task.cancel()
        if self._following:
            await asyncio.wait(self._following)

    async def _follow(self, messenger: Messenger, stored: StoredMessage, run: Run, language: str) -> None:
        pause = max(SECONDS, messenger.live_seconds(target_of(stored)))
        cancel = command_button(say("button-cancel-training", language), "retrain", "cancel")
        shown = ""
        while (step := await self._loop.moved(run.id)) is not None:
            text = progress_text(run.id, step, language)
            if text != shown and await self._show(messenger, stored, text, ((cancel,),)):
                shown = text
            await self._sleep(pause)
        ended = await self._loop.wait(run.id)
        if ended is not None:
            whole = report_text(*ended, language)
            await self._show(messenger, stored, whole.partition("\n\n")[0], ())

    async def _show(self, messenger: Messenger, stored: StoredMessage, text: str, buttons: Rows) -> bool:
        """Put a text into the reply, once that has been delivered; False if it could not be done."""
        answer = await run_blocking(self._store.answers.of_message, stored.id)
        if answer is None:
            return False
        first = next(iter(await run_blocking(self._store.answers.deliveries, answer.id)), None)
        if first is None or first.delivered_at is None or not first.platform_message_id:
            return False
        [part, *_] = messenger.parts(Card(text=text, buttons=buttons))
        with suppress(PlatformError):
            await messenger.edit(target_of(stored), first.platform_message_id, part)
            return True
        return False
