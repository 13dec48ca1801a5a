"""What Slack's profiles say of people; asked for once an hour, and never in the way of a message."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from bot.frontends.base import PlatformError
from bot.frontends.slack.api import SlackApi
from bot.frontends.slack.inbound import Who

KEPT_SECONDS = 3_600.0
UNKNOWN_SECONDS = 60.0  # until somebody of whom Slack said nothing is asked for again
PATIENCE_SECONDS = 1.0  # a message has to be acknowledged within three; it waits no longer than this for a name
MOST = 10_000

log = logging.getLogger(__name__)


class Profiles:
    """Names and languages by id."""

    def __init__(self, api: SlackApi, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep the connection.

        Args:
            api: The Web API.
            clock: Seconds from any beginning.
        """
        self._api = api
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Who]] = OrderedDict()  # until when it holds
        self._asking: dict[str, asyncio.Task[Who]] = {}

    async def of(self, person: str) -> Who:
        """What is known of a person; an empty Who where Slack does not say."""
        known = self._known.get(person)
        if known is not None and known[0] > self._clock():
            return known[1]
        asking = self._asking.get(person)
        if asking is None:  # else several messages of one person wait for the same answer
            asking = self._asking[person] = asyncio.create_task(self._renew(person, known[1] if known else Who()))
            asking.add_done_callback(lambda _: self._asking.pop(person, None))
        return await asyncio.shield(asking)

    async def _renew(self, person: str, before: Who) -> Who:
        asked = await self._ask(person)
        seconds = UNKNOWN_SECONDS if asked is None else KEPT_SECONDS
        who = asked or before
        self._known[person] = (self._clock() + seconds, who)
        self._known.move_to_end(person)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return who

    async def names(self, people: Iterable[str]) -> dict[str, str]:
        """How people are called, by id."""
        return {person: (await self.of(person)).name for person in people}

    async def _ask(self, person: str) -> Who | None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await self._api.call("users.info", user=person, include_locale=True)
        except (PlatformError, TimeoutError) as error:
            log.info("profile unknown", extra={"action": "profile-unknown", "error": type(error).__name__})
            return None
        user = answer.get("user") or {}
        profile = user.get("profile") or {}
        name = profile.get("display_name") or profile.get("real_name") or user.get("real_name") or user.get("name")
        return Who(name=str(name or ""), language=str(user.get("locale") or "").lower())
