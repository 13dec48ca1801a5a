"""Telegram as the program's front end: updates go to the desk, and what presses lead to is shown."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from telegram import BotCommandScopeChat, Update, User

from bot.cards import Card
from bot.commands.registry import menu
from bot.config import TelegramSettings
from bot.frontends.base import Inbox, Messenger, PlatformError, Press, Reaction, Response, Target
from bot.frontends.delivery import patiently
from bot.frontends.telegram.albums import Albums
from bot.frontends.telegram.api import Api, BadTokenError
from bot.frontends.telegram.inbound import Event, Joined, Left, Me, Overheard, Renamed, read
from bot.frontends.telegram.intake import Intake
from bot.frontends.telegram.markup import mention
from bot.frontends.telegram.messenger import PLATFORM, TelegramMessenger
from bot.frontends.telegram.pace import Rates
from bot.frontends.telegram.polling import Polling
from bot.frontends.telegram.webhook import Webhook
from bot.texts import FALLBACK, language_for, languages, say
from bot.types import Message, Place, Role

HOW_TO_CONNECT = (
    "Telegram does not know the bot's token. Get one from @BotFather (/newbot, or /mybots and API Token) and give it "
    "in TELEGRAM_BOT_TOKEN."
)
TOAST_CHARACTERS = 200  # Telegram's limit for what a press is answered with
STOP_SECONDS = 10.0  # for what presses led to and is still being shown

log = logging.getLogger(__name__)


class TelegramFrontend:
    """The Frontend of bot.frontends.base."""

    def __init__(
        self,
        settings: TelegramSettings,
        *,
        language: str = "auto",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rates: Rates | None = None,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            settings: The [telegram] section.
            language: "auto", or the language that the admin fixed.
            sleep: Waits so many seconds.
            rates: How fast to send; by default as fast as Telegram allows.
            notice: Told in one sentence what keeps messages from coming in, and "" when they come again.
        """
        self._settings = settings
        self._language = language
        self._sleep = sleep
        self._notice = notice
        self._api = Api(settings, rates=rates)
        self._messenger = TelegramMessenger(self._api)
        self._intake = Intake(self._api, self._handle, sleep=sleep)
        self._polling: Polling | None = None
        self._webhook: Webhook | None = None
        self._task: asyncio.Task[None] | None = None
        self._showing: set[asyncio.Task[None]] = set()
        self._desk: Inbox | None = None
        self._me: User | None = None
        self._albums = Albums()
        self._one_file = asyncio.Lock()
        self._roles: dict[str, Role] = {}  # of those whose chat has a menu of its own
        self.problem = ""  # what keeps messages from coming in, in one sentence

    @property
    def messenger(self) -> Messenger:
        """What speaks on Telegram."""
        return self._messenger

    @property
    def rejected(self) -> int:
        """Calls of the webhook that did not know the secret."""
        return self._webhook.rejected if self._webhook else 0

    @property
    def skipped(self) -> int:
        """Updates that could not be handled."""
        return self._intake.skipped + (self._polling.set_aside if self._polling else 0)

    # -- life

    async def start(self, desk: Inbox) -> None:
        """Connect and begin to take updates.

        Raises:
            PlatformError: The token is wrong, or Telegram cannot be reached.
            ListenError: The webhook's address is taken.
        """
        self._desk = desk
        self._api.migrated = partial(desk.renamed, PLATFORM)
        try:
            self._me = await self._api.open()
        except BadTokenError as error:
            raise PlatformError(HOW_TO_CONNECT) from error
        if self._settings.mode == "webhook":
            webhook = Webhook(self._settings, self._intake.take)
            await webhook.start(self._api)
            self._webhook = webhook
        else:
            await self._api.call(self._api.bot.delete_webhook)
            self._polling = Polling(self._api, self._intake.take, notice=self._noticed, sleep=self._sleep)
            self._task = asyncio.create_task(self._polling.run())
        self._later(self._set_menus())

    async def stop(self) -> None:
        """Take no more updates."""
        if self._webhook is not None:
            await self._webhook.stop()
        if self._task is not None and self._polling is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            await self._polling.confirm()
        if self._showing:
            await asyncio.wait(self._showing, timeout=STOP_SECONDS)

    async def aclose(self) -> None:
        """Close all connections."""
        rest = set(self._showing)
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest)
        await self._api.aclose()

    async def idle(self) -> None:
        """Wait until everything that presses led to is shown; for tests and benchmarks."""
        while self._showing:
            await asyncio.wait(set(self._showing))

    async def show_roles(self, people: Sequence[tuple[str, Role, str]]) -> None:
        """Show everybody with a role more than a user's, or who had one before, their commands in their own chat."""
        for person, role, language in people:
            if self._roles.get(person, Role.USER) is not role:
                self._roles[person] = role
                await self.set_admin_menu(person, role, language or FALLBACK)

    async def set_admin_menu(self, chat_id: str, role: Role, language: str = FALLBACK) -> None:
        """Show a role's commands in one chat's menu, where the server knows menus."""
        commands = menu(language, role)
        scope = BotCommandScopeChat(int(chat_id))
        await self._api.optional(lambda: self._api.bot.set_my_commands(commands, scope=scope))

    # -- updates

    async def _handle(self, update: Update) -> None:
        """Bring an update to the desk; returns when what it tells is stored."""
        assert self._me is not None  # noqa: S101 - set by start, before anything comes in
        event = read(update, Me(id=self._me.id, username=self._me.username or ""))
        album = update.message.media_group_id if update.message else None
        if album is not None and isinstance(event, Message | Overheard):
            await self._bring_file(event)
        elif event is not None:
            await self._bring(event)

    async def _bring_file(self, heard: Message | Overheard) -> None:
        """Bring a file of an album; one after the other, since each is read by what came before it."""
        assert self._desk is not None  # noqa: S101 - set by start, before anything comes in
        message = heard.message if isinstance(heard, Overheard) else heard
        async with self._one_file:
            for one in self._albums.sorted(heard, await self._desk.album(message)):
                await self._bring(one)

    async def _bring(self, event: Event) -> None:
        assert self._desk is not None  # noqa: S101 - set by start, before anything comes in
        match event:
            case Message() | Overheard():
                await self._hear(event)
            case Press():
                self._later(self._show(event, await self._desk.pressed(event)))
            case Reaction():
                await self._desk.reacted(event)
            case Renamed():
                await self._api.move(event.old, event.new)
            case Joined():
                self._later(self._greet(event))
            case Left():
                log.info("left a chat", extra={"action": "left-chat", "platform": PLATFORM})

    async def _hear(self, heard: Message | Overheard) -> None:
        """Bring what was said to the desk, if it is meant for the bot or answers what was passed on to people."""
        assert self._desk is not None  # noqa: S101 - set by start, before anything comes in
        message = heard.message if isinstance(heard, Overheard) else heard
        if message.origin.replaces:
            # people's replies were passed on as they were; a change to them asks the bot nothing
            meant = heard is message and not await self._concerns(message)
        else:
            meant = heard is message or await self._concerns(message)
        if meant:
            await self._desk.said(message)

    async def _concerns(self, message: Message) -> bool:
        assert self._desk is not None  # noqa: S101 - set by start, before anything comes in
        return await self._desk.concerns(PLATFORM, message.channel, message.thread, message.origin.reply_to)

    # -- what follows; Telegram has been told by then that the update arrived

    async def _show(self, press: Press, response: Response) -> None:
        """Show what a press leads to."""
        toast = response.toast[:TOAST_CHARACTERS] or None
        await self._api.optional(lambda: self._api.bot.answer_callback_query(press.event_id, toast))
        target = Target(
            channel=press.channel,
            thread=press.thread,
            place=press.place,
            reply_to=press.message_id,
            person=press.sender,
        )
        buttons, card = response.buttons, response.say
        if buttons is not None:
            await self._try(lambda: self._messenger.set_buttons(target, press.message_id, buttons))
        if card is not None:
            if press.place is not Place.DIRECT:  # everybody there reads it, so it names the one it is for
                card = Card(text=f"{mention(press.sender_name, press.sender)} {card.text}", buttons=card.buttons)
            await self._try(lambda: self._messenger.tell(target, card, expects_text=response.expects_text))

    async def _greet(self, joined: Joined) -> None:
        """Say how to ask, where privacy mode hides other messages from the bot."""
        assert self._me is not None  # noqa: S101 - set by start, before anything comes in
        if self._me.can_read_all_group_messages:
            return
        language = language_for(chosen="", setting=self._language, client=joined.language, text="")
        text = say("telegram-greeting", language, username=self._me.username or "")
        target = Target(channel=joined.channel, place=Place.GROUP)
        await self._try(lambda: self._messenger.tell(target, Card(text=text)))

    async def _set_menus(self) -> None:
        """The users' commands, for each language; a server that has no menus does without."""
        default = FALLBACK if self._language == "auto" else self._language
        for code in ("", *languages()):
            commands = menu((code or default) if self._language == "auto" else default, Role.USER)
            known = await self._api.optional(
                partial(self._api.bot.set_my_commands, commands, language_code=code or None)
            )
            if not known:
                return

    async def _try(self, act: Callable[[], Awaitable[None]]) -> None:
        with suppress(PlatformError):
            await patiently(act, sleep=self._sleep)

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._showing.add(task)
        task.add_done_callback(self._shown)

    def _shown(self, task: asyncio.Task[None]) -> None:
        self._showing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("not shown", extra={"action": "show-failed", "error": type(error).__name__})

    def _noticed(self, problem: str) -> None:
        self.problem = problem
        self._notice(problem)
