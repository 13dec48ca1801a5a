"""Text to sentences, also while it is still being written (pure).

The rules look back at the sentence so far and ahead to the end of the next word, never further. That is what makes
the sentences of a stream the sentences of the whole text; splitters that weigh a paragraph at once cannot promise it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.words import HAN

# Where a sentence may end: a full stop with its closing quotes before white space, a Chinese one, a line break.
_CANDIDATE = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?=\s)\s+|[。！？]+[”’」』）】\"']*\s*|[ \t]*\n\s*")
_FENCE = re.compile(r"[ \t]*```.*?\n[ \t]*```[^\n]*(?:\n\s*|\Z)", re.DOTALL)
_OPEN_FENCE = re.compile(r"[ \t]*```")
_BLOCK = re.compile(r"[ \t]*(?:[-*+•]\s|\d{1,3}[.)]\s|#{1,6}\s|\||>|```)")  # a line that starts something new
_MARKER = re.compile(r"\s*(?:\d{1,3}[.)]|[-*+•])\s*")  # a list item's number or bullet, alone
_HEADING = re.compile(r"\s*(?:#{1,6}\s|\|)")
_LINE_END = re.compile(r"[.!?…:;。！？：；][\"'”’)\]*_]*$")
_INITIAL = re.compile(r"(?:^|[\s(])(?:[A-Z]|[A-Za-z](?:\.[A-Za-z])+)\.$")  # "J.", "e.g.", "U.S.", "p.m."
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"“])(?:approx|art|ca|cf|co|corp|dept|dr|ed|est|excl|fig|inc|incl|jr|ltd|max|min|mr|mrs|ms|mt|no|nos|"
    r"p|pp|prof|resp|sec|sr|st|v|ver|vol|vs|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.$",
    re.IGNORECASE,
)
_SETTLED = re.compile(rf"\S\s|[{HAN}]")  # the next word is whole


def split_sentences(text: str) -> tuple[str, ...]:
    """Split a text into sentences.

    Args:
        text: English, Chinese or both, plain or Markdown; a code fence counts as one sentence.

    Returns:
        The sentences word for word, each with the white space that follows it: joined, they are the text.
    """
    return tuple(_sentences(text))


class SentenceBuffer:
    """Collects the pieces of a stream and gives back each sentence as soon as it is complete.

    All that feed and flush return is what split_sentences makes of the whole text, however the stream was cut.
    """

    def __init__(self) -> None:
        self._pending = ""

    def feed(self, piece: str) -> list[str]:
        """Take the next piece of the stream; return the sentences that it completed, with their white space."""
        self._pending += piece
        complete: list[str] = []
        while (end := _first_end(self._pending)) and _SETTLED.search(self._pending, end):
            complete.append(self._pending[:end])
            self._pending = self._pending[end:]
        return complete

    def flush(self) -> list[str]:
        """End of the stream: return what is left, empty the buffer."""
        rest, self._pending = self._pending, ""
        return list(split_sentences(rest))


def _sentences(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = _first_end(text[start:]) or len(text) - start
        yield text[start : start + end]
        start += end


def _first_end(text: str) -> int:
    """Where the first sentence ends, its white space included; 0 if the text does not show it."""
    if _OPEN_FENCE.match(text):
        fence = _FENCE.match(text)
        return fence.end() if fence else 0
    for candidate in _CANDIDATE.finditer(text):
        before, after = text[: candidate.start()], text[candidate.end() :]
        if not before.strip() or not after:
            continue
        if _ends_here(before, candidate.group(), after):
            return candidate.end()
    return 0


def _ends_here(before: str, mark: str, after: str) -> bool:
    if before.rpartition("\n")[2].count("`") % 2:  # inside inline code
        return False
    stopped = mark.strip() != ""
    if "\n" in mark and _breaks_line(before + mark.rstrip(), mark, after):
        return True
    return stopped and _stops(before + mark.rstrip(), mark, after)


def _breaks_line(line: str, mark: str, after: str) -> bool:
    """Whether a line break ends the sentence: text wrapped at a column goes on, lists and headings do not."""
    return (
        mark.count("\n") > 1
        or _BLOCK.match(after) is not None
        or _HEADING.match(line.rpartition("\n")[2]) is not None
        or _LINE_END.search(line) is not None
    )


def _stops(sentence: str, mark: str, after: str) -> bool:
    """Whether a full stop ends the sentence: not after a list number, an initial or an abbreviation."""
    if mark[0] in "。！？":
        return True
    if _MARKER.fullmatch(sentence.rpartition("\n")[2]) or after[0].islower():
        return False
    if not mark.startswith(".") or mark.startswith(".."):
        return True
    return _ABBREVIATION.search(sentence) is None and not (
        _INITIAL.search(sentence) is not None and not sentence.endswith(("p.m.", "a.m."))
    )
