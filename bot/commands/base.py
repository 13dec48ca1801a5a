"""What a command is. The same set serves every front end; bot.commands.registry lists them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.buttons import Rows
from bot.store.people import Person
from bot.texts import say
from bot.types import Place, Role, StoredMessage

EVERYWHERE = frozenset(Place)
IN_PRIVATE = frozenset({Place.DIRECT})
LOCAL = "console"  # the platform of whoever sits at the server, and so holds the store anyway

STOPPED = "stopped"  # setting: ids of the last messages whose commands are not to be carried on, by spaces

_ID_DIGITS = 18  # what any id fits in

ORDER = (Role.USER, Role.TRAINER, Role.ADMIN, Role.OWNER)


def may(role: Role, least: Role) -> bool:
    """Whether a role is at least another."""
    return ORDER.index(role) >= ORDER.index(least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A command as somebody gave it."""

    stored: StoredMessage
    person: Person
    language: str  # in which to reply
    arguments: str = field(repr=False)  # what follows the command's name
    tell: Callable[[str], None] = lambda _: None  # says how far it is; each text begins with the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a command says."""

    text: str = field(repr=False)  # Markdown; people's and documents' text goes through bot.cards.safe
    buttons: Rows = ()
    did: str = ""  # for the audit log: numbers, ids and the program's own names, never words of people's
    refused: bool = False  # somebody wanted what they may not


Run = Callable[[Call], Awaitable[Reply]]


def spelled(call: Call, name: str, arguments: str = "") -> str:
    """A command as somebody gives it where this call came from, as code in Markdown."""
    return f"`{_bare(call, name)} {arguments}`" if arguments else f"`{_bare(call, name)}`"


def usage(call: Call, name: str) -> Reply:
    """How a command is given."""
    example = say(f"usage-{name}", call.language, command=_bare(call, name))
    return Reply(text=say("usage", call.language, example=example))


def _bare(call: Call, name: str) -> str:
    slack = call.stored.message.platform == "slack"
    return f"/burnish {name.replace('_', ' ')}" if slack else f"/{name}"


def words_of(arguments: str) -> tuple[str, str]:
    """The first word in lower case, and the rest."""
    word, _, rest = arguments.strip().partition(" ")
    return word.lower(), rest.strip()


def number_of(text: str) -> int:
    """A number above 0; 0 for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _ID_DIGITS else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command; what it does and how it is used are said by the texts `command-NAME` and `usage-NAME`."""

    name: str  # "why"; letters and underscores, as Telegram's menu wants it
    least: Role = Role.USER
    places: frozenset[Place] = EVERYWHERE
    aliases: tuple[str, ...] = ()  # lower case, words joined by "_"
    listed: bool = True  # in menus and help
    alone: bool = True  # whether it means something without arguments
    stoppable: bool = False  # it takes a while, and can be stopped by a button meanwhile
    confidential: bool = False  # it shows what people wrote: in a group, whoever gives it gets its reply alone
    marked: bool = False  # it acts at once: its bare name alone counts only after a slash or where the bot is named
    plain: re.Pattern[str] | None = None  # arguments with which it is a command even where nothing marks it as one
