"""Speaks to the chat page. What it is given is in the store already: it only says that there is something to read."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Final

from bot.blocking import run_blocking
from bot.buttons import Rows
from bot.cards import Card, safe
from bot.frontends.base import Finder, Live, MessageGoneError, Part, Placed, PlatformError, Target
from bot.frontends.web.hub import Growing, Hub
from bot.store.people import WEB

LIVE_SECONDS: Final = 0.1  # between two texts of a growing answer: as fast as one reads along

_FILE_ID = re.compile(r"[0-9a-f]{32}")


class WebMessenger:
    """One for all open pages.

    Its messages have ids of their own, made of what they answer or of the key by which they are posted: the same thing
    sent twice is the same message.
    """

    def __init__(self, hub: Hub, files: Path) -> None:
        """Keep the hub.

        Args:
            hub: Tells the pages.
            files: Where files lie that people sent, until they are fetched.
        """
        self._hub = hub
        self._files = files

    @property
    def platform(self) -> str:
        """Its name."""
        return WEB

    @property
    def finder(self) -> Finder | None:
        """Itself: sent twice is sent once."""
        return self

    async def post(self, target: Target, part: Part, key: str, *, plain: bool = False) -> str:
        """Show a message."""
        message_id = answer_id(target.reply_to) if target.reply_to else post_id(key)
        await self.edit(target, message_id, part, plain=plain)
        return message_id

    async def find(self, target: Target, key: str) -> str:  # noqa: ARG002 - posting again does no harm, so nobody need look
        """Nothing: posting again does no harm."""
        return ""

    def live_seconds(self, target: Target) -> float:  # noqa: ARG002 - the same everywhere
        """Pages may be told often."""
        return LIVE_SECONDS

    def parts(self, card: Card) -> tuple[Part, ...]:
        """A page shows everything in one piece."""
        return (Part(body=card, plain=card.text, buttons=card.buttons, rates=card.rates),)

    async def send(self, target: Target, text: str) -> str:
        """A short plain text."""
        message_id = answer_id(target.reply_to) if target.reply_to else post_id(secrets.token_hex(8))
        self._hub.keep(target.channel, message_id, Card(text=safe(text)))
        return message_id

    async def edit(self, target: Target, message_id: str, part: Part, *, plain: bool = False) -> None:
        """Another text in a message."""
        card = part.body if isinstance(part.body, Card) and not plain else Card(text=safe(part.plain))
        self._hub.keep(target.channel, message_id, replace(card, buttons=part.buttons))

    async def set_buttons(self, target: Target, message_id: str, buttons: Rows) -> None:
        """Other buttons under a message."""
        card = self._hub.kept(target.channel, message_id)
        if card is None:
            raise MessageGoneError(f"nothing is known of the message {message_id}")
        self._hub.keep(target.channel, message_id, replace(card, buttons=buttons))

    async def delete(self, target: Target, message_id: str) -> None:
        """Remove a message."""
        self._hub.drop(target.channel, message_id)

    async def working(self, target: Target) -> None:
        """A page knows what waits for an answer: it is in the store."""

    async def tell(self, target: Target, card: Card, *, expects_text: bool = False) -> None:  # noqa: ARG002 - the next text is taken for it anyway
        """A note to whoever reads now."""
        self._hub.tell(target.channel, card)

    def live(self, target: Target, placed: Placed, message_id: str = "", *, buttons: Rows = ()) -> Live:
        """A text that grows."""
        return _WebLive(self._hub, target, placed, message_id, buttons)

    async def direct(self, person: str) -> str:
        """Each person has a conversation for what is said to them unasked."""
        return channel_of(person, NOTICES)

    async def picture(self, target: Target, png: bytes, caption: str) -> str:  # noqa: ARG002 - a page reads it from the post
        """The picture and its caption are in the post that brought them."""
        self._hub.changed(target.channel)
        return ""

    async def fetch(self, file_id: str) -> bytes:
        """Read a file that somebody sent."""
        if not _FILE_ID.fullmatch(file_id):
            raise PlatformError("there is no such file")
        try:
            return await run_blocking((self._files / file_id).read_bytes)
        except OSError as error:
            raise PlatformError(f"the file cannot be read: {error.strerror}") from error


class _WebLive:
    def __init__(self, hub: Hub, target: Target, placed: Placed, message_id: str, buttons: Rows) -> None:
        self._hub = hub
        self._target = target
        self._placed = placed
        self._message_id = message_id
        self._buttons = buttons

    async def show(self, text: str) -> None:
        if not self._message_id:
            reply_to = self._target.reply_to
            self._message_id = answer_id(reply_to) if reply_to else post_id(secrets.token_hex(8))
            await self._placed(self._message_id)
        self._hub.grow(self._target.channel, self._message_id, Growing(text=text, buttons=self._buttons))

    async def close(self) -> None:
        if self._message_id:
            self._hub.grown(self._target.channel, self._message_id)


NOTICES: Final = "notices"  # of the conversation in which somebody is told what they did not ask for


def channel_of(person: str, talk: str) -> str:
    """The channel of one of a person's conversations. Nobody's name has a slash, so each is its owner's alone.

    Args:
        person: The platform's id.
        talk: As it stands in the page's address: lower case letters and figures.
    """
    return person if talk == NOTICES else f"{person}/{talk}"


def talk_of(channel: str) -> str:
    """The conversation that a channel is."""
    _, slash, talk = channel.rpartition("/")
    return talk if slash else NOTICES


def answer_id(message_id: str) -> str:
    """The id of the message that answers another."""
    return f"a-{message_id}"


def post_id(key: str) -> str:
    """The id of the message that is posted by a key."""
    return f"p-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
