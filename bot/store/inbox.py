"""The durable inbox: messages are kept before a platform is told that they arrived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, Integer, bindparam, delete, func, insert, select, update

from bot.store.clock import Clock
from bot.store.conversations import keep_conversation, open_in
from bot.store.engine import Database
from bot.store.expectations import take
from bot.store.messages import (
    latest_origin,
    read_origin,
    select_messages,
    stored_message,
    versions_of,
    written_origin,
)
from bot.store.people import keep_person
from bot.store.schema import (
    AnswerRow,
    ConversationRow,
    DeliveryRow,
    DeliveryState,
    ExpectationRow,
    HandoffRow,
    MessageRow,
    MessageState,
    OriginRow,
    PostRow,
    UserRow,
)
from bot.store.statements import batches, made_once
from bot.types import AnswerKind, Message, Origin, StoredMessage, Turn, Wanted

EDIT_MARK = "#"  # stands between the id of an event and what tells its later versions apart
NOT_DIALOGUE = (AnswerKind.COMMAND, AnswerKind.RELAYED)  # replies that a follow-up does not refer to

_ALBUM = timedelta(minutes=5)  # between two files of an album, at most; they are sent at once


class Inbox:
    """Messages and the conversations that they belong to."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def accept(self, message: Message, *, idle_minutes: int) -> StoredMessage | None:
        """Keep a message, its sender and its conversation, in one transaction.

        A text that the bot had asked for becomes the command that was waiting for it. A new version of an earlier
        message takes its place: whatever of the earlier one is not yet answered or sent never will be.

        Args:
            message: What a front end received.
            idle_minutes: After so long without a message, the next one opens a new conversation.

        Returns:
            The message with its ids, or None if this event was accepted before.
        """
        with self._database.write() as connection:
            event = {"platform": message.platform, "event_id": message.event_id}
            if connection.execute(_KNOWN, event).first() is not None:
                return None
            user_id, language = keep_person(
                connection, message.platform, message.sender, message.sender_name, now=self._clock()
            )
            message = _expected(connection, message, user_id)
            conversation_id = keep_conversation(connection, message, timedelta(minutes=idle_minutes))
            values = {
                **event,
                "conversation_id": conversation_id,
                "user_id": user_id,
                "first_event": message.origin.replaces,
                "text": message.text,
                "state": MessageState.PENDING,
                "attempts": 0,
                "received_at": message.received_at,
            }
            message_id: int | None = connection.execute(_ADD(connection), values).scalar_one_or_none()
            if message_id is None:
                return None
            if message.origin != Origin():
                origin = {"message_id": message_id, "detail": written_origin(message.origin)}
                connection.execute(_ADD_ORIGIN, origin)
            if message.origin.replaces:
                _withdraw(connection, message, before=message_id)
        return StoredMessage(
            id=message_id, conversation_id=conversation_id, user_id=user_id, message=message, language=language
        )

    def get(self, message_id: int) -> StoredMessage | None:
        """Read one message, whatever its state."""
        with self._database.read() as connection:
            row = connection.execute(_BY_ID, {"id": message_id}).first()
        return None if row is None else stored_message(row)

    def named(self, message_ids: Sequence[int]) -> tuple[StoredMessage, ...]:
        """Read some messages by id, ascending; those that are gone are left out."""
        found: list[StoredMessage] = []
        with self._database.read() as connection:
            for batch in batches(sorted(set(message_ids))):
                query = select_messages().where(MessageRow.id.in_(batch)).order_by(MessageRow.id)
                found += [stored_message(row) for row in connection.execute(query)]
        return tuple(found)

    def by_event(self, platform: str, event_id: str) -> StoredMessage | None:
        """Read the newest version of a message, by the id of its first event."""
        query = select_messages().where(MessageRow.platform == platform, versions_of(event_id))
        with self._database.read() as connection:
            row = connection.execute(query.order_by(MessageRow.id.desc()).limit(1)).first()
        return None if row is None else stored_message(row)

    def note_reply(self, message_id: int, reply_id: str) -> None:
        """Note the platform's message that the answer will be edited into, before there is an answer."""
        with self._database.write() as connection:
            connection.execute(update(MessageRow).where(MessageRow.id == message_id).values(reply_id=reply_id))

    def earlier_reply(self, stored: StoredMessage) -> tuple[str, ...]:
        """Read the ids of the platform's messages that hold the answer to the version before this one, in order."""
        earlier = (
            select(MessageRow.id, MessageRow.reply_id)
            .where(
                MessageRow.platform == stored.message.platform,
                versions_of(stored.message.origin.replaces),
                MessageRow.id < stored.id,
            )
            .order_by(MessageRow.id.desc())
        )
        with self._database.read() as connection:
            for message_id, reply_id in connection.execute(earlier):
                parts = (
                    select(DeliveryRow.platform_message_id)
                    .join(AnswerRow, AnswerRow.id == DeliveryRow.answer_id)
                    .where(AnswerRow.message_id == message_id, DeliveryRow.platform_message_id != "")
                    .order_by(DeliveryRow.part)
                )
                if found := tuple(connection.execute(parts).scalars()) or ((reply_id,) if reply_id else ()):
                    return found
        return ()

    def earlier_versions(self, stored: StoredMessage) -> tuple[int, ...]:
        """Read the ids of the versions before this one, newest first."""
        if not stored.message.origin.replaces:
            return ()
        query = select(MessageRow.id).where(
            MessageRow.platform == stored.message.platform,
            versions_of(stored.message.origin.replaces),
            MessageRow.id < stored.id,
        )
        with self._database.read() as connection:
            return tuple(connection.execute(query.order_by(MessageRow.id.desc())).scalars())

    def given_up_since(self, stored: StoredMessage) -> int:
        """Count the later versions of a message that only asked for another answer and were given up."""
        root = stored.message.origin.replaces or stored.message.event_id
        query = select(func.count()).where(
            MessageRow.platform == stored.message.platform,
            versions_of(root),
            MessageRow.id > stored.id,
            MessageRow.replaced.is_(True),
            MessageRow.state == MessageState.FAILED,
        )
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def speakers(self, platform: str, channel: str, thread: str) -> frozenset[str]:
        """The platform's ids of everybody who has spoken to the bot in a place."""
        query = (
            select(UserRow.platform_user_id)
            .join(MessageRow, MessageRow.user_id == UserRow.id)
            .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
            .where(
                ConversationRow.platform == platform,
                ConversationRow.channel == channel,
                ConversationRow.thread == thread,
            )
            .distinct()
        )
        with self._database.read() as connection:
            return frozenset(connection.execute(query).scalars())

    def latest_of(self, platform: str, channel: str, thread: str, user_id: int) -> StoredMessage | None:
        """Read what a person said last in a place."""
        query = select_messages().where(
            ConversationRow.platform == platform,
            ConversationRow.channel == channel,
            ConversationRow.thread == thread,
            MessageRow.user_id == user_id,
        )
        with self._database.read() as connection:
            row = connection.execute(query.order_by(MessageRow.id.desc()).limit(1)).first()
        return None if row is None else stored_message(row)

    def album(self, message: Message) -> tuple[StoredMessage, ...]:
        """Read the messages of a message's album that are here, in every version, oldest first."""
        sent = message.received_at
        query = select_messages().where(
            ConversationRow.platform == message.platform,
            ConversationRow.channel == message.channel,
            MessageRow.received_at.between(sent - _ALBUM, sent + _ALBUM),
        )
        with self._database.read() as connection:
            near = [stored_message(row) for row in connection.execute(query.order_by(MessageRow.id))]
        return tuple(one for one in near if one.message.origin.album == message.origin.album)

    def rename_channel(self, platform: str, channel: str, new: str) -> None:
        """Follow a channel to its new id, as when a Telegram group becomes a supergroup."""
        with self._database.write() as connection:
            moving = ConversationRow.platform == platform, ConversationRow.channel == channel
            here = update(ConversationRow).where(*moving)
            taken = select(ConversationRow.thread).where(
                ConversationRow.platform == platform,
                ConversationRow.channel == new,
                ConversationRow.closed.is_(False),
            )
            connection.execute(here.where(ConversationRow.thread.in_(taken)).values(closed=True))
            connection.execute(here.values(channel=new))
            posts = PostRow.platform == platform, PostRow.channel == channel
            connection.execute(update(PostRow).where(*posts).values(channel=new))
            teams = HandoffRow.team_platform == platform, HandoffRow.team_channel == channel
            connection.execute(update(HandoffRow).where(*teams).values(team_channel=new))
            awaited = ExpectationRow.platform == platform, ExpectationRow.channel == channel
            connection.execute(delete(ExpectationRow).where(*awaited))

    def pending(self, *, platform: str, sender: str | None = None) -> tuple[StoredMessage, ...]:
        """Read the messages that wait for an answer, oldest first.

        A sender's name is the newest that is known of them.
        """
        query = select_messages().where(MessageRow.platform == platform, MessageRow.state == MessageState.PENDING)
        if sender is not None:
            query = query.where(UserRow.platform_user_id == sender)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(MessageRow.id)).all()
        return tuple(stored_message(row) for row in rows)

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
        """Give a message up: it is pending no more. An answered one stays answered.

        Where it asked for another answer, the one before counts again.
        """
        given_up = (
            update(MessageRow)
            .where(MessageRow.id == message_id, MessageRow.state == MessageState.PENDING)
            .values(state=MessageState.FAILED)
            .returning(MessageRow.platform, MessageRow.first_event)
        )
        with self._database.write() as connection:
            row = connection.execute(given_up).first()
            if row is not None and row.first_event:
                _restore(connection, message_id, row.platform, row.first_event)

    def history(
        self, conversation_id: int, *, before_message_id: int, turns: int, user_id: int | None = None
    ) -> tuple[Turn, ...]:
        """Read the last answered questions of a conversation before a message, oldest first.

        Commands are left out, and messages that were edited since.

        Args:
            conversation_id: Which conversation.
            before_message_id: Only what came before this message.
            turns: At most so many.
            user_id: Only this person's questions, for a place where several people talk to the bot at once.
        """
        given = {"conversation": conversation_id, "before": before_message_id, "turns": turns}
        with self._database.read() as connection:
            if user_id is None:
                rows = connection.execute(_HISTORY, given).all()
            else:
                rows = connection.execute(_HISTORY_OF_ONE, {**given, "user": user_id}).all()
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
            .where(*open_in(platform, channel, thread))
            .values(closed=True)
            .returning(ConversationRow.id)
        )
        with self._database.write() as connection:
            return connection.execute(close).first() is not None


def _expected(connection: Connection, message: Message, user_id: int) -> Message:
    """The message as the command that waits for it, if the bot had asked for a text."""
    origin = message.origin
    if origin.command or origin.avoid or not message.text.strip():
        return message
    if origin.replaces:  # a new text of what was asked for is that still
        before = latest_origin(connection, message)
        if before.command not in set(Wanted):
            return message
        return replace(message, origin=replace(origin, command=before.command, subject=before.subject))
    # what was asked for outside any thread may come in the thread that it begins itself, as in Slack's channels
    threads = (message.thread, "") if message.thread == origin.message_id else (message.thread,)
    for thread in threads:
        wanted = take(connection, message.platform, message.channel, thread, user_id, now=message.received_at)
        if wanted is not None:
            return replace(message, origin=replace(origin, command=wanted.kind.value, subject=wanted.subject))
    return message


def _withdraw(connection: Connection, message: Message, *, before: int) -> None:
    """Let nothing more come of the versions before this one."""
    earlier = (MessageRow.platform == message.platform, versions_of(message.origin.replaces), MessageRow.id < before)
    connection.execute(update(MessageRow).where(*earlier).values(replaced=True))
    connection.execute(
        update(MessageRow).where(*earlier, MessageRow.state == MessageState.PENDING).values(state=MessageState.FAILED)
    )
    theirs = select(AnswerRow.id).join(MessageRow, MessageRow.id == AnswerRow.message_id).where(*earlier)
    connection.execute(
        update(DeliveryRow)
        .where(DeliveryRow.answer_id.in_(theirs), DeliveryRow.state == DeliveryState.PENDING)
        .values(state=DeliveryState.ABANDONED)
    )


def _restore(connection: Connection, message_id: int, platform: str, first_event: str) -> None:
    """Put the answered version before a message in its place, if all it asked for was another answer."""
    detail = connection.execute(select(OriginRow.detail).where(OriginRow.message_id == message_id)).scalar_one_or_none()
    earlier = select(MessageRow.id).where(
        MessageRow.platform == platform,
        versions_of(first_event),
        MessageRow.id < message_id,
        MessageRow.state == MessageState.ANSWERED,
    )
    before = connection.execute(earlier.order_by(MessageRow.id.desc()).limit(1)).scalar_one_or_none()
    if before is not None and read_origin(detail).avoid:
        connection.execute(update(MessageRow).where(MessageRow.id == message_id).values(replaced=True))
        connection.execute(update(MessageRow).where(MessageRow.id == before).values(replaced=False))


_KNOWN = select(MessageRow.id).where(
    MessageRow.platform == bindparam("platform"), MessageRow.event_id == bindparam("event_id")
)
# a conflict: another process was faster since we looked (PostgreSQL only)
_ADD = made_once(MessageRow, lambda insert: insert.on_conflict_do_nothing().returning(MessageRow.id))
_ADD_ORIGIN = insert(OriginRow)
_BY_ID = select_messages().where(MessageRow.id == bindparam("id"))
_HISTORY = (
    select(MessageRow.text.label("question"), AnswerRow.text.label("answer"))
    .join(AnswerRow, AnswerRow.message_id == MessageRow.id)
    .where(
        MessageRow.conversation_id == bindparam("conversation"),
        MessageRow.id < bindparam("before"),
        MessageRow.state == MessageState.ANSWERED,
        MessageRow.replaced.is_(False),
        AnswerRow.kind.not_in(NOT_DIALOGUE),
    )
    .order_by(MessageRow.id.desc())
    .limit(bindparam("turns", type_=Integer))
)
_HISTORY_OF_ONE = _HISTORY.where(MessageRow.user_id == bindparam("user"))
