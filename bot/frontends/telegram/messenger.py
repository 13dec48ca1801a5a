"""Speaks on Telegram."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, ReplyParameters
from telegram.constants import ChatAction

from bot.buttons import Rows
from bot.cards import Card
from bot.frontends.base import Live, MarkupError, MessageGoneError, Part, Placed, PlaceGoneError, Target
from bot.frontends.telegram.api import Api, UnchangedError, message_number
from bot.frontends.telegram.live import Drafts, GrowingDraft, GrowingMessage
from bot.frontends.telegram.markup import Piece, pieces
from bot.types import Place

PLATFORM = "telegram"
PRIVATE_SECONDS = 1.1  # between two edits; Telegram allows one a second in a chat
GROUP_SECONDS = 3.5  # and 20 a minute in a group
DRAFT_SECONDS = 0.5  # a draft is no message; how often it may change is not said anywhere, so this is an assumption
TYPING_SECONDS = 4.0  # before "is typing" is shown again; a second less than it lasts

_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
Markup = InlineKeyboardMarkup | ForceReply


class TelegramMessenger:
    """The Messenger of bot.frontends.base."""

    def __init__(self, api: Api, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep the connection.

        Args:
            api: The Bot API.
            clock: Seconds.
        """
        self._api = api
        self._clock = clock
        self._drafts = Drafts()
        self._typing: dict[tuple[str, str], float] = {}  # by channel and thread: when "is typing" was shown last

    @property
    def platform(self) -> str:
        """Its name."""
        return PLATFORM

    @property
    def finder(self) -> None:
        """Telegram shows bots no history."""
        return

    def live_seconds(self, target: Target) -> float:
        """The least time between two showings."""
        if target.place is not Place.DIRECT:
            return GROUP_SECONDS
        return DRAFT_SECONDS if self._drafts.known else PRIVATE_SECONDS

    def parts(self, card: Card) -> tuple[Part, ...]:
        """Pieces of 4,096 UTF-16 units at most."""
        cut = pieces(card.text)
        last = len(cut) - 1
        return tuple(
            Part(
                body=piece,
                plain=piece.plain,
                buttons=card.buttons if number == last else (),
                rates=card.rates if number == last else None,
            )
            for number, piece in enumerate(cut)
        )

    async def send(self, target: Target, text: str) -> str:
        """A new message; in groups it quotes what it answers."""
        return await self._send(target, Piece(text=text, plain=text))

    async def edit(self, target: Target, message_id: str, part: Part, *, plain: bool = False) -> None:
        """Another text in a message."""
        piece = part.body if isinstance(part.body, Piece) and not plain else Piece(text=part.plain, plain=part.plain)
        await self.show(target, message_id, piece, part.buttons)

    async def show(self, target: Target, message_id: str, piece: Piece, buttons: Rows = ()) -> None:
        """A piece in the place of a message's text."""
        number = message_number(message_id)
        try:
            await self._api.write(
                target.channel,
                lambda chat_id: self._api.bot.edit_message_text(
                    piece.text,
                    chat_id=chat_id,
                    message_id=number,
                    entities=piece.entities,
                    reply_markup=keyboard(buttons),
                    link_preview_options=_NO_PREVIEW,
                ),
            )
        except UnchangedError:
            return

    async def set_buttons(self, target: Target, message_id: str, buttons: Rows) -> None:
        """Other buttons under a message."""
        number = message_number(message_id)
        try:
            await self._api.write(
                target.channel,
                lambda chat_id: self._api.bot.edit_message_reply_markup(
                    chat_id=chat_id, message_id=number, reply_markup=keyboard(buttons)
                ),
            )
        except UnchangedError:
            return

    async def delete(self, target: Target, message_id: str) -> None:
        """Remove a message. One that is gone, or is past the 48 hours in which Telegram lets go of it, stays so."""
        try:
            number = message_number(message_id)
            await self._api.write(target.channel, lambda chat_id: self._api.bot.delete_message(chat_id, number))
        except MessageGoneError:
            return

    async def working(self, target: Target) -> None:
        """Show "is typing", which Telegram does for five seconds or until a message comes."""
        here, now = (target.channel, target.thread), self._clock()
        if now - self._typing.get(here, -TYPING_SECONDS) < TYPING_SECONDS:
            return
        self._typing[here] = now
        await self._api.write(
            target.channel,
            lambda chat_id: self._api.bot.send_chat_action(
                chat_id, ChatAction.TYPING, message_thread_id=_thread(target)
            ),
            paced=False,
        )

    async def tell(self, target: Target, card: Card, *, expects_text: bool = False) -> None:
        """Say something in the place: Telegram has no messages that only one person of a group sees.

        In a group, what is asked for is to be a reply to this, since others' messages do not reach the bot.
        """
        cut = pieces(card.text)
        for number, piece in enumerate(cut, start=1):
            markup: Markup | None = None
            if number == len(cut):
                asks = expects_text and target.place is not Place.DIRECT
                markup = ForceReply(selective=True) if asks else keyboard(card.buttons)
            try:
                await self._send(target, piece, markup)
            except MarkupError:
                await self._send(target, Piece(text=piece.plain, plain=piece.plain), markup)

    def live(self, target: Target, placed: Placed, message_id: str = "", *, buttons: Rows = ()) -> Live:
        """A draft, which takes no buttons, in private chats where there are drafts; else a message that is edited."""
        message = GrowingMessage(self, target, placed, message_id, buttons)
        if buttons:
            return message
        if target.place is Place.DIRECT and not message_id and self._drafts.known:
            return GrowingDraft(self._api, self._drafts, target, message)
        return message

    async def direct(self, person: str) -> str:
        """Its id is the person's; "is typing" is shown there, since only trying tells whether the bot may write.

        Somebody who speaks for a group or a channel has that one's id, which is below 0: who it is, nobody knows.
        """
        if person.startswith("-"):
            raise PlaceGoneError("Whoever speaks for a whole group has no direct chat with the bot")
        await self._api.write(
            person, lambda chat_id: self._api.bot.send_chat_action(chat_id, ChatAction.TYPING), paced=False
        )
        return person

    async def picture(self, target: Target, png: bytes, caption: str) -> str:
        """A photo."""
        sent = await self._api.write(
            target.channel,
            lambda chat_id: self._api.bot.send_photo(
                chat_id,
                png,
                caption=caption,
                message_thread_id=_thread(target),
                reply_parameters=_quote(target),
            ),
        )
        return str(sent.message_id)

    async def fetch(self, file_id: str) -> bytes:
        """Download what somebody sent, up to 20 MB."""
        return await self._api.download(file_id)

    async def _send(self, target: Target, piece: Piece, markup: Markup | None = None) -> str:
        sent = await self._api.write(
            target.channel,
            lambda chat_id: self._api.bot.send_message(
                chat_id,
                piece.text,
                entities=piece.entities,
                message_thread_id=_thread(target),
                reply_parameters=_quote(target),
                reply_markup=markup,
                link_preview_options=_NO_PREVIEW,
            ),
        )
        self._typing.pop((target.channel, target.thread), None)
        return str(sent.message_id)


def keyboard(buttons: Rows) -> InlineKeyboardMarkup | None:
    """Buttons under a message; None for none."""
    rows: Sequence[Sequence[InlineKeyboardButton]] = [
        [InlineKeyboardButton(button.label, callback_data=button.data) for button in row] for row in buttons if row
    ]
    return InlineKeyboardMarkup(rows) if rows else None


def _thread(target: Target) -> int | None:
    return message_number(target.thread) if target.thread else None


def _quote(target: Target) -> ReplyParameters | None:
    """What the message answers; in private chats that is plain to see."""
    if target.place is Place.DIRECT or not target.reply_to:
        return None
    return ReplyParameters(message_number(target.reply_to), allow_sending_without_reply=True)
