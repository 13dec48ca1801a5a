"""What the Bot API takes and what it refuses, in its own words (pure).

As strict as the real one: https://github.com/tdlib/telegram-bot-api and https://core.telegram.org/bots/api.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
Rows = list[list[Json]]  # of buttons, each with "text" and "callback_data"

MAX_UNITS = 4_096  # UTF-16 units of a text after its entities were read
MAX_CAPTION_UNITS = 1_024
MAX_DATA_BYTES = 64  # of a button's data
MAX_FILE_BYTES = 20_000_000
_PLAIN_ENTITIES = {"bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre", "blockquote"}


class Refusal(Exception):  # noqa: N818 - it is an answer of the API rather than a fault
    """An answer with "ok": false."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad(text: str) -> Refusal:
    """HTTP 400."""
    return Refusal(400, f"Bad Request: {text}")


def units(text: str) -> int:
    """Length in UTF-16 units, as Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def found_entities(text: str) -> list[Json]:
    """What a client marks by itself: mentions, and a command at the beginning."""
    found = [("mention", match) for match in re.finditer(r"(?<!\w)@\w{3,}", text)]
    if command := re.match(r"/\w+(@\w+)?", text):
        found = [("bot_command", command), *(one for one in found if one[1].start() >= command.end())]
    return [{"type": kind, "offset": units(text[: one.start()]), "length": units(one[0])} for kind, one in found]


def checked(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """A text that a bot wants to send, or a refusal."""
    if not text.strip():
        raise bad("message text is empty")
    if units(text) > MAX_UNITS:
        raise bad("message is too long")
    for entity in entities:
        _check_entity(text, entity)
    return text, entities


def _check_entity(text: str, entity: Mapping[str, Any]) -> None:
    start, end = entity["offset"], entity["offset"] + entity["length"]
    data = text.encode("utf-16-le")
    try:
        data[2 * start : 2 * end].decode("utf-16-le")
    except UnicodeDecodeError:
        raise bad("can't parse entities: an entity cuts a character in two") from None
    if start < 0 or entity["length"] <= 0 or end > units(text):
        raise bad(f"can't parse entities: {entity['type']} is outside of the text")
    if entity["type"] == "text_link":
        if not re.match(r"(https?|tg|mailto):", entity.get("url", "")):
            raise bad("can't parse entities: unsupported URL")
    elif entity["type"] not in _PLAIN_ENTITIES:
        raise bad(f"can't parse entities: unknown entity {entity['type']}")


def keyboard(markup: Json) -> Rows:
    """The buttons that a bot wants to show, or a refusal."""
    rows: Rows = markup.get("inline_keyboard", [])
    for button in itertools.chain.from_iterable(rows):
        if not button.get("text", "").strip():
            raise bad("text buttons are unallowed in the inline keyboard")
        if not 1 <= len(button["callback_data"].encode()) <= MAX_DATA_BYTES:
            raise bad("BUTTON_DATA_INVALID")
    return rows
