"""What an update means for the program (pure)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace

from telegram import (
    CallbackQuery,
    Chat,
    ChatMemberUpdated,
    MessageEntity,
    MessageReactionUpdated,
    ReactionTypeEmoji,
    Update,
    User,
)
from telegram import Message as Said
from telegram.constants import ChatMemberStatus, ChatType, MessageEntityType

from bot.commands.registry import NAMES, parse
from bot.frontends.base import Press, Reaction
from bot.frontends.telegram.attachments import attachments
from bot.frontends.telegram.messenger import PLATFORM
from bot.types import Message, Origin, Place, RatingValue

_GROUPS = {ChatType.GROUP, ChatType.SUPERGROUP}
_AWAY = {ChatMemberStatus.LEFT, ChatMemberStatus.BANNED}
_THUMBS = {"👍": RatingValue.UP, "👎": RatingValue.DOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """The bot's own account."""

    id: int
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheard:
    """Something said in a group without naming the bot; whether it is meant for it, the desk knows."""

    message: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """A group became a supergroup with another id."""

    old: int
    new: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The bot was added to a group."""

    channel: str
    language: str  # of the client of whoever added it


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """The bot was blocked by a person or removed from a group."""

    channel: str


Event = Message | Overheard | Press | Reaction | Renamed | Joined | Left


def read(update: Update, me: Me) -> Event | None:
    """What an update means; None for what the bot has no part in.

    Args:
        update: As Telegram sent it.
        me: The bot's own account.
    """
    if update.message is not None:
        return _said(update.message, me)
    if update.edited_message is not None:
        return _edited(update.edited_message, me)
    if update.callback_query is not None:
        return _pressed(update.callback_query)
    if update.message_reaction is not None:
        return _reacted(update.message_reaction)
    if update.my_chat_member is not None:
        return _membership(update.my_chat_member)
    return None


def event_id(chat_id: int, message_id: int) -> str:
    """What names a message for the store."""
    return f"{chat_id}:{message_id}"


# -- messages


def _said(said: Said, me: Me) -> Message | Overheard | Renamed | None:
    if said.migrate_to_chat_id is not None:
        return Renamed(old=said.chat.id, new=said.migrate_to_chat_id)
    if said.migrate_from_chat_id is not None:
        return Renamed(old=said.migrate_from_chat_id, new=said.chat.id)
    speaker = _speaker(said)
    files = attachments(said)
    text = said.text or said.caption or ""
    if speaker is None or not (text or files):
        return None
    sender, name = speaker
    replied = _replied_to(said)
    place = _place(said.chat, _topic(said))
    message = Message(
        platform=PLATFORM,
        event_id=event_id(said.chat.id, said.message_id),
        channel=str(said.chat.id),
        thread=_topic(said),
        sender=sender,
        sender_name=name,
        text=text,
        received_at=said.date,
        origin=Origin(
            place=place,
            language=(said.from_user.language_code if said.from_user else "") or "",
            message_id=str(said.message_id),
            reply_to=str(replied.message_id) if replied else "",
            reply_to_sender=str(replied.from_user.id) if replied and replied.from_user else "",
            mentions=tuple(str(user.id) for user in _named(said) if user.id != me.id),
            attachments=files,
            album=said.media_group_id or "",
        ),
    )
    return _addressed(said, message, me)


def _edited(said: Said, me: Me) -> Message | Overheard | None:
    event = _said(said, me)
    if not isinstance(event, Message | Overheard) or said.edit_date is None:
        return None
    message = event.message if isinstance(event, Overheard) else event
    edited = replace(
        message,
        event_id=f"{message.event_id}#{int(said.edit_date.timestamp())}-{_mark(message.text)}",
        origin=replace(message.origin, replaces=message.event_id),
        received_at=said.edit_date,
    )
    return edited if isinstance(event, Message) else Overheard(message=edited)


def _mark(text: str) -> str:
    """Tells two edits within a second apart, for which Telegram has one date."""
    return hashlib.blake2s(text.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()


def _addressed(said: Said, message: Message, me: Me) -> Message | Overheard | None:
    """The message without what it calls the bot by; Overheard if it does not call it, None if it calls another bot."""
    text, named = _without_me(said, message.text, me)
    to_me = named or message.origin.place is Place.DIRECT or message.origin.reply_to_sender == str(me.id)
    if text.startswith("/"):
        command, _, bot = text.split(maxsplit=1)[0].partition("@")
        if bot and bot.casefold() != me.username.casefold():
            return None
        found = parse(command + text[len(command) + (len(bot) + 1 if bot else 0) :], explicit=True)
        if found is not None and (bot or to_me or found[0] in NAMES):
            name, rest = found
            return replace(message, text=rest, origin=replace(message.origin, command=name))
    addressed = replace(message, text=text)
    return addressed if to_me else Overheard(message=addressed)


def _without_me(said: Said, text: str, me: Me) -> tuple[str, bool]:
    """The text without mentions of the bot, and whether there were any."""
    units = text.encode("utf-16-le")
    named = False
    for entity in sorted(_entities(said), key=lambda one: one.offset, reverse=True):
        first, last = 2 * entity.offset, 2 * (entity.offset + entity.length)
        if _is_me(entity, units[first:last].decode("utf-16-le", "replace"), me):
            named = True
            before, after = units[:first].decode("utf-16-le", "replace"), units[last:].decode("utf-16-le", "replace")
            if not before.strip():
                after = re.sub(r"^[\s,:，：]+", "", after)
            elif before[-1:].isspace():
                after = after.removeprefix(" ")
            units = f"{before}{after}".encode("utf-16-le")
    return units.decode("utf-16-le", "replace").strip(), named


def _is_me(entity: MessageEntity, text: str, me: Me) -> bool:
    if entity.type == MessageEntityType.TEXT_MENTION:
        return entity.user is not None and entity.user.id == me.id
    return entity.type == MessageEntityType.MENTION and text.casefold() == f"@{me.username}".casefold()


def _named(said: Said) -> list[User]:
    """People whom the message names by their account rather than in text."""
    return [entity.user for entity in _entities(said) if entity.user is not None]


def _entities(said: Said) -> tuple[MessageEntity, ...]:
    return tuple(said.entities or said.caption_entities or ())


def _speaker(said: Said) -> tuple[str, str] | None:
    """Id and name of whoever said it; None for other bots and for what was forwarded from a channel."""
    if said.chat.type not in {*_GROUPS, ChatType.PRIVATE} or said.is_automatic_forward:
        return None
    if said.sender_chat is not None:  # an admin who speaks for the group, or somebody for a channel
        return str(said.sender_chat.id), said.sender_chat.title or ""
    if said.from_user is None or said.from_user.is_bot:
        return None
    return str(said.from_user.id), said.from_user.full_name


def _replied_to(said: Said) -> Said | None:
    """What the message replies to; in a topic every message that replies to nothing names the topic's beginning."""
    replied = said.reply_to_message
    if replied is None or replied.forum_topic_created is not None or str(replied.message_id) == _topic(said):
        return None
    return replied


def _topic(said: Said) -> str:
    return str(said.message_thread_id) if said.is_topic_message and said.message_thread_id is not None else ""


def _place(chat: Chat, topic: str) -> Place:
    if chat.type == ChatType.PRIVATE:
        return Place.DIRECT
    return Place.THREAD if topic else Place.GROUP


# -- all else


def _pressed(query: CallbackQuery) -> Press | None:
    if query.message is None or not query.data or query.from_user.is_bot:
        return None
    message = query.message  # too old for Telegram, it has still its id
    topic = _topic(message) if isinstance(message, Said) else ""
    return Press(
        platform=PLATFORM,
        channel=str(message.chat.id),
        thread=topic,
        place=_place(message.chat, topic),
        message_id=str(message.message_id),
        event_id=query.id,
        sender=str(query.from_user.id),
        sender_name=query.from_user.full_name,
        data=query.data,
        language=query.from_user.language_code or "",
    )


def _reacted(change: MessageReactionUpdated) -> Reaction | None:
    before = {one.emoji for one in change.old_reaction if isinstance(one, ReactionTypeEmoji)}
    after = {one.emoji for one in change.new_reaction if isinstance(one, ReactionTypeEmoji)}
    added, removed = (after - before) & set(_THUMBS), (before - after) & set(_THUMBS)
    if change.user is None or change.user.is_bot or not (added or removed):
        return None
    return Reaction(
        platform=PLATFORM,
        channel=str(change.chat.id),
        message_id=str(change.message_id),
        sender=str(change.user.id),
        sender_name=change.user.full_name,
        value=_THUMBS[min(added or removed)],
        taken_back=not added,
    )


def _membership(change: ChatMemberUpdated) -> Joined | Left | None:
    was_away, is_away = change.old_chat_member.status in _AWAY, change.new_chat_member.status in _AWAY
    channel = str(change.chat.id)
    if is_away:
        return Left(channel=channel)
    if was_away and change.chat.type in _GROUPS:
        return Joined(channel=channel, language=change.from_user.language_code or "")
    return None
