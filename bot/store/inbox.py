"""The durable inbox: messages are kept before a platform is told that they arrived."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.schema import AnswerRow, ConversationRow, MessageRow, MessageState, UserRow
from bot.store.statements import upserting
from bot.types import Message, Role, StoredMessage, Turn


class Inbox:
    """Messages and the conversations that they belong to."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def accept(self, message: Message, *, idle_minutes: int) -> StoredMessage | None:
        """Keep a message, its sender and its conversation, in one transaction.

        Args:
            message: What a front end received.
            idle_minutes: After so long without a message, the next one opens a new conversation.

        Returns:
            The message with its ids, or None if this event was accepted before.
        """
        with self._database.write() as connection:
            known = select(MessageRow.id).where(
                MessageRow.platform == message.platform, MessageRow.event_id == message.event_id
            )
            if connection.execute(known).first() is not None:
                return None
            user_id = self._keep_sender(connection, message)
            conversation_id = _keep_conversation(connection, message, timedelta(minutes=idle_minutes))
            row = (
                upserting(connection, MessageRow)
                .values(
                    conversation_id=conversation_id,
                    user_id=user_id,
                    platform=message.platform,
                    event_id=message.event_id,
                    text=message.text,
                    state=MessageState.PENDING,
                    attempts=0,
                    received_at=message.received_at,
                )
                .on_conflict_do_nothing()  # another process was faster since we looked (PostgreSQL only)
                .returning(MessageRow.id)
            )
            message_id: int | None = connection.execute(row).scalar_one_or_none()
        if message_id is None:
            return None
        return StoredMessage(id=message_id, conversation_id=conversation_id, user_id=user_id, message=message)

    def get(self, message_id: int) -> StoredMessage | None:
        """Read one message, whatever its state."""
        with self._database.read() as connection:
            row = connection.execute(_messages().where(MessageRow.id == message_id)).first()
        return None if row is None else _stored(row)

    def pending(self, *, platform: str, sender: str | None = None) -> tuple[StoredMessage, ...]:
        """Read the messages that wait for an answer, oldest first.

        A sender's name is the newest that is known of them.
        """
        query = _messages().where(MessageRow.platform == platform, MessageRow.state == MessageState.PENDING)
        if sender is not None:
            query = query.where(UserRow.platform_user_id == sender)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(MessageRow.id)).all()
        return tuple(_stored(row) for row in rows)

    def attempt(self, message_id: int) -> int:
        """Count that answering a message is tried, before it is tried.

        Returns:
            Which attempt this is, from 1; 0 if there is no such message. A message that stopped the whole program
            before is told from a new one by it.
        """
        count = (
            update(MessageRow)
            .where(MessageRow.id == message_id)
            .values(attempts=MessageRow.attempts + 1)
            .returning(MessageRow.attempts)
        )
        with self._database.write() as connection:
            return connection.execute(count).scalar_one_or_none() or 0

    def fail(self, message_id: int) -> None:
        """Give a message up: it is pending no more. An answered one stays answered."""
        with self._database.write() as connection:
            connection.execute(
                update(MessageRow)
                .where(MessageRow.id == message_id, MessageRow.state == MessageState.PENDING)
                .values(state=MessageState.FAILED)
            )

    def history(self, conversation_id: int, *, before_message_id: int, turns: int) -> tuple[Turn, ...]:
        """Read the last answered questions of a conversation before a message, oldest first."""
        query = (
            select(MessageRow.text.label("question"), AnswerRow.text.label("answer"))
            .join(AnswerRow, AnswerRow.message_id == MessageRow.id)
            .where(
                MessageRow.conversation_id == conversation_id,
                MessageRow.id < before_message_id,
                MessageRow.state == MessageState.ANSWERED,
            )
            .order_by(MessageRow.id.desc())
            .limit(turns)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(Turn(question=row.question, answer=row.answer) for row in reversed(rows))

    def said(self, *, platform: str, sender: str, limit: int) -> tuple[str, ...]:
        """Read the last texts that somebody sent, oldest first; what a prompt offers to say again."""
        query = (
            select(MessageRow.text)
            .join(UserRow)
            .where(MessageRow.platform == platform, UserRow.platform_user_id == sender)
            .order_by(MessageRow.id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(reversed(connection.execute(query).scalars().all()))

    def close_conversation(self, platform: str, channel: str, thread: str) -> bool:
        """End the conversation that is open in a place; False if none is."""
        close = (
            update(ConversationRow)
            .where(*_open_in(platform, channel, thread))
            .values(closed=True)
            .returning(ConversationRow.id)
        )
        with self._database.write() as connection:
            return connection.execute(close).first() is not None

    def _keep_sender(self, connection: Connection, message: Message) -> int:
        insert = upserting(connection, UserRow).values(
            platform=message.platform,
            platform_user_id=message.sender,
            name=message.sender_name,
            role=Role.USER,
            created_at=self._clock(),
        )
        # An unknown name does not replace a known one; the row is touched all the same, for RETURNING to give its id.
        change = {"name": insert.excluded.name} if message.sender_name else {"platform": insert.excluded.platform}
        upsert = insert.on_conflict_do_update(
            index_elements=[UserRow.platform, UserRow.platform_user_id], set_=change
        ).returning(UserRow.id)
        user_id: int = connection.execute(upsert).scalar_one()
        return user_id


def _open_in(platform: str, channel: str, thread: str) -> tuple[Any, ...]:
    return (
        ConversationRow.platform == platform,
        ConversationRow.channel == channel,
        ConversationRow.thread == thread,
        ConversationRow.closed.is_(False),
    )


def _keep_conversation(connection: Connection, message: Message, idle: timedelta) -> int:
    """Find the open conversation of a message's place, or open one; a unique index allows no second."""
    place = (message.platform, message.channel, message.thread)
    current = select(ConversationRow.id, ConversationRow.last_at).where(*_open_in(*place)).with_for_update()
    found = connection.execute(current).first()
    if found is not None:
        conversation_id, last_at = found
        this = update(ConversationRow).where(ConversationRow.id == conversation_id)
        if message.received_at - last_at <= idle:
            connection.execute(this.values(last_at=max(last_at, message.received_at)))
            return conversation_id
        connection.execute(this.values(closed=True))
    insert = (
        upserting(connection, ConversationRow)
        .values(
            platform=message.platform,
            channel=message.channel,
            thread=message.thread,
            started_at=message.received_at,
            last_at=message.received_at,
            closed=False,
        )
        .on_conflict_do_nothing()
        .returning(ConversationRow.id)
    )
    opened: int | None = connection.execute(insert).scalar_one_or_none()
    if opened is not None:
        return opened
    # another process opened one since we looked (PostgreSQL only); its row is visible now
    (conversation_id, _) = connection.execute(current).one()
    return conversation_id


def _messages() -> Select[*tuple[Any, ...]]:
    return (
        select(
            MessageRow.id,
            MessageRow.conversation_id,
            MessageRow.user_id,
            MessageRow.platform,
            MessageRow.event_id,
            MessageRow.text,
            MessageRow.received_at,
            ConversationRow.channel,
            ConversationRow.thread,
            UserRow.platform_user_id,
            UserRow.name,
        )
        .join_from(MessageRow, ConversationRow)
        .join(UserRow)
    )


def _stored(row: Row[*tuple[Any, ...]]) -> StoredMessage:
    return StoredMessage(
        id=row.id,
        conversation_id=row.conversation_id,
        user_id=row.user_id,
        message=Message(
            platform=row.platform,
            event_id=row.event_id,
            channel=row.channel,
            thread=row.thread,
            sender=row.platform_user_id,
            sender_name=row.name,
            text=row.text,
            received_at=row.received_at,
        ),
    )
