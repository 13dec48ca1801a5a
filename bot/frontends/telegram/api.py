"""The Bot API through python-telegram-bot, its errors in the program's words; the only module that meets them."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, TypeVar

import telegram
from telegram import error as errors
from telegram.request import HTTPXRequest, RequestData

from bot.config import TelegramSettings
from bot.frontends.base import (
    MarkupError,
    MessageGoneError,
    PlaceGoneError,
    PlatformError,
    ThrottledError,
    UnreachableError,
)
from bot.frontends.telegram.pace import Pace, Rates

T = TypeVar("T")
Migrated = Callable[[str, str], Awaitable[None]]  # told a chat's old and new id

POLL_SECONDS = 25  # how long the server may hold a request for updates
UPDATES = ("message", "edited_message", "callback_query", "message_reaction", "my_chat_member")
MAX_DOWNLOAD_BYTES = 20_000_000  # what the Bot API gives out: 20 MB
NO_TOKEN = "0:none"  # noqa: S105 - stands where no token was given; Telegram refuses it

# Parts of Telegram's descriptions, in lower case. https://github.com/tdlib/telegram-bot-api has them all.
_MARKUP = ("can't parse entities", "message is too long", "message_too_long", "entity_", "button_url_invalid")
_MESSAGE_GONE = (
    "message to edit not found",
    "message can't be edited",
    "message to delete not found",
    "message can't be deleted",
    "message_id_invalid",
)
_PLACE_GONE = (
    "chat not found",
    "user not found",
    "chat_write_forbidden",
    "not enough rights to send",
    "have no rights to send",
    "topic_closed",
    "topic_deleted",
    "message thread not found",
    "group chat was deactivated",
    "peer_id_invalid",
    "need administrator rights in the channel chat",
)
_SAME = "message is not modified"


class BadTokenError(PlatformError):
    """Telegram does not know the token, or not the method."""


class SecondPollerError(PlatformError):
    """Another program takes this bot's updates (HTTP 409)."""


class WebhookSetError(PlatformError):
    """A webhook takes this bot's updates, so they cannot be asked for (HTTP 409)."""


class _FloodError(errors.TelegramError):
    """HTTP 429. The library's RetryAfter warns of its own deprecation wherever it is made."""

    def __init__(self, seconds: float) -> None:
        super().__init__("too many requests")
        self.seconds = seconds


class _Request(HTTPXRequest):
    """Reads HTTP 429 itself."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        *args: Any,  # noqa: ANN401 - handed on as they come
        **timeouts: Any,  # noqa: ANN401 - handed on as they come
    ) -> tuple[int, bytes]:
        """See telegram.request.BaseRequest.do_request."""
        status, body = await super().do_request(url, method, request_data, *args, **timeouts)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise _FloodError(_retry_after(body))
        return status, body


class _Bot(telegram.Bot):
    """Gives updates as they came: one that the library cannot read must not hold up the others, nor be logged."""

    async def raw_updates(self, offset: int, *, seconds: int) -> list[dict[str, Any]]:
        """One getUpdates; confirms everything before the offset."""
        data = {"offset": offset, "timeout": seconds, "allowed_updates": list(UPDATES)}
        result = await self._post("getUpdates", data, read_timeout=seconds + 10.0)
        return result if isinstance(result, list) else []


class Api:
    """Calls to the Bot API. Every method raises a PlatformError where Telegram does not comply."""

    def __init__(self, settings: TelegramSettings, *, rates: Rates | None = None) -> None:
        """Prepare; nothing is sent yet.

        Args:
            settings: Token and addresses.
            rates: How fast to go; by default as fast as Telegram allows.
        """
        # the library's own lines quote what people wrote, and the HTTP client's hold the token
        logging.getLogger("telegram").setLevel(logging.CRITICAL + 1)
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.bot = _Bot(
            settings.token.get_secret_value() or NO_TOKEN,
            base_url=settings.base_url,
            base_file_url=settings.base_file_url,
            request=_Request(
                connection_pool_size=64, read_timeout=20.0, write_timeout=20.0, connect_timeout=10.0, pool_timeout=30.0
            ),
            get_updates_request=_Request(connection_pool_size=2, read_timeout=20.0, connect_timeout=10.0),
        )
        self._pace = Pace(rates or Rates(overall=settings.messages_per_second))
        self._moved: dict[int, int] = {}  # ids of groups that became supergroups
        self.migrated: Migrated | None = None  # told once for each of them

    async def open(self) -> telegram.User:
        """Say hello: the bot's own account.

        Raises:
            PlatformError: The token is wrong, or Telegram cannot be reached.
        """
        return await self.call(self.bot.get_me)

    async def aclose(self) -> None:
        """Close all connections."""
        for request in self.bot._request:  # noqa: SLF001 - Bot.shutdown closes only what Bot.initialize opened
            await request.shutdown()

    async def updates(self, offset: int, *, seconds: int = POLL_SECONDS) -> Sequence[dict[str, Any]]:
        """Wait for updates.

        Args:
            offset: The first one wanted; all before it are confirmed and forgotten by Telegram.
            seconds: How long to wait for one.
        """
        return await self.call(lambda: self.bot.raw_updates(offset, seconds=seconds))

    def read(self, update: dict[str, Any]) -> telegram.Update:
        """An update as the library's type.

        Raises:
            Exception: It is not as the library expects it.
        """
        return telegram.Update.de_json(update, self.bot)

    async def call(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do something that writes to no chat."""
        try:
            return await act()
        except errors.TelegramError as error:
            raise translated(error) from None  # the library's text may hold an address with the token

    async def write(self, chat: str, act: Callable[[int], Awaitable[T]], *, paced: bool = True) -> T:
        """Do something in a chat, at its pace, following it where it moved to.

        Args:
            chat: Its id.
            act: Given the id under which the chat is known now.
            paced: Whether it counts for the chat's rate.
        """
        chat_id = _id(chat, PlaceGoneError)
        chat_id = self._moved.get(chat_id, chat_id)
        if paced:
            await self._pace.turn(chat_id)
        try:
            return await act(chat_id)
        except errors.ChatMigrated as moved:
            new = moved.new_chat_id
        except errors.TelegramError as error:
            raise translated(error) from None
        await self.move(chat_id, new)
        return await self.call(lambda: act(new))

    async def move(self, old: int, new: int) -> None:
        """Use a chat's new id from now on; told on once."""
        if self._moved.get(old) == new:
            return
        if self.migrated is None:  # not connected yet: it is told when the chat is written to again
            return
        await self.migrated(str(old), str(new))
        self._moved[old] = new

    async def optional(self, act: Callable[[], Awaitable[object]]) -> bool:
        """Do something that a server may not know, or that does not matter much; False if it was not done."""
        with suppress(PlatformError):
            await self.call(act)
            return True
        return False

    async def download(self, file_id: str) -> bytes:
        """A file that somebody sent."""
        file = await self.call(lambda: self.bot.get_file(file_id))
        if (file.file_size or 0) > MAX_DOWNLOAD_BYTES:
            raise _too_big()
        return bytes(await self.call(file.download_as_bytearray))


def message_number(message_id: str) -> int:
    """A message's id as the Bot API takes it.

    Raises:
        MessageGoneError: It is none of Telegram's.
    """
    return _id(message_id, MessageGoneError)


def _id(text: str, otherwise: type[PlatformError]) -> int:
    try:
        return int(text)
    except ValueError:
        raise otherwise("that is no id of Telegram's") from None


_KINDS: tuple[tuple[type[errors.TelegramError], type[PlatformError], str], ...] = (
    (
        errors.InvalidToken,
        BadTokenError,
        "Telegram does not know the bot's token: copy it again from @BotFather. (Or your Bot API server is too old.)",
    ),
    (errors.Conflict, SecondPollerError, "Another program takes this bot's updates."),
    (errors.Forbidden, PlaceGoneError, "Telegram does not let the bot write there."),
    (errors.NetworkError, UnreachableError, "Telegram did not answer, or had an error of its own."),
)


_REFUSALS: tuple[tuple[tuple[str, ...], type[PlatformError], str], ...] = (
    (_MARKUP, MarkupError, "Telegram does not take the text's formatting or its length"),
    (_MESSAGE_GONE, MessageGoneError, "The message is not there any more, or is too old to be changed"),
    (_PLACE_GONE, PlaceGoneError, "The chat is not there any more, or the bot may not write in it"),
)


def translated(error: errors.TelegramError) -> PlatformError:
    """An error of the library in the program's words; its text holds neither the token nor a person's words."""
    if isinstance(error, _FloodError):
        return ThrottledError(error.seconds)
    if isinstance(error, errors.BadRequest):  # which the library counts among network errors
        return _refused(error.message.lower())
    if isinstance(error, errors.Conflict) and "webhook" in error.message.lower():
        return WebhookSetError("A webhook takes this bot's updates.")
    for theirs, ours, sentence in _KINDS:
        if isinstance(error, theirs):
            return ours(sentence)
    return PlatformError(f"Telegram refused it for a reason that Burnish does not know ({type(error).__name__}).")


def _refused(description: str) -> PlatformError:
    if "file is too big" in description:
        return _too_big()
    for parts, kind, sentence in _REFUSALS:
        for part in parts:
            if part in description:
                return kind(f"{sentence} ({part}).")
    if _SAME in description:
        return UnchangedError("Telegram has it already.")
    return PlatformError("Telegram refused it for a reason that Burnish does not know.")


class UnchangedError(PlatformError):
    """What was to be changed is as it should be: a success."""


def _too_big() -> PlatformError:
    return PlatformError("The file is larger than 20 MB, and Telegram gives bots no more than that.")


def _retry_after(body: bytes) -> float:
    try:
        return max(0.0, float(json.loads(body)["parameters"]["retry_after"]))
    except (ValueError, KeyError, TypeError):
        return 1.0  # Telegram always says; a proxy in between may not
