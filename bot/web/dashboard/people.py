"""People: who they are and how much they did, what they may do, how they get in, and how they are forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from bot.blocking import run_blocking
from bot.commands.base import ORDER
from bot.commands.people import forbidden
from bot.commands.users import forget as forget_person
from bot.store.activity import Activity
from bot.store.errors import LastOwnerError
from bot.store.people import WEB, Person
from bot.store.sessions import LINK_VALID_FOR
from bot.store.store import Store
from bot.texts import say
from bot.types import Role
from bot.web.access import NAME, Visitor, access_of, at_least
from bot.web.api.caller import PLATFORM as API
from bot.web.dashboard.acts import acted, refused
from bot.web.dashboard.frame import changing, done, framed, parts_of
from bot.web.errors import NotThereError
from bot.web.ids import RowId
from bot.web.links import is_local, login_link

HERE: Final = "/dashboard/people"
A_PAGE: Final = 50

router = APIRouter()

_Admin = Annotated[Visitor, Depends(at_least(Role.ADMIN))]
_Changing = Annotated[Visitor, Depends(changing(Role.ADMIN))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Somebody with what they did, in chat and in the browser together."""

    person: Person  # as whom they are known first
    name: str  # of a program's people the program's, and the id that it gave
    selves: frozenset[int]
    activity: Activity

    @property
    def is_visitor(self) -> bool:
        """Whether it is nobody in particular: a browser that came to the open chat page."""
        one = self.person
        return one.platform == WEB and not one.name and one.role is Role.USER and ":" not in one.platform_user_id

    def fits(self, words: str) -> bool:
        """Whether their name or their id holds some words."""
        return words.lower() in f"{self.name} {self.person.platform}:{self.person.platform_user_id}".lower()


class _Wanted(BaseModel):
    """Who is to be listed."""

    words: str = Field("", max_length=200)  # in their name or their id
    role: Role | Literal[""] = ""
    visitors: bool = False  # those of the open chat page alone; else everybody else
    turn: int = Field(0, ge=0, le=100_000)

    def lists(self, row: Row) -> bool:
        """Whether somebody is among them."""
        return row.is_visitor == self.visitors and row.fits(self.words.strip()) and self.role in {"", row.person.role}

    def path(self, turn: int) -> str:
        """Of another part of the list."""
        wanted = {"words": self.words, "role": self.role, **({"visitors": "1"} if self.visitors else {})}
        return f"{HERE}?{urlencode({**wanted, 'turn': turn})}"


@router.get(HERE)
async def people(request: Request, visitor: _Admin, wanted: Annotated[_Wanted, Query()]) -> Response:
    """List people: those with a role first, then whoever wrote last."""
    rows = await run_blocking(_rows, parts_of(request).store)
    fitting = sorted(filter(wanted.lists, rows), key=_place, reverse=True)
    turn = min(wanted.turn, len(fitting) // A_PAGE)
    return await framed(
        request,
        visitor,
        "dashboard/people.html",
        here="people",
        rows=fitting[turn * A_PAGE : (turn + 1) * A_PAGE],
        newer=wanted.path(turn - 1) if turn else "",
        older=wanted.path(turn + 1) if len(fitting) > (turn + 1) * A_PAGE else "",
        number=len(fitting),
        strangers=sum(row.is_visitor for row in rows),
        wanted=wanted,
        roles=ORDER,
        new_roles=_below(visitor.person.role),
    )


class _New(BaseModel):
    """Somebody who has no chat platform."""

    name: str = Field("", max_length=200)
    role: Role = Role.USER


@router.post(HERE)
async def add(request: Request, visitor: _Changing, form: Annotated[_New, Form()]) -> Response:
    """Let somebody in who has no chat platform, by a link that is shown on the next page alone."""
    store, name = parts_of(request).store, form.name.strip()
    if not NAME.fullmatch(name):
        return done(request, visitor, say("people-no-name", visitor.language), then=HERE, good=False)
    did = ("add person", f"{WEB}:{name} as {form.role}")
    if form.role not in _below(visitor.person.role):
        return await refused(request, visitor, did=did, why=say("grant-too-high", visitor.language), then=HERE)
    added = await run_blocking(store.people.add, WEB, name, name, form.role)
    if added is None:
        return done(request, visitor, say("people-taken", visitor.language, name=name), then=HERE, good=False)
    await access_of(request).note(visitor.person, *did)
    return await _with_link(request, visitor, added)


@router.get(f"{HERE}/{{person_id}}")
async def person(request: Request, visitor: _Admin, person_id: RowId) -> Response:
    """Show one person, and what can be done for them."""
    parts, whom = parts_of(request), await _known(request, visitor, person_id)
    row = next((row for row in await run_blocking(_rows, parts.store) if whom.id in row.selves), None)
    if row is None:  # forgotten this very moment
        raise NotThereError(say("people-nobody", visitor.language))
    return await framed(
        request,
        visitor,
        "dashboard/person.html",
        here="people",
        row=row,
        footprint=await run_blocking(parts.store.people.footprint, whom.id),
        roles=[one for one in ORDER if forbidden(visitor.person, row.person, one) is None],
        above=await _is_above(parts.store, visitor, whom),
    )


@router.post(f"{HERE}/{{person_id}}/role")
async def change_role(
    request: Request, visitor: _Changing, person_id: RowId, role: Annotated[Role, Form()]
) -> Response:
    """Change what somebody may do."""
    parts, whom, then = parts_of(request), await _known(request, visitor, person_id), f"{HERE}/{person_id}"
    did = ("revoke", f"{whom.role} of {_id_of(whom)}") if role is Role.USER else ("grant", f"{role} to {_id_of(whom)}")
    if (sentence := forbidden(visitor.person, whom, role)) is not None:
        return await refused(request, visitor, did=did, why=say(sentence, visitor.language), then=then)
    try:
        await run_blocking(parts.store.people.set_role, whom.id, role)
    except LastOwnerError:
        return await refused(request, visitor, did=did, why=say("grant-last-owner", visitor.language), then=then)
    await parts.installation.roles_changed()
    said = say("granted", visitor.language, name=_name_of(whom), role=say(f"role-{role}", visitor.language))
    return await acted(request, visitor, did=did, said=said, then=then)


@router.post(f"{HERE}/{{person_id}}/link")
async def link(request: Request, visitor: _Changing, person_id: RowId) -> Response:
    """Make a link that logs somebody in, and show it on the next page alone."""
    parts, whom = parts_of(request), await _known(request, visitor, person_id)
    if await _is_above(parts.store, visitor, whom):
        return await _above(request, visitor, whom, _link_for(whom))
    return await _with_link(request, visitor, whom)


@router.post(f"{HERE}/{{person_id}}/log-out")
async def log_out(request: Request, visitor: _Changing, person_id: RowId) -> Response:
    """End all sessions of somebody."""
    store, whom = parts_of(request).store, await _known(request, visitor, person_id)
    did = ("log out", _id_of(whom))
    if await _is_above(store, visitor, whom):
        return await _above(request, visitor, whom, did)
    await run_blocking(_end_sessions, store, whom.id)
    said = say("people-logged-out", visitor.language, name=_name_of(whom))
    return await acted(request, visitor, did=did, said=said, then=f"{HERE}/{person_id}")


@router.post(f"{HERE}/{{person_id}}/forget")
async def forget(request: Request, visitor: _Changing, person_id: RowId) -> Response:
    """Erase somebody who asked for it, as /forget_me does."""
    parts, whom = parts_of(request), await _known(request, visitor, person_id)
    did = ("forget", _id_of(whom))
    if await _is_above(parts.store, visitor, whom):
        return await _above(request, visitor, whom, did)
    if whom.role is Role.OWNER and await run_blocking(parts.store.people.is_last_owner, whom.id):
        why = say("people-last-owner", visitor.language)
        return await refused(request, visitor, did=did, why=why, then=f"{HERE}/{person_id}")
    counts = await run_blocking(forget_person, parts.store, parts.learning.registry.mark_stale, whom.id)
    did = ("forget", "somebody who asked for it")  # not whom: they are forgotten
    return await acted(request, visitor, did=did, said=say("people-forgotten", visitor.language, **counts), then=HERE)


async def _with_link(request: Request, visitor: Visitor, whom: Person) -> Response:
    """Lead to somebody's page, with a link for them; the log says so before there is one."""
    parts = parts_of(request)
    await access_of(request).note(visitor.person, *_link_for(whom))
    code = await run_blocking(_code, parts.store, whom.id)
    base = str(request.base_url).rstrip("/") if is_local(parts.settings) else ""
    made, minutes = login_link(parts.settings, code, base=base), int(LINK_VALID_FOR.total_seconds() // 60)
    said = say("people-link-made", visitor.language, name=_name_of(whom), minutes=minutes)
    return done(request, visitor, said, then=f"{HERE}/{whom.id}", secret=made)


def _link_for(whom: Person) -> tuple[str, str]:
    """As the audit log writes it."""
    return "login link", f"for {_id_of(whom)}"


async def _known(request: Request, visitor: Visitor, person_id: int) -> Person:
    found = await run_blocking(parts_of(request).store.people.get, person_id)
    if found is None:
        raise NotThereError(say("people-nobody", visitor.language))
    return found


async def _above(request: Request, visitor: Visitor, whom: Person, did: tuple[str, str]) -> Response:
    why = say("people-above", visitor.language)
    return await refused(request, visitor, did=did, why=why, then=f"{HERE}/{whom.id}")


async def _is_above(store: Store, visitor: Visitor, whom: Person) -> bool:
    """Whether somebody's role is not below the visitor's, who is not an owner, and they are not the same person.

    Whoever could make such a person's login link would have their role.
    """
    me = visitor.person
    if me.role is Role.OWNER or ORDER.index(whom.role) < ORDER.index(me.role):
        return False
    return me.id not in await run_blocking(store.people.selves, whom.id)


def _below(role: Role) -> Sequence[Role]:
    """What somebody with a role may give."""
    return ORDER[: ORDER.index(role)]


def _end_sessions(store: Store, user_id: int) -> None:
    for one in store.people.selves(user_id):
        store.sessions.end_all(one)


def _code(store: Store, user_id: int) -> str:
    self = store.people.on_web(user_id)
    if self is None:
        raise LookupError(user_id)
    return store.sessions.issue_link(self.id)


def _rows(store: Store) -> Sequence[Row]:
    """Everybody once: who is in chat and in the browser is one person. Blocks."""
    activity = store.activity.by_person()
    found: dict[str, Row] = {}
    keys = {str(one.id): one.name for one in store.api_keys.list()}
    everybody = store.people.list()
    first = {_id_of(one) for one in everybody}
    for one in sorted(everybody, key=lambda each: each.platform == WEB):
        named = one.platform_user_id if one.platform == WEB and one.platform_user_id in first else _id_of(one)
        did, known = activity.get(one.id, Activity()), found.get(named)
        found[named] = Row(
            person=one if known is None else known.person,
            name=_called(one, keys) if known is None else known.name,
            selves=frozenset({one.id}) if known is None else known.selves | {one.id},
            activity=did if known is None else known.activity + did,
        )
    return tuple(found.values())


def _place(row: Row) -> tuple[int, float, int]:
    """By what the list is sorted: the highest first."""
    last = row.activity.last_at
    return ORDER.index(row.person.role), last.timestamp() if last else 0.0, row.person.id


def _id_of(person: Person) -> str:
    """As the audit log writes people."""
    return f"{person.platform}:{person.platform_user_id}"


def _called(person: Person, keys: Mapping[str, str]) -> str:
    """By what the list calls somebody."""
    key, _, theirs = person.platform_user_id.partition(":")
    if person.platform != API or key not in keys:
        return _name_of(person)
    return " · ".join(part for part in (keys[key], theirs) if part)


def _name_of(person: Person) -> str:
    return person.name or person.platform_user_id
