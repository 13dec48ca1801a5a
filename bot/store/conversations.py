"""Conversations in the store: the one that is open in a place, and when another begins."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from bot.store.schema import ConversationRow
from bot.store.statements import made_once
from bot.types import Message

_CURRENT = (
    select(ConversationRow.id, ConversationRow.last_at)
    .where(
        ConversationRow.platform == bindparam("platform"),
        ConversationRow.channel == bindparam("channel"),
        ConversationRow.thread == bindparam("thread"),
        ConversationRow.closed.is_(False),
    )
    .with_for_update()
)
_GOES_ON = (
    update(ConversationRow)
    .where(ConversationRow.id == bindparam("conversation"))
    .values(last_at=bindparam("last", type_=ConversationRow.last_at.type))
)
_OPEN = made_once(ConversationRow, lambda insert: insert.on_conflict_do_nothing().returning(ConversationRow.id))


def open_in(platform: str, channel: str, thread: str) -> tuple[ColumnElement[bool], ...]:
    """Which conversation is open in a place."""
    return (
        ConversationRow.platform == platform,
        ConversationRow.channel == channel,
        ConversationRow.thread == thread,
        ConversationRow.closed.is_(False),
    )


def keep_conversation(connection: Connection, message: Message, idle: timedelta) -> int:
    """Find the open conversation of a message's place, or open one; a unique index allows no second."""
    place = {"platform": message.platform, "channel": message.channel, "thread": message.thread}
    found = connection.execute(_CURRENT, place).first()
    if found is not None:
        conversation_id, last_at = found
        if message.received_at - last_at <= idle:
            last = {"conversation": conversation_id, "last": max(last_at, message.received_at)}
            connection.execute(_GOES_ON, last)
            return int(conversation_id)
        connection.execute(update(ConversationRow).where(ConversationRow.id == conversation_id).values(closed=True))
    values = {**place, "started_at": message.received_at, "last_at": message.received_at, "closed": False}
    opened: int | None = connection.execute(_OPEN(connection), values).scalar_one_or_none()
    if opened is not None:
        return opened
    # another process opened one since we looked (PostgreSQL only); its row is visible now
    (conversation_id, _) = connection.execute(_CURRENT, place).one()
    return int(conversation_id)
