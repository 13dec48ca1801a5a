"""What every page of the dashboard has around it: the way to the others, what waits there, and what was just done.

A page looks like this:

    @router.get("/runs")
    async def runs(request: Request, visitor: Annotated[Visitor, Depends(at_least(Role.ADMIN))]) -> Response:
        return await framed(request, visitor, "dashboard/runs.html", here="runs", runs=...)

and what changes something like this; its template's form carries `{{ token() }}`:

    @router.post("/runs/cancel")
    async def cancel(request: Request, visitor: Annotated[Visitor, Depends(changing(Role.ADMIN))]) -> Response:
        ...
        return done(request, visitor, say("...", visitor.language), then="/dashboard/runs")
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from bot.blocking import run_blocking
from bot.commands.base import may
from bot.store.overview import Waiting
from bot.types import Role
from bot.web.access import CSRF_FIELD, Visitor, at_least, unforged
from bot.web.pages import page
from bot.web.parts import WebParts

SEE_OTHER: Final = 303
MOST_FLASHES: Final = 1_000  # that wait for their readers' next page
SECRET_WAITS: Final = timedelta(minutes=2)  # an assumption: the page that shows it is loaded within a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A page that the navigation leads to; its name is the text `nav-KEY`."""

    key: str
    path: str
    least: Role = Role.ADMIN
    waits: str = ""  # which number of Waiting stands beside it


ENTRIES: Final = (
    Entry(key="today", path="/dashboard", least=Role.TRAINER),
    Entry(key="questions", path="/dashboard/questions", least=Role.TRAINER, waits="questions"),
    Entry(key="answers", path="/dashboard/answers", least=Role.TRAINER),
    Entry(key="corrections", path="/dashboard/corrections", least=Role.TRAINER, waits="corrections"),
    Entry(key="curated", path="/dashboard/curated", least=Role.TRAINER),
    Entry(key="knowledge", path="/dashboard/knowledge", waits="documents"),
    Entry(key="versions", path="/dashboard/versions"),
    Entry(key="runs", path="/dashboard/runs"),
    Entry(key="people", path="/dashboard/people"),
    Entry(key="audit", path="/dashboard/audit"),
    Entry(key="settings", path="/dashboard/settings"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """What somebody is told on the next page that they see."""

    text: str
    good: bool
    then: str  # path of the page that the reader is led to
    at: datetime  # aware, UTC
    secret: str = field(default="", repr=False)  # a key or a link, to be copied: it is told this once, on `then` alone


class Flashes:
    """What waits to be told, by session; kept in memory alone, since it may quote people."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Flash] = OrderedDict()

    def put(self, visitor: Visitor, flash: Flash) -> None:
        """Keep something for somebody's next page, in the place of what waits there."""
        self._drop_old(flash.at)
        self._waiting[visitor.session.csrf] = flash
        while len(self._waiting) > MOST_FLASHES:
            self._waiting.popitem(last=False)

    def take(self, visitor: Visitor, path: str, now: datetime) -> Flash | None:
        """What waits for somebody, once; with a secret it waits for its own page, and not for long."""
        self._drop_old(now)
        found = self._waiting.get(visitor.session.csrf)
        if found is None or (found.secret and found.then != path):
            return None
        return self._waiting.pop(visitor.session.csrf)

    def drop(self, visitor: Visitor) -> None:
        """Tell somebody nothing of what waits for them."""
        self._waiting.pop(visitor.session.csrf, None)

    def _drop_old(self, now: datetime) -> None:
        old = [key for key, one in self._waiting.items() if one.secret and now - one.at >= SECRET_WAITS]
        for key in old:
            del self._waiting[key]


def parts_of(request: Request) -> WebParts:
    """The program's parts."""
    parts = request.app.state.parts
    if not isinstance(parts, WebParts):
        raise TypeError(parts)
    return parts


def changing(least: Role) -> Callable[..., Awaitable[Visitor]]:
    """A dependency of whatever changes something: somebody with a role, on a page of ours.

    Who it is is checked first: nobody else's upload is read.
    """
    somebody = Depends(at_least(least))  # as a default: an annotation, kept as text, cannot name what is local

    async def check(request: Request, known: Visitor = somebody) -> Visitor:
        await unforged(request, known)
        return known

    return check


async def framed(
    request: Request,
    visitor: Visitor,
    template: str,
    *,
    here: str,
    status: int = 200,
    **values: Any,  # noqa: ANN401 - whatever the template shows
) -> Response:
    """A page of the dashboard.

    Its template extends "dashboard/frame.html" and has, besides what every page has, `token` (the hidden field of a
    form), `clock` and `day` (a moment as the team's clocks show it) and what is given here.

    Args:
        request: What is answered.
        visitor: The reader.
        template: Its path under bot/web/templates.
        here: Key of the entry that it belongs to.
        status: HTTP's.
        values: For the template.
    """
    parts = parts_of(request)
    waiting = await run_blocking(parts.store.overview.waiting)
    zone = ZoneInfo(parts.settings.learning.timezone)
    return page(
        request,
        template,
        visitor=visitor,
        status=status,
        here=here,
        entries=[(one, _number(waiting, one)) for one in ENTRIES if may(visitor.person.role, one.least)],
        waiting=waiting,
        # a piece that htmx fetches shows no flash: the next page does
        flash=None
        if "hx-request" in request.headers
        else flashes_of(request).take(visitor, request.url.path, parts.store.clock()),
        token=lambda: _token(visitor),
        clock=lambda moment: f"{_local(moment, zone):%Y-%m-%d %H:%M}",
        day=lambda moment: f"{_local(moment, zone):%Y-%m-%d}",
        **values,
    )


def done(request: Request, visitor: Visitor, text: str, *, then: str, good: bool = True, secret: str = "") -> Response:
    """Go to a page after something was done or could not be, and say so there.

    Args:
        request: What is answered.
        visitor: Who did it.
        text: One or two sentences; people's words may stand in them.
        then: The page's path.
        good: False if it was not done.
        secret: What was made and is shown on that page alone: loading that page again makes no second one.
    """
    now = parts_of(request).store.clock()
    flashes_of(request).put(visitor, Flash(text=text, good=good, then=then, at=now, secret=secret))
    return RedirectResponse(then, status_code=SEE_OTHER)


def flashes_of(request: Request) -> Flashes:
    """What waits to be told."""
    flashes = request.app.state.flashes
    if not isinstance(flashes, Flashes):
        raise TypeError(flashes)
    return flashes


def _number(waiting: Waiting, entry: Entry) -> int:
    return int(getattr(waiting, entry.waits)) if entry.waits else 0


def _token(visitor: Visitor) -> Markup:
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, visitor.session.csrf)


def _local(moment: datetime | str, zone: ZoneInfo) -> datetime:
    instant = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return instant.astimezone(zone)
