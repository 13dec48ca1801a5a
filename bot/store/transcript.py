"""Conversations as a page shows them: what was asked and answered in a place, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Integer, bindparam, func, select

from bot.store.answers import Answers
from bot.store.engine import Database
from bot.store.inbox import Inbox
from bot.store.schema import (
    AskRow,
    ConversationRow,
    MessageRow,
    MessageState,
    RatingRow,
)
from bot.store.statements import batches
from bot.types import RatingValue, StoredAnswer, StoredMessage

# An open page reads its conversation whenever something changes there, so these are put together once.
_STATES = (
    select(MessageRow.id, MessageRow.state)
    .join_from(MessageRow, ConversationRow)
    .where(ConversationRow.platform == bindparam("platform"), ConversationRow.channel == bindparam("channel"))
    .order_by(MessageRow.id.desc())
    .limit(bindparam("limit", type_=Integer))
)
_RATINGS = select(RatingRow.answer_id, RatingRow.user_id, RatingRow.value).where(
    RatingRow.answer_id.in_(bindparam("ids", expanding=True))
)
_ASKED = select(AskRow.answer_id).where(AskRow.answer_id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A message, in its newest version, and what came of it."""

    first_id: int  # of its first version in the store
    first_at: datetime  # aware, UTC; when that was said: where it stands
    stored: StoredMessage
    answer: StoredAnswer | None
    waits: bool  # for its answer
    rated: RatingValue | None  # what its sender said of the answer
    asked: bool  # whether they were asked what they think of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A place where somebody talked with the bot."""

    channel: str
    first: StoredMessage
    last_at: datetime  # aware, UTC; when something was said there last


class Transcripts:
    """Reads what was said."""

    def __init__(self, database: Database, inbox: Inbox, answers: Answers) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._inbox = inbox
        self._answers = answers

    def exchanges(self, platform: str, channel: str, *, limit: int) -> tuple[Exchange, ...]:
        """Read the last messages of a place with their answers, in the order in which they were first said.

        Args:
            platform: Where.
            channel: Where.
            limit: At most so many messages, each version of one counted.
        """
        states = self._states(platform, channel, limit)
        messages = self._inbox.named(list(states))
        first: dict[str, StoredMessage] = {}
        for one in messages:
            first.setdefault(_root(one), one)
        shown = [one for one in messages if not one.replaced]
        answers = {one.message_id: one for one in self._answers.of_messages([one.id for one in shown])}
        rated = self._ratings([one.id for one in answers.values()])
        asked = self._asked([one.id for one in answers.values()])
        found = [
            Exchange(
                first_id=first[_root(one)].id,
                first_at=first[_root(one)].message.received_at,
                stored=one,
                answer=answers.get(one.id),
                waits=states[one.id] is MessageState.PENDING,
                rated=rated.get((answers[one.id].id, one.user_id)) if one.id in answers else None,
                asked=one.id in answers and answers[one.id].id in asked,
            )
            for one in shown
        ]
        return tuple(sorted(found, key=lambda one: one.first_id))

    def count(self, platform: str, channel: str) -> int:
        """How many messages were said in a place, each version of one counted."""
        query = select(func.count()).select_from(MessageRow).join(ConversationRow)
        query = query.where(ConversationRow.platform == platform, ConversationRow.channel == channel)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def talks(self, user_id: int, *, limit: int) -> tuple[Talk, ...]:
        """Read where a person talked with the bot, the latest first."""
        last = func.max(MessageRow.received_at)
        query = (
            select(ConversationRow.channel, func.min(MessageRow.id).label("first"), last.label("last"))
            .join_from(MessageRow, ConversationRow)
            .where(MessageRow.user_id == user_id)
            .group_by(ConversationRow.channel)
            .order_by(last.desc(), ConversationRow.channel)
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        messages = {one.id: one for one in self._inbox.named([row.first for row in rows])}
        return tuple(
            Talk(channel=row.channel, first=messages[row.first], last_at=row.last)
            for row in rows
            if row.first in messages
        )

    def _states(self, platform: str, channel: str, limit: int) -> dict[int, MessageState]:
        place = {"platform": platform, "channel": channel, "limit": limit}
        with self._database.read() as connection:
            return {row.id: row.state for row in connection.execute(_STATES, place)}

    def _ratings(self, answer_ids: Sequence[int]) -> dict[tuple[int, int], RatingValue]:
        found: dict[tuple[int, int], RatingValue] = {}
        with self._database.read() as connection:
            for batch in batches(answer_ids):
                for row in connection.execute(_RATINGS, {"ids": batch}):
                    found[row.answer_id, row.user_id] = row.value
        return found

    def _asked(self, answer_ids: Sequence[int]) -> frozenset[int]:
        with self._database.read() as connection:
            return frozenset(
                answer_id
                for batch in batches(answer_ids)
                for answer_id in connection.execute(_ASKED, {"ids": batch}).scalars()
            )


def _root(stored: StoredMessage) -> str:
    """The event that all versions of a message share."""
    return stored.message.origin.replaces or stored.message.event_id
