"""Commands about the bot itself: how it is doing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from bot.blocking import run_blocking
from bot.cards import safe
from bot.commands.base import Call, Reply, Run
from bot.store.store import Store
from bot.texts import keys, say
from bot.types import Outcome, RatingValue

Facts = Callable[[], Mapping[str, int | str]]  # what the running program knows of itself, by name
LearningLines = Callable[[str], Awaitable[Sequence[str]]]  # in a language: what is said of the learning

TOLD = ("up minutes", "waiting")  # facts that have a sentence of their own
TROUBLES = ("failures", "delayed deliveries", "unreachable readers", "busy", "slowed down")  # worth a look above 0
MINUTES_PER_HOUR = 60


class StatusCommands:
    """How the bot is doing."""

    def __init__(
        self,
        store: Store,
        *,
        facts: Facts,
        learning: LearningLines,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._facts = facts
        self._learning = learning
        self._now = now

    @property
    def runs(self) -> Mapping[str, Run]:
        """What carries out which command."""
        return {"status": self.status}

    async def status(self, call: Call) -> Reply:
        """Say how the bot is doing."""
        kept, facts = await run_blocking(self._kept), dict(self._facts())
        lines = [f"**{say('status-title', call.language)}**", *_summed(kept, facts, call.language)]
        lines += [f"- {line}" for line in await self._learning(call.language)]
        troubles = {name: facts[name] for name in TROUBLES if facts.get(name)}
        lines += _listed("status-troubles", troubles, call.language) or [say("status-well", call.language)]
        facts = {name: value for name, value in facts.items() if name not in (*TOLD, *TROUBLES)}
        lines += _listed("status-details", facts, call.language)
        return Reply(text="\n".join(lines))

    def _kept(self) -> Mapping[str, int]:
        """What the store knows of the last day and of all time. Blocks."""
        counts = self._store.answers.counts(self._now() - timedelta(days=1))
        tally = self._store.ratings.tally()
        documents = self._store.knowledge.documents()
        return {
            "questions": sum(counts.values()),
            "answered": sum(n for (_, outcome), n in counts.items() if outcome is Outcome.ANSWERED),
            "refused": sum(n for (_, outcome), n in counts.items() if outcome is Outcome.ABSTAINED),
            "up": tally[RatingValue.UP],
            "down": tally[RatingValue.DOWN],
            "documents": len(documents),
            "chunks": sum(one.chunks for one in documents),
        }


def _summed(kept: Mapping[str, int], facts: Mapping[str, int | str], language: str) -> list[str]:
    """The sentences that an admin reads first."""
    lines = [say(f"status-{name}", language, **kept) for name in ("day", "ratings", "knowledge")]
    if isinstance(minutes := facts.get("up minutes"), int):
        hours, rest = divmod(minutes, MINUTES_PER_HOUR)
        lines.append(say("status-up", language, hours=hours, minutes=rest))
    if isinstance(waiting := facts.get("waiting"), int):
        lines.append(say("status-waiting", language, waiting=waiting))
    return [f"- {line}" for line in lines]


def _listed(title: str, facts: Mapping[str, int | str], language: str) -> list[str]:
    if not facts:
        return []
    lines = (f"- {fact_name(name, language)}: {safe(_shown(value))}" for name, value in facts.items())
    return ["", f"**{say(title, language)}**", *lines]


def fact_name(name: str, language: str) -> str:
    """What a fact is called in a language; its own name where no text is written for it."""
    key = "fact-" + "-".join(name.lower().split())
    return say(key, language) if key in _known(language) else name


def _shown(value: int | str) -> str:
    return f"{value:,}" if isinstance(value, int) else value


@cache
def _known(language: str) -> frozenset[str]:
    return frozenset(keys(language))
