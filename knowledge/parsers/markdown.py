"""Markdown: CommonMark with tables; front matter, custom heading ids and embedded HTML understood."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from knowledge.parsers.html import fragment_text
from knowledge.parsers.outline import Content, Outline, Slugs, fence, flow, item, link, table

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_HEADING_ID = re.compile(r"\s*\{#([\w.:-]+)[^}]*\}\s*\Z")
_BREAKS = {"softbreak": "\n", "hardbreak": "\v"}  # a vertical tab outlives the joining of lines
_TEMPLATE_LINE = re.compile(r"^[ \t]*\{\{<.*?>\}\}[ \t]*$", re.MULTILINE)  # a Hugo shortcode without words


def parse(text: str) -> Content:
    """Read Markdown into sections, one a heading, with GitHub's anchors."""
    body, title = _front_matter(text)
    outline, slugs = Outline(), Slugs()
    parser = MarkdownIt("commonmark", {"maxNesting": 100}).enable(["table", "strikethrough"])
    root = SyntaxTreeNode(parser.parse(_TEMPLATE_LINE.sub("", body)))
    for node in root.children:
        if node.type == "heading":
            heading = _inline(node)
            if named := _HEADING_ID.search(heading):
                heading = heading[: named.start()]
            anchor = slugs.anchor(heading)
            outline.heading(int(node.tag[1]), heading, f"#{named[1]}" if named else anchor)
        else:
            for block in _blocks(node):
                outline.block(block)
    return outline.content(title=title)


def _front_matter(text: str) -> tuple[str, str]:
    """Split off YAML front matter.

    Returns:
        The text below it, and its title or "".
    """
    found = _FRONT_MATTER.match(text)
    if not found:
        return text, ""
    try:
        fields = yaml.safe_load(found[1])
    except yaml.YAMLError:
        return text[found.end() :], ""
    title = fields.get("title") if isinstance(fields, dict) else None
    if not isinstance(fields, dict):
        return text, ""  # two rules with text between them, no front matter
    return text[found.end() :], str(title) if title is not None else ""


def _blocks(node: SyntaxTreeNode) -> Iterator[str]:
    """Write a block node, and what it contains, as readable blocks."""
    match node.type:
        case "fence" | "code_block":
            yield fence(node.content, node.info.split(maxsplit=1)[0] if node.info.strip() else "")
        case "bullet_list" | "ordered_list":
            yield _list(node)
        case "table":
            rows = [[_inline(cell) for cell in row.children] for part in node.children for row in part.children]
            yield table(rows, header=True)
        case "html_block":
            yield from fragment_text(node.content)
        case "paragraph" | "heading":
            yield _inline(node)
        case _:
            for child in node.children:
                yield from _blocks(child)


def _list(node: SyntaxTreeNode) -> str:
    start = int(node.attrs.get("start", 1))
    lines = []
    for number, entry in enumerate(node.children, start):
        marker = f"{number}." if node.type == "ordered_list" else "-"
        lines.append(item(marker, (block for child in entry.children for block in _blocks(child))))
    return "\n".join(line for line in lines if line)


def _inline(node: SyntaxTreeNode) -> str:
    """Write the inline content of a block as one paragraph; a hard break stays a line break."""
    pieces = "".join(_pieces(node))
    return "\n".join(flow(line) for line in pieces.split("\v")).strip()


def _pieces(node: SyntaxTreeNode) -> Iterator[str]:
    for child in node.children:
        match child.type:
            case "text" | "image":  # of a picture, the text that stands for it
                yield child.content
            case "code_inline":
                yield f"`{child.content}`"
            case "softbreak" | "hardbreak":
                yield _BREAKS[child.type]
            case "html_inline":
                yield _BREAKS["hardbreak"] if child.content.lower().startswith("<br") else ""
            case "link":
                yield link("".join(_pieces(child)), str(child.attrs.get("href", "")))
            case _:
                yield from _pieces(child)
