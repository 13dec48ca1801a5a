"""The two chat platforms on loopback, as a benchmark drives them: people ask, and what they were shown is read back.

The bot is another process that knows only the addresses; the servers (tests/fakes) live on when it is killed.
"""

from __future__ import annotations

import html
import os
import random
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from benchmarks.table import ROOT
from tests.fakes import slack_server, slack_world, telegram_server
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import TelegramServer
from tests.fakes.telegram_world import Chat, Person

PLACEHOLDER = "…"
TROUBLE = 0.02  # of the calls are told to wait, as many fail with 500, as many lose their connection
BURNISH = Path(sys.executable).with_name("burnish")


class Side(Protocol):
    """One platform with some people on it."""

    @property
    def environ(self) -> Mapping[str, str]:
        """Settings for the bot."""

    def ask(self, person: int, text: str) -> None:
        """A person asks."""

    def shown(self, person: int) -> list[str]:
        """What the bot's messages to a person say now, in the order of the questions; placeholders too."""

    def seen(self, person: int) -> bool:
        """Whether the person sees any word of the answer to their last question."""

    def finished(self, person: int) -> bool:
        """Whether an answer with its buttons is there."""

    def repeat(self) -> None:
        """The platform tells the last event once more."""

    def disturb(self, rng: random.Random) -> None:
        """From now on calls fail at random."""

    def calm(self) -> None:
        """No more trouble."""


class TelegramSide:
    """The first people in private, the others each in a group of their own, where they name the bot."""

    def __init__(self, server: TelegramServer, people: int, *, grouped: int = 0) -> None:
        self.server = server
        self._people = [Person(id=100 + number, name=f"Person {number}") for number in range(people)]
        self._chats: list[Chat] = [server.world.private(person) for person in self._people[: people - grouped]]
        self._chats += [server.world.group(-1_000_000 - number) for number in range(grouped)]
        self._asked = [0] * people

    @property
    def environ(self) -> Mapping[str, str]:
        """Settings for the bot."""
        return {
            "TELEGRAM_BOT_TOKEN": self.server.token,
            "BURNISH_TELEGRAM__BASE_URL": self.server.base_url,
            "BURNISH_TELEGRAM__BASE_FILE_URL": self.server.base_file_url,
        }

    def ask(self, person: int, text: str) -> None:
        """A person asks."""
        chat = self._chats[person]
        named = text if chat.kind == "private" else f"@{self.server.world.username} {text}"
        self._asked[person] = self.server.world.say(self._people[person], named, chat)

    def shown(self, person: int) -> list[str]:
        """What the bot's messages say now; in a group by the question that they reply to."""
        replies = self.server.world.replies(self._chats[person])
        if self._chats[person].kind != "private":
            replies = sorted(replies, key=lambda post: (post.reply_to or 0, post.id))
        return [post.text for post in replies]

    def seen(self, person: int) -> bool:
        """Whether a draft grows, or a message after the last question says something."""
        chat = self._chats[person]
        after = [post for post in self.server.world.replies(chat) if post.id > self._asked[person]]
        return bool(chat.drafts) or any(post.text != PLACEHOLDER for post in after)

    def finished(self, person: int) -> bool:
        """Whether an answer with its buttons is there."""
        return any(post.buttons for post in self.server.world.replies(self._chats[person]))

    def repeat(self) -> None:
        """The last update comes once more, under another number."""
        if self.server.world.queue:
            self.server.world.repeat()

    def disturb(self, rng: random.Random) -> None:
        """Calls fail at random, before or after they are carried out."""
        kinds = (
            telegram_server.Fault(status=429, retry_after=1, description="Too Many Requests: retry after 1"),
            telegram_server.Fault(status=500, after=rng.random() < 0.5),
            telegram_server.Fault(),
            telegram_server.Fault(after=True),
        )

        def trouble(method: str) -> telegram_server.Fault | None:
            return rng.choice(kinds) if method != "getMe" and rng.random() < 3 * TROUBLE else None

        self.server.trouble = trouble

    def calm(self) -> None:
        """No more trouble."""
        self.server.trouble = lambda _: None


class SlackSide:
    """The first people in direct messages, the others each in a channel of their own, where they mention the bot."""

    def __init__(self, server: SlackServer, people: int, *, grouped: int = 0) -> None:
        self.server = server
        self._people = [f"U{number}" for number in range(people)]
        self._channels = [f"D10{number}" for number in range(people - grouped)]
        self._channels += [f"C10{number}" for number in range(grouped)]
        for person, channel in zip(self._people, self._channels, strict=True):
            server.world.user(person)
            server.world.channels[channel] = {}
        self._asked = [""] * people
        self._last: list[tuple[str, str]] = []

    @property
    def environ(self) -> Mapping[str, str]:
        """Settings for the bot."""
        return {
            "SLACK_BOT_TOKEN": slack_world.BOT_TOKEN,
            "SLACK_APP_TOKEN": slack_world.APP_TOKEN,
            "BURNISH_SLACK__BASE_URL": self.server.base_url,
        }

    def ask(self, person: int, text: str) -> None:
        """A person asks."""
        channel = self._channels[person]
        named = text if channel.startswith("D") else f"<@{slack_world.BOT_USER}> {text}"
        self._asked[person] = self.server.say(self._people[person], channel, named)
        self._last = [(channel, self._asked[person])]

    def shown(self, person: int) -> list[str]:
        """What the bot's messages say now; in a channel by the thread that they stand in."""
        found = sorted(self.server.world.of_bot(self._channels[person]), key=lambda one: (one.thread, one.ts))
        return [html.unescape(one.shown) for one in found]

    def seen(self, person: int) -> bool:
        """Whether a message after the last question says something."""
        after = [one for one in self.server.world.of_bot(self._channels[person]) if one.ts > self._asked[person]]
        return any(one.shown != PLACEHOLDER for one in after)

    def finished(self, person: int) -> bool:
        """Whether an answer with its buttons is there."""
        return any(one.buttons for one in self.server.world.of_bot(self._channels[person]))

    def repeat(self) -> None:
        """The last message is told once more, as another event."""
        for channel, ts in self._last:
            told = self.server.world.told(self.server.world.channels[channel][ts])
            kind = "im" if channel.startswith("D") else "channel"
            self.server.event({**told, "channel": channel, "channel_type": kind})

    def disturb(self, rng: random.Random) -> None:
        """Calls fail at random, before or after they are carried out; the socket breaks now and then."""

        def trouble(method: str) -> slack_server.Fault | None:
            if method in {"apps.connections.open", "auth.test"} or rng.random() >= 3 * TROUBLE:
                return None
            if rng.random() < 0.05:
                self.server.drop_socket()
            kind = rng.choice(("429", "500", "drop"))
            return slack_server.Fault(kind=kind, after=kind != "429" and rng.random() < 0.5)  # type: ignore[arg-type]  # one of the three

        self.server.chaos = trouble

    def calm(self) -> None:
        """No more trouble."""
        self.server.chaos = lambda _: None


def bot_environ(home: Path, sides: Sequence[Side], **settings: str) -> dict[str, str]:
    """The environment of a bot: this one's, less what would set it up otherwise."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BURNISH_", "TELEGRAM_", "SLACK_")) or name == "BURNISH_CACHE"
    }
    kept |= {"BURNISH_HOME": str(home), "PYTHONUNBUFFERED": "1", "BURNISH_SERVE__LISTEN": "127.0.0.1:0"}
    for side in sides:
        kept |= side.environ
    return kept | settings


def normal(text: str) -> str:
    """A text's letters and digits: how it is marked up does not matter."""
    return re.sub(r"[\W_]+", "", text).casefold()


EXAMPLES = ROOT / "examples"
