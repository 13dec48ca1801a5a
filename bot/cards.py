"""An answer as a chat shows it (pure): its text with numbered sources as Markdown, and its buttons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import quote

from bot.buttons import Rows
from bot.teaching import SOURCE as TAUGHT
from bot.texts import languages, say
from bot.types import Answer, AnswerKind, Source

# What Markdown would read as something else than it says in prose that was not written as Markdown.
_SPECIAL = re.compile(r"([\\<>])")
# A citation on a line of its own would become the last row of a table, or a part of a list's last item.
_CITED_BELOW = re.compile(r"\n(\[\d+\])\s*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Something to be shown, for any platform."""

    text: str  # Markdown
    buttons: Rows = ()
    rates: int | None = None  # id of the answer that its first row rates, for a platform with rating buttons of its own


def text_of(answer: Answer) -> str:
    """An answer's own words as Markdown, without its sources."""
    if answer.kind is AnswerKind.COMMAND:
        return answer.text
    if len(answer.sources) == 1:
        return safe(_CITED_BELOW.sub("", _cited_above(answer.text)))  # of one source a number by itself says nothing
    return safe(_CITED_BELOW.sub(r"\n\n\1", answer.text))


def _cited_above(text: str) -> str:
    """A quoted table, list or section with its citation behind the words that lead to it."""
    lead, line, rest = text.partition("\n")
    below = _CITED_BELOW.search(text)
    if below is None or not line or lead not in {say("quoted", language) for language in languages()}:
        return text
    return f"{lead} {below.group(1)}\n{rest}"


def card_of(answer: Answer, language: str, *, buttons: Rows = (), rates: int | None = None) -> Card:
    """An answer with its sources beneath it."""
    text = text_of(answer)
    if answer.sources:
        lines = "\n".join(f"{source.number}. {source_line(source, language)}" for source in answer.sources)
        text = f"{text}\n\n**{say('sources', language)}**\n{lines}"
    return Card(text=text, buttons=buttons, rates=rates)


def source_line(source: Source, language: str) -> str:
    """A source as Markdown: a link where there is one, else the title and the file's name; never a server's path."""
    title = _escaped(source.title)
    if link := source_link(source):
        return f"[{title}]({link})"
    name = _escaped(source_name(source, language))
    return f"{title} ({name})" if name and name not in title else title


def source_link(source: Source) -> str:
    """The web address of a source; "" for none."""
    if not source.uri.startswith(("http://", "https://")):
        return ""
    anchor = source.anchor if source.anchor.startswith("#") or not source.anchor else f"#{source.anchor}"
    return quote(source.uri + anchor, safe="%/:?#[]@!$&'*+,;=~")


def source_name(source: Source, language: str) -> str:
    """What a source without a web address is called: its file's name, or that the team taught it."""
    taught = source.uri.startswith(f"{TAUGHT}:")
    return say("taught-in-chat", language) if taught else PurePath(source.uri).name


def safe(text: str) -> str:
    """Text from documents and people as Markdown that drops nothing of it: what looks like HTML stays to be read.

    Within code it is left alone, since nothing is special there.
    """
    pieces = re.split(r"(```.*?(?:```|\Z)|`[^`\n]+`)", text, flags=re.DOTALL)
    return "".join(piece if index % 2 else _SPECIAL.sub(r"\\\1", piece) for index, piece in enumerate(pieces))


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>()])", r"\\\1", text.replace("\n", " "))
