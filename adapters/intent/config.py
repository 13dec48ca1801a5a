"""What an intents file says: definitions of intents, the built-in ones and a team's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from adapters.errors import AdapterError
from adapters.types import LabelledText

QUESTION: Final = "question"
OUT_OF_SCOPE: Final = "out_of_scope"
BUILTIN_FILE: Final = Path(__file__).with_name("builtin.toml")

MAX_FILE_BYTES: Final = 10_000_000  # an intents file is written by hand; a larger one is a mistake
MAX_NAME_CHARS: Final = 64
MAX_TEXT_CHARS: Final = 2_000  # longer than any example that an encoder of 256 tokens reads whole
_NAME_CHARS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")
_KEYS: Final = ("name", "description", "examples", "route", "reply")


class IntentFileError(AdapterError):
    """An intents file cannot be used as it is."""


class IntentRoute(StrEnum):
    """Where a message of an intent goes."""

    QUESTION = "question"  # search the documents
    REPLY = "reply"  # say the intent's reply
    HUMAN = "human"  # hand over to a person
    REFUSE = "refuse"  # say that it is out of scope, and count it as unanswered


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentDefinition:
    """One intent as a team describes it."""

    name: str  # lower-case letters, digits and underscores
    description: str  # one sentence, or ""
    examples: tuple[str, ...]  # what people write, in any language
    route: IntentRoute
    reply: Mapping[str, str]  # ISO 639-1 -> text; "{name}" stands for the bot's name; may be empty unless REPLY

    def reply_in(self, language: str, *, name: str) -> str | None:
        """The reply in a language, else in English, else in any.

        Args:
            language: ISO 639-1.
            name: The bot's name.

        Returns:
            The text with the bot's name filled in; None where the intent has no reply.
        """
        text = self.reply.get(language) or self.reply.get("en") or next(iter(self.reply.values()), None)
        return None if text is None else text.replace("{name}", name)


def load_definitions(path: Path | None = None) -> tuple[IntentDefinition, ...]:
    """Read the built-in intents, and a team's file on top of them.

    An entry of the team's file with a built-in's name adds its examples to the built-in's and replaces the
    other fields that it gives.

    Args:
        path: The team's TOML file; None for the built-in intents alone.

    Returns:
        The built-in intents first, then the team's in the order of the file.

    Raises:
        IntentFileError: The file cannot be read, or an entry is not what it should be.
    """
    builtin = parse_definitions(BUILTIN_FILE.read_text(encoding="utf-8"), origin=BUILTIN_FILE.name)
    if path is None:
        return builtin
    return parse_definitions(read_intents_file(path), origin=str(path), base=builtin)


def read_intents_file(path: Path) -> str:
    """Read a file of intents as text; UTF-8, with or without a byte order mark.

    Raises:
        IntentFileError: There is no such file, it is too large, or it is not UTF-8.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise IntentFileError(
                f"{path} is larger than {MAX_FILE_BYTES // 1_000_000} MB; was another file meant, or can it be split?"
            )
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise IntentFileError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from error
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise IntentFileError(f"{path} cannot be read ({reason}); check the path to the intents file.") from error


def parse_definitions(text: str, *, origin: str, base: Sequence[IntentDefinition] = ()) -> tuple[IntentDefinition, ...]:
    """Parse the text of an intents file.

    Args:
        text: TOML with one [[intent]] table an intent.
        origin: What messages call the file.
        base: Definitions that the file builds on.

    Returns:
        `base` with the file's entries merged in, then the file's new ones.

    Raises:
        IntentFileError: An entry is not what it should be; the sentence names file, entry and what was expected.
    """
    merged = {definition.name: definition for definition in base}
    seen: set[str] = set()
    for number, table in enumerate(_tables(text, origin), start=1):
        where = f"{origin}, intent {number}"
        name = _name(table, where)
        where = f'{where} ("{name}")'
        if name in seen:
            raise IntentFileError(f"{where}: this name was used before in the file; put both entries into one.")
        seen.add(name)
        merged[name] = _definition(table, name, where, merged.get(name))
    return tuple(merged.values())


def training_rows(definitions: Sequence[IntentDefinition]) -> tuple[LabelledText, ...]:
    """The examples of all definitions as rows, in their order."""
    return tuple(
        LabelledText(text=example, label=definition.name)
        for definition in definitions
        for example in definition.examples
    )


def _tables(text: str, origin: str) -> list[dict[str, object]]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise IntentFileError(f"{origin} is not valid TOML: {error}.") from error
    unknown = [key for key in content if key != "intent"]
    if unknown:
        raise IntentFileError(f'{origin}: "{unknown[0]}" is not known here; write [[intent]] before each intent.')
    tables = content.get("intent", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise IntentFileError(f"{origin}: each intent starts with [[intent]], in two pairs of brackets.")
    if not tables:
        raise IntentFileError(f"{origin} has no [[intent]]; give at least one with a name and examples.")
    return tables


def _name(table: Mapping[str, object], where: str) -> str:
    name = table.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_CHARS or not set(name) <= _NAME_CHARS:
        raise IntentFileError(
            f"{where}: name must be 1 to {MAX_NAME_CHARS} lower-case letters, digits or underscores, "
            f'such as "refund_status", not {_shown(name)}.'
        )
    return name


def _definition(
    table: Mapping[str, object], name: str, where: str, before: IntentDefinition | None
) -> IntentDefinition:
    _check_keys(table, where)
    start = before or IntentDefinition(
        name=name, description="", examples=(), route=IntentRoute.QUESTION, reply=MappingProxyType({})
    )
    reply = _reply(table["reply"], where) if "reply" in table else start.reply
    implied = IntentRoute.REPLY if before is None and reply else start.route
    definition = replace(
        start,
        description=_text(table["description"], where, "description") if "description" in table else start.description,
        examples=tuple(dict.fromkeys((*start.examples, *_examples(table.get("examples", []), where)))),
        route=_route(table["route"], where) if "route" in table else implied,
        reply=reply,
    )
    if not definition.examples and not definition.description:
        raise IntentFileError(f"{where}: give examples, or at least a description, to recognise it by.")
    if definition.route is IntentRoute.REPLY and not definition.reply:
        raise IntentFileError(f'{where}: route "reply" needs a text to say; add reply.en = "…".')
    return definition


def _check_keys(table: Mapping[str, object], where: str) -> None:
    for key in table:
        if key not in _KEYS:
            raise IntentFileError(f'{where}: "{key}" is not known; {_nearest(key, _KEYS)}')


def _route(value: object, where: str) -> IntentRoute:
    names = [route.value for route in IntentRoute]
    if isinstance(value, str) and value in names:
        return IntentRoute(value)
    raise IntentFileError(f"{where}: route {_shown(value)} is not known; {_nearest(str(value), names)}")


def _reply(value: object, where: str) -> Mapping[str, str]:
    replies = {"en": value} if isinstance(value, str) else value
    if not isinstance(replies, dict) or not replies:
        raise IntentFileError(f'{where}: reply is a text, or one per language, such as reply.en = "…".')
    for language in replies:
        if not (len(language) == len("en") and language.isascii() and language.islower()):
            raise IntentFileError(f'{where}: reply.{language} names no language; use two letters such as "en" or "zh".')
    return MappingProxyType({key: _text(text, where, f"reply.{key}") for key, text in replies.items()})


def _examples(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise IntentFileError(f"{where}: examples is a list of texts in square brackets, not {_shown(value)}.")
    return tuple(_text(text, where, f"example {number}") for number, text in enumerate(value, start=1))


def _text(value: object, where: str, what: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT_CHARS:
        raise IntentFileError(
            f"{where}: {what} must be a text of 1 to {MAX_TEXT_CHARS:,} characters, not {_shown(value)}."
        )
    return value.strip()


def _shown(value: object) -> str:
    """A value as a message names it: short, never a whole text."""
    if value is None:
        return "nothing"
    if isinstance(value, str) and len(value) <= MAX_NAME_CHARS:
        return f'"{value}"'
    return f"a {type(value).__name__}"


def _nearest(word: str, known: Sequence[str]) -> str:
    from rapidfuzz import process

    best = process.extractOne(word, known, score_cutoff=60)
    listed = ", ".join(known)
    return f'did you mean "{best[0]}"? Known: {listed}.' if best else f"known: {listed}."
