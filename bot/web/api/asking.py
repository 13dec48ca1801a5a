"""Questions of programs: each is stored and answered in its turn, like everybody's."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final

from adapters.errors import AdapterError
from adapters.types import AdapterVersion
from bot.blocking import uncut
from bot.desk import Desk
from bot.lanes import Turn as LaneTurn
from bot.service import Answered, Bot, ReplyEvent
from bot.types import Message, StoredMessage, Turn
from bot.web.api.bots import Bots
from bot.web.api.caller import PLATFORM
from bot.web.api.errors import ApiError, failed, not_there, stopping

SIDE_BY_SIDE: Final = 4  # questions of a program that does not say whose they are
BUSY_SECONDS: Final = 5  # after which a full queue is worth another try: an answer takes a second or two

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question of a program."""

    id: str  # "chatcmpl-..."
    version: AdapterVersion | None  # that is to answer; None for what serves
    sender: str
    shared: bool  # whether the sender stands for many people
    first: str = field(repr=False)  # what was said first in the conversation
    text: str = field(repr=False)
    history: tuple[Turn, ...] = field(repr=False)


class Answering:
    """An answer on its way."""

    def __init__(self, cancel: Callable[[], object]) -> None:
        self._said: asyncio.Queue[ReplyEvent | ApiError | None] = asyncio.Queue()
        self._cancel = cancel

    def tell(self, event: ReplyEvent | ApiError | None) -> None:
        """Note what happened; None at the end."""
        self._said.put_nowait(event)

    async def events(self) -> AsyncGenerator[ReplyEvent, None]:
        """What happens, up to the answer; left early, the answer is not made.

        Raises:
            ApiError: There will be none.
        """
        over = False
        try:
            while not over:
                event = await self._said.get()
                if event is None or isinstance(event, ApiError):
                    over = True
                    raise event or failed()
                over = isinstance(event, Answered)
                yield event
        finally:
            if not over:
                self._cancel()


class Asking:
    """Has questions answered among those of the chat platforms."""

    def __init__(
        self, desk: Desk, bots: Bots, *, most: int, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Begin with nothing asked.

        Args:
            desk: Whose queue it is.
            bots: Who answers.
            most: How many questions of programs may wait; the rest of the queue is for people.
            now: Tells the time.
        """
        self._lanes = desk.lanes
        self._bots = bots
        self._most = most
        self._waiting: set[str] = set()
        self._now = now
        self._numbers = itertools.count()
        # tells conversations apart, by a hash that says nothing of the words; a restart begins all of them anew
        self._secret = secrets.token_bytes(32)

    def ask(self, asked: Asked) -> Answering:
        """Put a question into the queue.

        Raises:
            ApiError: Too many wait, or the program stops.
        """
        lane: Hashable = (PLATFORM, asked.sender, next(self._numbers) % SIDE_BY_SIDE if asked.shared else 0)
        answering = Answering(partial(self._cancel, lane, asked.id))
        job = partial(self._answer, asked, answering)
        if self._lanes.closed:
            raise stopping()
        dropped = partial(answering.tell, stopping())
        if len(self._waiting) >= self._most or not self._lanes.put(lane, asked.id, job, dropped=dropped):
            raise ApiError(
                "Too many questions wait for an answer.",
                status=429,
                kind="rate_limit_error",
                code="queue_full",
                headers={"Retry-After": str(BUSY_SECONDS)},
            )
        self._waiting.add(asked.id)
        return answering

    def _cancel(self, lane: Hashable, asked_id: str) -> None:
        self._waiting.discard(asked_id)
        self._lanes.cancel(lane, asked_id)

    async def _answer(self, asked: Asked, answering: Answering, _: LaneTurn) -> None:
        self._waiting.discard(asked.id)
        try:
            async with self._bots.bot(asked.version) as bot:
                await self._reply(bot, asked, answering)
        except AdapterError as error:  # whose text may name the server's folders
            log.warning("version refused", extra={"action": "version-refused", "reason": str(error)})
            answering.tell(not_there("This version cannot be loaded.", param="model", code="model_not_found"))
        except asyncio.CancelledError:  # the program stops, or nobody waits for it any more
            answering.tell(stopping())
            raise
        finally:
            answering.tell(None)

    async def _reply(self, bot: Bot, asked: Asked, answering: Answering) -> None:
        accepting = asyncio.ensure_future(bot.accept(self._message(asked)))
        try:
            stored = await asyncio.shield(accepting)
            if stored is None:
                raise RuntimeError(asked.id)  # every question has an id of its own
            async with aclosing(bot.reply(stored, fresh=True, history=asked.history)) as events:
                async for event in events:
                    if isinstance(event, Answered):
                        await bot.delivered(event.stored.id)
                    answering.tell(event)
        except asyncio.CancelledError:  # whoever asked has gone, or the program stops: nobody waits for it any more
            await uncut(_dropped(bot, accepting))
            raise

    def _message(self, asked: Asked) -> Message:
        return Message(
            platform=PLATFORM,
            event_id=asked.id,
            channel=asked.sender,
            thread=hashlib.blake2b(asked.first.encode(), key=self._secret, digest_size=12).hexdigest(),
            sender=asked.sender,
            sender_name="",
            text=asked.text,
            received_at=self._now(),
        )


async def _dropped(bot: Bot, accepting: Awaitable[StoredMessage | None]) -> None:
    """Give up a question, also one that is only being stored."""
    stored = await accepting
    if stored is not None:
        await bot.drop(stored)
