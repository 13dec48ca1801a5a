"""What every parser makes: headings and blocks of readable text, gathered into sections.

The text of a section is a small dialect of Markdown that knowledge.chunking reads back: blocks stand
apart by a blank line; code stands between fences; a table row starts with "|"; a list item starts with
"- " or "1. ", and its further lines are indented.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from knowledge.types import Problem, QuestionAnswer, Section

_NOT_IN_SLUG = re.compile(r"[^\w\- ]")
_LONGEST_LINK = 120  # characters; longer addresses are tracking links, and crowd out the text
_SPACES = re.compile(r"\s+")
_BACKTICKS = re.compile(r"`{3,}")
_CJK = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_BETWEEN_CJK = re.compile(rf"(?<=[{_CJK}])[ \t]*\n[ \t]*(?=[{_CJK}])")
_LINE_BREAK = re.compile(r"[ \t]*\n[ \t]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one parser read; knowledge.sources makes a Document of it."""

    title: str = ""  # "" where the file has none
    sections: tuple[Section, ...] = ()
    pairs: tuple[QuestionAnswer, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Entry:
    level: int  # 0 for what stands above the first heading
    heading: str
    anchor: str
    blocks: list[str] = field(default_factory=list)


class Outline:
    """Gathers headings and blocks in document order."""

    def __init__(self) -> None:
        self._entries = [_Entry(level=0, heading="", anchor="")]

    def heading(self, level: int, text: str, anchor: str) -> None:
        """Begin a section.

        Args:
            level: 1 for the outermost; levels may be left out.
            text: The heading as a person reads it; an empty one is passed over.
            anchor: Where it stands in the source, "" when it cannot be linked to.
        """
        if heading := one_line(text):
            self._entries.append(_Entry(level=level, heading=heading, anchor=anchor))

    def block(self, text: str) -> None:
        """Add a paragraph, list, table or piece of code to the current section."""
        if text.strip():
            self._entries[-1].blocks.append(text.strip("\n").rstrip())

    def content(self, *, title: str = "") -> Content:
        """Finish.

        Args:
            title: The title that the file itself states apart from its headings, or "". Without one, a
                first heading that stands alone on the highest level is the title.
        """
        headings = [entry for entry in self._entries if entry.level]
        head = _title_entry(headings, title)
        sections: list[Section] = []
        path: list[_Entry] = []
        for position, entry in enumerate(self._entries):
            path = [outer for outer in path if outer.level < entry.level]
            if entry.level and entry is not head:
                path.append(entry)
            blocks = entry.blocks
            if not blocks and entry is not head and _is_leaf(self._entries, position):
                blocks, here = [entry.heading], path[:-1]
            else:
                here = path
            if blocks:
                sections.append(
                    Section(
                        title_path=tuple(outer.heading for outer in here),
                        anchor="" if entry is head else entry.anchor,
                        text="\n\n".join(blocks),
                    )
                )
        return Content(title=one_line(title) or (head.heading if head else ""), sections=tuple(sections))


def _title_entry(headings: Sequence[_Entry], title: str) -> _Entry | None:
    """Find the heading that is the document's title, so that no title path names it twice."""
    if not headings:
        return None
    first = headings[0]
    if title:
        return first if first.heading.casefold() == one_line(title).casefold() else None
    alone = all(entry.level > first.level for entry in headings[1:])
    return first if alone else None


def _is_leaf(entries: Sequence[_Entry], position: int) -> bool:
    """Whether a heading has neither text nor a heading below it; its words would be lost."""
    entry = entries[position]
    if not entry.level:
        return False
    following = entries[position + 1] if position + 1 < len(entries) else None
    return following is None or following.level <= entry.level


class Slugs:
    """Heading anchors as GitHub writes them; repeated ones are numbered."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def anchor(self, heading: str) -> str:
        """Make the "#slug" of the next heading."""
        base = _NOT_IN_SLUG.sub("", heading.strip().lower()).replace(" ", "-")
        slug = base
        while slug in self._seen:
            slug = f"{base}-{self._seen[base]}"
            self._seen[base] += 1
        self._seen[slug] += 1
        return f"#{slug}" if slug else ""


def one_line(text: str) -> str:
    """Fold all white space into single spaces."""
    return _SPACES.sub(" ", text).strip()


def flow(text: str) -> str:
    """Join the lines of running text: with a space, and with nothing between Chinese characters."""
    return _LINE_BREAK.sub(" ", _BETWEEN_CJK.sub("", text.strip()))


def fence(code: str, language: str = "") -> str:
    """Put code between fences that are longer than any inside."""
    longest = max((len(run) for run in _BACKTICKS.findall(code)), default=2)
    marks = "`" * (longest + 1)
    return f"{marks}{language}\n{code.strip(chr(10)).rstrip()}\n{marks}" if code.strip() else ""


def table(rows: Iterable[Sequence[str]], *, header: bool) -> str:
    """Write a table, one row a line; empty rows are left out.

    Args:
        rows: Cells from left to right.
        header: Whether the first row names the columns.
    """
    lines = [
        "| " + " | ".join(one_line(cell).replace("|", "\\|") for cell in row) + " |"
        for row in rows
        if any(cell.strip() for cell in row)
    ]
    if header and len(lines) > 1:
        columns = lines[0].replace("\\|", "").count("|") - 1
        lines.insert(1, "|" + " --- |" * columns)
    return "\n".join(lines)


def item(marker: str, blocks: Iterable[str]) -> str:
    """Write a list item; lines after the first are indented under it."""
    body = "\n".join(block for block in blocks if block.strip())
    if not body:
        return ""
    first, *rest = body.split("\n")
    indent = " " * (len(marker) + 1)
    return "\n".join([f"{marker} {first}", *(f"{indent}{line}" if line else line for line in rest)])


def link(text: str, target: str) -> str:
    """Write a link: its words, and its address where that says something to the reader."""
    address = target.removeprefix("mailto:")
    absolute = target.startswith(("http://", "https://", "mailto:"))
    if not absolute or address in text or len(address) > _LONGEST_LINK:
        return text
    return f"{text} ({address})"
