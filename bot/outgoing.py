"""What goes out: answers and posts, each brought to its place exactly once, and how far it got is in the store."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from bot.blocking import run_blocking, uncut
from bot.buttons import below
from bot.cards import Card, card_of, safe
from bot.commands.base import may
from bot.commands.registry import BY_NAME
from bot.config import Settings
from bot.frontends.base import (
    MessageGoneError,
    Messenger,
    Part,
    PlaceGoneError,
    PlatformError,
    Target,
    target_of,
)
from bot.frontends.delivery import deliver, patiently
from bot.handoff import Handoffs, quoted
from bot.store.answers import Delivery
from bot.store.posts import Post, PostBody
from bot.store.store import Store
from bot.texts import language_of_sender, say
from bot.types import AnswerKind, Place, StoredAnswer, StoredMessage

STORE_ID = "store_id"  # setting: what tells this store from others
GIVE_UP = timedelta(hours=24)  # for what a platform refuses again and again
RATED_KINDS = frozenset({AnswerKind.GENERATED, AnswerKind.QUOTED, AnswerKind.CURATED})

log = logging.getLogger(__name__)


class Asks(Protocol):
    """Decides under which answers the reader is asked what they think; bot.learning.asking."""

    async def asks(self, stored: StoredMessage, answer: StoredAnswer, *, fresh: bool) -> bool:
        """Whether to ask under this one; `fresh` if it is to be shown for the first time."""


class Outgoing:
    """Delivers. What does not get through stays in the store, for the next sweep or start."""

    def __init__(
        self,
        *,
        store: Store,
        settings: Settings,
        messengers: Mapping[str, Messenger],
        handoffs: Handoffs,
        counts: Counter[str],
        sleep: Callable[[float], Awaitable[None]],
        asker: Asks | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._messengers = messengers
        self._handoffs = handoffs
        self._counts = counts
        self._sleep = sleep
        self._asker = asker
        self._store_id = ""
        self._in_hand: set[int] = set()  # answers that are being delivered by this process

    async def place(self, stored: StoredMessage) -> str:
        """The id of the message that the answer will be edited into; "" while there is none."""
        return stored.reply_id or next(iter(await self._earlier(stored)), "")

    async def deliver(self, stored: StoredMessage, answer: StoredAnswer, *, fresh: bool = False) -> None:
        """Bring an answer to its reader.

        Args:
            stored: The message that it answers.
            answer: The answer.
            fresh: It was made just now: nothing of it can have been delivered.
        """
        if answer.id in self._in_hand:
            return
        self._in_hand.add(answer.id)
        try:
            await self._deliver(stored, answer, fresh=fresh)
        except (PlaceGoneError, MessageGoneError):
            self._counts["unreachable readers"] += 1
            await run_blocking(self._store.answers.abandon, answer.id)
        except PlatformError as error:
            self._counts["delayed deliveries"] += 1
            if datetime.now(UTC) - answer.created_at > GIVE_UP:
                await run_blocking(self._store.answers.abandon, answer.id)
            log.warning(
                "delivery failed",
                extra={"action": "delivery-failed", "answer_id": answer.id, "error": type(error).__name__},
            )
        finally:
            self._in_hand.discard(answer.id)

    async def _deliver(self, stored: StoredMessage, answer: StoredAnswer, *, fresh: bool) -> None:
        if answer.answer.kind is AnswerKind.RELAYED:  # nothing is said
            await self._store.run(self._store.answers.mark_delivered, answer.id, part=1, platform_message_id="")
            return
        current = await self._store.run(self._store.inbox.get, stored.id)  # its placeholder may have come since
        if current is None or current.replaced:  # forgotten, or a newer version has its place
            await run_blocking(self._store.answers.abandon, answer.id)
            return
        messenger, target = self._messengers[stored.message.platform], target_of(stored)
        places = (current.reply_id, await self._earlier(stored))
        if await self._is_confidential(stored):
            aside = await self._aside(messenger, stored)
            await self._say_where(stored, answer, reached=aside is not None)
            if aside is None:
                await run_blocking(self._store.answers.abandon, answer.id)
                return
            target, places = aside, ("", ())
        asks = self._asker is not None and await self._asker.asks(current, answer, fresh=fresh)
        parts = self._parts(messenger, current, answer, asks=asks)
        if len(parts) > 1:  # one is what was planned when the answer was stored
            await self._store.run(self._store.answers.plan_delivery, answer.id, parts=len(parts))
        states = () if fresh else await self._store.run(self._store.answers.deliveries, answer.id)
        await deliver(
            messenger,
            target,
            parts,
            _AnswerProgress(self._store, answer.id),
            key=await self._key(f"answer:{answer.id}"),
            fresh=fresh,
            places=_places(states, *places),
            done=frozenset(state.part for state in states if state.delivered_at is not None),
            sleep=self._sleep,
        )
        self._counts["delivered"] += 1

    def _parts(
        self, messenger: Messenger, stored: StoredMessage, answer: StoredAnswer, *, asks: bool
    ) -> tuple[Part, ...]:
        language = language_of_sender(stored, self._settings.bot.language)
        rates = answer.id if answer.answer.kind in RATED_KINDS else None
        buttons = below(answer, language, human=self._handoffs.possible)
        card = card_of(answer.answer, language, buttons=buttons, rates=rates)
        message = stored.message
        if message.origin.unseen and not message.origin.command:  # all read the answer, and none saw the question
            name = safe(message.sender_name) or message.sender
            card = replace(card, text=f"{say('asked', language, name=name)}\n{quoted(message.text)}\n\n{card.text}")
        if asks:  # beneath the answer and no part of it: nobody learns from it or refers to it
            card = replace(card, text=f"{card.text}\n\n{say('ask-rating', language)}")
        return messenger.parts(card)

    # -- what is for one person alone

    async def _is_confidential(self, stored: StoredMessage) -> bool:
        """Whether an answer shows what people wrote, and others would read it where it was asked for."""
        origin = stored.message.origin
        command = BY_NAME.get(origin.command)
        if command is None or not command.confidential or origin.place is Place.DIRECT or origin.unseen:
            return False
        person = await run_blocking(self._store.people.get, stored.user_id)
        return person is not None and may(person.role, command.least)  # a refusal shows nothing

    async def _aside(self, messenger: Messenger, stored: StoredMessage) -> Target | None:
        """The sender's own conversation with the bot; None if there can be none."""
        person = stored.message.sender
        try:
            channel = await patiently(lambda: messenger.direct(person), sleep=self._sleep)
        except PlaceGoneError:
            return None
        return Target(channel=channel, place=Place.DIRECT, person=person, team=stored.message.origin.team)

    async def _say_where(self, stored: StoredMessage, answer: StoredAnswer, *, reached: bool) -> None:
        message = stored.message
        language = language_of_sender(stored, self._settings.bot.language)
        await run_blocking(
            self._store.posts.add,
            f"aside:{answer.id}",
            PostBody(text=say("aside" if reached else "aside-not-reached", language)),
            platform=message.platform,
            channel=message.channel,
            thread=message.thread,
        )

    async def _earlier(self, stored: StoredMessage) -> tuple[str, ...]:
        if not stored.message.origin.replaces:
            return ()
        return await run_blocking(self._store.inbox.earlier_reply, stored)

    # -- posts

    async def posts(self) -> tuple[Post, ...]:
        """What still has to be said without having been asked, oldest first."""
        found = [await run_blocking(self._store.posts.pending, platform) for platform in self._messengers]
        return tuple(post for posts in found for post in posts)

    async def send_post(self, post_id: int) -> bool:
        """Bring a post to its place.

        Returns:
            Whether it was too long for one message, so that more posts wait now.
        """
        post = await run_blocking(self._store.posts.get, post_id)
        if post is None or not post.waits:
            return False
        messenger = self._messengers[post.platform]
        if post.body.picture:
            await self._send_picture(messenger, post)
            return False
        first, *rest = messenger.parts(Card(text=post.body.shown, buttons=post.body.buttons))
        for number, part in enumerate(rest, start=2):
            await self._continue(post, number, part)
        try:
            await deliver(
                messenger,
                await self._target(messenger, post),
                [first],
                _PostProgress(self._store, post.id),
                key=await self._key(post.key),
                places=[post.platform_message_id],
                sleep=self._sleep,
            )
        except PlatformError as error:
            await self._not_sent(post, error)
        return bool(rest)

    async def _send_picture(self, messenger: Messenger, post: Post) -> None:
        """Send a picture; killed in between, it comes once more: no platform lets a sent one be found or edited."""
        try:
            png = await run_blocking(Path(post.body.picture).read_bytes)
            target = await self._target(messenger, post)
            sent = await patiently(lambda: uncut(messenger.picture(target, png, post.body.text)), sleep=self._sleep)
        except OSError:  # it was cleared away
            await run_blocking(self._store.posts.abandon, post.id)
        except PlatformError as error:
            await self._not_sent(post, error)
        else:
            await run_blocking(self._store.posts.delivered, post.id, sent)

    async def _not_sent(self, post: Post, error: PlatformError) -> None:
        """Leave a post for the next sweep, or give it up where that would not help."""
        if isinstance(error, PlaceGoneError | MessageGoneError):
            self._counts["unreachable readers"] += 1
            await run_blocking(self._store.posts.abandon, post.id)
            return
        if datetime.now(UTC) - post.created_at > GIVE_UP:
            await run_blocking(self._store.posts.abandon, post.id)
        log.warning("post failed", extra={"action": "post-failed", "post_id": post.id, "error": type(error).__name__})

    async def _continue(self, post: Post, number: int, part: Part) -> None:
        """Make the rest of a long post a post of its own; asked for again, it is there already."""
        await run_blocking(
            self._store.posts.add,
            f"{post.key}:{number}",
            PostBody(
                text="" if post.body.quotes else safe(part.plain),
                quotes=safe(part.plain) if post.body.quotes else "",
                buttons=part.buttons,
                under=post.body.under,
                person=post.body.person,
            ),
            platform=post.platform,
            channel=post.channel,
            thread=post.thread,
            handoff_id=post.handoff_id,
        )

    async def _key(self, name: str) -> str:
        """What names something for ever and everywhere: another store may have an answer with the same number."""
        if not self._store_id:
            known = await run_blocking(self._store.settings.get, STORE_ID)
            self._store_id = known or secrets.token_hex(8)
            await run_blocking(self._store.settings.set, STORE_ID, self._store_id)
        return f"{self._store_id}:{name}"

    async def _target(self, messenger: Messenger, post: Post) -> Target:
        if person := post.body.person:
            channel = await patiently(lambda: messenger.direct(person), sleep=self._sleep)
            return Target(channel=channel, place=Place.DIRECT, person=person)
        root = await run_blocking(self._store.posts.by_key, post.body.under) if post.body.under else None
        under = root.platform_message_id if root is not None else ""
        return Target(
            channel=post.channel,
            thread=post.thread,
            place=Place.THREAD if post.thread or under else Place.GROUP,
            reply_to=under or post.body.reply_to,
        )


def _places(states: Sequence[Delivery], reply_id: str, earlier: Sequence[str]) -> list[str]:
    """The messages that stand there already, by part: those noted, the placeholder, those of the earlier answer."""
    placed = {state.part: state.platform_message_id for state in states if state.platform_message_id}
    if reply_id:
        placed.setdefault(1, reply_id)
    for number, message_id in enumerate(earlier, start=1):
        placed.setdefault(number, message_id)
    return [placed.get(number, "") for number in range(1, max(placed, default=0) + 1)]


class _AnswerProgress:
    def __init__(self, store: Store, answer_id: int) -> None:
        self._store = store
        self._answer_id = answer_id

    async def placed(self, number: int, message_id: str) -> None:
        await self._store.run(
            self._store.answers.place_part, self._answer_id, part=number, platform_message_id=message_id
        )

    async def delivered(self, number: int, message_id: str) -> None:
        await self._store.run(
            self._store.answers.mark_delivered, self._answer_id, part=number, platform_message_id=message_id
        )


class _PostProgress:
    def __init__(self, store: Store, post_id: int) -> None:
        self._store = store
        self._post_id = post_id

    async def placed(self, number: int, message_id: str) -> None:  # noqa: ARG002 - a post has one part
        await run_blocking(self._store.posts.placed, self._post_id, message_id)

    async def delivered(self, number: int, message_id: str) -> None:  # noqa: ARG002 - a post has one part
        await run_blocking(self._store.posts.delivered, self._post_id, message_id)
