"""Who answers programs: the bot with whatever serves, or with a version that was asked for by name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.types import AdapterVersion
from bot.learning.pinned import Pinned
from bot.middleware import Handler
from bot.service import Bot
from bot.serving import conversing


@dataclass(frozen=True, slots=True, kw_only=True)
class Bots:
    """bot.wiring_api puts them together."""

    active: Bot
    pinned: Pinned
    new: Callable[[Handler], Bot]  # makes a bot that answers with a message path

    @asynccontextmanager
    async def bot(self, version: AdapterVersion | None) -> AsyncIterator[Bot]:
        """The bot with what serves, or with a version of one task put in.

        Raises:
            AdapterError: The version cannot be loaded.
        """
        if version is None:
            yield self.active
            return
        async with self.pinned.path(version) as path:
            yield self.new(conversing(path))
