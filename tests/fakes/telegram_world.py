"""Telegram's side of things for tests: people, chats, messages and the bot's queue of updates, without any network."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.telegram_rules import (
    MAX_CAPTION_UNITS,
    Json,
    Refusal,
    Rows,
    bad,
    checked,
    found_entities,
    keyboard,
    units,
)

_NO_GIFTS = dict.fromkeys(
    ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an account."""

    id: int
    name: str
    language: str = "en"

    def json(self) -> Json:
        """As updates show it."""
        return {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": self.language}


@dataclass(slots=True, kw_only=True)
class Post:
    """A message with everything that it ever said."""

    id: int
    sender: int
    text: str
    entities: list[Json] = field(default_factory=list)
    buttons: Rows = field(default_factory=list)
    thread: int | None = None
    reply_to: int | None = None
    force_reply: bool = False
    texts: list[str] = field(default_factory=list)  # oldest first
    deleted: bool = False
    photo: bytes = b""

    @property
    def labels(self) -> list[list[str]]:
        """What its buttons say."""
        return [[button["text"] for button in row] for row in self.buttons]

    def formatted(self, kind: str) -> list[str]:
        """The parts of the text with this formatting."""
        data = self.text.encode("utf-16-le")
        return [
            data[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le")
            for one in self.entities
            if one["type"] == kind
        ]


@dataclass(slots=True, kw_only=True)
class Chat:
    """A private chat (its id is the person's), a group or a supergroup."""

    id: int
    kind: str  # "private", "group", "supergroup"
    title: str
    posts: dict[int, Post] = field(default_factory=dict)
    topics: set[int] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)  # topics in which nobody may write
    shut: bool = False  # the bot was blocked, or thrown out
    moved_to: int = 0
    bot_is: Json = field(default_factory=lambda: {"status": "member"})  # as getChatMember says
    drafts: dict[int, list[str]] = field(default_factory=dict)  # by draft id, oldest text first
    actions: list[str] = field(default_factory=list)

    def json(self) -> Json:
        """As updates show it."""
        shown: Json = {"id": self.id, "type": self.kind}
        if self.kind == "private":
            return {**shown, "first_name": self.title}
        return {**shown, "title": self.title, **({"is_forum": True} if self.topics else {})}


class World:
    """Everything that the server knows. The first methods are for tests, the later ones what a bot may do."""

    def __init__(self, *, bot_id: int, username: str, clock: Callable[[], float] = time.time) -> None:
        self.bot_id = bot_id
        self.username = username
        self.reads_all = False  # privacy mode is off
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, bytes] = {}
        self.toasts: dict[str, str] = {}  # by the press's id: what it was answered with
        self.menus: dict[tuple[str, str], list[str]] = {}  # by scope and language: the commands' names
        self.queue: list[Json] = []  # updates that are not confirmed
        self.changed: Callable[[], None] = lambda: None  # called after each new update
        self._clock = clock
        self._update_ids = itertools.count(700_001)
        self._message_ids = itertools.count(1)
        self._presses = itertools.count(1)

    # -- for tests: what people do

    def private(self, person: Person) -> Chat:
        """The chat of a person with the bot."""
        return self.chats.setdefault(person.id, Chat(id=person.id, kind="private", title=person.name))

    def group(self, chat_id: int, *, title: str = "Team", kind: str = "supergroup", topics: Sequence[int] = ()) -> Chat:
        """A group with the bot in it."""
        chat = Chat(id=chat_id, kind=kind, title=title, topics=set(topics))
        self.chats[chat_id] = chat
        return chat

    def say(
        self,
        person: Person,
        text: str,
        chat: Chat | None = None,
        *,
        reply_to: int = 0,
        thread: int | None = None,
        **more: Any,  # noqa: ANN401 - other fields of a message as the Bot API has them
    ) -> int:
        """A person writes; returns the message's id. Mentions and commands get their entities by themselves."""
        chat = chat or self.private(person)
        post = self._post(chat, person.id, text, thread=thread, reply_to=reply_to or None)
        self._push({"message": {**self._said(chat, post, person), **more}})
        return post.id

    def edit(self, person: Person, message_id: int, text: str, chat: Chat | None = None) -> None:
        """A person changes what they wrote."""
        chat = chat or self.private(person)
        post = chat.posts[message_id]
        post.text = text
        post.texts.append(text)
        self._push({"edited_message": {**self._said(chat, post, person), "edit_date": int(self._clock()) + 1}})

    def press(self, person: Person, message_id: int, label: str, chat: Chat | None = None, *, old: bool = False) -> str:
        """A person presses the button that begins with a label; returns the press's id.

        Args:
            person: Who.
            message_id: Of the message with the button.
            label: What is written on it.
            chat: Where; by default the private chat.
            old: Whether the message is too old for Telegram to show it to the bot.
        """
        chat = chat or self.private(person)
        post = chat.posts[message_id]
        [data, *_] = [
            button["callback_data"] for row in post.buttons for button in row if button["text"].startswith(label)
        ]
        press_id = f"press-{next(self._presses)}"
        message: Json = {"message_id": message_id, "date": 0, "chat": chat.json()} if old else self._json(chat, post)
        query = {"id": press_id, "from": person.json(), "chat_instance": "1", "data": data, "message": message}
        self._push({"callback_query": query})
        return press_id

    def react(self, person: Person, message_id: int, before: str, after: str, chat: Chat | None = None) -> None:
        """A person changes their reaction from one emoji to another; "" is none."""
        chat = chat or self.private(person)

        def emoji(one: str) -> list[Json]:
            return [{"type": "emoji", "emoji": one}] if one else []

        self._push(
            {
                "message_reaction": {
                    "chat": chat.json(),
                    "message_id": message_id,
                    "user": person.json(),
                    "date": int(self._clock()),
                    "old_reaction": emoji(before),
                    "new_reaction": emoji(after),
                }
            }
        )

    def membership(self, person: Person, chat: Chat, before: str, after: str) -> None:
        """A person changes what the bot is in a chat: "member", "left", "kicked"."""
        chat.shut = after in {"left", "kicked"}

        def member(status: str) -> Json:
            until = {"until_date": 0} if status == "kicked" else {}
            return {"status": status, "user": self.me(), **until}

        self._push(
            {
                "my_chat_member": {
                    "chat": chat.json(),
                    "from": person.json(),
                    "date": int(self._clock()),
                    "old_chat_member": member(before),
                    "new_chat_member": member(after),
                }
            }
        )

    def migrate(self, chat: Chat, new_id: int, person: Person, *, tell: bool = True) -> Chat:
        """A group becomes a supergroup; with `tell` the bot gets the update about it."""
        moved = self.group(new_id, title=chat.title)
        chat.moved_to = new_id
        if tell:
            post = self._post(chat, person.id, "")
            self._push({"message": {**self._json(chat, post), "from": person.json(), "migrate_to_chat_id": new_id}})
        return moved

    def repeat(self) -> None:
        """The last update comes once more, under another number."""
        last = {key: value for key, value in self.queue[-1].items() if key != "update_id"}
        self._push(last)

    def push(self, update: Json) -> None:
        """Any other update."""
        self._push(update)

    # -- for tests: what the bot did

    def replies(self, chat: Chat) -> list[Post]:
        """The bot's messages that are there, oldest first."""
        return [post for post in chat.posts.values() if post.sender == self.bot_id and not post.deleted]

    # -- what a bot may do

    def me(self) -> Json:
        """getMe."""
        return {
            "id": self.bot_id,
            "is_bot": True,
            "first_name": "Helper",
            "username": self.username,
            "can_join_groups": True,
            "can_read_all_group_messages": self.reads_all,
            "supports_inline_queries": False,
        }

    def get_chat(self, chat_id: int) -> Json:
        """getChat."""
        chat = self._chat(chat_id)
        fixed = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _NO_GIFTS}
        return {**chat.json(), **fixed}

    def member(self, chat_id: int, user_id: int) -> Json:
        """getChatMember, of the bot alone."""
        if user_id != self.bot_id:
            raise bad("user not found")
        return {"user": self.me(), **self._chat(chat_id).bot_is}

    def send(self, chat_id: int, text: str, entities: list[Json], markup: Json, **where: Any) -> Json:  # noqa: ANN401 - parameters as they come
        """sendMessage."""
        chat = self._writable(chat_id, where.get("message_thread_id"))
        text, entities = checked(text, entities)
        reply = where.get("reply_parameters") or {}
        quoted = reply.get("message_id")
        if quoted is not None and quoted not in chat.posts:
            if not reply.get("allow_sending_without_reply"):
                raise bad("message to be replied not found")
            quoted = None
        post = self._post(chat, self.bot_id, text, thread=where.get("message_thread_id"), reply_to=quoted)
        post.entities, post.buttons, post.force_reply = entities, keyboard(markup), bool(markup.get("force_reply"))
        return self._json(chat, post)

    def send_photo(self, chat_id: int, photo: object, caption: str, **where: Any) -> Json:  # noqa: ANN401 - as above
        """sendPhoto, with the picture itself."""
        if not isinstance(photo, bytes) or not photo.startswith(b"\x89PNG"):
            raise bad("IMAGE_PROCESS_FAILED")
        if units(caption) > MAX_CAPTION_UNITS:
            raise bad("message caption is too long")
        chat = self._writable(chat_id, where.get("message_thread_id"))
        post = self._post(chat, self.bot_id, caption, thread=where.get("message_thread_id"), photo=photo)
        size = {"file_id": "p", "file_unique_id": "p", "width": 8, "height": 8}
        shown = {key: value for key, value in self._json(chat, post).items() if key not in {"text", "entities"}}
        return {**shown, "photo": [size], "caption": caption}

    def edit_text(self, chat_id: int, message_id: int, text: str, entities: list[Json], markup: Json) -> Json:
        """editMessageText."""
        chat, post = self._own(chat_id, message_id, "edit")
        text, entities = checked(text, entities)
        self._change(post, text, entities, keyboard(markup))
        return self._json(chat, post)

    def edit_buttons(self, chat_id: int, message_id: int, markup: Json) -> Json:
        """editMessageReplyMarkup."""
        chat, post = self._own(chat_id, message_id, "edit")
        self._change(post, post.text, post.entities, keyboard(markup))
        return self._json(chat, post)

    def delete(self, chat_id: int, message_id: int) -> bool:
        """deleteMessage."""
        _, post = self._own(chat_id, message_id, "delete")
        post.deleted = True
        return True

    def action(self, chat_id: int, action: str, thread: int | None) -> bool:
        """sendChatAction."""
        self._writable(chat_id, thread).actions.append(action)
        return True

    def draft(self, chat_id: int, draft_id: int, text: str, entities: list[Json]) -> bool:
        """sendMessageDraft."""
        chat = self._writable(chat_id, None)
        if chat.kind != "private":
            raise bad("TEXTDRAFT_PEER_INVALID")
        if not draft_id:
            raise bad("RANDOM_ID_INVALID")
        text, _ = checked(text, entities)
        chat.drafts.setdefault(draft_id, []).append(text)
        return True

    def confirm(self, offset: int) -> None:
        """Forget all updates before an offset."""
        self.queue = [update for update in self.queue if update["update_id"] >= offset]

    # -- inside

    def _push(self, update: Json) -> None:
        self.queue.append({"update_id": next(self._update_ids), **update})
        self.changed()

    def _post(self, chat: Chat, sender: int, text: str, **more: Any) -> Post:  # noqa: ANN401 - a post's fields
        post = Post(id=next(self._message_ids), sender=sender, text=text, texts=[text], **more)
        chat.posts[post.id] = post
        return post

    def _json(self, chat: Chat, post: Post) -> Json:
        shown: Json = {"message_id": post.id, "date": int(self._clock()), "chat": chat.json()}
        if post.sender == self.bot_id:
            shown["from"] = {key: value for key, value in self.me().items() if not key.startswith(("can", "supp"))}
        if post.text:
            shown |= {"text": post.text, "entities": post.entities}
        if post.thread is not None:
            shown |= {"message_thread_id": post.thread, "is_topic_message": True}
        return shown

    def _said(self, chat: Chat, post: Post, person: Person) -> Json:
        shown = self._json(chat, post)
        shown |= {"from": person.json(), "entities": found_entities(post.text)}
        if post.reply_to is not None:
            replied = chat.posts[post.reply_to]
            shown["reply_to_message"] = self._json(chat, replied)
            if replied.sender != self.bot_id:
                shown["reply_to_message"]["from"] = {"id": replied.sender, "is_bot": False, "first_name": "Somebody"}
        elif post.thread is not None:  # Telegram names the topic's beginning where nothing is replied to
            beginning = {"message_id": post.thread, "date": 0, "chat": chat.json()}
            topic = {"name": "Topic", "icon_color": 7322096}
            shown["reply_to_message"] = {**beginning, "forum_topic_created": topic}
        return shown

    def _chat(self, chat_id: int) -> Chat:
        if chat_id not in self.chats:
            raise bad("chat not found")
        chat = self.chats[chat_id]
        if chat.moved_to:
            text = "group chat was upgraded to a supergroup chat"
            raise Refusal(400, f"Bad Request: {text}", migrate_to_chat_id=chat.moved_to)
        if chat.shut:
            done = "blocked by the user" if chat.kind == "private" else f"kicked from the {chat.kind} chat"
            raise Refusal(403, f"Forbidden: bot was {done}")
        return chat

    def _writable(self, chat_id: int, thread: int | None) -> Chat:
        chat = self._chat(chat_id)
        if thread is not None and thread not in chat.topics:
            raise bad("message thread not found")
        if thread in chat.closed:
            raise bad("TOPIC_CLOSED")
        return chat

    def _own(self, chat_id: int, message_id: int, act: str) -> tuple[Chat, Post]:
        chat = self._chat(chat_id)
        post = chat.posts.get(message_id)
        if post is None or post.deleted:
            raise bad(f"message to {act} not found")
        if post.sender != self.bot_id:
            raise bad(f"message can't be {act}ed")
        return chat, post

    def _change(self, post: Post, text: str, entities: list[Json], buttons: Rows) -> None:
        if (text, entities, buttons) == (post.text, post.entities, post.buttons):
            raise bad(
                "message is not modified: specified new message content and reply markup are exactly the same as a "
                "current content and reply markup of the message"
            )
        if text != post.text:
            post.texts.append(text)
        post.text, post.entities, post.buttons = text, entities, buttons
