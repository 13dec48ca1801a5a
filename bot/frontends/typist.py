"""Shows a growing text no faster than a platform allows; whatever comes meanwhile is shown together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.blocking import uncut
from bot.frontends.base import Live, PlatformError, ThrottledError

log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]


class Typist:
    """One answer's growing text. Only its looks depend on it: the final text is delivered by somebody else."""

    def __init__(self, live: Live, *, seconds: float, sleep: Sleep = asyncio.sleep) -> None:
        """Begin.

        Args:
            live: Where it is shown; closed by `close`.
            seconds: The least time between two of its texts.
            sleep: Waits so many seconds.
        """
        self._live = live
        self._seconds = seconds
        self._sleep = sleep
        self._text = ""
        self._new = asyncio.Event()
        self._task = asyncio.create_task(self._show())

    def show(self, text: str) -> None:
        """Show the whole text so far, when its turn comes."""
        self._text = text
        self._new.set()

    async def close(self) -> None:
        """Show nothing more; what is on its way is waited for, so that it cannot overtake the final text."""
        await uncut(self._close())

    async def _close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled() and (error := self._task.exception()) is not None:
            log.error("a growing text was not shown", extra={"action": "live-failed", "error": type(error).__name__})
        await self._live.close()

    async def _show(self) -> None:
        while True:
            await self._new.wait()
            self._new.clear()
            try:
                # a request that was cut off may still be carried out, after the final text
                await uncut(self._live.show(self._text))
            except ThrottledError as error:
                await self._sleep(error.retry_after)
                self._new.set()
            except PlatformError:
                return
            await self._sleep(self._seconds)
