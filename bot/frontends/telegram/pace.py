"""How fast Telegram takes messages; waiting here is quicker than being told to wait there."""

from __future__ import annotations

from dataclasses import dataclass

from aiolimiter import AsyncLimiter

KEPT_CHATS = 4_096  # limiters kept; those at rest are forgotten past that


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Calls per seconds, each with room for a short burst of that many.

    Source: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this (1 message a second in a
    chat with short bursts above it, 20 a minute in a group, 30 a second overall).
    """

    chat: tuple[float, float] = (3, 3.0)
    group: tuple[float, float] = (20, 60.0)
    overall: float = 30.0  # a second


class Pace:
    """Lets calls through at the rates; nothing is ever dropped, only later."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._overall = AsyncLimiter(rates.overall, 1.0)
        self._chats: dict[int, AsyncLimiter] = {}

    def __len__(self) -> int:
        """How many chats are kept in mind."""
        return len(self._chats)

    async def turn(self, chat_id: int) -> None:
        """Wait until a call that writes to a chat may go out.

        Args:
            chat_id: Negative for groups.
        """
        await self._limiter(chat_id).acquire()
        await self._overall.acquire()

    def _limiter(self, chat_id: int) -> AsyncLimiter:
        limiter = self._chats.get(chat_id)
        if limiter is None:
            if len(self._chats) >= KEPT_CHATS:
                self._chats = {key: one for key, one in self._chats.items() if not one.has_capacity(one.max_rate)}
            limiter = AsyncLimiter(*(self._rates.group if chat_id < 0 else self._rates.chat))
            self._chats[chat_id] = limiter
        return limiter
