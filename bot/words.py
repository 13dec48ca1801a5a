"""Texts as comparable words: stems for spaced languages, character pairs for Chinese (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# A Latin word keeps its inner apostrophes; a figure keeps its inner points and commas; Chinese comes in runs.
_TOKEN = re.compile(rf"(?P<han>[{HAN}]+)|(?P<figure>\d+(?:[.,:]\d+)*)|(?P<word>[^\W\d_{HAN}]+(?:['’][^\W\d_{HAN}]+)*)")
_POSSESSIVE = re.compile(r"['’]s$")

NUMBER_WORDS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
    "sixty": 60, "ninety": 90, "hundred": 100,
}  # fmt: skip

# Words that carry the grammar, not the claim. Negations are not here: they change what is said.
STOP_WORDS = frozenset(
    """a about above across after again all also am an and any are as at be because been before being below between
    both but by can could did do does doing down during each either else etc few for from further get gets getting
    got had has have having he her here hers herself him himself his how however i if in into is it its itself just
    let like make makes may maybe me might more most much must my myself need of off on once one ones only onto or
    other our ours ourselves out over own per please quite rather really same shall she should simply since so some
    such take takes taken taking than that the their theirs them themselves then there therefore these they this
    those through thus to too under until up upon us very via want was we were what when where whether which while
    who whom whose why will with within would yes yet you your yours yourself yourselves i'm i've i'd i'll it's
    that's there's what's you're you've you'll we're we've they're let's additionally furthermore moreover overall
    """.split()  # noqa: SIM905 - 200 words read better as prose
)
# Chinese particles, pronouns and question words: a run is cut at them, so that no pair spans one.
_HAN_STOPS = re.compile(
    "什么样|什么|怎么样|怎么办|怎么|怎样|如何|为什么|为何|哪些|哪个|哪里|哪儿|多少|多久|是否|可以|能否|能够|需要|应该|"
    "我们|你们|他们|它们|这个|那个|这些|那些|因为|所以|如果|但是|而且|以及|或者|并且|然后|就是|还是|"
    "[的了吗呢吧啊呀着是在和与或及被把将对从向就都也还而且但若则之其我你您他她它这那哪几请]"
)


# What only asks: "how long" asks for a duration and looks for no "long".
_ASKING = re.compile(
    r"\bhow (?:long|many|much|often|old|far|fast|big|large|high|come)\b|"
    r"\bwhat (?:kinds?|types?|sorts?|happens|else) (?:of|if|to|when)?\b|"
    r"\b(?:tell|show|explain to|help|give|remind) me\b|\bi(?: would|'d)? (?:like|want|need) to (?:know|find out)\b|"
    r"\bi wonder\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One comparable word of a text."""

    key: str  # the stem, the figure, or a pair of Chinese characters
    surface: str  # as written
    start: int  # offset in the text, in characters
    content: bool  # carries a claim, not only the grammar


def words(text: str) -> tuple[Word, ...]:
    """All words of a text in their order; Chinese runs become overlapping pairs of characters."""
    return tuple(_words(text))


def content_keys(text: str) -> frozenset[str]:
    """The keys of the words that carry a text's claims."""
    return frozenset(word.key for word in _words(text) if word.content)


def asked_words(question: str) -> tuple[Word, ...]:
    """The words of a question that name its matter, in their order."""
    bare = _ASKING.sub(lambda match: " " * len(match.group()), question)
    return tuple(word for word in _words(bare) if word.content)


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """The stem of a word in lower case (Snowball English; words of other languages lose little)."""
    import Stemmer  # type: ignore[import-not-found]  # ships no types; loaded with the first word

    # Not kept: its calls are not thread-safe, and making one takes 30 microseconds.
    return str(Stemmer.Stemmer("english").stemWord(_POSSESSIVE.sub("", word.lower().replace("’", "'"))))


def has_han(text: str) -> bool:
    """Whether a text has Chinese characters."""
    return re.search(f"[{HAN}]", text) is not None


def _words(text: str) -> Iterator[Word]:
    for match in _TOKEN.finditer(text):
        surface = match.group()
        if match.lastgroup == "han":
            yield from _pairs(surface, match.start())
        elif match.lastgroup == "figure":
            yield Word(key=surface.replace(",", ""), surface=surface, start=match.start(), content=True)
        elif (value := NUMBER_WORDS.get(surface.lower())) is not None:
            yield Word(key=str(value), surface=surface, start=match.start(), content=value > 1)
        else:
            lowered = surface.lower().replace("’", "'")
            content = lowered not in STOP_WORDS and (len(lowered) > 1 or surface.isupper())
            yield Word(key=stem(surface), surface=surface, start=match.start(), content=content)


def _pairs(run: str, offset: int) -> Iterator[Word]:
    start = 0
    for stop in _HAN_STOPS.finditer(run):
        yield from _cut(run[start : stop.start()], offset + start)
        start = stop.end()
    yield from _cut(run[start:], offset + start)


def _cut(piece: str, offset: int) -> Iterator[Word]:
    """Overlapping pairs of a piece without particles; a lone character stands for itself."""
    width = min(2, len(piece))
    for i in range(len(piece) - width + 1 if piece else 0):
        yield Word(key=piece[i : i + width], surface=piece[i : i + width], start=offset + i, content=True)
