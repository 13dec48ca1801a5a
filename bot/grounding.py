"""Whether the passages back a sentence of the answer (pure).

A sentence passes when one passage has its numbers, its names and enough of its other words close together, and does
not say the opposite. Word overlap is a blunt judge, but it sees what small models do wrong: figures and names that
are nowhere, denials of what is written, prose from elsewhere. Its figures are in docs/experiments.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.extract import quote as quote  # noqa: PLC0414 - kept under its first name
from bot.figures import Figure, figures, same
from bot.polarity import contradiction, is_cue
from bot.sentences import split_sentences
from bot.words import STOP_WORDS, Word, content_keys, has_han, stem, words

# Chosen with benchmarks/thresholds.py (n = 100 + 50): for the untuned generator every looser value shows more wrong
# answers than right ones gained, since the extract that is quoted instead is right more often. See docs/experiments.md.
DEFAULT_SUPPORT = 1.0
_TITLE_CHARACTERS = 200  # a first block no longer than this is a title or a curated question
_NAME_WEIGHT = 2.0  # a name or a figure says more than another word
_NEWS_WEIGHT = 3.0  # what the question does not have is what the sentence claims
_WIDEST = (
    1  # sentences of a passage that may back one sentence together; two once made "open on Saturdays" of a closed door
)

_FRAMING = re.compile(
    r"^\s*(?:[-*+•]|\d{1,3}[.)])?\s*"
    r"(?:(?:according to|based on|as (?:stated|mentioned|described) in|in|from)\s+(?:the|this)\s+"
    r"(?:provided |given |above )?(?:text|passage|article|context|information|document|documentation|page)s?"
    r"(?: above| provided)?\s*,?|the (?:text|passage|article|document) (?:says|states|mentions|explains)(?: that)?|"
    r"the (?:correct )?answer is:?|answer:|sure,|yes,)\s*",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"`([^`\n]+)`|(https?://[^\s)>\]\"']+|www\.[^\s)>\]\"']+)|([\w.+-]+@[\w-]+(?:\.[\w-]+)+)")
_IDENTIFIER = re.compile(
    r"(?<![\w/.-])[A-Za-z_][A-Za-z0-9_]*(?:[./:_-][A-Za-z0-9_]+)*(?!\w)"  # config.set, page_size, SHA256
    r"|(?<![\w.])\d+(?:\.\d+){2,}(?!\w)|(?<![\w:])\d{1,2}:\d{2}(?![\w:])"  # 1.2.3, 10.0.0.1, 12:30
)
_CODE_LIKE = re.compile(r"[_/]|\d|[a-z][A-Z]|[A-Za-z]\.[A-Za-z]{2}")
_CAPITALISED = re.compile(r"[^\W\d_a-z][\w'’-]*")
# The word after this has its capital for standing first.
_STARTS = re.compile(r"(?:^|[.!?:]\s|\n)[\s\"'“‘(\[*_>#-]*(?:\d{1,3}[.)]\s+)?$")
_ASKS_FIGURE = re.compile(
    r"\bhow (?:many|much|long|old|far|big|large)\b|\b(?:what|which) year\b|多少|多久|几[个天次年月]", re.IGNORECASE
)
_FIGURE_LIKE = re.compile(
    r"\b(?:no|none|free|all|any|both|half|once|twice|daily|weekly|monthly|yearly|unlimited|never|immediately|instantly|"
    r"until|as (?:long|many|much))\b|不限|免费|立即|马上|全部|没有|无",
    re.IGNORECASE,
)
_YES_OR_NO = re.compile(
    r"(?:^|[.,;:!?]\s+)(?:and |but |so )?(?:do|does|did|is|are|was|were|can|could|may|might|must|should|will|would|has|"
    r"have|had)\b|吗|是否|能否|可否|可不可以|能不能|[是有]没有|是不是",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """What backs a sentence."""

    supported: bool
    score: float  # share of the sentence's words that the passage has close together, [0, 1]; 0 if a rule was broken
    passage: int | None  # number of the passage that backs it best, from 1; None if none does
    reason: str  # in plain words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What a sentence says, piece by piece."""

    text: str
    words: tuple[Word, ...]
    weights: dict[str, float]  # content key -> weight
    news: frozenset[str]  # content keys that the question does not have
    figures: tuple[Figure, ...]
    literals: tuple[str, ...]  # code, addresses and identifiers: must be there to the letter, case apart
    names: tuple[str, ...]  # capitalised words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One sentence of a passage."""

    text: str
    words: tuple[Word, ...]
    keys: frozenset[str]
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """A passage, taken apart."""

    text: str  # lower case
    title: frozenset[str]
    lines: tuple[_Line, ...]
    keys: frozenset[str]
    figures: tuple[Figure, ...]


def check_sentence(
    sentence: str, passages: Sequence[str], question: str, *, minimum: float = DEFAULT_SUPPORT
) -> Support:
    """Check one sentence of an answer against the passages that it was written from.

    Args:
        sentence: One sentence, with its list marker and white space if it has them.
        passages: Their texts, best first; a title goes before the text, with an empty line between.
        question: What was asked: its names may be repeated, but it proves nothing.
        minimum: Score from which a sentence is supported, [0, 1].

    Returns:
        The verdict of the passage that backs the sentence best.
    """
    claim = _claim(sentence, question)
    if reason := _says_nothing(claim, question):
        return _refused(reason)
    verdicts = [
        (0.0 if reason else score, score, -number, reason)
        for number, (score, reason) in enumerate((_against(claim, _evidence(text), question) for text in passages), 1)
    ]
    score, closeness, number, reason = max(verdicts, default=(0.0, 0.0, 0, "there are no passages"))
    if score >= minimum and score > 0:
        return Support(supported=True, score=score, passage=-number, reason=f"passage {-number} says so")
    if not reason:
        reason = f"only {closeness:.0%} of its words stand close together in a passage"
    return Support(supported=False, score=score, passage=-number if score else None, reason=reason)


def _refused(reason: str) -> Support:
    return Support(supported=False, score=0.0, passage=None, reason=reason)


def _says_nothing(claim: _Claim, question: str) -> str:
    """Why a sentence is no answer whatever the passages say; "" if it may be one."""
    if claim.text.rstrip().endswith(("?", "？")):
        return "it asks instead of answering"
    if not claim.weights:
        return "it says nothing that could be checked"
    if question and not claim.news and not _YES_OR_NO.search(question) and not any(map(is_cue, claim.words)):
        return "it only repeats the question"
    if _ASKS_FIGURE.search(question) and not (_has_news(claim, question) or _FIGURE_LIKE.search(claim.text)):
        return "it has no figure, and the question asks for one"
    return ""


def _has_news(claim: _Claim, question: str) -> bool:
    asked = figures(question)
    return any(not any(same(figure, known) for known in asked) for figure in claim.figures)


def _claim(sentence: str, question: str) -> _Claim:
    asked = content_keys(question)
    text = _FRAMING.sub("", sentence, count=1)
    found = words(text)
    literals = tuple(_literals(text))
    names = tuple(_names(text))
    heavy = {stem(name) for name in names}
    weights = {
        word.key: (_NAME_WEIGHT if word.key in heavy or word.surface[0].isdigit() else 1.0)
        * (1.0 if word.key in asked else _NEWS_WEIGHT)
        for word in found
        if word.content and not is_cue(word)
    }
    return _Claim(
        text=text,
        words=found,
        weights=weights,
        news=frozenset(weights) - asked,
        figures=figures(text),
        literals=literals,
        names=names,
    )


def _literals(text: str) -> Iterator[str]:
    for match in _QUOTED.finditer(text):
        yield next(group for group in match.groups() if group).rstrip(".,;:!?")
    for match in _IDENTIFIER.finditer(_QUOTED.sub(" ", text)):
        if _CODE_LIKE.search(match.group()) and not figures(match.group()):
            yield match.group()


def _names(text: str) -> Iterator[str]:
    for match in _CAPITALISED.finditer(text):
        word = match.group()
        if word.lower() in STOP_WORDS or _STARTS.search(text, 0, match.start()) or has_han(word):
            continue
        yield word


@lru_cache(maxsize=64)
def _evidence(passage: str) -> _Evidence:
    title, _, body = passage.partition("\n\n")
    if not body.strip() or len(title) > _TITLE_CHARACTERS:
        title, body = "", passage
    lines = tuple(_line(sentence) for sentence in split_sentences(body))
    keys = frozenset(word.key for word in words(passage))
    return _Evidence(
        text=passage.lower(),
        title=frozenset(word.key for word in words(title)),
        lines=lines,
        keys=keys,
        figures=figures(passage),
    )


def _line(sentence: str) -> _Line:
    found = words(sentence)
    return _Line(text=sentence, words=found, keys=frozenset(word.key for word in found), figures=figures(sentence))


def _against(claim: _Claim, evidence: _Evidence, question: str) -> tuple[float, str]:
    """Share of the claim's words that a passage has close together, and the rule that it breaks, if any."""
    width, start, score = _closest(claim, evidence)
    if reason := _foreign(claim, evidence, question) or _misquoted(claim, evidence):
        return score, reason
    window = "".join(line.text for line in evidence.lines[start : start + width])
    if surface := contradiction(claim.text, window):
        return score, f'about "{surface}" the passage says the opposite'
    return score, ""


def _foreign(claim: _Claim, evidence: _Evidence, question: str) -> str:
    asked = question.lower()
    for figure in claim.figures:
        if not any(same(figure, known) for known in evidence.figures):
            return f'number "{figure.surface}" is not in the passages'
    for literal in claim.literals:
        if literal.lower() not in evidence.text and literal.lower() not in asked:
            return f'"{literal}" is not in the passages'
    for name in claim.names:
        if name.lower() not in evidence.text and stem(name) not in evidence.keys and name.lower() not in asked:
            return f'name "{name}" is not in the passages'
    return ""


def _closest(claim: _Claim, evidence: _Evidence) -> tuple[int, int, float]:
    """Width, start and score of the sentences that cover the claim best; wider ones only where one is not enough."""
    total = sum(claim.weights.values())
    best = (1, 0, 0.0)
    for width in range(1, min(_WIDEST, len(evidence.lines)) + 1):
        for start in range(len(evidence.lines) - width + 1):
            keys = evidence.title.union(*(line.keys for line in evidence.lines[start : start + width]))
            score = sum(weight for key, weight in claim.weights.items() if key in keys) / total
            if score > best[2]:
                best = (width, start, score)
        if best[2] >= DEFAULT_SUPPORT:
            break
    return best


def _misquoted(claim: _Claim, evidence: _Evidence) -> str:
    """A figure taken from another sentence than the one about the matter, which has its own."""
    bare = {key: weight for key, weight in claim.weights.items() if not key[0].isdigit()}

    def about(line: _Line) -> float:
        return sum(weight for key, weight in bare.items() if key in line.keys)

    for figure in claim.figures:
        holders = [line for line in evidence.lines if any(same(figure, known) for known in line.figures)]
        rivals = [
            line
            for line in evidence.lines
            if line not in holders and any(known.unit == figure.unit != "" for known in line.figures)
        ]
        best = max(map(about, holders), default=None)
        if best is not None and any(about(rival) > best for rival in rivals):
            return f'number "{figure.surface}" belongs to something else in the passage'
    return ""
