"""reStructuredText, plain or with Sphinx's roles and directives; nothing is included or executed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import Directive, directives, roles
from docutils.parsers.rst.languages import en as english
from docutils.utils import unescape

from knowledge.parsers.outline import Content, Outline, fence, flow, item, link, table

_ROLE = re.compile(r":([A-Za-z][\w.+-]*(?::[A-Za-z][\w.+-]*)?):`")
_DIRECTIVE = re.compile(
    r"^[ \t]*\.\.[ \t]+(?:\|[^|\n]+\|[ \t]+)?([A-Za-z][\w.+-]*(?::[\w.+-]+)*)[ \t]?::", re.MULTILINE
)
_EXPLICIT_TITLE = re.compile(r"\A(.*?)\s*<([^<>]*)>\Z", re.DOTALL)
# one word a line reads worse
# fmt: off
_NO_TEXT = frozenset((
    "toctree", "include", "literalinclude", "image", "figure", "raw", "graphviz", "uml", "mermaid", "index",
    "only-dev", "contents", "sectnum", "default-domain", "default-role", "highlight", "currentmodule", "module",
    "tabularcolumns", "meta", "todo", "todolist",
))
# fmt: on
# one word a line reads worse
# fmt: off
_CODE = frozenset((
    "code-block", "sourcecode", "code", "prompt", "terminal", "parsed-literal-block", "doctest", "testcode",
    "testoutput",
))
# fmt: on
_PROSE_ROLES = frozenset(("ref", "doc", "term", "abbr", "strike", "numref"))
_LABELS = {
    "versionadded": "Since version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated since version",
    "seealso": "See also:",
}
_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 5,  # never: broken markup keeps its text
    "warning_stream": "",
    "input_encoding": "unicode",
    "syntax_highlight": "none",
    "doctitle_xform": False,
    "sectsubtitle_xform": False,
    "docinfo_xform": False,
    "smart_quotes": False,
    "line_length_limit": 1_000_000,
}


def parse(text: str) -> Content:
    """Read reStructuredText into sections, one a heading, anchored as Sphinx and docutils do."""
    _learn(text)
    tree = publish_doctree(text, settings_overrides=_SETTINGS)
    outline = Outline()
    _section(tree, outline, 0)
    return outline.content()


def _learn(text: str) -> None:
    """Make known the roles and directives that the text uses and docutils lacks.

    docutils drops the text of what it does not know, and keeps its registries for the whole process;
    to register a name twice is harmless.
    """
    for role in {name.lower() for name in _ROLE.findall(text)} - english.roles.keys():
        roles.register_local_role(role, _role)
    for directive in {name.lower() for name in _DIRECTIVE.findall(text)}:
        if directive in _CODE:
            directives.register_directive(directive, _Code)
        elif directive in _NO_TEXT:
            directives.register_directive(directive, _Nothing)
        elif directive not in english.directives:
            directives.register_directive(directive, _Anything)


def _role(name: str, rawtext: str, text: str, *_: object, **__: object) -> tuple[list[Any], list[Any]]:
    """Keep the words of any role: ":doc:`Setting up </intro>`" says "Setting up"."""
    words = unescape(text)
    if titled := _EXPLICIT_TITLE.match(words):
        words = titled[1] or titled[2]
    kind = nodes.inline if name in _PROSE_ROLES else nodes.literal
    return [kind(rawtext, words.lstrip("~!"))], []


class _AnyOption(dict[str, Callable[[str], Any]]):
    """Option names without end: each is taken, none is used."""

    def __missing__(self, name: str) -> Callable[[str], Any]:
        return directives.unchanged


class _Anything(Directive):
    """An unknown directive: its argument and its content are text."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = _AnyOption(any=directives.unchanged)

    def run(self) -> list[nodes.Node]:
        """Write the argument as a paragraph, and parse the content as ordinary text."""
        words = " ".join(filter(None, (_LABELS.get(self.name, ""), *self.arguments)))
        result: list[nodes.Node] = [nodes.paragraph("", "", nodes.Text(words))] if words else []
        holder = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, holder)
        return result + list(holder.children)


class _Code(_Anything):
    """Code with an optional language."""

    def run(self) -> list[nodes.Node]:
        """Keep the code as it stands."""
        code = "\n".join(self.content)
        return [nodes.literal_block(code, code, language=(self.arguments or [""])[0])]


class _Nothing(_Anything):
    """A directive without text for a reader: pictures, listings of pages, files from elsewhere."""

    def run(self) -> list[nodes.Node]:
        """Leave it out."""
        return []


def _section(node: nodes.Element, outline: Outline, level: int) -> None:
    for child in node.children:
        if isinstance(child, nodes.title):
            ids: list[str] = node.get("ids", [])
            outline.heading(max(level, 1), child.astext(), f"#{ids[0]}" if ids else "")
        elif isinstance(child, nodes.section):
            _section(child, outline, level + 1)
        else:
            for block in _blocks(child):
                outline.block(block)


def _blocks(node: nodes.Node) -> Iterator[str]:
    """Write a body element, and what it contains, as readable blocks."""
    if isinstance(node, _SILENT):
        return
    for kind, write in _WRITERS:
        if isinstance(node, kind):
            yield write(node)
            return
    for child in node.children:
        yield from _blocks(child)


def _code(node: nodes.Element) -> str:
    return fence(node.astext(), node.get("language", ""))


def _lines(node: nodes.Element) -> str:
    return "\n".join(_inline(line) for line in node.findall(nodes.line))


def _list(node: nodes.Element) -> str:
    ordered = isinstance(node, nodes.enumerated_list)
    start = int(node.get("start", 1))
    lines = (
        item(f"{number}." if ordered else "-", (block for child in entry.children for block in _blocks(child)))
        for number, entry in enumerate(node.children, start)
        if isinstance(entry, nodes.Element)
    )
    return "\n".join(line for line in lines if line)


def _term(node: nodes.Element) -> str:
    """Write a term with its definition, a field with its value, an option with its description."""
    head, *body = node.children
    words = " ".join(head.astext().split())
    lines = [block for part in body for block in _blocks(part) if block]
    return "\n".join((f"{words}:", *lines)) if lines else words


def _table(node: nodes.Element) -> str:
    rows = [
        ["\n".join(block for part in entry.children for block in _blocks(part)) for entry in row.findall(nodes.entry)]
        for row in node.findall(nodes.row)
    ]
    titles = [_inline(title) for title in node.children if isinstance(title, nodes.title)]
    written = table(rows, header=next(node.findall(nodes.thead), None) is not None)
    return "\n".join((*titles, written))


def _inline(node: nodes.Node) -> str:
    return flow("".join(_pieces(node)))


def _pieces(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Text):
        yield node.astext()
    elif isinstance(node, nodes.literal):
        yield f"`{node.astext()}`"
    elif isinstance(node, nodes.reference):
        yield link("".join(piece for child in node.children for piece in _pieces(child)), node.get("refuri", ""))
    elif isinstance(node, nodes.image):
        yield node.get("alt", "")
    elif isinstance(node, nodes.Element) and not isinstance(node, nodes.system_message):
        for child in node.children:
            yield from _pieces(child)


_SILENT = (nodes.system_message, nodes.comment, nodes.substitution_definition, nodes.target)
_WRITERS: tuple[tuple[type[nodes.Node] | tuple[type[nodes.Node], ...], Callable[[Any], str]], ...] = (
    ((nodes.literal_block, nodes.doctest_block), _code),
    ((nodes.bullet_list, nodes.enumerated_list), _list),
    ((nodes.definition_list_item, nodes.field, nodes.option_list_item), _term),
    (nodes.table, _table),
    (nodes.line_block, _lines),
    ((nodes.TextElement, nodes.Text), _inline),
)
