"""Conversations given to people: the bot is silent to their askers until the people are done."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, insert, select, update

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.errors import StoreError
from bot.store.schema import ConversationRow, HandoffRow, UserRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """A conversation given to people."""

    id: int
    conversation_id: int
    user_id: int  # the asker
    platform: str  # where the asker is
    channel: str
    thread: str
    question: str = field(repr=False)
    reply: str = field(repr=False)  # the last thing that people said; "" before they said anything
    team_platform: str  # where the people are
    team_channel: str
    resolved_at: datetime | None  # aware, UTC; None while it is open


class Handoffs:
    """Conversations given to people; each asker has at most one open in a place."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def open(
        self, conversation_id: int, user_id: int, question: str, *, team_platform: str, team_channel: str
    ) -> Handoff:
        """Give a conversation to people; where its asker has one open in the same place, that stays as it is.

        Raises:
            StoreError: There is no such conversation.
        """
        with self._database.write() as connection:
            # the asker's row is the lock: two presses at once open one handoff
            connection.execute(select(UserRow.id).where(UserRow.id == user_id).with_for_update())
            where = select(ConversationRow.platform, ConversationRow.channel, ConversationRow.thread)
            here = connection.execute(where.where(ConversationRow.id == conversation_id)).first()
            if here is None:
                raise StoreError(f"There is no conversation {conversation_id} to give to people.")
            mine = {**here._asdict(), "user": user_id}
            row = connection.execute(_OPEN_IN, mine).first()
            if row is None:
                connection.execute(
                    insert(HandoffRow).values(
                        conversation_id=conversation_id,
                        user_id=user_id,
                        question=question,
                        reply="",
                        team_platform=team_platform,
                        team_channel=team_channel,
                        opened_at=self._clock(),
                        resolved_at=None,
                    )
                )
                row = connection.execute(_OPEN_IN, mine).one()
        return _handoff(row)

    def get(self, handoff_id: int) -> Handoff | None:
        """Read one."""
        return self._first(_handoffs().where(HandoffRow.id == handoff_id))

    def open_of(self, platform: str, asker: str) -> tuple[Handoff, ...]:
        """Read those that a person has open, newest first; they stay open however long the person is silent.

        Args:
            platform: Where.
            asker: The platform's id of the person.
        """
        with self._database.read() as connection:
            rows = connection.execute(_OPEN_OF, {"platform": platform, "asker": asker}).all()
        return tuple(_handoff(row) for row in rows)

    def waiting(self) -> tuple[Handoff, ...]:
        """Read all that are open, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(_handoffs().where(HandoffRow.resolved_at.is_(None)).order_by(HandoffRow.id))
            return tuple(_handoff(row) for row in rows)

    def count(self, since: datetime) -> int:
        """How many conversations were given to people since a time."""
        query = select(func.count()).select_from(HandoffRow).where(HandoffRow.opened_at >= since)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def said(self, handoff_id: int, reply: str) -> None:
        """Note what people said last; once resolved it is offered as a curated answer."""
        with self._database.write() as connection:
            connection.execute(update(HandoffRow).where(HandoffRow.id == handoff_id).values(reply=reply))

    def resolve(self, handoff_id: int) -> bool:
        """End a handoff: the bot answers there again. False if it had ended before."""
        change = (
            update(HandoffRow)
            .where(HandoffRow.id == handoff_id, HandoffRow.resolved_at.is_(None))
            .values(resolved_at=self._clock())
            .returning(HandoffRow.id)
        )
        with self._database.write() as connection:
            return connection.execute(change).first() is not None

    def _first(self, query: Select[*tuple[Any, ...]]) -> Handoff | None:
        with self._database.read() as connection:
            row = connection.execute(query.limit(1)).first()
        return None if row is None else _handoff(row)


def _handoffs() -> Select[*tuple[Any, ...]]:
    return select(
        HandoffRow.id,
        HandoffRow.conversation_id,
        HandoffRow.user_id,
        ConversationRow.platform,
        ConversationRow.channel,
        ConversationRow.thread,
        HandoffRow.question,
        HandoffRow.reply,
        HandoffRow.team_platform,
        HandoffRow.team_channel,
        HandoffRow.resolved_at,
    ).join_from(HandoffRow, ConversationRow)


_OPEN_IN = (
    _handoffs()
    .where(
        ConversationRow.platform == bindparam("platform"),
        ConversationRow.channel == bindparam("channel"),
        ConversationRow.thread == bindparam("thread"),
        HandoffRow.user_id == bindparam("user"),
        HandoffRow.resolved_at.is_(None),
    )
    .limit(1)
)
_OPEN_OF = (
    _handoffs()
    .join(UserRow, UserRow.id == HandoffRow.user_id)
    .where(
        UserRow.platform == bindparam("platform"),
        UserRow.platform_user_id == bindparam("asker"),
        HandoffRow.resolved_at.is_(None),
    )
    .order_by(HandoffRow.id.desc())
)


def _handoff(row: Row[*tuple[Any, ...]]) -> Handoff:
    return Handoff(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented public name for a row as a mapping
