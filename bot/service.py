"""The bot as front ends see it: accept, answer, deliver, rate. Nothing is acknowledged before it is stored."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from bot.blocking import run_blocking
from bot.config import Settings
from bot.middleware import Handler, Request, plain_answer
from bot.pipeline import Delta, Done, Event, Progress, Searching, Writing
from bot.store.errors import NotWaitingError
from bot.store.store import Store
from bot.texts import language_of_sender, say
from bot.types import Answer, AnswerKind, Correction, Message, Place, Rating, StoredAnswer, StoredMessage, Turn

# A message that stops the whole program is not tried at every start for ever. Whatever is in hand when the program is
# killed counts as tried, so a few more than a message that is to blame would need.
MAX_ATTEMPTS = 8
TYPED_BEFORE = 200  # texts that a prompt offers to say again

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The whole answer, stored."""

    stored: StoredAnswer


ReplyEvent = Searching | Writing | Delta | Progress | Answered


class Closeable(Protocol):
    """What must be shut down in the end; a generator is one."""

    async def aclose(self) -> None:
        """Stop its worker."""


class Bot:
    """Ties the store to the message path."""

    def __init__(
        self,
        *,
        store: Store,
        handler: Handler,
        settings: Settings,
        worker: Closeable,
        accepted: Callable[[StoredMessage], None] = lambda _: None,
    ) -> None:
        """Tie them together.

        Args:
            store: Keeps everything.
            handler: Answers.
            settings: In force.
            worker: Closed in the end.
            accepted: Told of each message that was taken in.
        """
        self._store = store
        self._handler = handler
        self._settings = settings
        self._worker = worker
        self._accepted = accepted

    async def accept(self, message: Message) -> StoredMessage | None:
        """Commit a message to the durable inbox.

        Returns:
            The stored message, or None if this event was stored before.
        """
        idle = self._settings.bot.conversation_idle_minutes
        stored = await self._store.run(self._store.inbox.accept, message, idle_minutes=idle)
        if stored is not None:
            self._accepted(stored)
        return stored

    async def reply(
        self, stored: StoredMessage, *, fresh: bool = False, history: Sequence[Turn] | None = None
    ) -> AsyncGenerator[ReplyEvent, None]:
        """Answer a stored message; the last event is Answered, and by then the answer is in the store.

        A message that is gone once it was answered, because its sender took it back or is forgotten, ends without
        Answered.

        Args:
            stored: The message.
            fresh: It came in just now, so this is the first attempt, and need not be counted.
            history: What was said before, oldest first, where whoever asks keeps that; by default what the store holds
                of the conversation.
        """
        if not fresh and await run_blocking(self._store.inbox.attempt, stored.id) > MAX_ATTEMPTS:
            yield await self._kept(stored, Done(answer=self._given_up(stored)))
            return
        turns = await self._history(stored) if history is None else tuple(history)
        request = Request(stored=stored, history=turns, collections=None)
        async with aclosing(self._handler(request)) as events:
            async for event in events:
                try:
                    kept = await self._kept(stored, event)
                except NotWaitingError:
                    return
                yield kept

    async def _history(self, stored: StoredMessage) -> tuple[Turn, ...]:
        # in a group several people talk to the bot at once: a follow-up refers to one's own questions
        alone = stored.message.origin.place is Place.GROUP
        return await self._store.run(
            self._store.inbox.history,
            stored.conversation_id,
            before_message_id=stored.id,
            turns=self._settings.bot.history_turns,
            user_id=stored.user_id if alone else None,
        )

    def _given_up(self, stored: StoredMessage) -> Answer:
        language = language_of_sender(stored, self._settings.bot.language)
        reason = f"answering it stopped the program {MAX_ATTEMPTS} times"
        return plain_answer(say("given-up", language), AnswerKind.ERROR, reason)

    async def _kept(self, stored: StoredMessage, event: Event) -> ReplyEvent:
        if not isinstance(event, Done):
            return event
        answer = await self._store.run(self._store.answers.add, stored.id, event.answer)
        log.info(
            "answered",
            extra={
                "action": "answered",
                "message_id": stored.id,
                "answer_id": answer.id,
                "outcome": answer.answer.outcome.value,
                "kind": answer.answer.kind.value,
                "total_ms": answer.answer.trace.timings_ms.get("total"),
            },
        )
        return Answered(stored=answer)

    async def drop(self, stored: StoredMessage) -> None:
        """Give up a message that its sender took back; it is not answered after a restart."""
        await run_blocking(self._store.inbox.fail, stored.id)

    async def pending(self, *, platform: str, sender: str) -> tuple[StoredMessage, ...]:
        """Messages of this sender that were stored and not yet answered, oldest first."""
        return await run_blocking(self._store.inbox.pending, platform=platform, sender=sender)

    async def undelivered(self, *, platform: str, sender: str) -> tuple[StoredAnswer, ...]:
        """Answers that were stored and not yet shown to this sender, oldest first."""
        return await run_blocking(self._store.answers.undelivered, platform, sender=sender)

    async def user_id(self, *, platform: str, sender: str) -> int | None:
        """The id of a person who has written before."""
        person = await run_blocking(self._store.people.by_platform, platform, sender)
        return None if person is None else person.id

    def typed_before(self, *, platform: str, sender: str) -> tuple[str, ...]:
        """What this person wrote last, oldest first; blocks."""
        return self._store.inbox.said(platform=platform, sender=sender, limit=TYPED_BEFORE)

    async def delivered(self, answer_id: int) -> None:
        """Note that an answer has reached its reader."""
        await self._store.run(self._store.answers.mark_delivered, answer_id, part=1, platform_message_id="")

    async def new_conversation(self, *, platform: str, channel: str, thread: str = "") -> None:
        """Draw a border: later messages know nothing of earlier ones."""
        await run_blocking(self._store.inbox.close_conversation, platform, channel, thread)

    async def rate(self, rating: Rating) -> bool:
        """Store a rating; rating again replaces it. True if it changed anything."""
        return await run_blocking(self._store.ratings.rate, rating)

    async def correct(self, correction: Correction) -> int:
        """Store what somebody says the right answer is; it waits for approval."""
        return await run_blocking(self._store.ratings.correct, correction)

    async def aclose(self) -> None:
        """Finish: the generator's worker stops, the store is closed."""
        await self._worker.aclose()
        await run_blocking(self._store.close)
