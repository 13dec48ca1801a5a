"""People and their roles, the audit trail, and the program's own settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Row, insert, select, update

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.schema import AuditRow, UserRow
from bot.store.statements import read_setting, write_setting
from bot.types import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who wrote to the bot."""

    id: int
    platform: str
    platform_user_id: str
    name: str = field(repr=False)  # "" if unknown
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did."""

    id: int
    actor: str
    action: str
    place: str
    detail: str = field(repr=False)
    at: datetime  # aware, UTC


_PERSON = (UserRow.id, UserRow.platform, UserRow.platform_user_id, UserRow.name, UserRow.role)


class People:
    """Who wrote to the bot, and what they may do."""

    def __init__(self, database: Database) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database

    def get(self, user_id: int) -> Person | None:
        """Find a person by the store's id."""
        with self._database.read() as connection:
            row = connection.execute(select(*_PERSON).where(UserRow.id == user_id)).first()
        return None if row is None else _person(row)

    def by_platform(self, platform: str, platform_user_id: str) -> Person | None:
        """Find a person by the platform's id."""
        query = select(*_PERSON).where(UserRow.platform == platform, UserRow.platform_user_id == platform_user_id)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _person(row)

    def set_role(self, user_id: int, role: Role) -> bool:
        """Give a person a role; False if there is no such person."""
        change = update(UserRow).where(UserRow.id == user_id).values(role=role).returning(UserRow.id)
        with self._database.write() as connection:
            return connection.execute(change).first() is not None

    def list(self) -> tuple[Person, ...]:
        """Everybody, in the order in which they first wrote."""
        with self._database.read() as connection:
            rows = connection.execute(select(*_PERSON).order_by(UserRow.id)).all()
        return tuple(_person(row) for row in rows)


class Audit:
    """Who did what, in the order of events."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def record(self, *, actor: str, action: str, place: str = "", detail: str = "") -> int:
        """Add an entry.

        Args:
            actor: Who: "platform:user id", or "cli" for somebody at the server.
            action: What: "ingest", "approve correction".
            place: Where: "platform:channel", "" for nowhere in particular.
            detail: More, in any words; the only part that is encrypted.

        Returns:
            The entry's id.
        """
        row = insert(AuditRow).values(actor=actor, action=action, place=place, detail=detail, at=self._clock())
        with self._database.write() as connection:
            return connection.execute(row.returning(AuditRow.id)).scalar_one()

    def tail(self, limit: int) -> tuple[AuditEntry, ...]:
        """Read the last entries, oldest of them first."""
        columns = (AuditRow.id, AuditRow.actor, AuditRow.action, AuditRow.place, AuditRow.detail, AuditRow.at)
        with self._database.read() as connection:
            rows = connection.execute(select(*columns).order_by(AuditRow.id.desc()).limit(limit)).all()
        return tuple(
            AuditEntry(id=row.id, actor=row.actor, action=row.action, place=row.place, detail=row.detail, at=row.at)
            for row in reversed(rows)
        )


class Settings:
    """What the program itself remembers, by key; never a person's text, since it is not encrypted."""

    def __init__(self, database: Database) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database

    def get(self, key: str) -> str | None:
        """Read a setting."""
        with self._database.read() as connection:
            return read_setting(connection, key)

    def set(self, key: str, value: str) -> None:
        """Write a setting."""
        with self._database.write() as connection:
            write_setting(connection, key, value)


def _person(row: Row[int, str, str, str, Role]) -> Person:
    return Person(
        id=row.id,
        platform=row.platform,
        platform_user_id=row.platform_user_id,
        name=row.name,
        role=row.role,
    )
