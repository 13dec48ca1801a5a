"""Hands each update on to be stored; one that cannot be handled holds up the others only for a while."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from telegram import Update

from bot.errors import BotError
from bot.frontends.telegram.api import Api
from bot.logs import one_event

PAUSES = (1.0, 5.0)  # seconds between the tries, of which there is one more

log = logging.getLogger(__name__)

Handle = Callable[[Update], Awaitable[None]]


class Intake:
    """The one door for updates from polling and from the webhook."""

    def __init__(self, api: Api, handle: Handle, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Keep the parts.

        Args:
            api: Reads updates.
            handle: Returns once what the update tells is stored.
            sleep: Waits so many seconds.
        """
        self._api = api
        self._handle = handle
        self._sleep = sleep
        self.skipped = 0  # updates that could not be handled

    @one_event
    async def take(self, update: dict[str, Any]) -> None:
        """Have an update stored; returns once Telegram may forget it.

        Raises:
            BotError: Not the update's fault, and trying again later may help: the store cannot be written to, say.
            OSError: Likewise.
        """
        try:
            read = self._api.read(update)
        except Exception as error:  # noqa: BLE001 - whatever it is, the library cannot read this one update
            self._note(update, error, last=True)
            return
        for pause in (*PAUSES, None):
            try:
                await self._handle(read)
            except (BotError, OSError):
                raise
            except Exception as error:  # noqa: BLE001 - a slip of ours with one update must not stop all that follow
                self._note(update, error, last=pause is None)
                if pause is not None:
                    await self._sleep(pause)
            else:
                return

    def _note(self, update: dict[str, Any], error: Exception, *, last: bool) -> None:
        """Log by id and type alone: the error's text may quote what a person wrote."""
        self.skipped += last
        log.error(
            "an update was skipped" if last else "an update could not be handled",
            extra={
                "action": "update-skipped" if last else "update-failed",
                "update_id": update.get("update_id"),
                "error": type(error).__name__,
            },
        )
