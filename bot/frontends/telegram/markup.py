"""Markdown as Telegram shows it (pure): plain text with entities beside it, so that no character needs escaping.

Nothing of the words is lost: what Markdown would swallow (HTML, formulas, spoilers) is escaped before it is read, and
should a text still lose something on the way, it is shown as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import pyromark
from telegram import MessageEntity
from telegramify_markdown import RenderConfig, convert, utf16_len
from telegramify_markdown.entity import MessageEntity as Span

LIMIT = 4_096  # UTF-16 units of a message after its entities were read
EMPTY = "…"  # Telegram takes no empty message

_OPTIONS = pyromark.Options.ENABLE_TABLES | pyromark.Options.ENABLE_STRIKETHROUGH | pyromark.Options.ENABLE_TASKLISTS
_SWALLOWED = re.compile(r"(\\.)|([<&$]|\|(?=\|)|(?<=\|)\|)", re.DOTALL)
_SHADOW = str.maketrans("<&$", "xxx")  # as long in UTF-8, and never the beginning of HTML or a formula
_LIST_NUMBER = re.compile(r"^[ \t>]*(?:\d{1,9}[.)][ \t]+)+", re.MULTILINE)  # Markdown counts lists by itself
_LINK = re.compile(r"(?:https?|tg|mailto)://?\S+|mailto:\S+", re.IGNORECASE)


def _symbols() -> RenderConfig:
    """Plain signs instead of the library's coloured ones."""
    config = RenderConfig.isolated()
    symbol = config.markdown_symbol
    symbol.heading_level_1 = symbol.heading_level_2 = symbol.heading_level_3 = symbol.heading_level_4 = ""
    symbol.unordered_list_item = "•"
    symbol.task_completed, symbol.task_uncompleted = "☑", "☐"
    return config


_CONFIG = _symbols()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A text that fits into one message."""

    text: str  # 1 to LIMIT UTF-16 units, no white space at its ends but the first line's of code
    entities: tuple[MessageEntity, ...] = ()
    plain: str  # to be sent without entities: with the addresses of its links where they fit


def pieces(markdown: str, *, limit: int = LIMIT) -> tuple[Piece, ...]:
    """Cut a text into messages, at borders of paragraphs or code where there are any.

    Args:
        markdown: Any text.
        limit: UTF-16 units of a message, at least 2.

    Returns:
        At least one piece.
    """
    text, spans = rendered(markdown)
    cut = tuple(filter(None, (_piece(part, within, limit) for part, within in _split(text, spans, limit))))
    return cut or (Piece(text=EMPTY, plain=EMPTY),)


def rendered(markdown: str) -> tuple[str, list[Span]]:
    """A text as it is read, with its formatting; as it was written where Markdown would lose a part of it."""
    source = _clean(markdown)
    text, spans = convert(_escaped(source), latex_escape=False, config=_CONFIG)
    addresses = " ".join(filter(None, (part for span in spans for part in (span.url, span.language))))
    if Counter(_words(_LIST_NUMBER.sub("", source))) - Counter(_words(text + addresses)):
        return source, []
    return text, [span for span in spans if span.type != "text_link" or _LINK.match(span.url or "")]


def _clean(text: str) -> str:
    """Without what no message can hold: lone surrogates and control characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        "\ufffd" if unicodedata.category(sign) == "Cs" else sign
        for sign in text
        if sign in "\n\t" or unicodedata.category(sign) != "Cc"
    )


def _escaped(text: str) -> str:
    """With a backslash before everything outside code that Markdown would swallow together with words."""
    data = text.encode()
    out: list[str] = []
    cursor = 0
    for start, end in _code(text):
        out += (_guarded(data[cursor:start].decode()), data[start:end].decode())
        cursor = end
    return "".join((*out, _guarded(data[cursor:].decode())))


def _guarded(text: str) -> str:
    return _SWALLOWED.sub(lambda match: match[1] or f"\\{match[2]}", text)


def _code(text: str) -> Iterator[tuple[int, int]]:
    """Where code stands, in bytes of UTF-8."""
    for event, where in pyromark.events_with_range(text.translate(_SHADOW), options=_OPTIONS):
        if isinstance(event, dict):
            started = event.get("Start")
            if "Code" in event or (isinstance(started, dict) and "CodeBlock" in started):
                yield where["start"], where["end"]


def _words(text: str) -> Iterator[str]:
    """The characters that a reader would miss: letters, digits and signs, but not Markdown's own ASCII signs."""
    return (sign for sign in text if (not sign.isascii() or sign.isalnum()) and not sign.isspace())


def _split(text: str, spans: Sequence[Span], limit: int) -> Iterator[tuple[str, list[Span]]]:
    at = _offsets(text)
    borders = _borders(text, spans, at)
    start = 0
    while start < len(text):
        end = _end(text, start, at, borders, limit)
        yield text[start:end], [clip for span in spans if (clip := _clipped(span, at[start], at[end]))]
        start = end


def _offsets(text: str) -> list[int]:
    """UTF-16 offset of each character, and of the end."""
    offsets = [0]
    for sign in text:
        offsets.append(offsets[-1] + (2 if sign > "\uffff" else 1))
    return offsets


def _borders(text: str, spans: Sequence[Span], at: Sequence[int]) -> set[int]:
    """Where a paragraph or a block of code begins or ends; never inside code."""
    blocks = [(span.offset, span.offset + span.length) for span in spans if span.type == "pre"]
    found = {match.end() for match in re.finditer(r"\n[ \t]*\n+", text)}
    found = {place for place in found if not any(start < at[place] < end for start, end in blocks)}
    edges = {edge for block in blocks for edge in block}
    return found | {place for place, offset in enumerate(at) if offset in edges and offset}


def _end(text: str, start: int, at: Sequence[int], borders: set[int], limit: int) -> int:
    """Where the piece that begins at `start` ends: the best border in its second half, else wherever it is full."""
    last = start + 1
    low, high = start + 1, len(text)
    while low <= high:  # the longest that fits
        middle = (low + high) // 2
        if at[middle] - at[start] <= limit:
            last, low = middle, middle + 1
        else:
            high = middle - 1
    if last >= len(text):
        return len(text)
    half = (start + last) // 2
    tests: tuple[Callable[[int], bool], ...] = (
        lambda place: place in borders,
        lambda place: text[place - 1] == "\n",
        lambda place: text[place - 1] in "。！？" or (text[place - 1] == " " and text[place - 2] in ".!?:;"),
        lambda place: text[place - 1].isspace(),
        lambda place: not _joined(text, place),
    )
    for good in tests:
        for place in range(last, half, -1):
            if good(place):
                return place
    return last


def _joined(text: str, place: int) -> bool:
    """Whether the signs before and after a place are one to the reader: a letter with its accent, a joined emoji."""
    after = text[place]
    return "\u200d" in text[place - 1 : place + 1] or unicodedata.category(after)[0] == "M" or "🏻" <= after <= "🏿"


def _clipped(span: Span, start: int, end: int) -> Span | None:
    first, last = max(span.offset, start), min(span.offset + span.length, end)
    return replace(span, offset=first - start, length=last - first) if first < last else None


def _piece(text: str, spans: Sequence[Span], limit: int) -> Piece | None:
    """A piece without white space at its ends, which Telegram takes away, but for code; None for nothing but that."""
    first, last = len(text) - len(text.lstrip()), len(text.rstrip())
    if last <= first:
        return None
    first = min([first, *(span.offset for span in spans if span.type == "pre")])  # white space has one unit a sign
    start, end = utf16_len(text[:first]), utf16_len(text[:last])
    entities = tuple(_entity(clip) for span in spans if (clip := _clipped(span, start, end)))
    bare = text[first:last]
    return Piece(text=bare, entities=entities, plain=_plain(bare, entities, limit))


def _entity(span: Span) -> MessageEntity:
    return MessageEntity(span.type, span.offset, span.length, url=span.url, language=span.language)


def _plain(text: str, entities: Sequence[MessageEntity], limit: int) -> str:
    units = text.encode("utf-16-le")
    for entity in sorted(entities, key=lambda one: one.offset, reverse=True):
        if entity.url and entity.url.startswith("http"):
            end = 2 * (entity.offset + entity.length)
            units = units[:end] + f" ({entity.url})".encode("utf-16-le") + units[end:]
    return units.decode("utf-16-le") if len(units) <= 2 * limit else text


def mention(name: str, user_id: str) -> str:
    """A person's name as Markdown that Telegram shows as a mention: it tells them, and picks whom to ask for a reply.

    Args:
        name: As shown there.
        user_id: Telegram's id of the person.
    """
    escaped = re.sub(r"([\\`*_\[\]<>()~|$&])", r"\\\1", " ".join(name.split())) or user_id
    return f"[{escaped}](tg://user?id={user_id}):"
