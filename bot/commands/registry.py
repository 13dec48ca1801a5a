"""All commands: their names, who may give them and where; and how a text is read as one (pure)."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace

from bot.commands.base import IN_PRIVATE, Command, may
from bot.texts import say
from bot.types import AttachmentKind, Message, Role

_WHOM = r"(?:<@[^\s>]+>|@\S+)"
_ROLE = r"(?:owner|admin|trainer|user)"
_TASK = r"(?:intent|retrieval|generator)"
_VERSION = rf"{_TASK}-\d+"


def _plain(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


COMMANDS = (
    Command(name="help", aliases=("h", "commands", "帮助", "幫助")),
    Command(name="start", listed=False),
    Command(name="ask", aliases=("提问",), alone=False),
    Command(name="why", aliases=("为什么", "explain")),
    Command(name="sources", aliases=("source", "来源", "出处")),
    Command(name="rate", aliases=("评价",), plain=_plain(r"up|down(?:\s.*)?|👍|👎")),
    Command(name="new", aliases=("reset", "新对话")),
    Command(name="language", aliases=("lang", "语言"), plain=_plain(r"en|english|zh|chinese|auto|中文|英文|自动")),
    Command(name="login", aliases=("登录",), places=IN_PRIVATE),
    Command(name="privacy", aliases=("隐私",)),
    Command(name="forget_me", aliases=("forgetme", "忘记我")),
    Command(name="human", aliases=("人工", "转人工")),
    Command(name="cancel", aliases=("取消",), listed=False),
    Command(
        name="claim", places=IN_PRIVATE, listed=False, alone=False, plain=_plain(r"[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}")
    ),
    Command(name="correction", listed=False, alone=False),
    Command(name="curated", least=Role.TRAINER, listed=False, alone=False),
    Command(name="kept", least=Role.TRAINER, listed=False, alone=False),
    Command(name="teach", least=Role.TRAINER, alone=False, plain=_plain(r"[^|｜]+[|｜].+")),
    Command(name="unteach", least=Role.TRAINER, listed=False, alone=False),
    Command(name="unanswered", least=Role.TRAINER, confidential=True, plain=_plain(r"\d+")),
    Command(name="report", least=Role.TRAINER, confidential=True, plain=_plain(r"\d+(?:\s+days)?")),
    Command(name="ingest", least=Role.ADMIN, alone=False, stoppable=True, plain=_plain(r"https?://\S+")),
    Command(
        name="knowledge",
        least=Role.ADMIN,
        aliases=("kb",),
        plain=_plain(r"documents|outdated|search\s.+|remove\s+\S.*"),
    ),
    Command(name="status", least=Role.ADMIN),
    Command(
        name="grant",
        least=Role.ADMIN,
        alone=False,
        plain=_plain(rf"{_WHOM}\s+(?:to\s+)?{_ROLE}|{_ROLE}(?:\s+to)?\s+{_WHOM}|{_ROLE}"),
    ),
    Command(name="revoke", least=Role.ADMIN, alone=False, plain=_plain(rf"{_WHOM}")),
    Command(name="audit", least=Role.ADMIN, places=IN_PRIVATE, plain=_plain(r"\d+")),
    Command(
        name="versions",
        least=Role.ADMIN,
        plain=_plain(rf"show\s+{_VERSION}|diff\s+{_VERSION}\s+{_VERSION}|keep-old\s+{_VERSION}"),
    ),
    Command(
        name="retrain",
        least=Role.ADMIN,
        marked=True,
        plain=_plain(rf"(?:(?:all|{_TASK})\s*)*(?:dry[- ]run)?|cancel"),
    ),
    Command(name="promote", least=Role.ADMIN, alone=False, plain=_plain(_VERSION)),
    Command(name="rollback", least=Role.ADMIN, plain=_plain(_TASK)),
    Command(
        name="schedule",
        least=Role.ADMIN,
        plain=_plain(r"show|off|daily\s+\S+|weekly\s+\S+\s+\S+|after\s+\d+(?:\s+ratings?)?"),
    ),
    Command(name="pause", least=Role.ADMIN, marked=True),
    Command(name="resume", least=Role.ADMIN, marked=True),
)
BY_NAME = {command.name: command for command in COMMANDS}
NAMES = tuple(BY_NAME)

_CALLED = {called: one.name for one in COMMANDS for called in (one.name, *one.aliases)}
_WORDS = 2  # of the longest name: "forget me"
_NEAR = 0.6  # difflib's ratio from which a name is offered for one that does not exist


def parse(text: str, *, explicit: bool, named: bool = False) -> tuple[str, str] | None:
    """Read a text as a command.

    Args:
        text: What somebody wrote, perhaps with a slash in front.
        explicit: Whether it is known to be a command, as after a slash. Otherwise only what clearly is one counts, so
            that "why is my account frozen?" stays a question.
        named: Whether the bot was named in it, as by a mention.

    Returns:
        The command's own name and what follows it. The name of one that does not exist comes back, in lower case, only
        for an explicit text; an empty explicit text is "help". None if it is no command.
    """
    bare = text.strip().removeprefix("/").lstrip()
    slash = text.strip().startswith("/")
    if not bare:
        return ("help", "") if explicit else None
    found = _named(bare)
    if explicit:
        word, _, rest = _cut(bare, 1)
        return found or (word, rest)
    if found is None:
        return None
    name, rest = found
    plain = BY_NAME[name].plain
    if not rest and BY_NAME[name].marked and not (slash or named):
        return None  # "pause" may be meant for anybody, and would be carried out at once
    if not rest or slash or (plain is not None and plain.fullmatch(rest)):
        return found
    return None


def with_caption(message: Message) -> Message:
    """A document that comes with `ingest` in its caption is that command, with or without a slash."""
    origin = message.origin
    if origin.command or not any(one.kind is AttachmentKind.DOCUMENT for one in origin.attachments):
        return message
    found = parse(message.text, explicit=True) if message.text.strip() else None
    if found is None or found[0] != "ingest":
        return message
    return replace(message, text=found[1], origin=replace(origin, command="ingest"))


def menu(language: str, role: Role) -> tuple[tuple[str, str], ...]:
    """The commands that a role may use, as a platform's menu and /help list them.

    Args:
        language: Of the descriptions.
        role: Of the reader.

    Returns:
        Name and short description, in the order of the menu.
    """
    return tuple(
        (one.name, say(f"command-{one.name}", language)) for one in COMMANDS if one.listed and may(role, one.least)
    )


def resolve(name: str) -> str:
    """The command's own name for any of its names; a name that is nobody's comes back in lower case."""
    plain = name.strip().lower().replace("-", "_")
    return _CALLED.get(plain, plain)


def nearest(name: str, role: Role = Role.OWNER) -> str | None:
    """The command whose name is most like one that does not exist, of those that a role may use; None if none is."""
    offered = {called: own for called, own in _CALLED.items() if BY_NAME[own].listed and may(role, BY_NAME[own].least)}
    near = difflib.get_close_matches(name.lower(), offered, n=1, cutoff=_NEAR)
    return offered[near[0]] if near else None


def _named(text: str) -> tuple[str, str] | None:
    """The known command that a text begins with, the longest name first, and what follows."""
    for words in range(_WORDS, 0, -1):
        word, count, rest = _cut(text, words)
        if count == words and word in _CALLED:
            return _CALLED[word], rest
    return None


def _cut(text: str, words: int) -> tuple[str, int, str]:
    """The first words as a name, how many there were, and the rest; `@bot` after the first word is left out."""
    parts = text.split(maxsplit=words)
    head = parts[:words]
    head[0] = head[0].partition("@")[0] or head[0]
    rest = parts[words].strip() if len(parts) > words else ""
    return "_".join(head).lower().replace("-", "_"), len(head), rest
