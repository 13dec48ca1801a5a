"""The figures of a time beside those of the time before (pure)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.commands.teaching import wilson
from bot.store.overview import Totals
from bot.texts import say

MEDIAN, SLOW = 0.5, 0.95  # quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time, and the one before that it is compared with."""

    since: datetime
    until: datetime
    before: datetime  # when the time before began
    before_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was counted of a time."""

    totals: Totals
    seconds: Sequence[float]  # that people waited for their answers, ascending


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure as it is shown."""

    name: str
    value: str
    of: str = ""  # what it is made of
    change: str = ""  # against the time before
    verdict: str = ""  # "better", "worse" or ""


def span_of(days: int, now: datetime, midnight: datetime) -> Span:
    """Today until now with yesterday until then, or so many days with as many before.

    Args:
        days: 1 for today.
        now: Aware.
        midnight: When the team's day began.
    """
    if days == 1:
        return Span(
            since=midnight, until=now, before=midnight - timedelta(days=1), before_until=now - timedelta(days=1)
        )
    length = timedelta(days=days)
    return Span(since=now - length, until=now, before=now - 2 * length, before_until=now - length)


def figures_of(now: Measured, before: Measured, language: str) -> tuple[Figure, ...]:
    """All figures, each with its change."""
    return (
        *_counts(now.totals, before.totals, language),
        _rated(now.totals, before.totals, language),
        _liked(now.totals, before.totals, language),
        _waited("today-median", MEDIAN, now.seconds, before.seconds, language),
        _waited("today-slow", SLOW, now.seconds, before.seconds, language),
    )


def quantile(ascending: Sequence[float], share: float) -> float | None:
    """The value that so large a share does not exceed (nearest rank); None of nothing."""
    if not ascending:
        return None
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]


def _counts(now: Totals, before: Totals, language: str) -> tuple[Figure, ...]:
    asked, earlier = now.questions, before.questions
    return (
        Figure(
            name=say("today-questions", language),
            value=str(asked),
            change=_more(asked - earlier, language) if earlier else "",
        ),
        _share("today-answered", (now.answered, asked), (before.answered, earlier), language, more_is="better"),
        _share("today-abstained", (now.abstained, asked), (before.abstained, earlier), language, more_is="worse"),
        Figure(
            name=say("today-handed", language),
            value=str(now.handed_off),
            change=_more(now.handed_off - before.handed_off, language) if earlier or before.handed_off else "",
        ),
    )


def _rated(now: Totals, before: Totals, language: str) -> Figure:
    return _share("today-rated", (now.rated, now.questions), (before.rated, before.questions), language, more_is="")


def _liked(now: Totals, before: Totals, language: str) -> Figure:
    name = say("today-liked", language)
    if not now.ratings:
        return Figure(name=name, value="–", of=say("report-unrated", language))
    low, high = wilson(now.up, now.ratings)
    of = say("today-liked-of", language, up=now.up, rated=now.ratings, low=round(100 * low), high=round(100 * high))
    share = _share("today-liked", (now.up, now.ratings), (before.up, before.ratings), language, more_is="better")
    return Figure(name=name, value=share.value, of=of, change=share.change, verdict=share.verdict)


def _share(key: str, now: tuple[int, int], before: tuple[int, int], language: str, *, more_is: str) -> Figure:
    """A share in percent, and by how many points it changed."""
    (part, whole), (earlier, all_earlier) = now, before
    name = say(key, language)
    if not whole:
        return Figure(name=name, value="–")
    of = say("today-of", language, part=part, whole=whole)
    percent = round(100 * part / whole)
    if not all_earlier:
        return Figure(name=name, value=f"{percent} %", of=of)
    points = percent - round(100 * earlier / all_earlier)
    return Figure(
        name=name,
        value=f"{percent} %",
        of=of,
        change=say("today-points", language, points=_signed(points)) if points else say("today-same", language),
        verdict=_verdict(points, more_is),
    )


def _waited(key: str, share: float, now: Sequence[float], before: Sequence[float], language: str) -> Figure:
    name, value, earlier = say(key, language), quantile(now, share), quantile(before, share)
    if value is None:
        return Figure(name=name, value="–")
    shown = say("today-seconds", language, seconds=f"{value:.1f}")
    if earlier is None:
        return Figure(name=name, value=shown)
    change = round(round(value, 1) - round(earlier, 1), 1)
    return Figure(
        name=name,
        value=shown,
        change=say("today-more-seconds", language, seconds=_signed(change)) if change else say("today-same", language),
        verdict=_verdict(change, "worse"),
    )


def _verdict(change: float, more_is: str) -> str:
    """Whether a change is for the better; "" where it is neither."""
    if not more_is or not change:
        return ""
    return more_is if change > 0 else {"better": "worse", "worse": "better"}[more_is]


def _more(number: int, language: str) -> str:
    return say("today-more", language, number=_signed(number)) if number else say("today-same", language)


def _signed(number: float) -> str:
    """With its sign, a real minus."""
    return f"{number:+}".replace("-", "−")
