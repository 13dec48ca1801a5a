"""What open pages are told: that something changed in their conversation, what is just growing there, and short notes.

Nothing here is what counts. The conversation itself is in the store, and a page reads it from there whenever something
changed; whoever opens one later reads the same.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bot.buttons import Rows
from bot.cards import Card

MOST_KEPT: Final = 500  # messages whose last words are remembered besides the store; a few kilobytes each


@dataclass(frozen=True, slots=True, kw_only=True)
class Growing:
    """An answer that is being written."""

    text: str
    buttons: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a page has not seen yet."""

    changed: bool  # the conversation is to be read again
    grown: frozenset[str]  # ids of messages that grew
    told: tuple[Card, ...]  # notes to whoever reads now

    @property
    def is_none(self) -> bool:
        """Whether nothing happened."""
        return not (self.changed or self.grown or self.told)


class Listener:
    """One open page."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._changed = True  # it has read nothing yet
        self._grown: set[str] = set()
        self._told: list[Card] = []
        self.over = False  # nothing more comes

    async def news(self, seconds: float | None = None) -> News:
        """What is new; waits until something is, or for so many seconds."""
        try:
            await asyncio.wait_for(self._wait(), seconds)
        except TimeoutError:
            return News(changed=False, grown=frozenset(), told=())
        found = News(changed=self._changed, grown=frozenset(self._grown), told=tuple(self._told))
        self._event.clear()
        self._changed, self._grown, self._told = False, set(), []
        return found

    async def _wait(self) -> None:
        if not self._changed:
            await self._event.wait()

    def change(self) -> None:
        """The conversation is another."""
        self._changed = True
        self._event.set()

    def grow(self, message_id: str) -> None:
        """A message grew."""
        self._grown.add(message_id)
        self._event.set()

    def tell(self, card: Card) -> None:
        """A note for whoever reads now."""
        self._told.append(card)
        self._event.set()

    def end(self) -> None:
        """Nothing more comes."""
        self.over = True
        self._event.set()


class Hub:
    """Between the messenger and the open pages."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = {}
        self._growing: dict[str, dict[str, Growing]] = {}
        self._kept: OrderedDict[tuple[str, str], Card] = OrderedDict()
        self._closed = False

    @contextmanager
    def listening(self, channel: str) -> Iterator[Listener]:
        """Hear of a channel's news for a while."""
        listener = Listener()
        if self._closed:
            listener.end()
        self._listeners.setdefault(channel, set()).add(listener)
        try:
            yield listener
        finally:
            self._listeners[channel].discard(listener)
            if not self._listeners[channel]:
                del self._listeners[channel]

    @property
    def open_pages(self) -> int:
        """How many listen."""
        return sum(len(listeners) for listeners in self._listeners.values())

    def changed(self, channel: str) -> None:
        """The conversation is to be read again."""
        for listener in self._listeners.get(channel, ()):
            listener.change()

    def grow(self, channel: str, message_id: str, growing: Growing) -> None:
        """A message is as far as this."""
        self._growing.setdefault(channel, {})[message_id] = growing
        for listener in self._listeners.get(channel, ()):
            listener.grow(message_id)

    def grown(self, channel: str, message_id: str) -> None:
        """A message grows no more."""
        growing = self._growing.get(channel, {})
        growing.pop(message_id, None)
        if not growing:
            self._growing.pop(channel, None)
        self.changed(channel)

    def growing(self, channel: str) -> Mapping[str, Growing]:
        """What grows there, by the message's id."""
        return self._growing.get(channel, {})

    def keep(self, channel: str, message_id: str, card: Card) -> None:
        """A message says this now; what the store does not keep of it is shown as long as it is remembered here."""
        self._kept[channel, message_id] = card
        self._kept.move_to_end((channel, message_id))
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        self.changed(channel)

    def drop(self, channel: str, message_id: str) -> None:
        """A message is gone."""
        self._kept.pop((channel, message_id), None)
        self.changed(channel)

    def kept(self, channel: str, message_id: str) -> Card | None:
        """What a message said last; None if that is not remembered."""
        return self._kept.get((channel, message_id))

    def tell(self, channel: str, card: Card) -> None:
        """Say something to whoever reads now."""
        for listener in self._listeners.get(channel, ()):
            listener.tell(card)

    def close(self) -> None:
        """Let all pages go."""
        self._closed = True
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.end()
