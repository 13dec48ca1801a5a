"""Who says yes and who says no: negated words and opposites of two texts against each other (pure)."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from bot.words import HAN, Word, stem, words

_Polarities: TypeAlias = Mapping[str, frozenset[bool]]

_CUES = frozenset(
    "not no never without cannot none neither nor nobody nothing unable lack lacks lacking hardly".split()  # noqa: SIM905 - as prose
)
_HAN_CUE = re.compile(
    r"不(?!仅|但|过|同|断|少|久|管|论|妨|禁)|没(?!关系|事)|无(?!论|线|疑|数|限)|未(?!来)|别(?=[^人的])|勿|禁止|无法"
)
_ENDS_SCOPE = re.compile(
    r"[.,;:!?。，；：！？()（）\n]|\b(?:but|and|so|because|if|unless|until|when|while|then|that)\b", re.IGNORECASE
)
# What turns a whole clause into a denial; "without a fee" or "no fee" denies the fee alone.
_DENIES = re.compile(rf"\b(?:not|never|cannot|unable|neither)\b|n['’]t\b|{_HAN_CUE.pattern}", re.IGNORECASE)
_SCOPE_WORDS = 4  # content words after "not" that it is taken to deny ...
_SHORTER_SCOPE = {"no": 2, "without": 1, "lack": 2, "lacks": 2, "lacking": 2}  # ... and after these
_HAN_SCOPE = 6  # characters after 不
_NOT_ONLY = re.compile(r"\s+(?:only|just|necessarily|to\s+mention)\b", re.IGNORECASE)
_OPPOSITES = (
    "enable disable", "enabled disabled", "before after", "allow forbid", "allow prohibit", "allow block",
    "allowed forbidden", "permit prohibit", "include exclude", "increase decrease", "raise lower", "minimum maximum",
    "min max", "free paid", "required optional", "mandatory optional", "always never", "accept reject",
    "accept decline", "approve reject", "open close", "start stop", "start end", "begin end", "first last",
    "public private", "internal external", "upgrade downgrade", "online offline", "same different", "higher lower",
    "more less", "most least", "more fewer", "earlier later", "import export", "success failure", "succeed fail",
    "inside outside", "early late", "lock unlock", "encrypt decrypt", "connect disconnect", "activate deactivate",
    "install uninstall", "visible hidden", "manual automatic", "manually automatically", "temporary permanent",
    "temporarily permanently", "annual monthly", "yearly monthly", "buyer seller", "debit credit", "sent received",
    "send receive", "win lose", "north south", "east west", "left right", "male female", "old new", "add remove",
    "支持 禁止", "启用 禁用", "开启 关闭", "打开 关闭", "之前 之后", "允许 禁止", "最多 最少", "最大 最小", "增加 减少",
    "免费 付费", "公开 私有", "自动 手动", "升级 降级", "收入 支出", "提高 降低", "接受 拒绝",
)  # fmt: skip
_PREFIXES = ("un", "in", "im", "ir", "dis", "non")


def _opposites() -> Mapping[str, frozenset[str]]:
    table: defaultdict[str, set[str]] = defaultdict(set)
    for pair in _OPPOSITES:
        one, other = (stem(word) for word in pair.split())
        table[one].add(other)
        table[other].add(one)
    return {key: frozenset(values) for key, values in table.items()}


_OPPOSITE = _opposites()


def is_cue(word: Word) -> bool:
    """Whether a word denies what follows: it is part of no claim by itself."""
    lowered = word.surface.lower().replace("’", "'")
    return lowered in _CUES or lowered.endswith("n't")


def contradiction(said: str, known: str) -> str:
    """The word on which two texts disagree, as the first one has it; "" if there is none.

    They disagree where one denies a word that the other states, where one has the opposite of the other's word, and
    where the first states what the clause of the second that is nearest to it denies.
    """
    spoken = words(said)
    mine, theirs = _polarities(said, spoken), _polarities(known, words(known))
    key = next((key for key in mine if _disagree(key, mine, theirs)), "")
    if not key and not _DENIES.search(said):
        key = _denied_clause(mine, known)
    return next((word.surface for word in spoken if word.key == key), "")


def _disagree(key: str, mine: _Polarities, theirs: _Polarities) -> bool:
    if key in theirs:
        return not mine[key] & theirs[key]
    return any(
        opposite in theirs and opposite not in mine and mine[key] & theirs[opposite] for opposite in _opposites_of(key)
    )


def _denied_clause(mine: _Polarities, known: str) -> str:
    """A word that is also in the clause nearest to what was said, if that clause is a denial."""
    shared, denied, key = 0, False, ""
    for clause in _ENDS_SCOPE.split(known):
        common = [key for key in mine if key in {word.key for word in words(clause) if word.content}]
        denies = _DENIES.search(clause) is not None
        if len(common) > shared or (len(common) == shared and denied and not denies):
            shared, denied, key = len(common), denies, next(iter(common), "")
    return key if denied else ""


def _polarities(text: str, found: tuple[Word, ...]) -> _Polarities:
    """For each word that carries meaning, whether it is denied: False, True, or both.

    Both for one that stands twice, and for one before the "not" of its clause ("exports are not possible").
    """
    spans = [*_spans(text, found), *_han_spans(text)]
    ends = [match.start() for match in _ENDS_SCOPE.finditer(text)]
    clauses = {bisect_right(ends, match.start()) for match in _DENIES.finditer(text)}
    table: defaultdict[str, set[bool]] = defaultdict(set)
    for word in found:
        if not (word.content or word.key in _OPPOSITE) or is_cue(word):
            continue
        denied = any(start <= word.start < end for start, end in spans)
        unclear = not denied and bisect_right(ends, word.start) in clauses
        table[word.key] |= {True, False} if unclear else {denied}
    return {key: frozenset(values) for key, values in table.items()}


def _opposites_of(key: str) -> Iterator[str]:
    yield from _OPPOSITE.get(key, ())
    for prefix in _PREFIXES:
        yield prefix + key
        if key.startswith(prefix) and len(key) > len(prefix) + 2:
            yield key.removeprefix(prefix)


def _spans(text: str, found: tuple[Word, ...]) -> Iterator[tuple[int, int]]:
    ends = [match.start() for match in _ENDS_SCOPE.finditer(text)]
    for i, word in enumerate(found):
        after = word.start + len(word.surface)
        if (
            not is_cue(word)
            or _NOT_ONLY.match(text, after)
            or (word.surface.lower() == "no" and text[after : after + 1] == ",")
        ):
            continue
        denied = [later for later in found[i + 1 :] if later.content][
            : _SHORTER_SCOPE.get(word.surface.lower(), _SCOPE_WORDS)
        ]
        reach = denied[-1].start + 1 if denied else after
        clause = bisect_right(ends, after)
        yield after, min(reach, ends[clause] if clause < len(ends) else reach)


def _han_spans(text: str) -> Iterator[tuple[int, int]]:
    for cue in _HAN_CUE.finditer(text):
        run = re.compile(f"[{HAN}A-Za-z0-9 ]*").match(text, cue.end())
        yield cue.start(), min(cue.end() + _HAN_SCOPE, run.end() if run else cue.end())
