"""What a store holds, in numbers: for monitoring, and for whoever looks after it. Nobody's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select, text

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.schema import (
    ApiKeyRow,
    CorrectionRow,
    CorrectionStatus,
    DeliveryRow,
    DeliveryState,
    DocumentRow,
    HandoffRow,
    MessageRow,
    MessageState,
    RunRow,
    RunState,
    WebSessionRow,
)
from bot.store.statements import read_setting, write_setting

_BACKED_UP: Final = "backed_up_at"  # setting: when the last backup of this store was complete, ISO 8601


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What there is at one moment."""

    bytes: int  # of the database
    documents: int
    chunks: int
    ingested_at: datetime | None  # when the newest document was taken in, aware, UTC; None: there is none
    backed_up_at: datetime | None  # aware, UTC; None: never, or by a program that did not note it
    pending: Mapping[str, int]  # messages without an answer, by platform
    undelivered: int  # parts of answers
    corrections: int  # that wait for an admin
    handoffs: int  # questions that people have not answered yet
    runs: Mapping[RunState, int]  # every state, also those of which there are none
    sessions: int  # of browsers, not expired
    keys: int  # to the API, not revoked


class Census:
    """Counts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def count(self) -> Counts:
        """Count everything; some milliseconds."""
        with self._database.read() as connection:
            documents, chunks, newest = connection.execute(
                select(
                    func.count(), func.coalesce(func.sum(DocumentRow.chunk_count), 0), func.max(DocumentRow.ingested_at)
                )
            ).one()
            pending = connection.execute(
                select(MessageRow.platform, func.count())
                .where(MessageRow.state == MessageState.PENDING)
                .group_by(MessageRow.platform)
            ).all()
            runs = connection.execute(select(RunRow.state, func.count()).group_by(RunRow.state)).all()
            return Counts(
                bytes=self._bytes(connection),
                documents=documents,
                chunks=chunks,
                ingested_at=newest,
                backed_up_at=self._backed_up(connection),
                pending={row[0]: row[1] for row in pending},
                undelivered=_number(connection, DeliveryRow.state == DeliveryState.PENDING),
                corrections=_number(connection, CorrectionRow.status == CorrectionStatus.PROPOSED),
                handoffs=_number(connection, HandoffRow.resolved_at.is_(None)),
                runs={**dict.fromkeys(RunState, 0), **{row[0]: row[1] for row in runs}},
                sessions=_number(connection, WebSessionRow.expires_at > self._clock()),
                keys=_number(connection, ApiKeyRow.revoked_at.is_(None)),
            )

    def note_backup(self, at: datetime) -> None:
        """Note when a backup was complete."""
        with self._database.write() as connection:
            write_setting(connection, _BACKED_UP, at.isoformat())

    def _bytes(self, connection: Connection) -> int:
        if self._database.is_sqlite:
            pages = connection.execute(text("PRAGMA page_count")).scalar_one()
            size = connection.execute(text("PRAGMA page_size")).scalar_one()
            return int(pages) * int(size)
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())

    def _backed_up(self, connection: Connection) -> datetime | None:
        noted = read_setting(connection, _BACKED_UP)
        return datetime.fromisoformat(noted) if noted else None


def _number(connection: Connection, chosen: ColumnElement[bool]) -> int:
    """How many rows of a table there are of which something is true."""
    return connection.execute(select(func.count()).where(chosen)).scalar_one()
