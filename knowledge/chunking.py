"""Documents to chunks: along headings, then blocks, then sentences; pure.

No overlap: each sentence stands in exactly one chunk. What two chunks may share is the header of a table
and the fences of a piece of code that were too long for one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import sentencex

from knowledge.types import Chunk, ChunkKind, Document, Section

CountTokens: TypeAlias = Callable[[str], int]

CHUNKER_VERSION = "1"  # raise it when the same document is cut differently

_BLOCK_BREAK = re.compile(r"\n[ \t]*\n")
_FENCE = re.compile(r"^([ \t]*)(`{3,})([^\n`]*)\n(.*?)\n?^\1\2[ \t]*$", re.DOTALL | re.MULTILINE)
_ITEM = re.compile(r"^(?=(?:[-*+]|\d{1,9}[.)])[ \t]+\S)", re.MULTILINE)
_RULE_ROW = re.compile(r"\|(?: *:?-+:? *\|)+\s*\Z")
_CLAUSES = re.compile(r"[^,;:，；：、\s]*(?:[,;:，；：、]+\s*|\s+|\Z)")
_INTRO_END = (":", "：")
_SLACK = 1.15  # a chunk may grow to this times the target before it is divided: no orphans of a few words
_TINY = 0.25  # of the target; sections below it join their neighbours
_BLOCK_WHOLE = 0.5  # of the target; blocks below it are not cut into sentences
_CHARACTERS_PER_TOKEN = 16  # a base64 blob is one unknown token to some encoders, but no short text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """Text that is not divided further, and what parts it from the unit before in the same chunk."""

    text: str
    size: int  # tokens
    glue: str  # "\n\n" between blocks, "\n" between list items, "" between sentences, which end in their space
    anchor: str


def settings(*, target_tokens: int, max_tokens: int) -> str:
    """Write the settings for the document's digest: other settings make other chunks."""
    return f"target={target_tokens},max={max_tokens}"


def chunk(
    document: Document, *, count_tokens: CountTokens, target_tokens: int = 200, max_tokens: int = 240
) -> tuple[Chunk, ...]:
    """Cut a document into chunks.

    Args:
        document: What a parser read.
        count_tokens: Length of a text in the encoder's tokens; called a few times per sentence at most.
        target_tokens: About how long the text of a chunk is, in tokens, >= 16.
        max_tokens: What titles and text together stay within, in tokens, so that the encoder reads all
            of it. Titles that take more than half of it do not count.

    Returns:
        The passages in document order, then one curated chunk for each pair.
    """
    chunks: list[Chunk] = []
    filled = [section for section in document.sections if section.text.strip()]
    for sections in _merged(filled, count_tokens, target_tokens):
        path = (document.title, *_common_path(sections))
        titles = count_tokens(" > ".join(path))
        limit = max(max_tokens - titles, max_tokens // 2)
        cutter = _Cutter(count_tokens, target=min(target_tokens, limit), limit=limit)
        for anchor, text in cutter.cut(sections):
            chunks.append(_passage(len(chunks), path, anchor, text))
    chunks.extend(
        Chunk(
            ordinal=ordinal,
            kind=ChunkKind.CURATED,
            title_path=(document.title,),
            anchor=pair.anchor,
            question=pair.question,
            text=pair.answer,
        )
        for ordinal, pair in enumerate(document.pairs, len(chunks))
    )
    return tuple(chunks)


def _passage(ordinal: int, path: tuple[str, ...], anchor: str, text: str) -> Chunk:
    return Chunk(ordinal=ordinal, kind=ChunkKind.PASSAGE, title_path=path, anchor=anchor, question="", text=text)


def sentences(text: str) -> list[str]:
    """Split running text into sentences, each with the white space after it; nothing is lost.

    English rules serve for every language here: they know the CJK full stops as well, while the Chinese
    rules know no English abbreviations, and support texts mix the two.
    """
    return list(sentencex.segment("en", text))


def _merged(sections: Sequence[Section], count_tokens: CountTokens, target: int) -> Iterator[list[Section]]:
    """Group neighbours: sections of one heading always, tiny ones under the same parent while they fit."""
    group: list[Section] = []
    size = 0
    tiny = _TINY * target
    for section in sections:
        length = _size(section.text, count_tokens)
        continues = bool(group) and section.title_path == group[-1].title_path == group[0].title_path
        # A tiny section joins a group that would leave room for another one after it.
        joins = bool(group) and length <= tiny and size + length <= target / 2 and _related(group, section)
        if group and not (continues or joins):
            yield group
            group, size = [], 0
        group.append(section)
        size += length
    if group:
        yield group


def _same_path(group: Sequence[Section]) -> bool:
    return all(section.title_path == group[0].title_path for section in group)


def _related(group: Sequence[Section], section: Section) -> bool:
    """Whether a section has the parent that the group has, or the group's first is its parent."""
    parent = section.title_path[:-1]
    return bool(section.title_path) and all(parent in {one.title_path, one.title_path[:-1]} for one in group)


def _common_path(sections: Sequence[Section]) -> tuple[str, ...]:
    if _same_path(sections):
        return sections[0].title_path
    return sections[-1].title_path[:-1]


def _size(text: str, count_tokens: CountTokens) -> int:
    return max(count_tokens(text), math.ceil(len(text) / _CHARACTERS_PER_TOKEN))


class _Cutter:
    """Cuts sections that belong together into chunks of about the target's size."""

    def __init__(self, count_tokens: CountTokens, *, target: int, limit: int) -> None:
        self._count = count_tokens
        self._target = target
        self._limit = limit  # no chunk is longer, and so no unit
        self._whole = min(limit, int(_SLACK * target))

    def cut(self, sections: Sequence[Section]) -> Iterator[tuple[str, str]]:
        """Yield anchor and text of one chunk after the other."""
        headed = not _same_path(sections)
        units: list[_Unit] = []
        for section in sections:
            if headed and section.title_path != _common_path(sections):
                heading = section.title_path[-1]
                units.append(_Unit(text=heading + ":", size=self._size(heading), glue="\n\n", anchor=section.anchor))
            units.extend(self._units(section))
        yield from self._pack(self._with_intros(units))

    def _size(self, text: str) -> int:
        return _size(text, self._count)

    def _units(self, section: Section) -> Iterator[_Unit]:
        size = self._size(section.text)
        if size <= self._whole:
            yield _Unit(text=section.text.strip(), size=size, glue="\n\n", anchor=section.anchor)
            return
        for block in _blocks(section.text):
            glue = "\n\n"
            for text, length, inner in self._block_units(block):
                yield _Unit(text=text, size=length, glue=glue, anchor=section.anchor)
                glue = inner

    def _block_units(self, block: str) -> Iterator[tuple[str, int, str]]:
        """Yield text, size and the glue to the next one in the same block."""
        size = self._size(block)
        fenced = _FENCE.fullmatch(block)
        if size <= _BLOCK_WHOLE * self._target or (size <= self._limit and (fenced or block.startswith("|"))):
            yield block, size, ""
        elif fenced:
            yield from self._code(fenced)
        elif block.startswith("|"):
            yield from self._table(block)
        elif len(items := [part.rstrip("\n") for part in _ITEM.split(block) if part]) > 1:
            for part in items:
                yield from self._item(part)
        else:
            yield from ((text, length, "") for text, length in self._prose(block))

    def _item(self, text: str) -> Iterator[tuple[str, int, str]]:
        size = self._size(text)
        if size <= self._target:
            yield text, size, "\n"
            return
        pieces = list(self._prose(text))
        for number, (piece, length) in enumerate(pieces, 1):
            yield piece, length, "\n" if number == len(pieces) else ""

    def _prose(self, text: str) -> Iterator[tuple[str, int]]:
        for sentence in sentences(text):
            size = self._size(sentence)
            if size <= self._target:
                yield sentence, size
            else:
                yield from self._grouped(self._fine(sentence), self._target)

    def _fine(self, text: str) -> Iterator[tuple[str, int]]:
        """Divide a sentence that is too long at its commas and spaces, and what has none at equal lengths."""
        for clause in _CLAUSES.findall(text):
            if not clause:
                continue
            length = self._size(clause)
            if length <= self._target:
                yield clause, length
            else:
                yield from self._halves(clause, length)

    def _halves(self, text: str, size: int) -> Iterator[tuple[str, int]]:
        if size <= self._target or len(text) == 1:
            yield text, size
            return
        middle = len(text) // 2
        for half in (text[:middle], text[middle:]):
            yield from self._halves(half, self._size(half))

    def _grouped(self, pieces: Iterable[tuple[str, int]], most: int) -> Iterator[tuple[str, int]]:
        """Join small pieces again as far as they fit."""
        texts: list[str] = []
        total = 0
        for text, size in pieces:
            if texts and total + size > most:
                yield "".join(texts), total
                texts, total = [], 0
            texts.append(text)
            total += size
        if texts:
            yield "".join(texts), total

    def _lines(self, lines: Iterable[str], most: int) -> Iterator[tuple[str, int]]:
        """Group lines, cutting those that alone are too long."""
        pieces: list[tuple[str, int]] = []
        for line in lines:
            size = self._size(line)
            pieces.extend([(line + "\n", size)] if size <= most else self._grouped(self._fine(line + "\n"), most))
        yield from self._grouped(pieces, most)

    def _code(self, fenced: re.Match[str]) -> Iterator[tuple[str, int, str]]:
        indent, marks, language, code = fenced.groups()
        frame = self._size(f"{marks}{language}\n{marks}")
        for text, size in self._lines(code.split("\n"), max(self._target - frame, 1)):
            if text.strip():
                body = text.rstrip("\n")
                yield f"{indent}{marks}{language}\n{body}\n{indent}{marks}", size + frame, "\n\n"

    def _table(self, block: str) -> Iterator[tuple[str, int, str]]:
        lines = block.split("\n")
        has_header = len(lines) > 1 and _RULE_ROW.match(lines[1])
        header = "\n".join(lines[:2]) + "\n" if has_header else ""
        size = self._size(header) if header else 0
        if size > self._target // 2:
            header, size = "", 0  # a header that long would crowd out its rows: it stands once, as a row
        rows = lines[2:] if header else lines
        for text, length in self._lines(rows, self._target - size):
            yield header + text.rstrip("\n"), size + length, "\n\n"

    def _with_intros(self, units: Sequence[_Unit]) -> list[_Unit]:
        """Bind what ends in a colon to what follows: "Do this:" says nothing without the steps."""
        bound: list[_Unit] = []
        for unit in units:
            last = bound[-1] if bound else None
            if last and last.text.rstrip().endswith(_INTRO_END) and last.size + unit.size <= self._target:
                text = last.text + unit.glue + unit.text
                bound[-1] = _Unit(text=text, size=last.size + unit.size, glue=last.glue, anchor=last.anchor)
            else:
                bound.append(unit)
        return bound

    def _pack(self, units: Sequence[_Unit]) -> Iterator[tuple[str, str]]:
        """Fill chunks evenly: as many as the target asks for, each closed where it is nearest to its share."""
        left = sum(unit.size for unit in units)
        current: list[_Unit] = []
        size = 0
        for unit in units:
            share = self._share(left + size)
            if current and (size + unit.size > self._whole or size + unit.size / 2 > share):
                yield _joined(current)
                current, size = [], 0
            current.append(unit)
            size += unit.size
            left -= unit.size
        if current:
            yield _joined(current)

    def _share(self, total: int) -> float:
        return total / max(1, math.ceil(total / self._whole))


def _joined(units: Sequence[_Unit]) -> tuple[str, str]:
    text = "".join(unit.text if number == 0 else unit.glue + unit.text for number, unit in enumerate(units))
    return units[0].anchor, text.strip()


def _blocks(text: str) -> Iterator[str]:
    """Split a section's text at blank lines, code between fences kept whole."""
    position = 0
    for fenced in _FENCE.finditer(text):
        yield from _paragraphs(text[position : fenced.start()])
        yield fenced[0].rstrip()
        position = fenced.end()
    yield from _paragraphs(text[position:])


def _paragraphs(text: str) -> Iterator[str]:
    for block in _BLOCK_BREAK.split(text):
        if block.strip():
            yield block.strip("\n").rstrip()
