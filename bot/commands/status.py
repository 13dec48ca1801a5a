"""Commands about the bot itself: status, versions, and those that only the server can carry out yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from bot.blocking import run_blocking
from bot.cards import safe
from bot.commands.base import Call, Reply, Run
from bot.store.store import Store
from bot.texts import keys, say
from bot.types import Outcome, RatingValue

Facts = Callable[[], Mapping[str, int | str]]  # what the running program knows of itself, by name
Versions = Callable[[], Sequence[str]]  # one line for each version of a model; blocks

LATER = ("retrain", "promote", "rollback", "schedule", "pause", "resume")


class StatusCommands:
    """How the bot is doing."""

    def __init__(
        self,
        store: Store,
        *,
        facts: Facts,
        versions: Versions | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._facts = facts
        self._versions = versions
        self._now = now

    @property
    def runs(self) -> Mapping[str, Run]:
        """What carries out which command."""
        return {"status": self.status, "versions": self.versions, **dict.fromkeys(LATER, self.later)}

    async def status(self, call: Call) -> Reply:
        """Say how the bot is doing."""
        kept = await run_blocking(self._kept)
        lines = [f"- {fact_name(name, call.language)}: {safe(_shown(value))}" for name, value in kept.items()]
        lines += [f"- {fact_name(name, call.language)}: {safe(_shown(value))}" for name, value in self._facts().items()]
        return Reply(text="\n".join([f"**{say('status-title', call.language)}**", *lines]))

    async def versions(self, call: Call) -> Reply:
        """List the versions of the models."""
        if self._versions is None:
            return await self.later(call)
        lines = await run_blocking(self._versions)
        if not lines:
            return Reply(text=say("versions-none", call.language))
        return Reply(text="\n".join(f"- {safe(line)}" for line in lines))

    async def later(self, call: Call) -> Reply:
        """Say that the server has to be used for this."""
        return Reply(text=say("not-from-chat", call.language))

    def _kept(self) -> Mapping[str, int]:
        """What the store knows of the last day and of all time. Blocks."""
        counts = self._store.answers.counts(self._now() - timedelta(days=1))
        tally = self._store.ratings.tally()
        documents = self._store.knowledge.documents()
        return {
            "questions in 24 h": sum(counts.values()),
            "answered in 24 h": sum(n for (_, outcome), n in counts.items() if outcome is Outcome.ANSWERED),
            "refused in 24 h": sum(n for (_, outcome), n in counts.items() if outcome is Outcome.ABSTAINED),
            "ratings up": tally[RatingValue.UP],
            "ratings down": tally[RatingValue.DOWN],
            "documents": len(documents),
            "chunks": sum(one.chunks for one in documents),
        }


def fact_name(name: str, language: str) -> str:
    """What a fact is called in a language; its own name where no text is written for it."""
    key = "fact-" + "-".join(name.lower().split())
    return say(key, language) if key in _known(language) else name


def _shown(value: int | str) -> str:
    return f"{value:,}" if isinstance(value, int) else value


@cache
def _known(language: str) -> frozenset[str]:
    return frozenset(keys(language))
