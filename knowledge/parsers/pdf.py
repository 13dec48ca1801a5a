"""PDF: one section a page, titled by the bookmarks; the document is called as it says, or as its first large line."""

from __future__ import annotations

import itertools
import re
import threading
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from knowledge.errors import UnreadableError
from knowledge.parsers.outline import Content, flow, one_line
from knowledge.types import ProblemKind, Section

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_PDFIUM = threading.Lock()  # PDFium keeps global state: one document at a time in a process
_HYPHEN_MARKS = re.compile("[\ufffe\x02\u00ad]\\s*\n?\\s*")  # where PDFium itself saw a word broken
_BROKEN_WORD = re.compile(r"(?<=[^\W\d_])[-\u2010]\n(?=[a-zß-ÿ])")  # before a capital it is a real hyphen
_SENTENCE_END = re.compile(r"[.!?:;。！？：；…][\"'”’)\]）】》」]*\Z")
_BULLET = re.compile(r"[•▪◦‣·–*-]\s+\S|\(?\d{1,2}[.)]\s+\S")
# What programs write where a title should stand: their own names, file names, paths and addresses.
_NO_TITLE = re.compile(
    r"\A(?:microsoft (?:word|excel|powerpoint)\b.*|powerpoint[ -]presentation|untitled.*|unbenannt.*|无标题.*|slide \d+"
    r"|(?:new )?(?:document|presentation|book|workbook|sheet|dokument|文档|文稿) ?\d*"
    r"|[a-z][a-z0-9+.-]*://\S*|(?:file|about|mailto|https?):\S*|www\.\S+"
    r"|(?:~?/|\\\\|[a-z]:[\\/]).*|[^\s\\]*\\[^\s\\]*\\\S*"
    r"|(?-i:[a-z._][^\sA-Z/]*/[^\sA-Z/]*/[^\sA-Z]*)"  # a path in small letters: Design/Build/Operate is a title
    r"|\S+\.(?:txt|md|tex|dvi|pages|key|pub|tmp|png|jpe?g|tiff?))\Z"  # one word: "Working with node.key" is a title
    r"|\.(?:pdf|docx?|dotx?|odt|rtf|pptx?|odp|xlsx?|ods|x?html?|indd|qxd)\Z",
    re.IGNORECASE,
)
_LONGEST_TITLE = 300  # characters
_LETTER = re.compile(r"[^\W\d_]|\A24/7(?:/36[56])?\Z")  # the figures that say something by themselves
_LINE = re.compile(r"[^\r\n]*\S[^\r\n]*")
_LOOKED_THROUGH = 2  # pages: on a cover every line is large
_LOOKED_AT = 3_000  # characters of a page, for the sizes of its lines
_LARGER = 1.2  # times the usual size
_LONGEST_HEADING = 150  # characters
_DIGITS = re.compile(r"\d+")
_SHORT = 0.8  # of the longest line; a sentence that ends in a shorter line ends its paragraph
_REPEATED = 0.6  # of the pages; a first or last line seen on so many is a running head
_FEWEST_PAGES = 4  # below, a repeated line is no evidence


def parse(content: bytes, *, max_characters: int) -> Content:
    """Read the text of a PDF.

    Raises:
        UnreadableError: It is encrypted, broken, too large, or holds only pictures.
    """
    import pypdfium2  # only where there is a PDF

    with _PDFIUM:
        try:
            with pypdfium2.PdfDocument(content) as document:
                pages = _pages(document, max_characters)
                titles = _titles(document)
                title = _stated_title(document.get_metadata_value("Title")) or _heading(document)
        except pypdfium2.PdfiumError as error:
            raise _translated(error) from error
    if not any(page.strip() for page in pages):
        raise UnreadableError(
            ProblemKind.EMPTY, f"Its {len(pages)} page(s) hold pictures but no text; run text recognition (OCR) on it."
        )
    return Content(title=title, sections=tuple(_sections(pages, titles, title)))


def _translated(error: Exception) -> UnreadableError:
    if "password" in str(error).lower():
        return UnreadableError(ProblemKind.ENCRYPTED, "It is locked by a password; save a copy without one.")
    return UnreadableError(ProblemKind.BROKEN, "It is cut off or damaged and cannot be opened as PDF; copy it anew.")


def _pages(document: PdfDocument, max_characters: int) -> list[str]:
    pages: list[str] = []
    total = 0
    for page in document:
        text = page.get_textpage().get_text_bounded().replace("\r\n", "\n").replace("\r", "\n")
        total += len(text)
        if total > max_characters:
            raise UnreadableError(
                ProblemKind.TOO_LARGE, f"It holds more than {max_characters:,} characters of text; split it."
            )
        pages.append(text)
    return pages


def _titles(document: PdfDocument) -> dict[int, tuple[str, ...]]:
    """Map page numbers, from 0, to the path of the first bookmark there."""
    titles: dict[int, tuple[str, ...]] = {}
    path: list[str] = []
    for bookmark in document.get_toc(max_depth=6):
        path = [*path[: bookmark.level], one_line(bookmark.get_title())]
        target = bookmark.get_dest()
        page = target.get_index() if target else None
        if page is not None:
            titles.setdefault(page, tuple(filter(None, path)))
    return titles


def _stated_title(metadata: str) -> str:
    """Take the title that a file states; "" where a program left a name, an address or nothing there."""
    title = one_line(metadata)[:_LONGEST_TITLE].rstrip()
    return "" if _NO_TITLE.search(title) or not _LETTER.search(title) else title


def _heading(document: PdfDocument) -> str:
    """The first line of the first page that is set larger than the text, with what goes on in the same size, or ""."""
    first, *others = [_lines(document[number]) for number in range(min(_LOOKED_THROUGH, len(document)))]
    sizes = sorted(size for line, size in (*first, *(line for page in others for line in page)) for _ in line)
    usual = sizes[len(sizes) // 2] if sizes else 0.0
    found = ((line, size) for line, size in first if size >= _LARGER * usual and _LETTER.search(line))
    _, largest = next(found, ("", 0.0))
    begun = itertools.dropwhile(lambda one: one[1] != largest, first)
    heading = one_line(" ".join(line for line, _ in itertools.takewhile(lambda one: one[1] == largest, begun)))
    return heading if len(heading) <= _LONGEST_HEADING else ""


def _lines(page: PdfPage) -> list[tuple[str, int]]:
    """The first lines of a page, each with the height of its largest letter, points."""
    text = page.get_textpage()
    whole = text.get_text_range()
    if len(whole) != text.count_chars():  # places and characters do not belong together
        return []
    lines: list[tuple[str, int]] = []
    for match in _LINE.finditer(whole, 0, _LOOKED_AT):
        boxes = [text.get_charbox(place, loose=True) for place in range(*match.span()) if not whole[place].isspace()]
        lines.append((match.group(), round(max(top - bottom for _, bottom, _, top in boxes))))
    return lines


def _sections(pages: Sequence[str], titles: dict[int, tuple[str, ...]], title: str) -> list[Section]:
    running = _running_lines(pages)
    sections: list[Section] = []
    path: tuple[str, ...] = ()
    for number, page in enumerate(pages):
        path = titles.get(number, path)
        named = path[1:] if path and path[0].casefold() == title.casefold() else path  # no path names it twice
        lines = [line.strip() for line in _HYPHEN_MARKS.sub("", page).split("\n")]
        text = _paragraphs([line for line in lines if _shape(line) not in running])
        if text:
            sections.append(Section(title_path=named, anchor=f"page={number + 1}", text=text))
    return sections


def _running_lines(pages: Sequence[str]) -> frozenset[str]:
    """Find heads and feet: first and last lines that return on most pages, their numbers aside."""
    if len(pages) < _FEWEST_PAGES:
        return frozenset()
    seen: Counter[str] = Counter()
    for page in pages:
        lines = [line for line in page.split("\n") if line.strip()]
        seen.update({_shape(line) for line in lines[:1] + lines[-1:]})
    return frozenset(shape for shape, count in seen.items() if count >= _REPEATED * len(pages))


def _shape(line: str) -> str:
    """Write a line without its numbers, so that "Page 3" equals "Page 4"; a full sentence keeps them."""
    line = line.strip()
    return line if _SENTENCE_END.search(line) else _DIGITS.sub("#", line)


def _paragraphs(lines: Sequence[str]) -> str:
    """Join lines into running text; a blank line, a bullet or a short last line ends a paragraph."""
    longest = max(map(len, lines), default=0)
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        current = paragraphs[-1]
        ended = bool(current) and len(current[-1]) < _SHORT * longest and bool(_SENTENCE_END.search(current[-1]))
        if not line or ended or _BULLET.match(line):
            paragraphs.append([])
        if line:
            paragraphs[-1].append(line)
    joined = (_BROKEN_WORD.sub("", "\n".join(paragraph)) for paragraph in paragraphs if paragraph)
    return "\n\n".join(map(flow, joined))
