"""A Slack workspace in memory: channels with their messages, and the Web API's methods over them."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.slack_rules import MARKDOWN, Payload, RefusedError, check_message_blocks, check_text, check_view

DIRECT = {"U2": "D2"}  # the direct conversation of a person; all others have D1
BOT_TOKEN = "xoxb-fake"
APP_TOKEN = "xapp-fake"
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TEAM, BOT_USER, BOT_ID = "T1", "UBOT", "BBOT"


@dataclass
class Posted:
    """A message as a reader sees it."""

    channel: str
    ts: str
    user: str
    text: str
    thread: str = ""  # the root's ts
    blocks: list[Payload] = field(default_factory=list)
    streaming: bool = False
    deleted: bool = False
    edited: str = ""
    files: list[Payload] = field(default_factory=list)
    metadata: Payload = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)  # everything that it ever showed, oldest first

    @property
    def shown(self) -> str:
        """What a reader reads: the blocks where there are any."""
        words = [_words(block) for block in self.blocks if block["type"] in {"markdown", "section"}]
        return "".join(words) if words else self.text

    @property
    def buttons(self) -> dict[str, tuple[str, str]]:
        """Everything to press, by label: action id and value."""
        found: dict[str, tuple[str, str]] = {}
        for block in self.blocks:
            for element in block.get("elements", ()):
                for side in ("positive_button", "negative_button"):
                    if side in element:
                        found[element[side]["text"]["text"]] = (element["action_id"], element[side]["value"])
                if element.get("type") == "button":
                    found[element["text"]["text"]] = (element["action_id"], element["value"])
        return found

    def note(self) -> None:
        """Keep what is shown now, if it is new."""
        if not self.texts or self.texts[-1] != self.shown:
            self.texts.append(self.shown)


class World:
    """One workspace. Methods of the Web API take Slack's arguments and give Slack's answer, or raise RefusedError."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.channels: dict[str, dict[str, Posted]] = {"D1": {}, "D2": {}, "C1": {}, "C2": {}, "CTEAM": {}}
        self.users: dict[str, Payload] = {}
        self.without_bot: set[str] = set()  # channels that the bot is not in
        self.closed: set[str] = set()  # channels that nobody can write to any more
        self.whispers: list[Posted] = []  # ephemeral messages; `user` is the reader
        self.views: list[Payload] = []  # forms that were opened, newest last
        self.homes: dict[str, Payload] = {}
        self.statuses: list[tuple[str, str, str]] = []
        self.prompts: list[Payload] = []
        self.files: dict[str, bytes] = {}
        self.address = ""  # where files are uploaded to; the server knows
        self.reject_blocks: Callable[[list[Payload]], bool] = lambda _blocks: False
        self.can_stream = True
        self.methods: dict[str, Callable[[Payload], Payload]] = {
            "auth.test": self._auth_test,
            "users.info": self._users_info,
            "conversations.open": self._open,
            "conversations.replies": self._replies,
            "conversations.history": self._history,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.postEphemeral": self._whisper,
            "chat.startStream": self._start,
            "chat.appendStream": self._append,
            "chat.stopStream": self._stop,
            "files.getUploadURLExternal": self._upload_url,
            "files.completeUploadExternal": self._uploaded,
            "views.open": self._view_open,
            "views.publish": self._publish,
            "assistant.threads.setStatus": self._status,
            "assistant.threads.setSuggestedPrompts": self._prompt,
        }

    def next_ts(self) -> str:
        """A new timestamp, later than all before."""
        return f"{1_800_000_000 + next(self._numbers)}.000100"

    def user(self, person: str, *, name: str = "", locale: str = "en-US") -> None:
        """Make somebody known."""
        name = name or person.title()
        profile = {"display_name": name, "real_name": name}
        self.users[person] = {"id": person, "name": name.lower(), "locale": locale, "profile": profile}

    def write(self, posted: Posted) -> Posted:
        """Put a message into its channel."""
        if posted.channel not in self.channels:
            raise RefusedError("channel_not_found")
        if posted.channel in self.closed:
            raise RefusedError("is_archived")
        if posted.thread and posted.thread not in self.channels[posted.channel]:
            raise RefusedError("thread_not_found")
        posted.note()
        self.channels[posted.channel][posted.ts] = posted
        return posted

    def of_bot(self, channel: str = "") -> Iterator[Posted]:
        """The bot's messages that stand there, oldest first; in all channels without a channel."""
        for name, messages in self.channels.items():
            if channel in {"", name}:
                yield from (one for one in messages.values() if one.user == BOT_USER and not one.deleted)

    def file(self, name: str, content: bytes) -> str:
        """Keep a file; gives the path of its address."""
        self.files[f"/files/{name}"] = content
        return f"/files/{name}"

    def told(self, posted: Posted) -> Payload:
        """A message as Slack tells it."""
        thread = posted.thread
        if any(one.thread == posted.ts for one in self.channels[posted.channel].values()):
            thread = posted.ts  # the root of a thread says so
        told: Payload = {"type": "message", "user": posted.user, "ts": posted.ts, "text": posted.text, "team": TEAM}
        told |= {"bot_id": BOT_ID} if posted.user == BOT_USER else {}
        told |= {"thread_ts": thread} if thread else {}
        told |= {"blocks": posted.blocks} if posted.blocks else {}
        told |= {"files": posted.files, "subtype": "file_share"} if posted.files else {}
        told |= {"edited": {"user": posted.user, "ts": posted.edited}} if posted.edited else {}
        if posted.thread:
            told["parent_user_id"] = self.channels[posted.channel][posted.thread].user
        return told

    # -- methods

    def _auth_test(self, given: Payload) -> Payload:  # noqa: ARG002 - all methods are alike
        return {"user_id": BOT_USER, "bot_id": BOT_ID, "team_id": TEAM, "user": "burnish", "team": "Acme"}

    def _users_info(self, given: Payload) -> Payload:
        if given["user"] not in self.users:
            raise RefusedError("user_not_found")
        return {"user": self.users[given["user"]]}

    def _open(self, given: Payload) -> Payload:
        return {"channel": {"id": DIRECT.get(given["users"], "D1")}}

    def _replies(self, given: Payload) -> Payload:
        root = self._known(given["channel"], given["ts"])
        thread = [
            one
            for one in self.channels[root.channel].values()
            if root.ts in {one.ts, one.thread} and not one.deleted and one.ts >= str(given.get("oldest", ""))
        ]
        return {"messages": [self._page(one, given) for one in thread[: int(given.get("limit", 100))]]}

    def _history(self, given: Payload) -> Payload:
        if not re.fullmatch(r"(\d+\.\d+)?", str(given.get("oldest", ""))):
            raise RefusedError("invalid_ts_oldest")
        if given["channel"] not in self.channels:
            raise RefusedError("channel_not_found")
        if given["channel"] in self.without_bot:
            raise RefusedError("not_in_channel")
        outside = [one for one in self.channels[given["channel"]].values() if not one.thread and not one.deleted]
        found = [one for one in reversed(outside) if one.ts >= str(given.get("oldest", ""))]
        return {"messages": [self._page(one, given) for one in found[: int(given.get("limit", 100))]]}

    def _page(self, posted: Posted, given: Payload) -> Payload:
        """A message of a history; its metadata only for who asks for them."""
        told = self.told(posted)
        return told | {"metadata": posted.metadata} if posted.metadata and given.get("include_all_metadata") else told

    def _post(self, given: Payload) -> Payload:
        if given.get("unfurl_links") is not False or given.get("unfurl_media") is not False:
            raise RefusedError("previews_would_bury_the_answer")  # not Slack's: this bot's own rule
        text, blocks = given.get("text", ""), given.get("blocks") or []
        if not text and not blocks:
            raise RefusedError("no_text")
        self._check(text, blocks)
        posted = self.write(
            Posted(
                channel=given["channel"],
                ts=self.next_ts(),
                user=BOT_USER,
                text=text,
                thread=given.get("thread_ts", ""),
                blocks=blocks,
                metadata=given.get("metadata") or {},
            )
        )
        return {"channel": posted.channel, "ts": posted.ts, "message": self.told(posted)}

    def _update(self, given: Payload) -> Payload:
        posted = self._own(given, "cant_update_message")
        if posted.streaming:
            raise RefusedError("streaming_state_conflict")
        if given.get("parse") != "none":
            raise RefusedError("names_would_be_linked")  # not Slack's: this bot's own rule
        text, blocks = given.get("text", ""), given.get("blocks") or []
        self._check(text, blocks)
        posted.text, posted.blocks = text, blocks
        posted.note()
        return {"channel": posted.channel, "ts": posted.ts, "text": text, "message": self.told(posted)}

    def _delete(self, given: Payload) -> Payload:
        posted = self._own(given, "cant_delete_message")
        if posted.streaming:
            raise RefusedError("streaming_state_conflict")
        posted.deleted = True
        return {"channel": posted.channel, "ts": posted.ts}

    def _whisper(self, given: Payload) -> Payload:
        text, blocks = given.get("text", ""), given.get("blocks") or []
        self._check(text, blocks)
        if given["channel"] not in self.channels:
            raise RefusedError("channel_not_found")
        ts = self.next_ts()
        self.whispers.append(
            Posted(
                channel=given["channel"],
                ts=ts,
                user=given["user"],
                text=text,
                thread=given.get("thread_ts", ""),
                blocks=blocks,
            )
        )
        return {"message_ts": ts}

    def _start(self, given: Payload) -> Payload:
        if not self.can_stream:
            raise RefusedError("unknown_method")
        if not given.get("thread_ts"):
            raise RefusedError("invalid_arguments")
        if not given["channel"].startswith("D"):
            for name, code in (
                ("recipient_team_id", "missing_recipient_team_id"),
                ("recipient_user_id", "missing_recipient_user_id"),
            ):
                if not given.get(name):
                    raise RefusedError(code)
        posted = Posted(
            channel=given["channel"],
            ts=self.next_ts(),
            user=BOT_USER,
            text=given.get("markdown_text", ""),
            thread=given["thread_ts"],
            streaming=True,
        )
        self.write(posted)
        return {"channel": posted.channel, "ts": posted.ts}

    def _append(self, given: Payload) -> Payload:
        posted = self._streamed(given)
        if len(given["markdown_text"]) > MARKDOWN:
            raise RefusedError("msg_too_long")
        posted.text += given["markdown_text"]
        posted.note()
        return {"channel": posted.channel, "ts": posted.ts}

    def _stop(self, given: Payload) -> Payload:
        posted = self._streamed(given)
        posted.streaming = False
        return {"channel": posted.channel, "ts": posted.ts, "message": self.told(posted)}

    def _upload_url(self, given: Payload) -> Payload:
        if not given.get("filename") or int(given.get("length", 0)) <= 0:
            raise RefusedError("invalid_arguments")
        name = f"F{next(self._numbers)}"
        return {"file_id": name, "upload_url": f"{self.address}/upload/{name}"}

    def _uploaded(self, given: Payload) -> Payload:
        files = given["files"] if isinstance(given["files"], list) else json.loads(given["files"])
        for one in files:
            if f"/upload/{one['id']}" not in self.files:
                raise RefusedError("file_not_found")
        channel = str(given["channel_id"])
        if not channel.startswith(("C", "D", "G")):
            raise RefusedError("invalid_channel")
        posted = Posted(
            channel=channel,
            ts=self.next_ts(),
            user=BOT_USER,
            text=str(given.get("initial_comment", "")),
            thread=str(given.get("thread_ts") or ""),
            files=[{"id": one["id"], "title": one.get("title", "")} for one in files],
        )
        self.write(posted)
        return {"files": files}

    def _view_open(self, given: Payload) -> Payload:
        if not given.get("trigger_id"):
            raise RefusedError("invalid_trigger_id")
        check_view(given["view"])
        view = {**given["view"], "id": f"V{next(self._numbers)}"}
        self.views.append(view)
        return {"view": view}

    def _publish(self, given: Payload) -> Payload:
        check_view(given["view"])
        self.homes[given["user_id"]] = given["view"]
        return {"view": given["view"]}

    def _status(self, given: Payload) -> Payload:
        self._known(given["channel_id"], given["thread_ts"])
        self.statuses.append((given["channel_id"], given["thread_ts"], given["status"]))
        return {}

    def _prompt(self, given: Payload) -> Payload:
        if not 1 <= len(given["prompts"]) <= 4:
            raise RefusedError("invalid_arguments")
        self.prompts.append(given)
        return {}

    # -- helpers

    def _check(self, text: str, blocks: list[Payload]) -> None:
        check_text(text)
        check_message_blocks(blocks)
        if blocks and not text:
            raise RefusedError("no_text_for_notifications")  # not Slack's: this bot's own rule
        if self.reject_blocks(blocks):
            raise RefusedError("invalid_blocks")

    def _known(self, channel: str, ts: str) -> Posted:
        if channel not in self.channels:
            raise RefusedError("channel_not_found")
        posted = self.channels[channel].get(ts)
        if posted is None or posted.deleted:
            raise RefusedError("message_not_found")
        return posted

    def _own(self, given: Payload, otherwise: str) -> Posted:
        posted = self._known(given["channel"], given["ts"])
        if posted.user != BOT_USER:
            raise RefusedError(otherwise)
        return posted

    def _streamed(self, given: Payload) -> Posted:
        posted = self._own(given, "message_not_owned_by_app")
        if not posted.streaming:
            raise RefusedError("message_not_in_streaming_state")
        return posted


def _words(block: Mapping[str, Any]) -> str:
    text = block["text"]
    return str(text if isinstance(text, str) else text["text"])
