"""Whom the bot asked what they think of an answer, and when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.schema import AnswerRow, AskRow, MessageRow, UserRow
from bot.store.statements import upserting
from bot.types import AnswerKind


class Asks:
    """What was asked of whom."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def ask(self, answer_id: int, user_id: int, *, not_since: datetime) -> bool:
        """Note that a person is asked about an answer, before the request is shown.

        Args:
            answer_id: The answer.
            user_id: Who is asked.
            not_since: Whoever was asked since then, that time included, is not asked again.

        Returns:
            Whether they are asked now.
        """
        with self._database.write() as connection:
            # whoever asks this person at the same time waits here for the other
            connection.execute(select(UserRow.id).where(UserRow.id == user_id).with_for_update())
            recent = select(AskRow.answer_id).where(AskRow.user_id == user_id, AskRow.asked_at >= not_since).limit(1)
            if connection.execute(recent).first() is not None:
                return False
            row = upserting(connection, AskRow).values(answer_id=answer_id, user_id=user_id, asked_at=self._clock())
            kept = connection.execute(row.on_conflict_do_nothing().returning(AskRow.answer_id)).first()
        return kept is not None

    def has(self, answer_id: int) -> bool:
        """Whether somebody was asked about an answer."""
        with self._database.read() as connection:
            return connection.execute(select(AskRow.answer_id).where(AskRow.answer_id == answer_id)).first() is not None

    def follows_command(self, message_id: int) -> bool:
        """Whether the thing that a message's sender had said before it, anywhere, was a command, such as /new."""
        sender = select(MessageRow.user_id).where(MessageRow.id == message_id).scalar_subquery()
        before = (
            select(AnswerRow.kind)
            .join_from(MessageRow, AnswerRow, AnswerRow.message_id == MessageRow.id)
            .where(MessageRow.user_id == sender, MessageRow.id < message_id)
            .order_by(MessageRow.id.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            return connection.execute(before).scalar_one_or_none() is AnswerKind.COMMAND

    def last(self, user_id: int) -> datetime | None:
        """When a person was last asked; None for never."""
        query = select(func.max(AskRow.asked_at)).where(AskRow.user_id == user_id)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def count(self, since: datetime) -> int:
        """How often the bot asked since a time, that time included."""
        query = select(func.count()).select_from(AskRow).where(AskRow.asked_at >= since)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()
