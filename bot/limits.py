"""How often somebody may ask: a moving window for each person and each channel."""

from __future__ import annotations

from enum import Enum

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from bot.config import ServeSettings
from bot.types import Message


class Verdict(Enum):
    """What becomes of a message."""

    PASS = "pass"  # noqa: S105 - not a password
    WARN = "warn"  # too much: say so, once a minute
    DROP = "drop"  # too much, and said so already


class Limits:
    """Counts in memory: a restart forgives everybody."""

    def __init__(self, settings: ServeSettings) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._person = RateLimitItemPerMinute(settings.user_messages_per_minute)
        self._channel = RateLimitItemPerMinute(settings.channel_messages_per_minute)
        self._warning = RateLimitItemPerMinute(1)

    def check(self, message: Message) -> Verdict:
        """Count a message.

        A person who is over their limit does not use up the channel's.
        """
        person = (message.platform, "person", message.sender)
        channel = (message.platform, "channel", message.channel)
        if self._window.hit(self._person, *person) and self._window.hit(self._channel, *channel):
            return Verdict.PASS
        warned = (message.platform, "warned", message.channel, message.sender)
        return Verdict.WARN if self._window.hit(self._warning, *warned) else Verdict.DROP
