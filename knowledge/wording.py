"""How alike two questions are by their words alone, for those that no encoder reads; made for Chinese (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

# What a question asks for, by the ways to ask it. The order counts: "多少天" has "多少" in it.
_KINDS: Final = (
    ("how long", "多长时间|多少时间|多久|多少个?(?:工作)?[天日月年]|几个?(?:工作)?[天日月年]|什么时候|何时|啥时候"),
    # "How" of what has happened is "why".
    ("why", r"为什么|为何|为啥|怎么会|什么原因|(?:怎么(?![办样做])|咋(?!办))(?=\w*了[呢啊呀]?\Z)"),
    ("where", "什么地方|哪里|哪儿|何处"),
    ("what now", "怎么办|咋办"),
    ("how", "怎么[样做]?|怎样|如何|咋"),
    ("how much", "多少钱|多少|几[个种次位名]"),
    ("who", "谁"),
    ("what", "哪些|哪个|哪种|什么样|什么|啥"),
    ("whether", "可不可以|能不能|会不会|是不是|有没有|要不要|是否|能否|可否|[吗么嘛]"),
)
_KIND: Final = re.compile("|".join(f"(?P<k{place}>{ways})" for place, (_, ways) in enumerate(_KINDS)))
# What one may, must or will is another matter, but for the nouns with these characters in them.
_MODES: Final = (
    ("may", "可以|能够|可不可以|可否|(?<![功可性智职节])能(?![力量源耗])"),
    # "Need how long" and "need how to" ask only how.
    ("must", "(?:需要|应该|(?<![重主摘概只想])要(?![求素点是]))(?!多|几|怎|如何|咋)"),
    ("will", "(?<![机社开协])会(?![员议计话])"),
)
_MODE: Final = re.compile("|".join(f"(?P<m{place}>{ways})" for place, (_, ways) in enumerate(_MODES)))
_ANY_MODE: Final = "|".join(ways for _, ways in _MODES)
_NEGATION: Final = re.compile("[不没无未](可以|能|需要|要|应该|会)?")
_PASSIVE: Final = re.compile("被(?![子告动单])")
_DONE: Final = re.compile("了(?:[吗么嘛没]|是吗|是不是)|(?:是否|是不是)已")  # asks whether something has happened
# What is no word of its matter: particles, pronouns, politeness, and the verbs of being able to and of having to.
_POLITE: Final = "请问|麻烦|谢谢|你好|您好|我?想知道|我们|你们|咱们|一下|一般|通常|大概|已经|需要|想要|应该|可以|能够"
_FILLERS: Final = re.compile(f"{_POLITE}|{_PASSIVE.pattern}|{_ANY_MODE}|[的了呢吧啊呀请我你您想要得才还就都是在有把]")
_POLITENESS: Final = re.compile(_POLITE)
_PARTICLES: Final = frozenset("的呢吧啊呀我你您是")
_RUN: Final = re.compile(r"[a-z0-9]+|[^\W_a-z0-9]+")
_OTHER: Final = 0.5  # of the score, where another thing is asked for or one denies what the other says


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question taken apart."""

    kinds: frozenset[str]
    modes: frozenset[str]  # may, must, will; none says nothing
    denied: frozenset[str]  # a verb ("") or its mode: "may I not pay" is not "may I not"
    passive: bool
    done: bool
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
    return score * _OTHER if _differ(first, second) else score


def _differ(one: _Asked, other: _Asked) -> bool:
    """Whether two ask for different things about their words."""
    why = "why" in one.kinds & other.kinds  # "why was it cancelled" asks what "why did you cancel it" does
    return (
        one.denied != other.denied
        or one.done != other.done
        or (one.passive != other.passive and not why)
        or _apart(one.kinds, other.kinds)
        or _apart(one.modes, other.modes)
    )


def _apart(one: frozenset[str], other: frozenset[str]) -> bool:
    return bool(one and other and not one & other)


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def matter(question: str, words: Callable[[str], Sequence[str]]) -> str:
    """A question without the words that only ask; as it is where nothing would be left.

    Args:
        question: As it was asked.
        words: Cuts a text into words, so that none is torn that has a particle in it.
    """
    told = _POLITENESS.sub(" ", _KIND.sub(" ", question))
    bare = " ".join(word for word in words(told) if word not in _PARTICLES)
    return bare if _RUN.search(bare) else question


@lru_cache(maxsize=1 << 14)
def _asked(question: str) -> _Asked:
    told = _KIND.sub(" ", question)
    runs = _RUN.findall(_FILLERS.sub(" ", told))
    return _Asked(
        kinds=_kinds(question),
        modes=frozenset(_MODES[int(str(match.lastgroup)[1:])][0] for match in _MODE.finditer(question)),
        denied=frozenset("mode" if match[1] else "" for match in _NEGATION.finditer(told)),
        passive=_PASSIVE.search(told) is not None,
        done=_DONE.search(question) is not None,
        pieces=_words(runs),
        joined=_words(_RUN.findall(_joined(runs))),
    )


def _kinds(question: str) -> frozenset[str]:
    kinds = {_KINDS[int(str(match.lastgroup)[1:])][0] for match in _KIND.finditer(question)}
    if "what now" in kinds and "了" not in question:
        kinds.add("how")  # "I want to cancel, what now?", not "it was cancelled, what now?"
    return frozenset(kinds)


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
