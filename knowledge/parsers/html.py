"""HTML: the main content of a page, its headings and the anchors that the page gives them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from knowledge.errors import UnreadableError
from knowledge.parsers.outline import Content, Outline, fence, flow, item, link, one_line, table
from knowledge.types import ProblemKind

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

# Never content, wherever they stand. Comments and processing instructions have no string as a tag.
# one word a line reads worse
# fmt: off
_NOISE = frozenset((
    "script", "style", "noscript", "template", "svg", "canvas", "iframe", "object", "embed", "select", "input",
    "textarea", "nav", "head", "title", "link", "meta", "audio", "video", "map", "dialog",
))
# fmt: on
_CHROME = frozenset(("aside", "footer"))
_CHROME_ROLES = frozenset(("navigation", "banner", "contentinfo", "search", "complementary"))
# one word a line reads worse
# fmt: off
_CONTAINERS = frozenset((
    "html", "body", "main", "article", "section", "div", "header", "figure", "details", "fieldset", "center",
    "address", "hgroup", "blockquote", "quote", "dl", "form", "aside", "footer",
))
# fmt: on
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LISTS = frozenset(("ul", "ol", "list", "menu"))
_ITEMS = frozenset(("li", "item"))
_TABLES = frozenset(("table",))
_ROWS = frozenset(("tr", "row"))
_CELLS = frozenset(("td", "th", "cell"))
_BREAKS = frozenset(("br", "lb"))
_LINKS = frozenset(("a", "ref"))
_PERMALINK = re.compile(r"[\s¶#§🔗]+\Z")
_DEEPEST = 100  # nesting of elements; real pages stay below 60


def parse(text: str) -> Content:
    """Read a page: what it marks as its main content, else what trafilatura takes for it.

    Raises:
        UnreadableError: It is no HTML at all.
    """
    from lxml import html as lxml_html

    try:
        root = lxml_html.document_fromstring(text.encode(), parser=lxml_html.HTMLParser(encoding="utf-8"))
    except (ValueError, AssertionError, lxml_html.etree.LxmlError) as error:
        raise UnreadableError(ProblemKind.BROKEN, "The page holds no HTML that could be read.") from error
    outline = Outline()
    _Walk(outline).children(_main_content(root, text), 0)
    content = outline.content()
    if content.title:
        return content
    return Content(title=one_line(root.findtext(".//title") or ""), sections=content.sections)


def fragment_text(markup: str) -> list[str]:
    """Read a piece of HTML inside another format as blocks of text; headings become paragraphs."""
    from lxml import html as lxml_html

    if not re.sub(r"<!--.*?-->|</?[A-Za-z][^<>]*>", "", markup, flags=re.DOTALL).strip():
        return []  # a lone tag, as Markdown sees most of them
    root = lxml_html.fragment_fromstring(markup, create_parent="div")
    outline = Outline()
    _Walk(outline, headings=False).children(root, 0)
    return [section.text for section in outline.content().sections]


def _main_content(root: Element, text: str) -> Element:
    marked = root.xpath("//main | //*[@role='main']") or root.xpath("//article")
    if len(marked) == 1 and one_line("".join(marked[0].itertext())):
        return marked[0]
    return _extracted(root, text)


def _extracted(root: Element, text: str) -> Element:
    """Let trafilatura find the main content; keep the whole body where it flattens a small page."""
    import trafilatura

    body = root.find(".//body")
    whole = root if body is None else body
    found = trafilatura.bare_extraction(text, favor_recall=True, include_comments=False, include_links=True)
    if found is None or isinstance(found, dict) or found.body is None:
        return whole
    headings = whole.xpath("count(.//h1|.//h2|.//h3|.//h4|.//h5|.//h6)")
    if not one_line("".join(found.body.itertext())) or (headings and not found.body.xpath(".//head")):
        return whole
    for head in found.body.iter("head"):
        _restore(head, root)
    return found.body


def _restore(head: Element, root: Element) -> None:
    """Give a heading of trafilatura's tree the name and the anchor that it had in the page."""
    words = one_line("".join(head.itertext()))
    head.tag = str(head.get("rend") or "h2") if head.get("rend") in _HEADINGS else "h2"
    for original in root.iter(*_HEADINGS):
        if one_line("".join(original.itertext())) == words:
            head.set("id", _anchor(original).removeprefix("#"))
            return


def _anchor(heading: Element) -> str:
    """Find the id that a link to this heading would name: its own, one inside, or its section's."""
    inner = heading.xpath(".//@id | .//a/@name")
    name = heading.get("id") or (inner[0] if inner else "")
    parent = heading.getparent()
    if not name and parent is not None and parent.tag in {"section", "div", "article"} and parent[0] is heading:
        name = parent.get("id") or ""
    return f"#{name}" if name else ""


class _Walk:
    """Writes an HTML (or trafilatura) tree into an outline, top to bottom."""

    def __init__(self, outline: Outline, *, headings: bool = True) -> None:
        self._outline = outline
        self._headings = headings

    def children(self, element: Element, depth: int) -> None:
        """Write what is inside a container; loose text between blocks becomes paragraphs."""
        if depth > _DEEPEST:
            raise UnreadableError(ProblemKind.BROKEN, f"The page nests deeper than {_DEEPEST} elements.")
        loose = [element.text or ""]
        for child in element:
            if _is_block(child):
                self._paragraph("".join(loose))
                loose = []
                self._block(child, depth)
            else:
                loose.append(_inline(child, depth))
            loose.append(child.tail or "")
        self._paragraph("".join(loose))

    def _block(self, element: Element, depth: int) -> None:
        tag = str(element.tag)
        if _is_noise(element):
            return
        if tag in _HEADINGS and self._headings:
            text = _PERMALINK.sub("", one_line(_inline(element, depth)))
            self._outline.heading(_HEADINGS[tag], text, _anchor(element))
        elif tag in _LISTS:
            self._outline.block(_list(element, depth))
        elif tag in _TABLES:
            self._table(element, depth)
        elif tag == "pre":
            self._outline.block(fence("".join(element.itertext())))
        else:
            self.children(element, depth + 1)

    def _table(self, element: Element, depth: int) -> None:
        rows = [row for row in element.iter(*_ROWS) if next(row.iterancestors(*_TABLES), None) is element]
        cells = [[_inline(cell, depth) for cell in row if cell.tag in _CELLS] for row in rows]
        header = bool(rows) and all(cell.tag == "th" or cell.get("role") == "head" for cell in rows[0])
        self._outline.block(table(cells, header=header))

    def _paragraph(self, text: str) -> None:
        self._outline.block("\n".join(line for part in text.split("\v") if (line := flow(part))))


def _is_noise(element: Element) -> bool:
    tag = element.tag
    if not isinstance(tag, str) or tag in _NOISE or element.get("role") in _CHROME_ROLES:
        return True
    if tag == "button" and next(element.iterancestors(*_HEADINGS, "dt", "summary"), None) is None:
        return True  # a control; inside a heading it opens the answer to a question
    hidden = element.get("hidden") is not None or element.get("aria-hidden") == "true"
    return hidden or (tag in _CHROME and next(element.iterancestors("main", "article"), None) is None)


def _is_block(element: Element) -> bool:
    tag = element.tag
    return isinstance(tag, str) and tag in _CONTAINERS | _HEADINGS.keys() | _LISTS | _TABLES | {
        "p",
        "pre",
        "dt",
        "dd",
        "summary",
        "hr",
        "ab",
    }


def _list(element: Element, depth: int) -> str:
    ordered = element.tag == "ol" or element.get("rend") == "ol"
    entries = [child for child in element if child.tag in _ITEMS]
    lines = (
        item(f"{number}." if ordered else "-", _item_blocks(entry, depth)) for number, entry in enumerate(entries, 1)
    )
    return "\n".join(line for line in lines if line)


def _item_blocks(entry: Element, depth: int) -> Iterator[str]:
    inner = Outline()
    _Walk(inner, headings=False).children(entry, depth + 1)
    for section in inner.content().sections:
        yield section.text.replace("\n\n", "\n")


def _inline(element: Element, depth: int) -> str:
    """Write an inline element without its tail; line breaks come out as vertical tabs."""
    if element.tag in _BREAKS:
        return "\v"
    if _is_noise(element) or depth > _DEEPEST:
        return ""
    if element.tag == "img":
        return element.get("alt") or ""
    inside = [element.text or ""]
    for child in element:
        inside.extend((_inline(child, depth + 1), child.tail or ""))
    text = "".join(inside)
    if element.tag in _LINKS:
        return link(text, element.get("href") or element.get("target") or "")
    return f"`{text}`" if element.tag == "code" and text.strip() and "\n" not in text else text
