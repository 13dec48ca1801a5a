"""What the desk relies on with every messenger: the chat page's, and the fake in both of its kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.buttons import Rows
from bot.cards import Card
from bot.frontends.base import Messenger, PlatformError, Target
from bot.frontends.delivery import deliver
from bot.frontends.fake import FakeMessenger
from bot.frontends.web.hub import Hub
from bot.frontends.web.messenger import WebMessenger
from bot.types import Button

TARGET = Target(channel="ada/t1", reply_to="q1", person="ada")
ROWS: Rows = ((Button(label="👍", data="r:1:up"),),)
CARD = Card(text="Five **days**.", buttons=ROWS)


Shown = Mapping[str, tuple[str, Rows]]  # text and buttons by the message's id


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A messenger, and what the readers of a channel see."""

    messenger: Messenger
    shown: Callable[[str], Shown]


class SeenHub(Hub):
    """Remembers all that it was told, as open pages would."""

    def __init__(self) -> None:
        super().__init__()
        self.cards: dict[tuple[str, str], Card] = {}

    def keep(self, channel: str, message_id: str, card: Card) -> None:
        super().keep(channel, message_id, card)
        self.cards[channel, message_id] = card

    def drop(self, channel: str, message_id: str) -> None:
        super().drop(channel, message_id)
        self.cards.pop((channel, message_id), None)


def web(folder: Path) -> Bench:
    hub = SeenHub()

    def shown(channel: str) -> Shown:
        found = {key: (one.text, one.buttons) for (place, key), one in hub.cards.items() if place == channel}
        return found | {key: (one.text, one.buttons) for key, one in hub.growing(channel).items()}

    return Bench(messenger=WebMessenger(hub, folder), shown=shown)


def fake(*, finds: bool) -> Bench:
    messenger = FakeMessenger("web", finds=finds)

    def shown(channel: str) -> Shown:
        messages = messenger.messages.items()
        return {key: (one.text, one.buttons) for key, one in messages if one.target.channel == channel}

    return Bench(messenger=messenger, shown=shown)


class Noted:
    """How far a delivery got."""

    def __init__(self) -> None:
        self.places: dict[int, str] = {}
        self.done: dict[int, str] = {}

    async def placed(self, number: int, message_id: str) -> None:
        self.places[number] = message_id

    async def delivered(self, number: int, message_id: str) -> None:
        self.done[number] = message_id


@pytest.fixture(params=["fake that edits", "fake that finds", "web"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    if request.param == "web":
        return web(tmp_path)
    return fake(finds=request.param == "fake that finds")


async def test_an_answer_stands_there_once_with_its_buttons_however_often_it_is_delivered(bench: Bench) -> None:
    noted, parts = Noted(), bench.messenger.parts(CARD)
    for _ in range(2):  # as after a crash before anything was noted as done
        places = [noted.places.get(1, "")]
        [message_id] = await deliver(bench.messenger, TARGET, parts, noted, key="answer:1", places=places)
    assert bench.shown("ada/t1") == {message_id: ("Five **days**.", ROWS)}
    assert noted.done == {1: message_id}


async def test_a_growing_text_is_placed_once_and_the_answer_takes_its_place(bench: Bench) -> None:
    placed: list[str] = []

    async def place(message_id: str) -> None:
        placed.append(message_id)

    live = bench.messenger.live(TARGET, place, buttons=ROWS)
    for text in ("Five", "Five days"):
        await live.show(text)
        assert list(bench.shown("ada/t1").values()) == [(text, ROWS)]
    await live.close()
    assert len(placed) == 1
    noted, parts = Noted(), bench.messenger.parts(CARD)
    await deliver(bench.messenger, TARGET, parts, noted, key="answer:1", places=placed)
    assert bench.shown("ada/t1") == {placed[0]: ("Five **days**.", ROWS)}


async def test_a_message_is_edited_and_removed_and_removing_it_again_is_no_error(bench: Bench) -> None:
    message_id = await bench.messenger.send(TARGET, "…")
    [part] = bench.messenger.parts(CARD)
    await bench.messenger.edit(TARGET, message_id, part)
    await bench.messenger.edit(TARGET, message_id, part)
    assert bench.shown("ada/t1")[message_id] == ("Five **days**.", ROWS)
    await bench.messenger.set_buttons(TARGET, message_id, ())
    assert bench.shown("ada/t1")[message_id] == ("Five **days**.", ())
    await bench.messenger.delete(TARGET, message_id)
    await bench.messenger.delete(TARGET, message_id)
    assert message_id not in bench.shown("ada/t1")


async def test_what_is_said_in_one_place_is_not_seen_in_another(bench: Bench) -> None:
    other = Target(channel="eve/t1", reply_to="q1")
    first = await bench.messenger.send(TARGET, "to Ada")
    second = await bench.messenger.send(other, "to Eve")
    assert bench.shown("ada/t1") == {first: ("to Ada", ())}
    assert bench.shown("eve/t1") == {second: ("to Eve", ())}
    assert await bench.messenger.direct("ada") != await bench.messenger.direct("eve")


async def test_the_last_part_has_the_buttons_and_the_parts_say_everything(bench: Bench) -> None:
    long = Card(text="\n\n".join(f"Paragraph {number} " + "x" * 200 for number in range(5)), buttons=ROWS, rates=7)
    parts = bench.messenger.parts(long)
    assert "".join(part.plain for part in parts).replace("\n", "") == long.text.replace("\n", "")
    assert [part.buttons for part in parts] == [*[()] * (len(parts) - 1), ROWS]
    assert parts[-1].rates == 7
    assert bench.messenger.parts(Card(text=""))[0].plain == ""


async def test_the_pages_files_are_fetched_by_their_own_ids_alone(tmp_path: Path) -> None:
    (tmp_path / ("a" * 32)).write_bytes(b"content")
    (tmp_path / "secret").write_bytes(b"not for fetching")
    messenger = WebMessenger(Hub(), tmp_path)
    assert await messenger.fetch("a" * 32) == b"content"
    for file_id in ("b" * 32, "secret", "../secret", ""):
        with pytest.raises(PlatformError):
            await messenger.fetch(file_id)
