"""What a command is. The same set serves every front end; bot.commands.registry lists them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.buttons import Rows
from bot.store.people import Person
from bot.types import Place, Role, StoredMessage

EVERYWHERE = frozenset(Place)
IN_PRIVATE = frozenset({Place.DIRECT})

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a command says."""

    text: str = field(repr=False)  # Markdown; people's and documents' text goes through bot.cards.safe
    buttons: Rows = ()


Run = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command; what it does and how it is used are said by the texts `command-NAME` and `usage-NAME`."""

    name: str  # "why"; letters and underscores, as Telegram's menu wants it
    least: Role = Role.USER
    places: frozenset[Place] = EVERYWHERE
    aliases: tuple[str, ...] = ()  # lower case, words joined by "_"
    listed: bool = True  # in menus and help
    alone: bool = True  # whether it means something without arguments
    plain: re.Pattern[str] | None = None  # arguments with which it is a command even where nothing marks it as one
