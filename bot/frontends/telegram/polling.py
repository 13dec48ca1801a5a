"""Asks Telegram for updates. An update is confirmed only after it was taken: a crash in between brings it again.

One that cannot be stored again and again is set aside once a later one could be: then it is to blame, not the store.
While nothing can be stored, nothing is confirmed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from bot.blocking import uncut
from bot.errors import BotError
from bot.frontends.base import PlatformError, ThrottledError
from bot.frontends.telegram.api import Api, BadTokenError, SecondPollerError, WebhookSetError

CONFLICT_SECONDS = 5.0  # before asking again while somebody else asks too
CONFIRM_SECONDS = 3.0  # a program that ends does not wait longer for that
TRIES = 3  # of one update that cannot be stored, before the next one is tried as well
MOST_SECONDS = 30.0  # between two tries when nothing helps
SECOND_POLLER = (
    "Another program is fetching this bot's messages with the same token, so each gets only some of them. Stop the "
    "other one, or make a new token with @BotFather (/revoke) if you do not know which it is."
)
WEBHOOK_SET = (
    "Another program has set a webhook for this bot, so no messages come here. Stop it and start Burnish again, or use "
    'telegram.mode = "webhook".'
)
REVOKED = "Telegram no longer knows the bot's token. Get the present one from @BotFather (/mybots, API Token)."
UNREACHABLE = "Telegram cannot be reached at the moment; it is tried again and again."
NOT_STORED = "What came in cannot be stored at the moment; it is tried again and again, and nothing is lost."

log = logging.getLogger(__name__)


class Polling:
    """One long poll after the other, for as long as `run` is not cancelled."""

    def __init__(
        self,
        api: Api,
        take: Callable[[dict[str, Any]], Awaitable[None]],
        *,
        notice: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Keep the parts.

        Args:
            api: Asked for updates.
            take: Returns once an update is stored.
            notice: Told in one sentence what keeps messages from coming, and "" when they come again.
            sleep: Waits so many seconds.
        """
        self._api = api
        self._take = take
        self._notice = notice
        self._sleep = sleep
        self._offset = 0
        self._problem = ""
        self._failures = 0
        self._tried: Counter[int] = Counter()  # updates that could not be stored, and how often
        self.set_aside = 0  # updates that never could

    async def run(self) -> None:
        """Take updates until cancelled; the one in hand is finished then."""
        while True:
            try:
                updates = await self._api.updates(self._offset)
                await self._take_all(updates)
            except (BotError, OSError) as error:
                await self._sleep(self._seconds(error))
            else:
                self._failures = 0
                self._report("")

    async def confirm(self) -> None:
        """Let Telegram forget what was taken; not needed, since what comes again is known."""
        with suppress(PlatformError, TimeoutError):
            async with asyncio.timeout(CONFIRM_SECONDS):
                await self._api.updates(self._offset, seconds=0)

    async def _take_all(self, updates: Sequence[dict[str, Any]]) -> None:
        suspects: list[dict[str, Any]] = []
        failed: BotError | OSError | None = None
        for update in updates:
            number = int(update["update_id"])
            try:
                await uncut(self._take_one(update, suspects))
            except (BotError, OSError) as error:
                self._tried[number] += 1
                if self._tried[number] < TRIES:
                    raise
                suspects.append(update)
                failed = error
        if suspects and failed is not None:
            raise failed

    async def _take_one(self, update: dict[str, Any], suspects: list[dict[str, Any]]) -> None:
        number = int(update["update_id"])
        await self._take(update)
        for suspect in suspects:
            await self._set_aside(suspect)
        suspects.clear()
        self._tried.pop(number, None)
        self._offset = number + 1

    async def _set_aside(self, update: dict[str, Any]) -> None:
        """Try an update once more, now that another could be stored, and leave it for good if it still cannot."""
        number = int(update["update_id"])
        self._tried.pop(number, None)
        try:
            await self._take(update)
        except (BotError, OSError) as error:
            self.set_aside += 1
            extra = {"action": "update-set-aside", "update_id": number, "error": type(error).__name__}
            log.error("an update cannot be stored", extra=extra)  # noqa: TRY400 - the error may quote what was said

    def _seconds(self, error: BotError | OSError) -> float:
        """How long to wait after an error, which is reported."""
        if isinstance(error, ThrottledError):
            return error.retry_after
        self._failures += 1
        kinds: tuple[tuple[type[Exception], str], ...] = (
            (SecondPollerError, SECOND_POLLER),
            (WebhookSetError, WEBHOOK_SET),
            (BadTokenError, REVOKED),
            (PlatformError, UNREACHABLE),
        )
        self._report(next((text for kind, text in kinds if isinstance(error, kind)), NOT_STORED))
        if isinstance(error, SecondPollerError):
            return CONFLICT_SECONDS
        return float(min(MOST_SECONDS, 2.0 ** (self._failures - 1)))

    def _report(self, problem: str) -> None:
        """Say what is wrong, once."""
        if problem == self._problem:
            return
        self._problem = problem
        self._notice(problem)
        if problem:
            log.warning(problem, extra={"action": "polling-problem"})
        else:
            log.info("messages come in again", extra={"action": "polling-again"})
