"""How browsers are known: sessions, one-time links, passwords. Of what opens a door only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.schema import LoginLinkRow, PasswordRow, UserRow, WebSessionRow
from bot.store.statements import upserting

LINK_VALID_FOR: Final = timedelta(minutes=15)

_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSession:
    """A browser that is known."""

    user_id: int
    csrf: str = field(repr=False)
    logged_in: bool  # False: a visitor of an open page
    created_at: datetime  # aware, UTC
    expires_at: datetime


class Sessions:
    """Who is who in the browser."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def begin(self, user_id: int, *, logged_in: bool, days: float) -> tuple[WebSession, str]:
        """Know a browser from now on; sessions that are over are removed.

        Returns:
            The session, and its cookie, which is not kept.
        """
        with self._database.write() as connection:
            return self._begin(connection, user_id, logged_in=logged_in, days=days)

    def find(self, cookie: str) -> WebSession | None:
        """The session of a cookie; None if there is none, or it is over."""
        columns = (
            WebSessionRow.user_id,
            WebSessionRow.csrf,
            WebSessionRow.logged_in,
            WebSessionRow.created_at,
            WebSessionRow.expires_at,
        )
        query = select(*columns).where(
            WebSessionRow.digest == _digest(cookie), WebSessionRow.expires_at > self._clock()
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else WebSession(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name

    def end(self, cookie: str) -> None:
        """Forget a browser."""
        with self._database.write() as connection:
            connection.execute(delete(WebSessionRow).where(WebSessionRow.digest == _digest(cookie)))

    def end_all(self, user_id: int) -> None:
        """Forget all browsers and open links of a person."""
        with self._database.write() as connection:
            end_sessions(connection, (user_id,))

    def issue_link(self, user_id: int) -> str:
        """Make the code of a link by which a person logs in once, within a quarter of an hour."""
        code, now = secrets.token_urlsafe(_BYTES), self._clock()
        with self._database.write() as connection:
            connection.execute(delete(LoginLinkRow).where(LoginLinkRow.expires_at <= now))
            connection.execute(
                insert(LoginLinkRow).values(digest=_digest(code), user_id=user_id, expires_at=now + LINK_VALID_FOR)
            )
        return code

    def whose_link(self, code: str) -> int | None:
        """The id of the person whom a code would log in; None if it is not, or no longer, one. It stays unused."""
        query = select(LoginLinkRow.user_id).where(
            LoginLinkRow.digest == _digest(code), LoginLinkRow.expires_at > self._clock()
        )
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def use_link(self, code: str, *, days: float) -> tuple[WebSession, str] | None:
        """Use a code up and begin a session, in one transaction; None if it is not, or no longer, one."""
        used = (
            delete(LoginLinkRow)
            .where(LoginLinkRow.digest == _digest(code), LoginLinkRow.expires_at > self._clock())
            .returning(LoginLinkRow.user_id)
        )
        with self._database.write() as connection:
            user_id = connection.execute(used).scalar_one_or_none()
            return None if user_id is None else self._begin(connection, user_id, logged_in=True, days=days)

    def password_hash(self, platform_user_id: str) -> tuple[int, str] | None:
        """Id and password hash of somebody who logs in by name; None if there is nobody, or they have no password."""
        query = (
            select(PasswordRow.user_id, PasswordRow.hash)
            .join(UserRow, UserRow.id == PasswordRow.user_id)
            .where(UserRow.platform == "web", UserRow.platform_user_id == platform_user_id)
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else (row.user_id, row.hash)

    def set_password(self, user_id: int, hashed: str) -> None:
        """Give a person a password, and end their sessions: whoever knew the old one is out."""
        with self._database.write() as connection:
            row = upserting(connection, PasswordRow).values(user_id=user_id, hash=hashed, changed_at=self._clock())
            connection.execute(
                row.on_conflict_do_update(
                    index_elements=[PasswordRow.user_id],
                    set_={"hash": row.excluded.hash, "changed_at": row.excluded.changed_at},
                )
            )
            end_sessions(connection, (user_id,))

    def _begin(self, connection: Connection, user_id: int, *, logged_in: bool, days: float) -> tuple[WebSession, str]:
        cookie, now = secrets.token_urlsafe(_BYTES), self._clock()
        session = WebSession(
            user_id=user_id,
            csrf=secrets.token_urlsafe(_BYTES),
            logged_in=logged_in,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        connection.execute(delete(WebSessionRow).where(WebSessionRow.expires_at <= now))
        connection.execute(
            insert(WebSessionRow).values(
                digest=_digest(cookie),
                user_id=user_id,
                csrf=session.csrf,
                logged_in=logged_in,
                created_at=now,
                expires_at=session.expires_at,
            )
        )
        return session, cookie


def end_sessions(connection: Connection, user_ids: Collection[int]) -> None:
    """Forget all browsers and open links of some people, within a transaction."""
    for table in (WebSessionRow, LoginLinkRow):
        connection.execute(delete(table).where(table.user_id.in_(user_ids)))


def _digest(secret: str) -> str:
    """Cookies and codes are random and long, so one round is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
