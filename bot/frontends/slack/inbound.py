"""What Slack tells, as the events of bot.frontends.base (pure).

A message's event id is "CHANNEL:TS", so that a mention, which Slack tells twice (`message` and `app_mention`), is one
event; that of an edit is "CHANNEL:TS#EDITED".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.commands.registry import BY_NAME, parse
from bot.frontends.base import Press, Reaction
from bot.frontends.slack.markup import unescaped
from bot.frontends.slack.messenger import PLATFORM
from bot.frontends.slack.places import is_direct, place_of
from bot.store.inbox import EDIT_MARK
from bot.types import Attachment, AttachmentKind, Message, Origin, Place, RatingValue

Payload = Mapping[str, Any]

# Kinds of `message` events that hold what a person said; all others are Slack's own remarks.
_SPOKEN = frozenset({"", "file_share", "thread_broadcast", "me_message"})
_THUMBS = {
    "+1": RatingValue.UP,
    "thumbsup": RatingValue.UP,
    "-1": RatingValue.DOWN,
    "thumbsdown": RatingValue.DOWN,
}
_KINDS = {"image": AttachmentKind.IMAGE, "audio": AttachmentKind.VOICE, "video": AttachmentKind.OTHER}
_MARKED = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """What Slack's profile says of a person."""

    name: str = ""  # as shown; "" if unknown
    language: str = ""  # "zh-cn"; "" if unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something that a person said, as Slack tells it."""

    channel: str
    ts: str
    thread: str  # the root's ts; "" outside threads
    sender: str
    raw: str = field(repr=False)  # with Slack's markup
    team: str
    root_sender: str = ""  # who wrote the thread's root, where Slack says
    edited: str = ""  # when it was edited, Slack's ts; "" if it was not
    files: tuple[Payload, ...] = field(default=(), repr=False)

    @property
    def event_id(self) -> str:
        """Of the first version."""
        return f"{self.channel}:{self.ts}"

    @property
    def answers_in(self) -> str:
        """The thread that the answer goes to: in channels one under the message, unless it stands in one."""
        return self.thread if is_direct(self.channel) else self.thread or self.ts


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A text as a person reads it."""

    text: str = field(repr=False)
    named: bool  # whether the bot is mentioned
    mentions: tuple[str, ...]  # other people's ids


# -- messages


def said(event: Payload, team: str) -> Said | None:
    """Read a `message` or `app_mention` event; None for what no person said."""
    if event.get("bot_id") or event.get("hidden") or not event.get("user"):
        return None
    if event.get("type") not in {"message", "app_mention"} or (event.get("subtype") or "") not in _SPOKEN:
        return None
    return _said(event, str(event.get("channel", "")), team)


def edited(event: Payload, team: str) -> Said | None:
    """Read a `message_changed` event; None where the text is the same (a link's preview came) or a bot wrote it."""
    new, old = event.get("message") or {}, event.get("previous_message") or {}
    if event.get("subtype") != "message_changed" or new.get("bot_id") or not new.get("user"):
        return None
    if not new.get("edited") or new.get("text") == old.get("text"):
        return None
    return _said(new, str(event.get("channel", "")), team)


def deleted(event: Payload) -> tuple[str, str] | None:
    """Read that a message was removed: its channel and event id."""
    subtype, channel = event.get("subtype"), str(event.get("channel", ""))
    if subtype == "message_deleted":
        return channel, f"{channel}:{event.get('deleted_ts', '')}"
    new = event.get("message") or {}
    if subtype == "message_changed" and new.get("subtype") == "tombstone":  # a root whose replies remain
        return channel, f"{channel}:{new.get('ts', '')}"
    return None


def _said(told: Payload, channel: str, team: str) -> Said:
    thread = str(told.get("thread_ts") or "")
    return Said(
        channel=channel,
        ts=str(told.get("ts", "")),
        thread=thread,
        sender=str(told["user"]),
        raw=str(told.get("text") or ""),
        team=str(told.get("team") or team),
        root_sender=str(told.get("parent_user_id") or ""),
        edited=str((told.get("edited") or {}).get("ts", "")),
        files=tuple(told.get("files") or ()),
    )


def people_in(raw: str) -> tuple[str, ...]:
    """The ids of everybody whom a text mentions."""
    found = (match.group(1) for match in _MARKED.finditer(raw))
    return tuple(dict.fromkeys(one[1:] for one in found if one.startswith("@")))


def words(raw: str, *, bot: str = "") -> Words:
    """Read Slack's markup: `<#C1|general>`, `<https://...|label>`, `&amp;`.

    Args:
        raw: As Slack tells it.
        bot: The bot's own id; its mention is left out of the text. Those of people stay, for `readable`.
    """

    def one(match: re.Match[str]) -> str:
        inside, label = match.group(1), match.group(2)
        if inside == f"@{bot}":
            return " "
        if inside.startswith("@"):
            return f"<{inside}>"
        if inside.startswith("#"):
            return f"#{label or inside[1:]}"
        if inside.startswith("!"):
            return label or f"@{inside[1:].partition('^')[0]}"
        address = inside.removeprefix("mailto:").removeprefix("tel:")
        return address if not label or label in address else f"{label} ({address})"

    people = people_in(raw)
    text = re.sub(r"[ \t]{2,}", " ", _MARKED.sub(one, raw)) if "<" in raw else raw
    return Words(
        text=unescaped(text).strip(), named=bot in people, mentions=tuple(person for person in people if person != bot)
    )


def readable(text: str, names: Mapping[str, str]) -> str:
    """Mentions as people read them: `@Eve`, in one word, since commands are read word by word.

    Args:
        text: From `words`.
        names: How people are called, by id; one without a name is called by the id.
    """
    return re.sub(r"<@(\w+)>", lambda one: "@" + re.sub(r"\s", "\N{NO-BREAK SPACE}", names.get(one[1]) or one[1]), text)


def message_of(told: Said, read: Words, who: Who, now: datetime, names: Mapping[str, str]) -> Message:
    """What somebody said as the desk takes it; `names` as in `readable`."""
    command, text = parse(read.text, explicit=read.text.startswith("/"), named=read.named) or ("", read.text)
    first = told.event_id
    return Message(
        platform=PLATFORM,
        event_id=f"{first}{EDIT_MARK}{told.edited}" if told.edited else first,
        channel=told.channel,
        thread=told.answers_in,
        sender=told.sender,
        sender_name=who.name,
        text=readable(text, names),
        received_at=now,
        origin=Origin(
            place=place_of(told.channel, told.answers_in),
            command=command,
            language=who.language,
            message_id=told.ts,
            replaces=first if told.edited else "",
            mentions=read.mentions,
            attachments=_attachments(told.files),
            team=told.team,
        ),
    )


def _attachments(files: Sequence[Payload]) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(
            kind=_KINDS.get(str(file.get("mimetype", "")).partition("/")[0], AttachmentKind.DOCUMENT),
            file_id=str(file.get("url_private_download") or file.get("url_private") or ""),
            name=str(file.get("name") or ""),
            size=int(file.get("size") or 0),
        )
        for file in files
    )


# -- commands


def command_of(payload: Payload, who: Who, now: datetime, names: Mapping[str, str]) -> Message:
    """Read `/burnish ...`: a command, or a question if it has several words and begins with no command.

    Slack shows nobody what was typed. A command's reply is for the person alone; the answer to a question is for all,
    so its trigger stands for the message that it has not.
    """
    typed = words(str(payload.get("text") or ""))
    command, text = parse(typed.text, explicit=True) or ("help", "")
    if command not in BY_NAME and len(typed.text.split()) > 1:
        command, text = "", typed.text
    channel = str(payload["channel_id"])
    return Message(
        platform=PLATFORM,
        event_id=f"slash:{payload['trigger_id']}",
        channel=channel,
        thread="",
        sender=str(payload["user_id"]),
        sender_name=who.name or str(payload.get("user_name") or ""),
        text=readable(text, names),
        received_at=now,
        origin=Origin(
            place=Place.DIRECT if is_direct(channel) else Place.GROUP,
            command=command,
            language=who.language,
            message_id="" if command else str(payload["trigger_id"]),
            mentions=typed.mentions,
            team=str(payload.get("team_id") or ""),
            unseen=not is_direct(channel),
        ),
    )


# -- presses and reactions


def press_of(payload: Payload, action: Payload, who: Who) -> Press:
    """Read a pressed button, of Slack's feedback buttons too."""
    container = payload.get("container") or {}
    message = payload.get("message") or {}
    channel = str((payload.get("channel") or {}).get("id") or container.get("channel_id") or "")
    thread = str(message.get("thread_ts") or container.get("thread_ts") or "")
    return Press(
        platform=PLATFORM,
        channel=channel,
        thread=thread,
        place=place_of(channel, thread),
        # what only one person sees cannot be changed later, and what it leads to is for that person too
        message_id="" if container.get("is_ephemeral") else str(container.get("message_ts") or message.get("ts") or ""),
        event_id=f"{action.get('action_ts', '')}:{payload.get('trigger_id', '')}",
        sender=str(payload["user"]["id"]),
        sender_name=who.name or str(payload["user"].get("name") or payload["user"].get("username") or ""),
        data=str(action.get("value") or ""),
        language=who.language,
        team=str((payload.get("team") or {}).get("id") or ""),
        takes_form=True,
    )


def reaction_of(event: Payload, who: Who) -> Reaction | None:
    """Read 👍 and 👎 on a message, in any tone of skin; None for all others."""
    item = event.get("item") or {}
    value = _THUMBS.get(str(event.get("reaction", "")).partition("::")[0])
    if value is None or item.get("type") != "message" or not event.get("user"):
        return None
    return Reaction(
        platform=PLATFORM,
        channel=str(item.get("channel", "")),
        message_id=str(item.get("ts", "")),
        sender=str(event["user"]),
        sender_name=who.name,
        value=value,
        taken_back=event.get("type") == "reaction_removed",
    )
