"""Markdown as HTML that is safe to show, whoever wrote it (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from itertools import pairwise
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup, escape

_CITATION = re.compile(r"\[(\d{1,3})\]")
_ALIGN = re.compile(r"text-align:(left|right|center)")
_EXTERNAL: Final = ("http://", "https://", "mailto:")
_CELLS: Final = frozenset({"th_open", "td_open"})
_WHOLE: Final = 16  # characters of a cell that stays on one line: a price or a date broken in two is hard to read


class _Renderer(RendererHTML):
    """Links lead out of the page, and numbers in brackets open the source that they name."""

    def link_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        token = tokens[index]
        token.attrSet("rel", "noopener noreferrer")
        token.attrSet("target", "_blank")
        return self.renderToken(tokens, index, options, env)

    def table_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        """A table that is wider than its place is scrolled, by keyboard too."""
        return f'<div class="wide" tabindex="0">\n{self.renderToken(tokens, index, options, env)}'

    def table_close(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
    ) -> str:
        return f"{self.renderToken(tokens, index, options, env)}</div>\n"

    def text(self, tokens: Sequence[Token], index: int, options: OptionsDict, env: Mapping[str, Any]) -> str:  # noqa: ARG002 - markdown-it's signature
        opens: Mapping[int, str] = env.get("opens", {})
        labels: Mapping[int, str] = env.get("labels", {})
        pieces = _CITATION.split(tokens[index].content)
        shown = [str(escape(pieces[0]))]
        for number, rest in zip(pieces[1::2], pieces[2::2], strict=True):
            target = opens.get(int(number))
            if target is None:
                shown.append(f"[{number}]")
            else:
                label = escape(labels[int(number)])
                shown.append(
                    f'<button type="button" class="cite" data-opens="{escape(target)}" aria-label="{label}">'
                    f"{number}</button>"
                )
            shown.append(str(escape(rest)))
        return "".join(shown)


def _without_styles(state: StateCore) -> None:
    """Columns are aligned by classes: the page's policy allows no styles in its text."""
    for token in state.tokens:
        style = token.attrs.pop("style", None)
        if style is not None and (found := _ALIGN.search(str(style))):
            token.attrJoin("class", f"align-{found.group(1)}")


def _whole_cells(state: StateCore) -> None:
    """What is short in a table is not broken."""
    for token, content in pairwise(state.tokens):
        if token.type in _CELLS and len(content.content) <= _WHOLE:
            token.attrJoin("class", "whole")


def _markdown() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer).enable(
        ["table", "strikethrough"]
    )
    made.disable(["image"])  # nothing is loaded from elsewhere; what would be a picture is a link
    made.validateLink = lambda url: url.lower().startswith(_EXTERNAL)  # type: ignore[method-assign]  # its documented way
    made.core.ruler.push("without_styles", _without_styles)
    made.core.ruler.push("whole_cells", _whole_cells)
    return made


_MARKDOWN: Final = _markdown()


def render(text: str, *, opens: Mapping[int, str] | None = None, labels: Mapping[int, str] | None = None) -> Markup:
    """Markdown as HTML. HTML in it is shown as it stands; links lead nowhere but to the web and to mail.

    Args:
        text: Markdown.
        opens: By number of a source: the id of what a citation of it opens; others stay text.
        labels: By number of a source: what its citation is called.
    """
    env: MutableMapping[str, Any] = {"opens": opens or {}, "labels": labels or {}}
    return Markup(_MARKDOWN.render(text, env))  # noqa: S704 - that it is safe is what this module is for
