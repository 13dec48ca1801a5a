"""Who did what, and what was refused them."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from bot.blocking import run_blocking
from bot.commands.people import named
from bot.store.records import REFUSED, AuditFilter
from bot.store.store import Store
from bot.texts import say
from bot.types import Role
from bot.web.access import Visitor, at_least
from bot.web.dashboard.frame import framed, parts_of
from bot.web.errors import WebError

HERE: Final = "/dashboard/audit"
A_PAGE: Final = 50
MOST: Final = 2**62  # what an id is not

router = APIRouter()


class _Wanted(BaseModel):
    """Which entries are to be listed."""

    actor: str = Field("", max_length=200)
    action: str = Field("", max_length=200)
    refused: bool = False
    since: str = Field("", max_length=10)  # days, 2026-11-26; the last one counts
    until: str = Field("", max_length=10)
    before: int = Field(0, ge=0, le=MOST)  # id of the entry above

    def filter(self, zone: ZoneInfo) -> AuditFilter:
        """As the store has it.

        Raises:
            ValueError: A day is none.
        """
        return AuditFilter(
            actor=self.actor,
            action=self.action,
            refused=self.refused,
            since=_beginning(self.since, zone),
            until=_beginning(self.until, zone, days=1),
        )

    def path(self, before: int = 0) -> str:
        """Of the same entries from an id on."""
        wanted = {name: str(value) for name, value in self.model_dump().items() if value and name != "before"}
        if self.refused:
            wanted["refused"] = "1"
        return f"{HERE}?{urlencode({**wanted, **({'before': before} if before else {})})}"


@router.get(HERE)
async def audit(
    request: Request, visitor: Annotated[Visitor, Depends(at_least(Role.ADMIN))], wanted: Annotated[_Wanted, Query()]
) -> Response:
    """List entries of the log, the newest first."""
    parts = parts_of(request)
    try:
        chosen = wanted.filter(ZoneInfo(parts.settings.learning.timezone))
    except (ValueError, OverflowError) as error:
        raise WebError(say("audit-no-day", visitor.language)) from error
    found = await run_blocking(parts.store.audit.search, chosen, before=wanted.before, limit=A_PAGE + 1)
    names = await run_blocking(_names, parts.store)
    return await framed(
        request,
        visitor,
        "dashboard/audit.html",
        here="audit",
        entries_shown=[
            (
                one,
                _did(one.action, visitor.language),
                *(named(text, names) for text in (one.actor, one.place, one.detail)),
            )
            for one in found[:A_PAGE]
        ],
        wanted=wanted,
        refused=REFUSED,
        actors=[(one, named(one, names)) for one in await run_blocking(parts.store.audit.actors)],
        actions=[(one, _did(one, visitor.language)) for one in await run_blocking(parts.store.audit.actions)],
        newer=wanted.path() if wanted.before else "",
        older=wanted.path(found[A_PAGE - 1].id) if len(found) > A_PAGE else "",
    )


def _did(action: str, language: str) -> str:
    """What was done or refused, in a reader's language."""
    wish = action.removeprefix(REFUSED)
    return say("audit-did", language, kind=re.sub(r"[ _]", "-", wish), raw=wish)


def _names(store: Store) -> dict[str, str]:
    """Who is behind an id; those who were forgotten have no name. Blocks."""
    return {f"{one.platform}:{one.platform_user_id}": one.name for one in store.people.list() if one.name}


def _beginning(day: str, zone: ZoneInfo, *, days: int = 0) -> datetime | None:
    """When a day begins, or one so many days later; None for ""."""
    return datetime.combine(date.fromisoformat(day) + timedelta(days=days), time(), zone) if day else None
