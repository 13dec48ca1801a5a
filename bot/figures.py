"""Numbers, quantities and dates in a text, in a form in which equal ones are equal (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from bot.words import NUMBER_WORDS

_UNITS = {
    "second": "s sec secs second seconds 秒 秒钟",
    "minute": "min mins minute minutes 分钟",
    "hour": "h hr hrs hour hours 小时 个小时",
    "day": "d day days 天 日",
    "week": "week weeks 周 星期",
    "month": "month months 个月 月",
    "year": "yr yrs year years 年",
    "percent": "% percent ％",
    "dollar": "$ usd dollar dollars 美元",
    "euro": "€ eur euro euros 欧元",
    "pound": "£ gbp pound pounds 英镑",
    "yuan": "¥ ￥ cny rmb yuan 元 块",
    "kilobyte": "kb kib kilobyte kilobytes",
    "megabyte": "mb mib megabyte megabytes",
    "gigabyte": "gb gib gigabyte gigabytes",
    "terabyte": "tb tib terabyte terabytes",
    "time": "x times 次 倍",
}
_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names.split()}
_HAN_UNITS = sorted((name for name in _UNIT_OF if name[0] > "\u3000"), key=len, reverse=True)
_SCALES = {
    "k": 1_000, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000,
    "千": 1_000, "万": 10_000, "亿": 100_000_000,
}  # fmt: skip
_HAN_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
_HAN_MEASURES = "个名位台条份种项页号层步件张" + "".join({name[0] for name in _HAN_UNITS})
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH = "|".join(f"{month[:3]}(?:{month[3:]})?" if month != "may" else "may" for month in _MONTHS)

_ISO = re.compile(r"(?<![\w-])(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?![\w-])")
_HAN_DATE = re.compile(r"(?:(?P<y>\d{4})\s*年\s*)?(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*[日号]")
_DAY_FIRST = re.compile(
    rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<m>{_MONTH})\b\.?(?:,?\s+(?P<y>\d{{4}}))?", re.IGNORECASE
)
_MONTH_FIRST = re.compile(
    rf"\b(?P<m>{_MONTH})\b\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s+(?P<y>\d{{4}}))?", re.IGNORECASE
)
_DATES = (_ISO, _HAN_DATE, _DAY_FIRST, _MONTH_FIRST)
# A number that is not part of a version, an address, a time or an identifier; letters may follow as its unit.
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.:/#-])(?P<sign>[$€£¥￥]\s?)?(?P<value>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?P<glued>[A-Za-z]+)?(?![A-Za-z0-9_]|[.,:/-]\d)"
)
_RANGE = re.compile(r"(?<=\d)\s?[-–—~～至到]\s?(?=\d)")
_WORD_NUMBER = re.compile(rf"\b({'|'.join(NUMBER_WORDS)})\b", re.IGNORECASE)
_HAN_NUMBER = re.compile(
    rf"(?P<value>[一二两三四五六七八九]?十[一二三四五六七八九]?|[零一二两三四五六七八九])(?=(?P<measure>[{_HAN_MEASURES}]))"
)
_HAN_PERCENT = re.compile(r"百分之\s*(?P<value>\d+(?:\.\d+)?)")
_RANGE_END = re.compile(r" to \d+(?:[.,]\d+)*")
_NEXT_WORDS = re.compile(r"[\s-]{0,2}([A-Za-z%％]+)(?:[\s-]([A-Za-z]+))?")
_ORDINAL_BEFORE = re.compile(r"(?:\bstep|\bno\.|\bnumber|第|步骤)\s*$", re.IGNORECASE)
_LIST_NUMBER = re.compile(r"(?:^|\n)\s*\d{1,3}[.)](?=\s)|\[\d{1,2}\]")  # "1. Open", and a source's number "[2]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number with its unit, or a date."""

    value: str  # "1000", "3.5", or a date as "2026-11-24", its unknown parts as "?"
    unit: str  # a name such as "day" or "percent", "date", or "" when none is known
    surface: str  # as written


def figures(text: str) -> tuple[Figure, ...]:
    """Every number, quantity and date; the numbers of lists, steps and sources are left out."""
    text = _LIST_NUMBER.sub(lambda match: " " * len(match.group()), text)
    dates: list[Figure] = []
    for pattern in _DATES:
        dates += [_date(match) for match in pattern.finditer(text)]
        text = pattern.sub(" ; ", text)
    text = _HAN_PERCENT.sub(r"\g<value>%", _RANGE.sub(" to ", text))
    return (*dates, *_numbers(text), *_spelled(text))


def same(said: Figure, known: Figure) -> bool:
    """Whether a known figure backs the one that was said; a unit counts where both have one."""
    if said.unit == "date" or known.unit == "date":
        return said.unit == known.unit and all(
            a in ("?", b) for a, b in zip(said.value.split("-"), known.value.split("-"), strict=True)
        )
    return said.value == known.value and (not said.unit or not known.unit or said.unit == known.unit)


def _date(match: re.Match[str]) -> Figure:
    year, month, day = match["y"] or "?", match["m"], match["d"]
    number = month if month.isdigit() else str([name[:3] for name in _MONTHS].index(month[:3].lower()) + 1)
    return Figure(value=f"{year}-{int(number)}-{int(day)}", unit="date", surface=match.group())


def _numbers(text: str) -> Iterator[Figure]:
    for match in _NUMBER.finditer(text):
        if _ORDINAL_BEFORE.search(text, 0, match.start()):
            continue
        value = Decimal(match["value"].replace(",", ""))
        glued = (match["glued"] or "").lower()
        if glued and glued not in _UNIT_OF and glued not in _SCALES:
            continue
        sign = _UNIT_OF.get((match["sign"] or "").strip(), "")
        scale, unit = _after(glued, text[match.end() : match.end() + 40])
        yield Figure(value=_plain(value * scale), unit=sign or unit, surface=match.group().strip())


def _after(glued: str, rest: str) -> tuple[int, str]:
    """The scale and the unit that follow a number: "k users", " million dollars", "个月", " business days"."""
    scale = _SCALES.get(glued, 1)
    if (span := _RANGE_END.match(rest)) is not None:  # "30 to 60 days": both are days
        rest = rest[span.end() :]
    if glued in _UNIT_OF:
        return 1, _UNIT_OF[glued]
    if (han := rest.lstrip()[:1]) in _SCALES and han > "\u3000":
        scale, rest = _SCALES[han], rest.lstrip()[1:]
    for name in _HAN_UNITS:
        if rest.lstrip().startswith(name):
            return scale, _UNIT_OF[name]
    following = _NEXT_WORDS.match(rest)
    found = [word.lower() for word in following.groups() if word] if following else []
    if found and found[0] in _SCALES and not glued:
        scale = _SCALES[found[0]]
    units = [_UNIT_OF[word] for word in found if (word in _UNIT_OF and len(word) != 1) or word in "%％"]
    return scale, units[0] if units else ""


def _spelled(text: str) -> Iterator[Figure]:
    for match in _WORD_NUMBER.finditer(text):
        value = NUMBER_WORDS[match.group().lower()]
        scale, unit = _after("", text[match.end() : match.end() + 40])
        if value != 1 or unit:  # "one of them" counts nothing
            yield Figure(value=_plain(Decimal(value) * scale), unit=unit, surface=match.group())
    for match in _HAN_NUMBER.finditer(text):
        tens, ten, ones = match["value"].rpartition("十")
        value = (_HAN_DIGITS.get(tens, 1) * 10 if ten else 0) + _HAN_DIGITS.get(ones, 0)
        _, unit = _after("", text[match.end() : match.end() + 4])
        if value != 1 or unit:
            yield Figure(value=str(value), unit=unit, surface=match["value"])


def _plain(value: Decimal | str) -> str:
    return f"{Decimal(value).normalize():f}"
