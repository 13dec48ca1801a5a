"""Messages in the store: how they are read, and how a row becomes one."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Row, Select, or_, select

from bot.store.schema import ConversationRow, MessageRow, OriginRow, UserRow
from bot.types import Message, Origin, StoredMessage

_ORIGIN = TypeAdapter(Origin)


def select_messages() -> Select[*tuple[Any, ...]]:
    """Messages with their origin, conversation and sender, for stored_message()."""
    return (
        select(
            MessageRow.id,
            MessageRow.conversation_id,
            MessageRow.user_id,
            MessageRow.platform,
            MessageRow.event_id,
            MessageRow.text,
            MessageRow.received_at,
            MessageRow.reply_id,
            MessageRow.replaced,
            OriginRow.detail,
            ConversationRow.channel,
            ConversationRow.thread,
            UserRow.platform_user_id,
            UserRow.name,
            UserRow.language,
        )
        .join_from(MessageRow, ConversationRow)
        .join(UserRow)
        .outerjoin(OriginRow, OriginRow.message_id == MessageRow.id)
    )


def stored_message(row: Row[*tuple[Any, ...]]) -> StoredMessage:
    """The message that a row of select_messages() is."""
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
            origin=read_origin(row.detail),
        ),
        reply_id=row.reply_id,
        replaced=row.replaced,
        language=row.language,
    )


def read_origin(detail: str | None) -> Origin:
    """The origin that written_origin() wrote; None, as most messages have it, is one without anything to say."""
    return Origin() if detail is None else _ORIGIN.validate_json(detail)


def written_origin(origin: Origin) -> str:
    """An origin as the store keeps it."""
    return _ORIGIN.dump_json(origin).decode()


def versions_of(event_id: str) -> ColumnElement[bool]:
    """Which messages are versions of that which came with an event; the platform is yet to be asked for."""
    return or_(MessageRow.event_id == event_id, MessageRow.first_event == event_id)


def latest_origin(connection: Connection, message: Message) -> Origin:
    """Where the newest version of the message that this one replaces came from."""
    query = (
        select(OriginRow.detail)
        .join(MessageRow, MessageRow.id == OriginRow.message_id)
        .where(MessageRow.platform == message.platform, versions_of(message.origin.replaces))
        .order_by(MessageRow.id.desc())
        .limit(1)
    )
    return read_origin(connection.execute(query).scalar_one_or_none())
