"""Slack's connection, as a whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from bot.config import SlackSettings
from bot.frontends.base import Inbox, PlatformError
from bot.frontends.slack.api import SlackApi
from bot.frontends.slack.background import Background
from bot.frontends.slack.doors import Door, HttpDoor, SocketDoor, bolt
from bot.frontends.slack.messenger import SlackMessenger
from bot.frontends.slack.receiver import Home, Options, Receiver
from bot.frontends.slack.tokens import misplaced
from bot.types import Role

PING_SECONDS = 5.0  # of Socket Mode: after a hard break a new connection stands within about 8 s
FINISH_SECONDS = 10.0  # for what is still to be shown when the program stops


class SlackFrontend:
    """The Frontend of bot.frontends.base for Slack."""

    def __init__(
        self,
        settings: SlackSettings,
        *,
        language: str = "auto",
        examples: tuple[str, ...] = (),
        home: Home | None = None,
        ping_seconds: float = PING_SECONDS,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Keep the settings; nothing is connected yet.

        Args:
            settings: Tokens and mode.
            language: Of the bot's own words: "auto", or the one that the admin fixed.
            examples: Questions that a new conversation in the assistant's pane offers.
            home: What the App Home shows a person, by their id; without it, only their language.
            ping_seconds: Between two signs of life on the socket.
            now: Seconds since 1970.
        """
        self._settings = settings
        self._options = Options(
            language=language, examples=examples, home=home, now=lambda: datetime.fromtimestamp(now(), UTC)
        )
        self._ping_seconds = ping_seconds
        self._now = now
        self._api = SlackApi(settings)
        self._messenger = SlackMessenger(self._api, language=language)
        self._door: Door | None = None
        self._background: Background | None = None

    @property
    def messenger(self) -> SlackMessenger:
        """What speaks there."""
        return self._messenger

    @property
    def rejected(self) -> int:
        """HTTP requests that were forged, stale or said before."""
        return self._door.rejected if isinstance(self._door, HttpDoor) else 0

    @property
    def problem(self) -> str:
        """Nothing is known of any: a lost connection is made anew."""
        return ""

    async def show_roles(self, people: Sequence[tuple[str, Role, str]]) -> None:
        """Slack has no menus of commands."""

    @property
    def port(self) -> int:
        """Where HTTP requests are received; 0 in socket mode."""
        return self._door.port if isinstance(self._door, HttpDoor) else 0

    async def start(self, desk: Inbox) -> None:
        """Connect and begin to take events.

        Raises:
            PlatformError: A token is missing or wrong, or Slack cannot be reached; trying again starts afresh.
            ListenError: The address for HTTP requests is taken.
        """
        needed = "app_token" if self._settings.mode == "socket" else "signing_secret"
        for name in ("bot_token", needed):
            if not getattr(self._settings, name).get_secret_value():
                raise PlatformError(
                    f"slack.{name} is empty: set SLACK_{name.upper()} (docs/slack.md shows where to find it)."
                )
        for sentence in misplaced(self._settings).values():
            raise PlatformError(sentence)
        me = await self._api.who()
        receiver = Receiver(api=self._api, messenger=self._messenger, desk=desk, me=me, options=self._options)
        self._background = receiver.background
        app = bolt(receiver, self._api.client, me)
        door: SocketDoor | HttpDoor
        if self._settings.mode == "socket":
            token = self._settings.app_token.get_secret_value()
            door = SocketDoor(app, self._api, app_token=token, ping_seconds=self._ping_seconds)
        else:
            secret = self._settings.signing_secret.get_secret_value()
            door = HttpDoor(app, secret=secret, listen=self._settings.listen, now=self._now)
        self._door = door
        await door.open()

    async def stop(self) -> None:
        """Take no more events; those in hand are stored and acknowledged."""
        if self._door is not None:
            await self._door.close()
        if self._background is not None:
            await self._background.finish(seconds=FINISH_SECONDS)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._api.aclose()
