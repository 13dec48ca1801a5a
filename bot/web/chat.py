"""The chat page: what its reader says and presses goes to the desk, what is there to be read comes from the store."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from sse_starlette import EventSourceResponse
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from bot.blocking import run_blocking
from bot.buttons import Pressed as Button
from bot.buttons import Verb, read
from bot.cards import Card
from bot.commands.base import may
from bot.commands.registry import parse
from bot.commands.users import example_questions
from bot.frontends.base import Press
from bot.frontends.base import Response as Pressed
from bot.frontends.web.messenger import channel_of
from bot.store.people import WEB
from bot.texts import languages, say
from bot.types import Message, Origin, Place, RatingValue, Role
from bot.web.access import Access, Visitor, the_access, unforged, visitor
from bot.web.errors import LoginNeededError, NotThereError, WebError
from bot.web.ids import RowId
from bot.web.pages import page
from bot.web.parts import WebParts
from bot.web.showing import Showing, digest
from bot.web.streaming import OpenPage, Standing, Streams

SEE_OTHER: Final = 303
SHOWN: Final = 60  # messages of a conversation
SHOWN_AT_MOST: Final = 2_000  # when its reader asks for the earlier ones
MAX_TEXT: Final = 20_000  # characters; what is too long for a question is declined in words
ID: Final = r"^[A-Za-z0-9_-]{8,64}$"  # that a page gives what was said or pressed: told twice, it counts once

_TALK = re.compile(r"[a-z0-9]{1,32}")

router = APIRouter(include_in_schema=False)
inside = APIRouter(prefix="/c/{talk}", include_in_schema=False)  # one conversation


def parts_of(request: Request) -> WebParts:
    """The program's parts."""
    parts = request.app.state.parts
    if not isinstance(parts, WebParts):
        raise TypeError(parts)
    return parts


async def the_parts(request: Request) -> WebParts:
    """The same for a route to depend on: what is not async takes a thread each time."""
    return parts_of(request)


class Here:
    """Somebody in one of their conversations."""

    def __init__(self, talk: str, who: Visitor, parts: WebParts) -> None:
        """Find the conversation: the channel is made of who asks, so nobody can name another's.

        Raises:
            NotThereError: No conversation is called so.
        """
        if not _TALK.fullmatch(talk):
            raise NotThereError(say("web-not-there", who.language))
        self.talk = talk
        self.who = who
        self.parts = parts
        self.channel = channel_of(who.person.platform_user_id, talk)

    def event(self, given: str) -> str:
        """What names an event on the whole platform."""
        return f"{self.who.person.id}-{self.talk}-{given}"


_Access = Annotated[Access, Depends(the_access)]
_Parts = Annotated[WebParts, Depends(the_parts)]


async def here_of(talk: str, who: Annotated[Visitor, Depends(visitor)], parts: _Parts) -> Here:
    """Where the request is made, for a route to depend on."""
    return Here(talk, who, parts)


_Here = Annotated[Here, Depends(here_of)]


@router.get("/")
async def home(request: Request, access: _Access, parts: _Parts) -> Response:
    """Go on with the last conversation; a new visitor of an open page is welcomed."""
    who = await access.visitor(request)
    if who is None:
        return await _welcome(request, access)
    talks = await run_blocking(Showing(parts).talks, who.person, who.language)
    return RedirectResponse(f"/c/{talks[0].talk if talks else _new_talk()}", status_code=SEE_OTHER)


async def _welcome(request: Request, access: Access) -> Response:
    language = access.language(request)
    if not access.is_open:
        raise LoginNeededError(say("web-login-needed", language))
    if "hello" in request.query_params:  # it was welcomed just now, and did not keep its cookie
        raise WebError(say("web-chat-cookies", language))
    response = RedirectResponse("/?hello=1", status_code=SEE_OTHER)
    if "text/html" in request.headers.get("accept", ""):  # a program that looks at the address is nobody
        await access.welcome(response, f"visitor-{secrets.token_hex(8)}")
    return response


@router.get("/new")
async def new() -> Response:
    """Begin another conversation; there is nothing of it before something is said."""
    return RedirectResponse(f"/c/{_new_talk()}", status_code=SEE_OTHER)


@inside.get("")
async def show(request: Request, talk: str, access: _Access, *, earlier: bool = False) -> Response:
    """The page, with the conversation as it is now."""
    who = await access.visitor(request)
    if who is None and access.is_open:
        return RedirectResponse("/", status_code=SEE_OTHER)
    if who is None:
        raise LoginNeededError(say("web-login-needed", access.language(request)))
    here = Here(talk, who, parts_of(request))
    values = await run_blocking(_values, here, SHOWN_AT_MOST if earlier else SHOWN)
    return page(request, "chat.html", visitor=who, may_add=may(who.person.role, Role.ADMIN), **values)


def _values(here: Here, limit: int) -> dict[str, Any]:
    showing, language = Showing(here.parts), here.who.language
    items = showing.items(here.channel, language, limit=limit)
    return {
        "talk": here.talk,
        "talks": showing.talks(here.who.person, language),
        "items": items,
        "limit": limit,
        "has_earlier": limit == SHOWN < here.parts.store.transcripts.count(WEB, here.channel),
        "digest": digest(items),
        "examples": () if items else example_questions(here.parts.store, language),
        "topics": here.parts.settings.bot.topics,
        "most_characters": here.parts.settings.bot.max_message_characters,
    }


@inside.get("/talks")
async def talks(request: Request, here: _Here) -> Response:
    """The list of conversations alone."""
    found = await run_blocking(Showing(here.parts).talks, here.who.person, here.who.language)
    return page(request, "chat/talks.html", visitor=here.who, talk=here.talk, talks=found)


@inside.get("/events")
async def events(request: Request, here: _Here, access: _Access, known: str = "", limit: int = SHOWN) -> Response:
    """Whatever happens in the conversation, as long as the page is open."""

    async def standing() -> Standing:
        if await access.visitor(request) is not None:
            return Standing.KNOWN
        person = await run_blocking(here.parts.store.people.get, here.who.person.id)
        return Standing.FORGOTTEN if person is None else Standing.OUT

    opened = OpenPage(
        channel=here.channel,
        language=here.who.language,
        limit=max(1, min(limit, SHOWN_AT_MOST)),
        known=request.headers.get("last-event-id", known),
        standing=standing,
    )
    return EventSourceResponse(Streams(here.parts, Showing(here.parts)).updates(opened))


@inside.get("/picture/{post_id}")
async def picture(here: _Here, post_id: RowId) -> Response:
    """A picture that was posted in the conversation."""
    post = await run_blocking(here.parts.store.posts.get, post_id)
    missing = NotThereError(say("web-not-there", here.who.language))
    if post is None or (post.platform, post.channel) != (WEB, here.channel) or not post.body.picture:
        raise missing
    path = Path(post.body.picture)
    if not await run_blocking(path.is_file):  # it was cleared away
        raise missing
    return FileResponse(path, media_type="image/png")


class _Said(BaseModel):
    id: str = Field(pattern=ID)
    text: str = Field(min_length=1, max_length=MAX_TEXT, repr=False)
    about: str = Field("", max_length=100)  # the answer that it is about


@inside.post("/say", dependencies=[Depends(unforged)])
async def say_it(here: _Here, said: _Said) -> Response:
    """Somebody said something; it is stored when this returns."""
    who, text, command = here.who, said.text.strip(), ""
    if text.startswith("/") and (found := parse(text, explicit=True)) is not None:
        command, text = found
    message = Message(
        platform=WEB,
        event_id=here.event(said.id),
        channel=here.channel,
        thread="",
        sender=who.person.platform_user_id,
        sender_name=who.person.name,
        text=text,
        received_at=datetime.now(UTC),
        origin=Origin(
            place=Place.DIRECT, command=command, language=who.language, message_id=said.id, reply_to=said.about
        ),
    )
    await here.parts.desk.said(message)
    here.parts.chat.hub.changed(here.channel)
    return JSONResponse({}, status_code=202)


class _Stopped(BaseModel):
    event: str = Field(max_length=200)


@inside.post("/stop", dependencies=[Depends(unforged)])
async def stop(here: _Here, stopped: _Stopped) -> Response:
    """Somebody does not want the answer any more."""
    await here.parts.desk.deleted(WEB, here.channel, stopped.event)
    here.parts.chat.hub.changed(here.channel)
    return JSONResponse({})


class _Press(BaseModel):
    id: str = Field(pattern=ID)
    data: str = Field(max_length=64)
    menu: str = Field("", pattern=r"^([ap]\d{1,18})?$")  # what the buttons belong to
    text: str = Field("", max_length=MAX_TEXT, repr=False)  # typed into the form that a button opened


@inside.post("/press", dependencies=[Depends(unforged)])
async def press(here: _Here, given: _Press) -> Response:
    """Somebody pressed a button, or filled in what it opened."""
    who, hub = here.who, here.parts.chat.hub
    pressed = read(given.data)
    corrects = pressed is not None and pressed.verb is Verb.CORRECT
    if corrects and not given.text.strip():  # the page has a form for it: the next text is not taken for one
        return JSONResponse({"ask": _asked(say("web-chat-right-answer", who.language), "", given)})
    response = await here.parts.desk.pressed(
        Press(
            platform=WEB,
            channel=here.channel,
            thread="",
            place=Place.DIRECT,
            message_id=given.id,  # what the press leads to is answered under it, as what was said is under its own
            event_id=here.event(given.id),
            sender=who.person.platform_user_id,
            sender_name=who.person.name,
            data=given.data,
            language=who.language,
            text=given.text,
            takes_form=True,
        )
    )
    told = _told(here, response, given)
    if given.menu and (corrects or (pressed is not None and _ends(pressed))):
        hub.drop(here.channel, f"menu:{given.menu}")
    elif given.menu and response.buttons is not None:
        asks = response.toast if given.menu.startswith("a") else ""  # under an answer, what the new buttons are for
        hub.keep(here.channel, f"menu:{given.menu}", Card(text=asks, buttons=response.buttons))
        told |= {"toast": "", "spoken": asks} if asks else {}
    hub.changed(here.channel)
    return JSONResponse(told)


def _ends(pressed: Button) -> bool:
    """Whether a press leads back to the first buttons, which follow from the answer and its rating."""
    return pressed.verb is Verb.BACK or (pressed.verb is Verb.RATE and pressed.argument == RatingValue.UP)


def _told(here: Here, response: Pressed, given: _Press) -> dict[str, Any]:
    shown = response.toast == say("looking-again", here.who.language)  # that stands where the answer will be
    told: dict[str, Any] = {"toast": "" if shown else response.toast}
    if response.say is not None:
        told["note"] = Showing(here.parts).card(response.say, here.who.language)
    if response.form is not None:
        label = say("web-chat-keep", here.who.language, question=response.form.question)
        told["ask"] = _asked(label, response.form.answer, given)
    return told


def _asked(label: str, value: str, given: _Press) -> dict[str, str]:
    return {"label": label, "value": value, "data": given.data, "menu": given.menu}


class _Language(BaseModel):
    language: str = Field(max_length=10)


@router.post("/language", dependencies=[Depends(unforged)])
async def language(who: Annotated[Visitor, Depends(visitor)], parts: _Parts, chosen: _Language) -> Response:
    """Speak another language to this person; "" follows the browser and what is written."""
    if chosen.language and chosen.language not in languages():
        raise WebError(say("web-invalid", who.language, fields="language"))
    await run_blocking(parts.store.people.set_language, who.person.id, chosen.language)
    return JSONResponse({})


def _new_talk() -> str:
    return secrets.token_hex(8)


router.include_router(inside)
