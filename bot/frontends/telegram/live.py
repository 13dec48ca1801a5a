"""A text that grows on Telegram: as a draft in private chats, as a message that is edited elsewhere."""

from __future__ import annotations

import itertools
from typing import Protocol

from bot.buttons import Rows
from bot.frontends.base import (
    PLACEHOLDER,
    Placed,
    PlaceGoneError,
    PlatformError,
    Target,
    ThrottledError,
    UnreachableError,
)
from bot.frontends.telegram.api import Api, BadTokenError
from bot.frontends.telegram.markup import Piece, pieces


class Drafts:
    """Whether the server knows sendMessageDraft, which came in 2025; and the drafts' numbers."""

    def __init__(self) -> None:
        self.known = True  # until it says otherwise
        self._numbers = itertools.count(1)

    def number(self) -> int:
        """Of a new draft; never 0."""
        return next(self._numbers)


class Shows(Protocol):
    """What a growing message needs of the messenger."""

    async def send(self, target: Target, text: str) -> str:
        """A new message."""

    async def show(self, target: Target, message_id: str, piece: Piece, buttons: Rows = ()) -> None:
        """A piece in the place of a message's text."""


class GrowingMessage:
    """Grows by edits, from a placeholder whose id is stored before anything else is written."""

    def __init__(self, messenger: Shows, target: Target, placed: Placed, message_id: str, buttons: Rows = ()) -> None:
        self._messenger = messenger
        self._target = target
        self._placed = placed
        self._message_id = message_id
        self._buttons = buttons

    async def show(self, text: str) -> None:
        """Show the text so far, up to the length of one message."""
        if not self._message_id:
            self._message_id = await self._messenger.send(self._target, PLACEHOLDER)
            await self._placed(self._message_id)
        await self._messenger.show(self._target, self._message_id, pieces(text)[0], self._buttons)

    async def close(self) -> None:
        """Nothing to do: the final text is edited into the message."""


class GrowingDraft:
    """Grows as a draft, which vanishes by itself; on a server without drafts, as a message from then on."""

    def __init__(self, api: Api, drafts: Drafts, target: Target, message: GrowingMessage) -> None:
        self._api = api
        self._drafts = drafts
        self._target = target
        self._number = drafts.number()
        self._message = message
        self._refused = False

    async def show(self, text: str) -> None:
        """Show the text so far."""
        if not self._refused and self._drafts.known:
            try:
                await self._draft(pieces(text)[0])
            except (ThrottledError, UnreachableError, PlaceGoneError):
                raise
            except BadTokenError:  # the library's reading of "no such method"
                self._drafts.known = False
            except PlatformError:  # not in this chat
                self._refused = True
            else:
                return
        await self._message.show(text)

    async def close(self) -> None:
        """Nothing to do: the message that follows takes the draft's place."""

    async def _draft(self, piece: Piece) -> None:
        thread = int(self._target.thread) if self._target.thread else None
        await self._api.write(
            self._target.channel,
            lambda chat_id: self._api.bot.send_message_draft(
                chat_id, self._number, piece.text, message_thread_id=thread, entities=piece.entities
            ),
            paced=False,
        )
