"""The few sentences of the passages that answer a question, copied word for word (pure).

They are what the generator reads, and what is quoted when nothing that it wrote is supported.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from math import log

from bot.figures import figures
from bot.sentences import split_sentences, unwrapped
from bot.words import asked_words, content_keys
from knowledge.types import Passage

_ASKS_FIGURE = re.compile(
    r"how (?:many|much|long|often|old|far|fast|big|large|high)|when|what (?:year|date|time)|多少|多久|几|何时",
    re.IGNORECASE,
)
_QUOTED_FIGURE = 0.2  # where words alone choose
_RULE = re.compile(r"\s*(?:#{1,6}\s.*|\|?[\s|:-]+\|?|[-=*_]{3,})\s*")  # a heading or a table's ruling
# What begins a section: a heading as Markdown has it, joined to what follows, or a line alone as a chunk of several
# sections has it.
_SECTION = re.compile(r"\s*(?:#{1,6}\s.*|[^\n]*[:：][ \t]*\n\s*\n\s*)", re.DOTALL)
_BLANK = re.compile(r"\n[ \t]*\n\s*\Z")  # a paragraph ends
_ITEM = re.compile(r"\s*(?:[-*+•]\s|\d{1,3}[.)]\s|\|)")
_ITEM_GOES_ON = re.compile(r"(?:[^\n]|\n[ \t]+)\Z")  # what follows is of the same line, or indented


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFeatures:
    """What speaks for a line; of LINE_WEIGHTS the weight of each."""

    meaning: float  # cosine of the question and the line with its heading, [-1, 1]
    words: float  # share of the question's words in the line, rare ones among the lines counting more, [0, 1]
    titled: float  # the same in the line and its passage's titles, [0, 1]
    passage: float  # cosine of the question and the passage, [-1, 1]
    figure: float  # 1 if the question asks for a figure and the line has one, else 0


# Chosen with benchmarks/lines.py on the example knowledge's dev questions and 600 of squad2_en's; figures in
# docs/experiments.md. Only the ratios choose a line; the scale is about that which bot.pipeline.PRIOR was chosen for.
LINE_WEIGHTS = LineFeatures(meaning=1.0, words=0.15, titled=0.3, passage=0.6, figure=0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A sentence of a passage; a list with the line that leads to it is one, a code fence or a table too."""

    passage: int  # number of its passage, from 1
    heading: str  # the passage's innermost title, or its curated question
    text: str  # word for word, with the white space that follows

    @property
    def embedding_text(self) -> str:
        """What the encoder reads: a line alone often does not say what it is about."""
        return f"{self.heading}: {self.text}" if self.heading else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """Consecutive lines of one passage."""

    passage: int  # its number, from 1
    text: str
    score: float  # of the best line; compare it only within one question
    nearest: float  # highest cosine of the question and any line of the passages, [-1, 1]


def lines(passages: Sequence[Passage]) -> tuple[Line, ...]:
    """All lines of some passages, in their order."""
    return tuple(
        Line(
            passage=number,
            heading=passage.stored.chunk.question or next(iter(passage.stored.chunk.title_path[-1:]), ""),
            text=unit,
        )
        for number, passage in enumerate(passages, 1)
        for unit in _units(passage.stored.chunk.text)
    )


def best_extract(
    question: str,
    passages: Sequence[Passage],
    found: Sequence[Line],
    similarities: Sequence[float],
    *,
    max_lines: int = 3,
) -> Extract | None:
    """Choose the lines that answer a question best.

    Args:
        question: As it was searched for.
        passages: What was found, best first.
        found: Their lines, as lines() gave them.
        similarities: Cosine of the question and each line's embedding_text, [-1, 1].
        max_lines: How many consecutive lines at most, >= 1.

    Returns:
        The best line with its better neighbours; None without lines.
    """
    return next(iter(best_extracts(question, passages, found, similarities, max_lines=max_lines, most=1)), None)


def best_extracts(
    question: str,
    passages: Sequence[Passage],
    found: Sequence[Line],
    similarities: Sequence[float],
    *,
    max_lines: int,
    most: int,
    in_paragraph: bool = False,
) -> tuple[Extract, ...]:
    """Choose from each passage the lines that answer a question best.

    Args:
        question: As it was searched for.
        passages: What was found, best first.
        found: Their lines, as lines() gave them.
        similarities: Cosine of the question and each line's embedding_text, [-1, 1].
        max_lines: How many consecutive lines of a passage at most, >= 1.
        most: How many extracts at most.
        in_paragraph: Whether an extract stays within its best line's paragraph: where the encoder does not read the
            question, nothing tells whether the next one is still about it, or what somebody planted there.

    Returns:
        One extract a passage, that of the best line first; none without lines.
    """
    measured = line_features(question, passages, found, similarities)
    scores = [
        sum(weight * value for weight, value in zip(astuple(LINE_WEIGHTS), astuple(one), strict=True))
        for one in measured
    ]
    return extracts(found, scores, similarities, max_lines=max_lines, most=most, in_paragraph=in_paragraph)


def extracts(
    found: Sequence[Line],
    scores: Sequence[float],
    similarities: Sequence[float],
    *,
    max_lines: int,
    most: int,
    in_paragraph: bool = False,
) -> tuple[Extract, ...]:
    """Choose from each passage its best line with its better neighbours; arguments as for best_extracts."""
    own: dict[int, list[int]] = {}
    for i, line in enumerate(found):
        own.setdefault(line.passage, []).append(i)
    best = sorted((max(rows, key=scores.__getitem__) for rows in own.values()), key=lambda i: -scores[i])
    chosen = []
    for i in best[:most]:
        rows = own[found[i].passage]
        texts = [found[row].text for row in rows]
        first, last = (_paragraph if in_paragraph else _section)(texts, i - rows[0])
        start, end = _grown(scores, i, rows[0] + first, rows[0] + last, max_lines)
        text = "".join(line.text for line in found[start:end]).strip()
        chosen.append(Extract(passage=found[i].passage, text=text, score=scores[i], nearest=max(similarities)))
    return tuple(chosen)


def line_features(
    question: str, passages: Sequence[Passage], found: Sequence[Line], similarities: Sequence[float]
) -> list[LineFeatures]:
    """Measure each line against a question; arguments as for best_extracts."""
    titles = [" ".join((*p.stored.chunk.title_path, p.stored.chunk.question)) for p in passages]
    bare = _overlaps(question, [line.text for line in found])
    titled = _overlaps(question, [f"{titles[line.passage - 1]} {line.text}" for line in found])
    asks_figure = _ASKS_FIGURE.search(question) is not None
    return [
        LineFeatures(
            meaning=similarity,
            words=words,
            titled=with_titles,
            passage=passages[line.passage - 1].similarity,
            figure=float(asks_figure and bool(figures(line.text))),
        )
        for line, similarity, words, with_titles in zip(found, similarities, bare, titled, strict=True)
    ]


def quote(question: str, passage_text: str, max_lines: int = 3) -> str:
    """Copy the part of one passage that answers a question best, by words alone.

    Args:
        question: What was asked.
        passage_text: The passage's text, without its title.
        max_lines: Length of the extract at most, in lines as lines() cuts them.

    Returns:
        Consecutive lines, word for word; the start of the passage if nothing in it has a word of the question.
    """
    units = _units(passage_text)
    scores = _overlaps(question, units)
    if _ASKS_FIGURE.search(question):
        scores = [
            score + _QUOTED_FIGURE * bool(score and figures(unit)) for score, unit in zip(scores, units, strict=True)
        ]
    best = max(range(len(units)), key=scores.__getitem__)
    start, end = _grown(scores, best, *_section(units, best), max_lines)
    return "".join(units[start:end]).strip()


def _grown(scores: Sequence[float], best: int, first: int, last: int, wanted: int) -> tuple[int, int]:
    """Start and end of up to so many neighbours of the best line, within its section; on a tie the later one."""
    start, end = best, best + 1
    while end - start < min(wanted, last - first):
        before = scores[start - 1] if start > first else float("-inf")
        after = scores[end] if end < last else float("-inf")
        start, end = (start, end + 1) if after >= before else (start - 1, end)
    return start, end


def _section(texts: Sequence[str], place: int) -> tuple[int, int]:
    """Start and end of the section that a line is in, among the lines of its passage."""
    starts = [i for i, text in enumerate(texts) if _SECTION.fullmatch(text)]
    before, after = [i for i in starts if i <= place], [i for i in starts if i > place]
    return max(before, default=0), min(after, default=len(texts))


def _paragraph(texts: Sequence[str], place: int) -> tuple[int, int]:
    """Start and end of the paragraph that a line is in, among the lines of its passage."""
    ends = [i + 1 for i, text in enumerate(texts) if _BLANK.search(text)]
    before, after = [i for i in ends if i <= place], [i for i in ends if i > place]
    return max(before, default=0), min(after, default=len(texts))


def _overlaps(question: str, texts: Sequence[str]) -> list[float]:
    """For each text the share of the question's words that it has, [0, 1]; rare ones among the texts count more."""
    keys = [content_keys(text) for text in texts]
    frequency = Counter(key for found in keys for key in found)
    asked = {word.key for word in asked_words(question)} & frequency.keys()
    weights = {key: log(1 + len(texts) / frequency[key]) for key in sorted(asked)}
    total = sum(weights.values()) or 1.0
    return [sum(weight for key, weight in weights.items() if key in found) / total for found in keys]


@lru_cache(maxsize=256)
def _units(text: str) -> tuple[str, ...]:
    """Sentences; a list joined to the line that leads to it, headings and table rulings to what follows."""
    units: list[str] = []
    listed = False  # whether the last unit ends in a list
    for sentence in split_sentences(unwrapped(text)):
        item = _ITEM.match(sentence) is not None
        same_item = listed and _ITEM_GOES_ON.search(units[-1]) is not None
        goes_on = bool(units) and (
            same_item or (item and (listed or _leads(units[-1]))) or _RULE.fullmatch(units[-1]) is not None
        )
        if goes_on or (units and not sentence.strip()):
            units[-1] += sentence
        else:
            units.append(sentence)
        listed = item or same_item or (listed and not sentence.strip())
    return tuple(units) or (text,)


def _leads(unit: str) -> bool:
    """Whether a list may follow: the unit ends with a colon."""
    return unit.rstrip().endswith((":", "："))
