"""Logging in and out: a link from chat, or a name and a password."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from bot.commands.base import may
from bot.store.people import Person
from bot.texts import say
from bot.types import Role
from bot.web.access import Access, Visitor, is_own_site, the_access, unforged, visitor
from bot.web.dashboard.frame import flashes_of
from bot.web.errors import NotAllowedError
from bot.web.markdown import render
from bot.web.pages import page

SEE_OTHER = 303
MAX_FIELD = 500  # characters

_OWN_PATH = re.compile(r"/(?!/)[\w\-./]*")  # of this server; never an address elsewhere

router = APIRouter(include_in_schema=False)

_Access = Annotated[Access, Depends(the_access)]


@router.get("/login")
async def login(request: Request, access: _Access, code: str = "", next: str = "") -> Response:  # noqa: A002 - the query's
    """Show the form; with a code whom it is for, and a button: what only looks at links uses none of them up."""
    person = await access.whose_link(code) if code else None
    return _shown(request, access, code=code, person=person, next=next)


class _Form(BaseModel):
    """A code, or a name and a password."""

    code: str = Field("", max_length=MAX_FIELD)
    name: str = Field("", max_length=MAX_FIELD)
    password: str = Field("", max_length=MAX_FIELD, repr=False)
    next: str = Field("", max_length=MAX_FIELD)  # where to go then


@router.post("/login")
async def log_in(request: Request, access: _Access, form: Annotated[_Form, Form()]) -> Response:
    """Log in.

    A form without a session needs no token, but it comes from a page of ours: another site could log somebody in as
    its owner, who would read what they then ask.
    """
    if not is_own_site(request):
        raise NotAllowedError(say("web-forged", access.language(request)))
    if form.code:
        begun, problem = await access.use_link(form.code), "web-login-link-over"
    else:
        begun, problem = await access.use_password(request, form.name.strip(), form.password), "web-login-wrong"
    if begun is None:
        sentence = say(problem, access.language(request))
        return _shown(request, access, status=403, next=form.next, problem=sentence)
    person, cookie = begun
    home = "/dashboard" if may(person.role, Role.TRAINER) else "/"
    response = RedirectResponse(form.next if _OWN_PATH.fullmatch(form.next) else home, status_code=SEE_OTHER)
    access.give(response, cookie)
    return response


@router.post("/logout", dependencies=[Depends(unforged)])
async def log_out(request: Request, access: _Access, known: Annotated[Visitor, Depends(visitor)]) -> Response:
    """Log out."""
    flashes_of(request).drop(known)
    response = RedirectResponse("/login", status_code=SEE_OTHER)
    await access.leave(request, response)
    return response


def _shown(
    request: Request,
    access: Access,
    *,
    next: str,  # noqa: A002 - the query's
    status: int = 200,
    code: str = "",
    person: Person | None = None,
    problem: str = "",
) -> Response:
    how = render(say("web-login-how", access.language(request)))
    return page(request, "login.html", status=status, code=code, person=person, next=next, problem=problem, how=how)
