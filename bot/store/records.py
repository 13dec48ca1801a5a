"""The audit trail, and the program's own settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.schema import AuditRow
from bot.store.statements import read_setting, write_setting

REFUSED = "refused: "  # begins the action of an entry about what somebody wanted and may not

# Up to schema 0005 the entries of these held people's words too, beside what the pattern finds.
_WORDY = ("teach", "unteach", "curated", "kept", "correct", "report", "unanswered", "knowledge", "grant", "revoke")
_NUMBERS = re.compile(
    r"(?:approve|approve changed|reject) correction \d+|drop \d+(?:, \d+)*|(?:asked to )?remove document \d+"
    r"|document \d+ is up to date|answer \d+(?=: |$)|(?:owner|admin|trainer|user) (?:to|of) \w+:\S+"
)
_WORDLESS = "audit_wordless"  # setting: "yes" once what they held is taken out


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did."""

    id: int
    actor: str
    action: str
    place: str
    detail: str
    at: datetime  # aware, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are wanted; what is left as it is sorts out nothing."""

    actor: str = ""
    action: str = ""  # also where it was refused
    refused: bool = False  # only what somebody wanted and may not
    since: datetime | None = None  # aware
    until: datetime | None = None  # aware; entries of that time are left out

    @property
    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """As SQL."""
        conditions: list[ColumnElement[bool]] = []
        if self.actor:
            conditions.append(AuditRow.actor == self.actor)
        if self.action:
            conditions.append(AuditRow.action.in_((self.action, REFUSED + self.action)))
        if self.refused:
            conditions.append(AuditRow.action.startswith(REFUSED, autoescape=True))
        if self.since is not None:
            conditions.append(AuditRow.at >= self.since)
        if self.until is not None:
            conditions.append(AuditRow.at < self.until)
        return tuple(conditions)


class Audit:
    """Who did what, in the order of events."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock
        self.keep: timedelta | None = None  # entries that are older go when one is added; None for no end

    def record(self, *, actor: str, action: str, place: str = "", detail: str = "") -> int:
        """Add an entry.

        Args:
            actor: Who: "platform:user id", or "cli" for somebody at the server.
            action: What: "ingest", "approve correction".
            place: Where: "platform:channel", "" for nowhere in particular.
            detail: More, by number or name, in nobody's words: it outlives whoever is forgotten. The only part that is
                encrypted.

        Returns:
            The entry's id.
        """
        now = self._clock()
        row = insert(AuditRow).values(actor=actor, action=action, place=place, detail=detail, at=now)
        with self._database.write() as connection:
            if self.keep is not None:
                connection.execute(delete(AuditRow).where(AuditRow.at < now - self.keep))
            return connection.execute(row.returning(AuditRow.id)).scalar_one()

    def drop_words(self) -> None:
        """Take out of the entries of earlier versions what people had said or written."""
        wordy = select(AuditRow.id, AuditRow.detail).where(AuditRow.action.in_(_WORDY))
        change = update(AuditRow).where(AuditRow.id == bindparam("entry")).values(detail=bindparam("kept"))
        with self._database.write() as connection:
            if read_setting(connection, _WORDLESS, lock=True):
                return
            kept = [
                {"entry": row.id, "kept": found[0] if (found := _NUMBERS.match(row.detail)) else ""}
                for row in connection.execute(wordy)
            ]
            if kept:
                connection.execute(change, kept)
            write_setting(connection, _WORDLESS, "yes")

    def tail(self, limit: int) -> tuple[AuditEntry, ...]:
        """Read the last entries, oldest of them first."""
        columns = (AuditRow.id, AuditRow.actor, AuditRow.action, AuditRow.place, AuditRow.detail, AuditRow.at)
        with self._database.read() as connection:
            rows = connection.execute(select(*columns).order_by(AuditRow.id.desc()).limit(limit)).all()
        return tuple(
            AuditEntry(id=row.id, actor=row.actor, action=row.action, place=row.place, detail=row.detail, at=row.at)
            for row in reversed(rows)
        )

    def search(self, wanted: AuditFilter, *, before: int = 0, limit: int) -> tuple[AuditEntry, ...]:
        """Read entries that fit, the newest first.

        Args:
            wanted: Which.
            before: Only entries with a lower id; 0 for all.
            limit: How many at most.
        """
        columns = (AuditRow.id, AuditRow.actor, AuditRow.action, AuditRow.place, AuditRow.detail, AuditRow.at)
        query = select(*columns).where(*wanted.conditions)
        if before:
            query = query.where(AuditRow.id < before)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(AuditRow.id.desc()).limit(limit)).all()
        return tuple(AuditEntry(**row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's documented name

    def actors(self) -> tuple[str, ...]:
        """Everybody who did something, sorted."""
        return self._each(AuditRow.actor)

    def actions(self) -> tuple[str, ...]:
        """Everything that was done, sorted; what was refused is left out."""
        return tuple(one for one in self._each(AuditRow.action) if not one.startswith(REFUSED))

    def _each(self, column: InstrumentedAttribute[str]) -> tuple[str, ...]:
        with self._database.read() as connection:
            return tuple(connection.execute(select(column).distinct().order_by(column)).scalars())

    def count(self, *, actor: str, action: str, since: datetime) -> int:
        """How often somebody did something since a time, that time included."""
        query = (
            select(func.count())
            .select_from(AuditRow)
            .where(AuditRow.actor == actor, AuditRow.action == action, AuditRow.at >= since)
        )
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()


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
