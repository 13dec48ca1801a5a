"""Text to sentences, also while it is still being written (pure).

The layout (paragraphs, lists, tables, headings, code) ends what it ends; in running text sentencex says whether a
sentence stops. It is asked with the sentence so far and the next word, never with more. That is what makes the
sentences of a stream the sentences of the whole text; weighing a paragraph at once could not promise it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate, pairwise

import sentencex

from bot.words import HAN

# Where a sentence may end: a full stop with its closing quotes before white space, a Chinese one, a line break.
_CANDIDATE = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?=\s)\s+|[。！？]+[”’」』）】\"']*\s*|[ \t]*\n\s*")
_FENCE = re.compile(r"[ \t]*```.*?\n[ \t]*```[^\n]*(?:\n\s*|\Z)", re.DOTALL)
_FENCED = re.compile(rf"^({_FENCE.pattern})", re.DOTALL | re.MULTILINE)
_EMPTY_LINES = re.compile(r"(\n(?:[ \t]*\n)+)")
_OPEN_FENCE = re.compile(r"[ \t]*```")
_BLOCK = re.compile(r"[ \t]*(?:[-*+•]\s|\d{1,3}[.)]\s|#{1,6}\s|\||>|```)")  # a line that starts something new
_MARKER = re.compile(r"\s*(?:\d{1,3}[.)]|[-*+•])\s*")  # a list item's number or bullet, alone
_HEADING = re.compile(r"\s*(?:#{1,6}\s|\|)")
_LEAD_END = re.compile(r"[:：][\"'”’)\]*_]*$")
_CLOSERS = re.compile(r"(?<=[.!?…])[)\]*_]+$")  # sentencex would take them for the next sentence's first characters
# What sentencex does not know.
_ABBREVIATION = re.compile(r"(?:^|[\s(\"“])(?:approx|ed|est|excl|incl|max|min|ms|resp|vol)\.$", re.IGNORECASE)
_ADDRESS = re.compile(r"\S*[/@]\S*(?=[.!?…]$)")  # its last letter would pass for an initial
_WORD = re.compile(r"[*_\[`•]*(\S+)")  # without the Markdown before it
_WRAPPED = range(60, 121)  # widths of paragraphs that were wrapped; shorter lines are a list's, longer ones paragraphs
_COLUMN = 79  # a line that the next word would take beyond it was wrapped, also where some lines are longer
_HAN_BOTH = re.compile(rf"[{HAN}，。！？；：、]{{2}}")
_SETTLED = re.compile(rf"\S\s|[{HAN}]")  # the next word is whole


def split_sentences(text: str) -> tuple[str, ...]:
    """Split a text into sentences.

    Args:
        text: English, Chinese or both, plain or Markdown; a code fence counts as one sentence.

    Returns:
        The sentences word for word, each with the white space that follows it: joined, they are the text.
    """
    return tuple(_sentences(text))


def unwrapped(text: str) -> str:
    """Join the lines of text that was wrapped at a column.

    A line was wrapped where the next word would not have fitted into it any more; every other line break was meant.

    Args:
        text: As for split_sentences.

    Returns:
        The same words; a space for each such line break, nothing between Chinese characters.
    """
    return "".join(
        piece if _OPEN_FENCE.match(piece) else "".join(map(_one_line, _EMPTY_LINES.split(piece)))
        for piece in _FENCED.split(text)
    )


def _one_line(paragraph: str) -> str:
    """Join the wrapped lines of a paragraph; what is only white space stays as it is."""
    rows = paragraph.split("\n")
    width = max(map(len, rows))
    joined = rows[0]
    for before, row in pairwise(rows):
        word = next(iter(row.split(maxsplit=1)), "")
        full = bool(word and before.strip()) and width in _WRAPPED and len(before) + 1 + len(word) > min(width, _COLUMN)
        if full and not _breaks_line(before.rstrip(), "\n", row):
            joined = joined.rstrip() + ("" if _HAN_BOTH.match(before.rstrip()[-1] + word[0]) else " ") + row.lstrip()
        else:
            joined += "\n" + row
    return joined


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
        or _LEAD_END.search(line) is not None
        or (line.endswith(";") and not after[0].islower())
    )


def _stops(sentence: str, mark: str, after: str) -> bool:
    """Whether a full stop ends the sentence: not after a list number, an initial or an abbreviation."""
    if mark[0] in "。！？":
        return True
    if _MARKER.fullmatch(sentence.rpartition("\n")[2]) or after[0].islower():
        return False
    word = _WORD.match(after)
    return _ABBREVIATION.search(sentence) is None and _parts(sentence, word.group(1) if word else after)


@lru_cache(maxsize=4_096)
def _parts(sentence: str, word: str) -> bool:
    """Whether sentencex ends a sentence before a word; text wrapped at a column is one line to it."""
    start = _ADDRESS.sub("there", " ".join(_CLOSERS.sub("", sentence).split()))
    pieces = sentencex.segment("en", f"{start} {word}")
    return len(start) + 1 in accumulate(map(len, pieces[:-1]))
