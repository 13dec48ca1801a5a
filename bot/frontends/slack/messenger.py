"""Speaks in a Slack workspace."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from bot.buttons import Rows
from bot.cards import Card
from bot.frontends.base import Live, MessageGoneError, Part, Placed, PlatformError, Target
from bot.frontends.slack import markup
from bot.frontends.slack.api import RefusedError, SlackApi
from bot.frontends.slack.live import Nothing, SlackLive
from bot.frontends.slack.markup import Block
from bot.frontends.slack.places import is_whispered, thread_of
from bot.texts import say
from bot.types import Place

PLATFORM = "slack"
STREAM_SECONDS = 0.7  # chat.appendStream takes about 100 calls a minute
UPDATE_SECONDS = 1.3  # chat.update about 50
STREAMING = frozenset({"streaming_state_conflict", "message_is_streaming"})  # what Slack says of a message in a stream
WHISPERED = "whispered"  # stands for the id of what one person alone sees: Slack lets nobody change that later
KEYED = "burnish_answer"  # the event type of the metadata that hold a message's key
PAGE, PAGES = 200, 10  # messages that are looked through for a key, at most
REMEMBERED = 2_000  # messages whose text is at hand when only their buttons change

# Link previews would bury the answer, and names in it are nobody's call.
QUIET: Mapping[str, Any] = {"unfurl_links": False, "unfurl_media": False, "link_names": False}


_TS = re.compile(r"\d+\.\d+")


class SlackMessenger:
    """The Messenger of bot.frontends.base for Slack; a message's id is its `ts`."""

    def __init__(self, api: SlackApi, *, language: str = "auto") -> None:
        """Keep the connection.

        Args:
            api: The Web API.
            language: Of the status line: "auto", or the language that the admin fixed.
        """
        self.api = api
        self.streams = True  # until Slack refuses to stream here
        self._language = language
        self._statuses = True  # until Slack refuses to show one here
        self._working: dict[tuple[str, str], bool] = {}  # threads with a status; False while Slack is being told
        self._texts: OrderedDict[tuple[str, str], tuple[list[Block], str]] = OrderedDict()

    @property
    def platform(self) -> str:
        """Slack."""
        return PLATFORM

    @property
    def finder(self) -> SlackMessenger:
        """Itself: messages carry a key in their metadata, which the bot can read again."""
        return self

    def live_seconds(self, target: Target) -> float:
        """As Slack's rates allow."""
        return STREAM_SECONDS if self.streams and thread_of(target) else UPDATE_SECONDS

    def parts(self, card: Card) -> tuple[Part, ...]:
        """Cut a card into messages."""
        return markup.parts(card)

    async def send(self, target: Target, text: str) -> str:
        """A new message, in its thread where there is one; for one person alone, only `edit` says it."""
        if is_whispered(target):
            return WHISPERED
        thread = thread_of(target)
        answer = await self.api.call(
            "chat.postMessage", channel=target.channel, thread_ts=thread, text=markup.escaped(text), **QUIET
        )
        self.spoke(target)
        return str(answer["ts"])

    async def post(self, target: Target, part: Part, key: str, *, plain: bool = False) -> str:
        """A whole message; its metadata hold the key."""
        text = markup.plain_blocks(part.plain) if plain else markup.text_blocks(str(part.body))
        short = markup.notification(part.plain)
        blocks = [*text, *markup.button_blocks(part.buttons)]
        if is_whispered(target):
            await self._tell(target, blocks, short)
            return WHISPERED
        answer = await self.api.call(
            "chat.postMessage",
            channel=target.channel,
            thread_ts=thread_of(target),
            text=short,
            blocks=blocks,
            metadata={"event_type": KEYED, "event_payload": {"key": key}},
            **QUIET,
        )
        self.spoke(target)
        self.remember(target.channel, str(answer["ts"]), text, short)
        return str(answer["ts"])

    async def find(self, target: Target, key: str) -> str:
        """Look through what was said since the question, in its thread where there is one."""
        if is_whispered(target):
            return ""
        given: dict[str, Any] = {"channel": target.channel, "include_all_metadata": True, "limit": PAGE}
        if _TS.fullmatch(target.reply_to):  # a slash command's is none
            given |= {"oldest": target.reply_to, "inclusive": True}
        thread = thread_of(target)
        method = "conversations.replies" if thread else "conversations.history"
        given |= {"ts": thread} if thread else {}
        for _ in range(PAGES):
            answer = await self.api.call(method, **given)
            for message in answer.get("messages", ()):
                metadata = message.get("metadata") or {}
                if metadata.get("event_type") == KEYED and metadata.get("event_payload", {}).get("key") == key:
                    return str(message["ts"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
            given["cursor"] = cursor
        return ""

    async def edit(self, target: Target, message_id: str, part: Part, *, plain: bool = False) -> None:
        """The whole text and its buttons; right whatever stood there before, a stream too."""
        text = markup.plain_blocks(part.plain) if plain else markup.text_blocks(str(part.body))
        short = markup.notification(part.plain)
        if message_id == WHISPERED:
            await self._tell(target, [*text, *markup.button_blocks(part.buttons)], short)
            return
        self.remember(target.channel, message_id, text, short)
        await self.update(target.channel, message_id, [*text, *markup.button_blocks(part.buttons)], short)
        await self._rest(target)

    async def set_buttons(self, target: Target, message_id: str, buttons: Rows, *, note: str = "") -> None:
        """The text as it stands with other buttons under it.

        Args:
            target: Where.
            message_id: Which message.
            buttons: The new ones.
            note: A line above them.
        """
        if message_id == WHISPERED:
            return
        text, short = await self._text(target, message_id)
        await self.update(target.channel, message_id, [*text, *markup.button_blocks(buttons, note=note)], short)

    async def delete(self, target: Target, message_id: str) -> None:
        """Remove a message."""
        if message_id == WHISPERED:
            return
        with suppress(MessageGoneError):
            try:
                await self.api.call("chat.delete", channel=target.channel, ts=message_id)
            except RefusedError as error:
                if error.code not in STREAMING:
                    raise
                await self.stop_stream(target.channel, message_id)
                await self.api.call("chat.delete", channel=target.channel, ts=message_id)
        self._texts.pop((target.channel, message_id), None)

    async def working(self, target: Target) -> None:
        """A status under the thread; Slack takes it away when the bot speaks there."""
        thread = thread_of(target)
        if not thread or not self._statuses or (target.channel, thread) in self._working:
            return
        self._working[target.channel, thread] = False  # cut off in the middle, it may show all the same
        try:
            await self._status(target.channel, thread, say("slack-working", self._shown))
        except PlatformError as error:
            self._working.pop((target.channel, thread), None)
            self._statuses = not isinstance(error, RefusedError)
            return
        if (target.channel, thread) in self._working:
            self._working[target.channel, thread] = True

    async def tell(self, target: Target, card: Card, *, expects_text: bool = False) -> None:  # noqa: ARG002 - Slack cannot ask for a reply
        """For the person alone in channels; an ordinary message where nobody else reads."""
        for part in self.parts(card):
            blocks = [*markup.text_blocks(str(part.body)), *markup.button_blocks(part.buttons)]
            await self._tell(target, blocks, markup.notification(part.plain))

    async def whisper(self, target: Target, text: str) -> None:
        """A short note for the person alone that vanishes, anywhere."""
        await self.api.call(
            "chat.postEphemeral",
            channel=target.channel,
            user=target.person,
            thread_ts=thread_of(target),
            text=markup.escaped(text),
        )

    def live(self, target: Target, placed: Placed, message_id: str = "", *, buttons: Rows = ()) -> Live:
        """A stream of Slack's own where it can be, edits elsewhere; what one person sees does not grow."""
        if is_whispered(target):
            return Nothing()
        return SlackLive(self, target, placed, message_id, buttons)

    async def direct(self, person: str) -> str:
        """Opened if it is not open."""
        answer = await self.api.call("conversations.open", users=person)
        return str(answer["channel"]["id"])

    async def picture(self, target: Target, png: bytes, caption: str) -> str:
        """A file, which Slack shows; it does not tell which message that is in."""
        await self.api.upload(png, f"{KEYED}.png", channel=target.channel, thread=thread_of(target), words=caption)
        return ""

    async def fetch(self, file_id: str) -> bytes:
        """Download an attachment by its private address."""
        return await self.api.download(file_id)

    # -- for the front end and for live texts

    async def update(self, channel: str, message_id: str, blocks: Sequence[Block], short: str) -> None:
        """Put blocks into a message, first ending a stream that still writes into it."""
        given: dict[str, Any] = {"channel": channel, "ts": message_id, "text": short, "blocks": list(blocks)}
        given |= {"parse": "none", "link_names": False}  # chat.update has other defaults than chat.postMessage
        try:
            await self.api.call("chat.update", **given)
        except RefusedError as error:
            if error.code not in STREAMING:
                raise
            await self.stop_stream(channel, message_id)
            await self.api.call("chat.update", **given)

    async def stop_stream(self, channel: str, message_id: str) -> None:
        """End a stream; one that has ended is no error.

        Raises:
            PlatformError: It may go on.
        """
        try:
            await self.api.call("chat.stopStream", channel=channel, ts=message_id)
        except RefusedError as error:
            if error.code != "message_not_in_streaming_state":
                raise

    def remember(self, channel: str, message_id: str, blocks: Sequence[Mapping[str, Any]], short: str) -> None:
        """Keep a message's text at hand for when its buttons change.

        Args:
            channel: Where.
            message_id: Which message.
            blocks: As they stand there; buttons among them are left out.
            short: The text beside the blocks, escaped.
        """
        self._texts[channel, message_id] = (markup.without_buttons(blocks), short)
        self._texts.move_to_end((channel, message_id))
        while len(self._texts) > REMEMBERED:
            self._texts.popitem(last=False)

    def remembers(self, channel: str, message_id: str) -> str | None:
        """The Markdown of a message that this process wrote, or what it looked like when a button was pressed."""
        known = self._texts.get((channel, message_id))
        if known is None:
            return None
        words = [str(block["text"]) for block in known[0] if block.get("type") == "markdown"]
        return "\n\n".join(words) or markup.unescaped(known[1])

    def spoke(self, target: Target) -> None:
        """Note that something new was said there, which ends the status."""
        place = (target.channel, thread_of(target) or "")
        self._working.pop(place, None)

    # -- helpers

    async def _tell(self, target: Target, blocks: list[Block], short: str) -> None:
        given: dict[str, Any] = {"channel": target.channel, "thread_ts": thread_of(target)}
        given |= {"text": short, "blocks": blocks}
        if target.place is Place.DIRECT or not target.person:
            await self.api.call("chat.postMessage", **given, **QUIET)
        else:
            await self.api.call("chat.postEphemeral", user=target.person, **given)

    async def _rest(self, target: Target) -> None:
        """Take the status away where the answer was an edit, which does not end it."""
        thread = thread_of(target) or ""
        if self._working.pop((target.channel, thread), None) is not None:
            with suppress(PlatformError):
                await self._status(target.channel, thread, "")

    async def _status(self, channel: str, thread: str, status: str) -> None:
        await self.api.call("assistant.threads.setStatus", channel_id=channel, thread_ts=thread, status=status)

    async def _text(self, target: Target, message_id: str) -> tuple[list[Block], str]:
        """A message's text blocks and what stands beside them."""
        known = self._texts.get((target.channel, message_id))
        if known is not None:
            return known
        thread = thread_of(target) or message_id
        answer = await self.api.call(
            "conversations.replies", channel=target.channel, ts=thread, oldest=message_id, inclusive=True, limit=2
        )
        for message in answer.get("messages", ()):
            if message.get("ts") == message_id:
                self.remember(target.channel, message_id, message.get("blocks", ()), str(message.get("text", "")))
                return self._texts[target.channel, message_id]
        raise MessageGoneError("Slack has no such message any more")

    @property
    def _shown(self) -> str:
        return "en" if self._language == "auto" else self._language
