"""How alike two questions are by their words alone, for those that no encoder reads; made for Chinese (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

# What a question asks for, by the ways to ask it. The order counts: "多少天" has "多少" in it.
_KINDS: Final = (
    ("how long", "多长时间|多少时间|多久|多少个?(?:工作)?[天日月年]|几个?(?:工作)?[天日月年]|什么时候|何时|啥时候"),
    ("why", "为什么|为何|为啥|怎么会|什么原因"),
    ("where", "什么地方|哪里|哪儿|何处"),
    ("how", "怎么[办样做]?|怎样|如何|咋办|咋"),
    ("how much", "多少钱|多少|几[个种次位名]"),
    ("who", "谁"),
    ("what", "哪些|哪个|哪种|什么样|什么|啥"),
    ("whether", "可不可以|能不能|会不会|是不是|有没有|要不要|是否|能否|可否|[吗么嘛]"),
)
_KIND: Final = re.compile("|".join(f"(?P<k{place}>{ways})" for place, (_, ways) in enumerate(_KINDS)))
_NEGATION: Final = re.compile("[不没无未]")
# What carries no matter: particles, pronouns, politeness, and the verbs of being able to and of having to.
_POLITE: Final = "请问|麻烦|谢谢|你好|您好|我?想知道|我们|你们|咱们|一下|一般|通常|大概|已经|需要|想要|应该|可以|能够"
_FILLERS: Final = re.compile(f"{_POLITE}|[的了呢吧啊呀请我你您想要得才能会还就都是在有把被]")
_SURE_FILLERS: Final = re.compile(f"{_POLITE}|[的呢吧啊呀我你您是]")  # of these no word is made, such as "申请"
_RUN: Final = re.compile(r"[a-z0-9]+|[^\W_a-z0-9]+")
_OTHER: Final = 0.5  # of the score, where another thing is asked for or one denies what the other says


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question taken apart."""

    kinds: frozenset[str]
    negated: bool
    pieces: frozenset[str]  # its words, cut where something without matter stood between them
    joined: frozenset[str]  # its words, as if nothing had stood there


def same_matter(one: str, other: str) -> float:
    """Tell how surely two normalised questions ask the same, however they ask it, [0, 1].

    It is the share of their words that both have: a word in another's place ("refund" for "payout") counts twice. Words
    are pairs of neighbouring characters; Latin words and figures are whole.
    """
    if one == other:
        return 1.0
    first, second = _asked(one), _asked(other)
    score = max(_shared(first.pieces, second.pieces), _shared(first.joined, second.joined))
    if first.negated != second.negated or (first.kinds and second.kinds and not first.kinds & second.kinds):
        score *= _OTHER
    return score


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def matter(question: str) -> str:
    """A question without the words that only ask; as it is where nothing would be left."""
    bare = _SURE_FILLERS.sub(" ", _KIND.sub(" ", question))
    return bare if _RUN.search(bare) else question


@lru_cache(maxsize=1 << 14)
def _asked(question: str) -> _Asked:
    kinds = frozenset(_KINDS[int(str(match.lastgroup)[1:])][0] for match in _KIND.finditer(question))
    told = _KIND.sub(" ", question)
    negated = _NEGATION.search(told) is not None
    runs = _RUN.findall(_FILLERS.sub(" ", told))
    return _Asked(kinds, negated, _words(runs), _words(_RUN.findall(_joined(runs))))


def _joined(runs: Sequence[str]) -> str:
    """Runs in one, but for Latin words and figures."""
    return "".join(f" {run} " if run.isascii() else run for run in runs)


def _words(runs: Sequence[str]) -> frozenset[str]:
    return frozenset(word for run in runs for word in _pairs(run))


def _pairs(run: str) -> list[str]:
    """Overlapping pairs of characters; a Latin word, a figure or a lone character whole."""
    if run.isascii() or len(run) == 1:
        return [run]
    return [run[i : i + 2] for i in range(len(run) - 1)]
