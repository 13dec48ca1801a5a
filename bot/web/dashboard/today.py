"""The first page: how the bot is doing, and what waits for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from adapters.registry import Registry
from adapters.types import Stage, Task
from bot.blocking import run_blocking
from bot.commands.base import may
from bot.commands.learning import schedule_lines
from bot.store.overview import Overview
from bot.types import Role
from bot.web.access import Visitor, at_least
from bot.web.dashboard.charts import SMOOTH_DAYS, Bars, Shares, bars_of, shares_of
from bot.web.dashboard.figures import Figure, Measured, figures_of, span_of
from bot.web.dashboard.frame import framed, parts_of

DRAWN = 30  # days in the charts

router = APIRouter(prefix="/dashboard")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What the page shows."""

    figures: tuple[Figure, ...]
    bars: Bars
    shares: Shares


@router.get("")
async def today(
    request: Request,
    visitor: Annotated[Visitor, Depends(at_least(Role.TRAINER))],
    days: Literal["1", "7", "30"] = "7",
) -> Response:
    """Show it."""
    parts = parts_of(request)
    zone, store = ZoneInfo(parts.settings.learning.timezone), parts.store
    read = await run_blocking(_read, store.overview, int(days), store.clock().astimezone(zone), visitor.language)
    candidates: tuple[str, ...] = ()
    plan: tuple[str, ...] = ()
    if may(visitor.person.role, Role.ADMIN):
        candidates = await run_blocking(_candidates, parts.learning.registry)
        state = await parts.learning.loop.state()
        plan = tuple(schedule_lines(state, parts.settings.learning, visitor.language))
    return await framed(
        request,
        visitor,
        "dashboard/today.html",
        here="today",
        days=days,
        drawn=DRAWN,
        read=read,
        candidates=candidates,
        plan=plan,
        is_admin=may(visitor.person.role, Role.ADMIN),
    )


def _read(overview: Overview, days: int, now: datetime, language: str) -> _Read:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    span = span_of(days, now, midnight)
    figures = figures_of(
        Measured(totals=overview.totals(span.since, span.until), seconds=overview.seconds(span.since, span.until)),
        Measured(
            totals=overview.totals(span.before, span.before_until),
            seconds=overview.seconds(span.before, span.before_until),
        ),
        language,
    )
    count = DRAWN + SMOOTH_DAYS - 1
    starts = [midnight - timedelta(days=back) for back in range(count - 1, -1, -1)]
    drawn = overview.days(starts, now)
    return _Read(figures=figures, bars=bars_of(drawn[-DRAWN:]), shares=shares_of(drawn, DRAWN))


def _candidates(registry: Registry) -> tuple[str, ...]:
    """Versions that wait for somebody to choose."""
    return tuple(one.name for task in Task for one in registry.versions(task) if one.stage is Stage.CANDIDATE)
