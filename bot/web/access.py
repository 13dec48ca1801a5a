"""Who is at the browser, and what they may do: cookies, login by link or password, forged requests.

A route says what it needs in its signature:

    async def page(visitor: Annotated[Visitor, Depends(at_least(Role.ADMIN))]) -> ...

and one that changes something also depends on `unforged`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import Depends, Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.responses import Response

from bot.blocking import run_blocking
from bot.commands.base import may
from bot.config import Settings
from bot.store.people import WEB, Person
from bot.store.sessions import WebSession
from bot.store.store import Store
from bot.texts import language_for, say
from bot.types import Role
from bot.web.errors import LoginNeededError, NotAllowedError, TooManyError

CSRF_HEADER: Final = "X-CSRF-Token"
CSRF_FIELD: Final = "csrf"
TRIES_PER_MINUTE: Final = 5  # at a password, by name and by address
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")  # of whoever has no chat platform
MIN_PASSWORD: Final = 10  # characters
MAX_PASSWORD: Final = 200

_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody at a browser."""

    person: Person  # on the platform "web"
    session: WebSession
    language: str  # in which to speak to them

    @property
    def is_staff(self) -> bool:
        """Whether the dashboard is for them."""
        return may(self.person.role, Role.TRAINER)


class Access:
    """Knows browsers."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash("nobody has this password")  # checked where there is no such name
        self._tries = MovingWindowRateLimiter(MemoryStorage())
        self._limit = RateLimitItemPerMinute(TRIES_PER_MINUTE)

    @property
    def secure(self) -> bool:
        """Whether people reach the page by https."""
        return self._settings.web.public_url.startswith("https://")

    @property
    def cookie(self) -> str:
        """The cookie's name; with the prefix a browser takes it from this very host by https alone."""
        return "__Host-burnish" if self.secure else "burnish"

    @property
    def is_open(self) -> bool:
        """Whether anybody who reaches the chat page may ask."""
        return self._settings.web.access == "open"

    async def visitor(self, request: Request) -> Visitor | None:
        """Whoever sent a request; None if that is not known."""
        cookie = request.cookies.get(self.cookie, "")
        found = await run_blocking(self._find, cookie) if cookie else None
        if found is None:
            return None
        session, person = found
        return Visitor(person=person, session=session, language=self.language(request, person))

    def language(self, request: Request, person: Person | None = None) -> str:
        """The language in which to speak to whoever sent a request."""
        accepted = request.headers.get("accept-language", "").partition(",")[0]
        chosen = person.language if person is not None else ""
        return language_for(chosen=chosen, setting=self._settings.bot.language, client=accepted, text="")

    async def welcome(self, response: Response, name: str) -> None:
        """Begin a session for a new visitor of an open page.

        Args:
            response: Gets the cookie.
            name: Random; what the visitor is known by.
        """
        days = self._settings.web.session_days

        def begin() -> tuple[WebSession, str]:
            person = self._store.people.meet(WEB, name)
            return self._store.sessions.begin(person.id, logged_in=False, days=days)

        _, cookie = await run_blocking(begin)
        self.give(response, cookie)

    async def whose_link(self, code: str) -> Person | None:
        """Whom a login link is for; it stays unused."""
        user_id = await run_blocking(self._store.sessions.whose_link, code)
        return None if user_id is None else await run_blocking(self._store.people.get, user_id)

    async def use_link(self, code: str) -> tuple[Person, str] | None:
        """Log somebody in by a link.

        Returns:
            Who it is, and their cookie; None if it is not, or no longer, a link.
        """
        days = self._settings.web.session_days
        return await self._logged_in(await run_blocking(self._store.sessions.use_link, code, days=days), "by link")

    async def use_password(self, request: Request, name: str, password: str) -> tuple[Person, str] | None:
        """Log somebody in by name and password.

        Returns:
            Who it is, and their cookie; None if the two do not fit.

        Raises:
            TooManyError: It was tried too often.
        """
        address = request.client.host if request.client else ""
        if not all(self._tries.hit(self._limit, kind, what) for kind, what in (("from", address), ("name", name))):
            language = self.language(request)
            raise TooManyError(say("web-login-slow-down", language), retry_after=60)
        begun = await run_blocking(self._by_password, name, password)
        if begun is None:
            await run_blocking(self._store.audit.record, actor="web", action="refused: login", place=f"web:{address}")
        return await self._logged_in(begun, "by password")

    def give(self, response: Response, cookie: str) -> None:
        """Have a browser keep its cookie."""
        response.set_cookie(
            self.cookie,
            cookie,
            max_age=self._settings.web.session_days * _SECONDS_A_DAY,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    async def leave(self, request: Request, response: Response) -> None:
        """Log out."""
        await run_blocking(self._store.sessions.end, request.cookies.get(self.cookie, ""))
        response.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax")

    async def note(self, person: Person, action: str, detail: str = "") -> None:
        """Keep in the audit log what somebody did on the web, or wanted to do."""
        actor = f"{person.platform}:{person.platform_user_id}"
        await run_blocking(self._store.audit.record, actor=actor, action=action, place=WEB, detail=detail)

    def set_password(self, user_id: int, password: str) -> None:
        """Give a person a password; blocks."""
        self._store.sessions.set_password(user_id, self._hasher.hash(password))

    def _find(self, cookie: str) -> tuple[WebSession, Person] | None:
        session = self._store.sessions.find(cookie)
        if session is None or not (session.logged_in or self.is_open):
            return None
        person = self._store.people.get(session.user_id)
        return None if person is None else (session, person)

    def _by_password(self, name: str, password: str) -> tuple[WebSession, str] | None:
        found = self._store.sessions.password_hash(name)
        user_id, hashed = found or (0, self._nobody)  # as slow where there is no such name
        try:
            self._hasher.verify(hashed, password[: MAX_PASSWORD + 1])
        except (VerificationError, InvalidHashError):
            return None
        if found is None:
            return None
        return self._store.sessions.begin(user_id, logged_in=True, days=self._settings.web.session_days)

    async def _logged_in(self, begun: tuple[WebSession, str] | None, how: str) -> tuple[Person, str] | None:
        if begun is None:
            return None
        session, cookie = begun
        person = await run_blocking(self._store.people.get, session.user_id)
        if person is None:  # forgotten this very moment
            return None
        await self.note(person, "login", how)
        return person, cookie


def access_of(request: Request) -> Access:
    """The program's Access."""
    access = request.app.state.access
    if not isinstance(access, Access):
        raise TypeError(access)
    return access


async def the_access(request: Request) -> Access:
    """The same for a route to depend on: what is not async takes a thread each time."""
    return access_of(request)


async def visitor(request: Request, access: Annotated[Access, Depends(the_access)]) -> Visitor:
    """Whoever sent the request.

    Raises:
        LoginNeededError: That is not known.
    """
    found = await access.visitor(request)
    if found is None:
        raise LoginNeededError(say("web-login-needed", access.language(request)))
    return found


def at_least(least: Role) -> Callable[..., Awaitable[Visitor]]:
    """A dependency: somebody who logged in and has a role, or a higher one; everything else is refused and audited."""

    async def check(
        request: Request, known: Annotated[Visitor, Depends(visitor)], access: Annotated[Access, Depends(the_access)]
    ) -> Visitor:
        if not known.session.logged_in:
            raise LoginNeededError(say("web-login-needed", known.language))
        if not may(known.person.role, least):
            await access.note(known.person, f"refused: {request.method} {request.url.path}")
            role = say(f"role-{least}", known.language)
            raise NotAllowedError(say("not-allowed", known.language, role=role))
        return known

    return check


async def unforged(request: Request, known: Annotated[Visitor, Depends(visitor)]) -> None:
    """A dependency of whatever changes something: the request comes from a page of ours.

    The session's token comes in the header X-CSRF-Token, or in a form's field `csrf`.

    Raises:
        NotAllowedError: It does not, or it came from another site.
    """
    token = request.headers.get(CSRF_HEADER, "")
    if not token and request.headers.get("content-type", "").startswith(
        ("application/x-www-form-urlencoded", "multipart/form-data")
    ):
        value = (await request.form()).get(CSRF_FIELD, "")
        token = value if isinstance(value, str) else ""
    if not is_own_site(request) or not hmac.compare_digest(token.encode(), known.session.csrf.encode()):
        raise NotAllowedError(say("web-forged", known.language))


def is_own_site(request: Request) -> bool:
    """Whether the browser says that a page of ours sent the request, or says nothing of it."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "")
    try:
        named = urlsplit(origin).netloc
    except ValueError:  # half a bracket, say: no browser sends that
        return False
    return site in {"same-origin", "none"} and (not origin or named == request.url.netloc)
