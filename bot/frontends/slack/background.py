"""What is shown after an event was acknowledged: nothing that would be missed if it failed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from bot.frontends.base import PlatformError

log = logging.getLogger(__name__)


class Background:
    """Tasks that nobody waits for until the end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside everything else; what the platform refuses is logged.

        Args:
            name: For the log.
            work: What is to be done.
        """
        task = asyncio.create_task(_logged(name, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, *, seconds: float) -> None:
        """Wait for what is under way; what takes longer is given up."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def _logged(name: str, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except PlatformError as error:
        log.warning("not shown", extra={"action": f"slack-{name}-failed", "error": type(error).__name__})
