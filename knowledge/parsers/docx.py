"""Word documents: headings, paragraphs, lists and tables in the order of the document."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from knowledge.errors import UnreadableError
from knowledge.parsers.outline import Content, Outline, Slugs, flow, item, one_line, table
from knowledge.types import ProblemKind

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING = re.compile(r"\Aheading ([1-9])\b", re.IGNORECASE)
_WRAPPERS = frozenset(f"{_W}{name}" for name in ("sdt", "sdtContent", "ins", "moveTo", "smartTag", "customXml"))
_MOST_UNPACKED = 20  # times the limit on raw files; XML packs about 10:1
_ENCRYPTED_FLAG = 0x1
_BODY_LEVEL = 9  # Word's outline level for "no heading"


def parse(content: bytes, *, max_bytes: int) -> Content:
    """Read a DOCX file.

    Args:
        content: The file.
        max_bytes: The limit on raw files; a container that unpacks to 20 times as much is refused.

    Raises:
        UnreadableError: It is broken, encrypted, or unpacks to too much.
    """
    import docx  # only where there is a Word document

    _check_container(content, _MOST_UNPACKED * max_bytes)
    try:
        document = docx.Document(io.BytesIO(content))
    except Exception as error:
        raise UnreadableError(
            ProblemKind.BROKEN, "It is damaged and cannot be opened as a Word document; save it anew."
        ) from error
    return _Reader(document).read()


def _check_container(content: bytes, most: int) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UnreadableError(ProblemKind.BROKEN, "It is cut off or damaged; copy it anew.") from error
    if any(entry.flag_bits & _ENCRYPTED_FLAG for entry in entries):
        raise UnreadableError(ProblemKind.ENCRYPTED, "It is locked by a password; save a copy without one.")
    unpacked = sum(entry.file_size for entry in entries)  # zipfile never unpacks more than is declared
    if unpacked > most:
        raise UnreadableError(
            ProblemKind.TOO_LARGE, f"It unpacks to {unpacked / 1e6:,.0f} MB where {most / 1e6:,.0f} MB is the limit."
        )


class _Reader:
    """Walks one document."""

    def __init__(self, document: Any) -> None:  # noqa: ANN401 - python-docx has no types
        self._document = document
        self._outline = Outline()
        self._slugs = Slugs()
        self._list: list[str] = []
        self._numbers: dict[int, int] = {}
        self._formats = _list_formats(document)

    def read(self) -> Content:
        """Write the whole body into an outline."""
        title = ""
        for element in _elements(self._document.element.body):
            if element.tag == f"{_W}tbl":
                self._end_list()
                self._outline.block(table(_rows(element), header=True))
            elif not title and self._style(element).casefold() == "title":
                title = one_line(_text(element))
            else:
                self._paragraph(element)
        self._end_list()
        return self._outline.content(title=title)

    def _paragraph(self, element: Any) -> None:  # noqa: ANN401 - an lxml element of python-docx
        text = _text(element)
        level = self._heading_level(element)
        if level and text.strip():
            self._end_list()
            heading = one_line(text)
            self._outline.heading(level, heading, self._slugs.anchor(heading))
        elif (depth := self._list_depth(element)) is not None:
            self._list_item(element, depth, text)
        elif text.strip():
            self._end_list()
            self._outline.block("\n".join(filter(None, map(flow, text.split("\v")))))

    def _list_item(self, element: Any, depth: int, text: str) -> None:  # noqa: ANN401 - as above
        if not text.strip():
            return
        marker = "-"
        if self._is_numbered(element, depth):
            self._numbers = {outer: count for outer, count in self._numbers.items() if outer <= depth}
            self._numbers[depth] = self._numbers.get(depth, 0) + 1
            marker = f"{self._numbers[depth]}."
        written = item(marker, map(flow, text.split("\v")))
        self._list.append("\n".join("  " * depth + line for line in written.split("\n")))

    def _end_list(self) -> None:
        self._outline.block("\n".join(self._list))
        self._list, self._numbers = [], {}

    def _style(self, element: Any) -> str:  # noqa: ANN401 - as above
        style = self._document.styles.get_by_id(_value(element, "pStyle"), 1)
        return str(style.name or "")

    def _heading_level(self, element: Any) -> int:  # noqa: ANN401 - as above
        """Return 1 to 9, or 0 for body text; the style counts, and those it is based on."""
        style = self._document.styles.get_by_id(_value(element, "pStyle"), 1)
        while style is not None:
            if named := _HEADING.match(style.name or ""):
                return int(named[1])
            style = style.base_style
        level = int(_value(element, "outlineLvl") or _BODY_LEVEL)
        return level + 1 if level < _BODY_LEVEL else 0

    def _list_depth(self, element: Any) -> int | None:  # noqa: ANN401 - as above
        number = _value(element, "numId")
        if number and number != "0":
            return int(_value(element, "ilvl") or 0)
        named = re.match(r"List(?: Bullet| Number)(?: (\d))?\Z", self._style(element))
        return int(named[1] or 1) - 1 if named else None

    def _is_numbered(self, element: Any, depth: int) -> bool:  # noqa: ANN401 - as above
        known = self._formats.get((_value(element, "numId"), str(depth)))
        return known != "bullet" if known else self._style(element).startswith("List Number")


def _list_formats(document: Any) -> dict[tuple[str, str], str]:  # noqa: ANN401 - python-docx has no types
    """Map (list id, level) to Word's number format: "bullet", "decimal", ..."""
    try:
        root = document.part.numbering_part.element
    except (KeyError, NotImplementedError):
        return {}
    abstract = {
        (kind.get(f"{_W}abstractNumId"), level.get(f"{_W}ilvl")): _value(level, "numFmt")
        for kind in root.iter(f"{_W}abstractNum")
        for level in kind.iter(f"{_W}lvl")
    }
    uses = {number.get(f"{_W}numId"): _value(number, "abstractNumId") for number in root.iter(f"{_W}num")}
    return {
        (number, level): form
        for number, used in uses.items()
        for (kind, level), form in abstract.items()
        if kind == used
    }


def _elements(parent: Any) -> Iterator[Any]:  # noqa: ANN401 - lxml elements of python-docx
    """Yield paragraphs and tables, also those inside content controls and accepted changes."""
    for child in parent:
        if child.tag in {f"{_W}p", f"{_W}tbl"}:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _elements(child)


def _text(element: Any) -> str:  # noqa: ANN401 - as above
    """Read a paragraph's words; deleted text is gone, a line break is a vertical tab."""
    pieces = []
    for node in element.iter(f"{_W}t", f"{_W}tab", f"{_W}br", f"{_W}cr", f"{_W}noBreakHyphen"):
        if next(node.iterancestors(_FALLBACK), None) is not None:
            continue  # an older drawing of the same text box
        name = node.tag.removeprefix(_W)
        pieces.append({"t": node.text or "", "tab": " ", "noBreakHyphen": "-"}.get(name, "\v"))
    return "".join(pieces)


def _rows(element: Any) -> Iterator[list[str]]:  # noqa: ANN401 - as above
    for row in element.iterchildren(f"{_W}tr"):
        cells = [cell for cell in row.iter(f"{_W}tc") if next(cell.iterancestors(f"{_W}tr")) is row]
        yield [" ".join(_text(paragraph) for paragraph in cell.iter(f"{_W}p")) for cell in cells]


def _value(element: Any, name: str) -> str:  # noqa: ANN401 - as above
    """Read w:val of the first property of that name, or ""."""
    found = next(element.iter(f"{_W}{name}"), None)
    return str(found.get(f"{_W}val") or "") if found is not None else ""
