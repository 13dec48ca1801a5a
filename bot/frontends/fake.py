"""A chat platform in memory, for tests: what was sent lies in `messages`, and faults can be planted."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from dataclasses import dataclass, field

from bot.buttons import Rows
from bot.cards import Card
from bot.frontends.base import Finder, Live, MessageGoneError, Part, Placed, PlaceGoneError, Target

LIMIT = 400  # characters of a message there


@dataclass
class FakeMessage:
    """A message as a reader there sees it."""

    target: Target
    text: str
    buttons: Rows = ()
    texts: list[str] = field(default_factory=list)  # everything that it ever said, oldest first


class FakeMessenger:
    """Keeps what it is told; as strict about ids as a real platform."""

    def __init__(self, platform: str = "fake", *, finds: bool = False) -> None:
        self._platform = platform
        self._finds = finds
        self.keys: dict[str, str] = {}  # of messages that were posted whole: their ids
        self._ids = itertools.count(1)
        self.messages: dict[str, FakeMessage] = {}  # by id, in the order in which they were sent
        self.told: list[tuple[Target, Card]] = []
        self.worked: list[Target] = []
        self.pictures: list[tuple[Target, bytes, str]] = []  # with their captions
        self.faults: deque[Exception | None] = deque()  # one a call to send, edit or delete; None: that call works
        self.late_faults: deque[Exception | None] = deque()  # the same for post, after it was done
        self.shy: set[str] = set()  # people whom the bot cannot write to
        self.holds: dict[str, asyncio.Event] = {}  # by channel: sending and editing there wait for it

    @property
    def platform(self) -> str:
        """Its name."""
        return self._platform

    @property
    def finder(self) -> Finder | None:
        """Itself, if it was told that messages can be found."""
        return self if self._finds else None

    async def post(self, target: Target, part: Part, key: str, *, plain: bool = False) -> str:
        """A whole message with a key; a fault may strike before or after it."""
        await self._gate(target)
        message_id = f"m{next(self._ids)}"
        text = part.plain if plain else str(part.body)
        self.messages[message_id] = FakeMessage(target=target, text=text, buttons=part.buttons, texts=[text])
        self.keys[key] = message_id
        if self.late_faults and (fault := self.late_faults.popleft()) is not None:
            raise fault
        return message_id

    async def find(self, target: Target, key: str) -> str:
        """By its key."""
        await self._gate(target)
        return self.keys.get(key, "")

    def live_seconds(self, target: Target) -> float:  # noqa: ARG002 - the same everywhere
        """No pause."""
        return 0.0

    def parts(self, card: Card) -> tuple[Part, ...]:
        """Cut between paragraphs, or anywhere in one that is too long."""
        pieces = [""]
        for paragraph in card.text.split("\n\n"):
            for start in range(0, max(1, len(paragraph)), LIMIT):
                piece = paragraph[start : start + LIMIT]
                joined = f"{pieces[-1]}\n\n{piece}" if pieces[-1] else piece
                if len(joined) <= LIMIT:
                    pieces[-1] = joined
                else:
                    pieces.append(piece)
        last = len(pieces) - 1
        return tuple(
            Part(
                body=piece,
                plain=piece,
                buttons=card.buttons if number == last else (),
                rates=card.rates if number == last else None,
            )
            for number, piece in enumerate(pieces)
        )

    async def send(self, target: Target, text: str) -> str:
        """A new message."""
        await self._gate(target)
        message_id = f"m{next(self._ids)}"
        self.messages[message_id] = FakeMessage(target=target, text=text, texts=[text])
        return message_id

    async def edit(self, target: Target, message_id: str, part: Part, *, plain: bool = False) -> None:
        """Another text in a message."""
        await self._gate(target)
        message = self._message(message_id)
        text = part.plain if plain else str(part.body)
        if text != message.text:
            message.texts.append(text)
        message.text, message.buttons = text, part.buttons

    async def set_buttons(self, target: Target, message_id: str, buttons: Rows) -> None:  # noqa: ARG002 - ids are unique here
        """Other buttons under a message."""
        self._message(message_id).buttons = buttons

    async def delete(self, target: Target, message_id: str) -> None:
        """Remove a message."""
        await self._gate(target)
        self.messages.pop(message_id, None)

    async def working(self, target: Target) -> None:
        """Noted in `worked`."""
        self.worked.append(target)

    async def tell(self, target: Target, card: Card, *, expects_text: bool = False) -> None:  # noqa: ARG002 - nothing to show here
        """Noted in `told`."""
        self.told.append((target, card))

    def live(self, target: Target, placed: Placed, message_id: str = "", *, buttons: Rows = ()) -> Live:
        """Grows by edits."""
        return _FakeLive(self, target, placed, message_id, buttons)

    async def direct(self, person: str) -> str:
        """Made of the person's id."""
        if person in self.shy:
            raise PlaceGoneError("never heard of the bot")
        return f"direct-{person}"

    async def picture(self, target: Target, png: bytes, caption: str) -> str:
        """Noted in `pictures`."""
        await self._gate(target)
        self.pictures.append((target, png, caption))
        return f"m{next(self._ids)}"

    async def fetch(self, file_id: str) -> bytes:
        """The id itself."""
        return file_id.encode()

    async def _gate(self, target: Target) -> None:
        if target.channel in self.holds:
            await self.holds[target.channel].wait()
        await asyncio.sleep(0)
        if self.faults and (fault := self.faults.popleft()) is not None:
            raise fault

    def _message(self, message_id: str) -> FakeMessage:
        if message_id not in self.messages:
            raise MessageGoneError(f"there is no message {message_id}")
        return self.messages[message_id]


class _FakeLive:
    def __init__(
        self, messenger: FakeMessenger, target: Target, placed: Placed, message_id: str, buttons: Rows
    ) -> None:
        self._messenger = messenger
        self._target = target
        self._placed = placed
        self._message_id = message_id
        self._buttons = buttons

    async def show(self, text: str) -> None:
        if not self._message_id:
            self._message_id = await self._messenger.send(self._target, text)
            await self._placed(self._message_id)
            await self._messenger.set_buttons(self._target, self._message_id, self._buttons)
        else:
            part = Part(body=text, plain=text, buttons=self._buttons)
            await self._messenger.edit(self._target, self._message_id, part)

    async def close(self) -> None:
        pass
