"""The composition root of how the program is watched: what counts, what gives spans, and what is looked at."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.blocking import run_blocking
from bot.config import Settings
from bot.frontends.base import Frontend
from bot.learning.schedule import Schedule
from bot.middleware import Handler
from bot.store.migrate import head_revision
from bot.store.store import Store
from bot.telemetry import Telemetry, telemetry_to
from bot.web.metrics import Metrics
from bot.web.probes import Probe, Readiness
from bot.wiring_live import Arms, Generators


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """What watches the answers."""

    metrics: Metrics
    telemetry: Telemetry | None

    def around(self, handler: Handler) -> Handler:
        """What answers, watched."""
        return self.metrics.around(handler if self.telemetry is None else self.telemetry.around(handler))

    async def aclose(self) -> None:
        """Hand over what is left."""
        if self.telemetry is not None:
            await run_blocking(self.telemetry.close)


def watching(settings: Settings, store: Store) -> Watching:
    """Begin to count.

    Raises:
        BotError: Spans are wanted, and the packages for them are missing.
    """
    metrics = Metrics()
    store.ratings.heard = metrics.rated
    return Watching(metrics=metrics, telemetry=telemetry_to(settings.web.otlp_endpoint))


def readiness(
    store: Store,
    *,
    arms: Arms,
    generators: Generators,
    frontends: Sequence[Frontend],
    listening: Collection[str],
    schedule: Schedule,
) -> Readiness:
    """What answering needs.

    Args:
        store: Has to be there, of this program's schema.
        arms: Search.
        generators: Have to be loaded.
        frontends: Have to be connected.
        listening: The platforms of those that are.
        schedule: Has to go on.
    """

    async def stored() -> str:
        fits = await run_blocking(store.revision) == head_revision()
        return "" if fits else "its schema is another program's; run `burnish store migrate`"

    async def models() -> str:
        return generators.trouble

    async def index() -> str:
        return "" if await run_blocking(arms.is_current) else "it is being brought up to date"

    async def platforms() -> str:
        away = [one.messenger.platform for one in frontends if one.messenger.platform not in listening or one.problem]
        return f"not connected: {', '.join(away)}" if away else ""

    async def learning() -> str:
        return "" if schedule.is_alive else "the plan is not looked at any more"

    return Readiness(
        (
            Probe(name="store", look=stored),
            Probe(name="models", look=models),
            Probe(name="index", look=index),
            Probe(name="platforms", look=platforms),
            Probe(name="learning", look=learning),
        )
    )
