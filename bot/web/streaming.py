"""Keeps open pages in step with their conversation, by server-sent events.

An event's id tells the conversation as the page shows it from then on. A page that lost its connection names the last
one when it comes back; if that is no longer how things are, it is sent the whole conversation.

    whole   keys of everything that is shown, in order; what else the page has is removed
    item    a piece, new or changed: key, HTML, version, and the key of the one before it
    grow    how far a growing answer is: id of its element, HTML
    line    which in line a message is: key of its piece, a sentence
    note    HTML of a note to whoever reads now
    bye     nothing more comes: a sentence, and whether the reader was forgotten with all their conversations
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sse_starlette import ServerSentEvent

from bot.blocking import run_blocking
from bot.desk import Desk
from bot.frontends.web.hub import Hub, News
from bot.texts import say
from bot.types import StoredMessage
from bot.web.markdown import render
from bot.web.parts import WebParts
from bot.web.showing import Item, Showing, digest

LINE_SECONDS: Final = 1.0  # how often those who wait hear where in line they are


class Standing(Enum):
    """Whether a page's reader may still read."""

    KNOWN = "known"
    OUT = "logged out"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPage:
    """A page that shows a conversation."""

    channel: str
    language: str
    limit: int  # of messages that it shows
    known: str  # digest of what it shows already
    standing: Callable[[], Awaitable[Standing]]


class Streams:
    """Makes the events."""

    def __init__(self, parts: WebParts, showing: Showing) -> None:
        self._hub: Hub = parts.chat.hub
        self._desk: Desk = parts.desk
        self._showing = showing

    async def updates(self, page: OpenPage) -> AsyncGenerator[ServerSentEvent, None]:
        """Everything that a page has to hear, until it is closed or the program stops."""
        reading = _Reading(page.known)
        with self._hub.listening(page.channel) as listener:
            while not reading.over:
                news = await listener.news(LINE_SECONDS if reading.waits else None)
                if listener.over:
                    return
                if news.changed or (news.is_none and reading.is_answered(self._desk)):
                    async for event in self._read(page, reading):
                        yield event
                for event in self._live(page, news, reading):
                    yield event

    async def _read(self, page: OpenPage, reading: _Reading) -> AsyncGenerator[ServerSentEvent, None]:
        """What is new in the store; somebody who was forgotten still hears that they are."""
        standing = await page.standing()
        if standing is not Standing.OUT:
            items = await run_blocking(self._showing.items, page.channel, page.language, limit=page.limit)
            for event in reading.changes(items):
                yield event
        if standing is not Standing.KNOWN:
            reading.over = True
            key = "web-chat-forgotten" if standing is Standing.FORGOTTEN else "web-chat-logged-out"
            yield _event("bye", text=say(key, page.language), forgotten=standing is Standing.FORGOTTEN)

    def _live(self, page: OpenPage, news: News, reading: _Reading) -> Iterator[ServerSentEvent]:
        """What is in no store: growing answers, notes, places in line."""
        growing = self._hub.growing(page.channel)
        for message_id in news.grown & growing.keys():
            yield _event("grow", id=message_id, html=render(growing[message_id].text))
        for card in news.told:
            yield _event("note", html=self._showing.card(card, page.language))
        if news.is_none:  # what was said just now may still be on its way into the line
            for key, text in reading.lines(self._desk, page.language):
                yield _event("line", key=key, text=text)


class _Reading:
    """What one page shows."""

    def __init__(self, known: str) -> None:
        self._known = known
        self._versions: dict[str, str] | None = None  # by key; None before anything was read
        self._lines: dict[str, str] = {}
        self.waits: dict[str, StoredMessage] = {}  # by key
        self.over = False  # its reader may read no more

    def changes(self, items: Sequence[Item]) -> Iterator[ServerSentEvent]:
        """What turns what the page shows into these."""
        now, before = digest(items), self._versions
        self.waits = {item.key: item.waits for item in items if item.waits is not None}
        self._lines = {key: text for key, text in self._lines.items() if key in self.waits}
        self._versions = {item.key: item.version for item in items}
        if before is None and now == self._known:
            return
        previous = ""
        for item in items:
            if before is None or before.get(item.key) != item.version:
                self._lines.pop(item.key, None)
                yield _event("item", key=item.key, html=item.html, version=item.version, after=previous)
            previous = item.key
        if before is None or before.keys() - self._versions.keys():
            yield _event("whole", keys=list(self._versions))
        yield ServerSentEvent(event="state", id=now, data="{}")

    def is_answered(self, desk: Desk) -> bool:
        """Whether something that waited has had its turn; what goes to people, say, is never sent back here."""
        return any(desk.place_of(stored) == 0 for stored in self.waits.values())

    def lines(self, desk: Desk, language: str) -> Iterator[tuple[str, str]]:
        """Where in line what waits is, as far as that is another place than before."""
        for key, stored in self.waits.items():
            place = desk.place_of(stored)
            text = say("web-chat-line", language, place=place) if place else ""
            if text != self._lines.get(key, ""):
                self._lines[key] = text
                yield key, text


def _event(name: str, **data: object) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=json.dumps(data, ensure_ascii=False))
