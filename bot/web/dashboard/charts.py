"""Where the pieces of the small charts stand (pure); the template draws them as SVG, so that no script is needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.commands.teaching import wilson
from bot.store.overview import Day

WIDTH: Final = 640.0  # of a chart, in its own units
HEIGHT: Final = 200.0
LEFT: Final = 76.0  # of the plot: room for the numbers of the axis, in the larger letters of a phone
TOP: Final = 14.0
BOTTOM: Final = 26.0  # room for the dates
SMOOTH_DAYS: Final = 7  # ratings are few: each point of the 👍 line counts so many days up to its own

_PLOT = HEIGHT - TOP - BOTTOM
_HALF = 6.0  # of a point's width: a day by itself is seen too


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a bar."""

    kind: str  # "answered", "abstained", "handed"
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A day."""

    day: Day
    x: float
    width: float
    middle: float
    pieces: tuple[Piece, ...]
    dated: bool  # whether its date is written beneath it


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A height at which a number stands beside the axis."""

    y: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Questions per day."""

    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The share of 👍 of the days up to one."""

    start: datetime
    middle: float  # x
    y: float
    share: float  # [0, 1]
    low: float  # Wilson's 95 % interval
    high: float
    ratings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """The share of 👍 over time; pieces without a gap."""

    runs: tuple[tuple[Share, ...], ...]
    lines: tuple[Line, ...]

    def path(self, run: Sequence[Share]) -> str:
        """A line through the points, as SVG's path."""
        return "M" + " L".join(f"{x:.1f} {one.y:.1f}" for x, one in _spread(run))

    def area(self, run: Sequence[Share]) -> str:
        """What lies between the ends of their intervals."""
        spread = _spread(run)
        above = [f"{x:.1f} {_height(one.high):.1f}" for x, one in spread]
        below = [f"{x:.1f} {_height(one.low):.1f}" for x, one in reversed(spread)]
        return "M" + " L".join(above + below) + " Z"


def bars_of(days: Sequence[Day]) -> Bars:
    """A stacked bar for each day."""
    step = _step(max((one.questions for one in days), default=0))
    top = step * max(1, math.ceil(max((one.questions for one in days), default=0) / step))
    slot = (WIDTH - LEFT) / max(1, len(days))
    every = max(1, math.ceil(len(days) / 8))
    bars = tuple(
        Bar(
            day=day,
            x=LEFT + slot * number + slot * 0.15,
            width=slot * 0.7,
            middle=LEFT + slot * (number + 0.5),
            pieces=_pieces(day, top),
            dated=number % every == every // 2,
        )
        for number, day in enumerate(days)
    )
    lines = tuple(Line(y=_height(value / top), label=str(value)) for value in range(0, top + 1, step))
    return Bars(bars=bars, lines=lines)


def shares_of(days: Sequence[Day], shown: int) -> Shares:
    """The share of 👍 with its interval.

    Args:
        days: Of which the last are shown; those before count for the first of them.
        shown: How many.
    """
    slot = (WIDTH - LEFT) / max(1, shown)
    runs: list[list[Share]] = [[]]
    for number in range(shown):
        at = len(days) - shown + number
        window = days[max(0, at - SMOOTH_DAYS + 1) : at + 1]
        up, ratings = sum(one.up for one in window), sum(one.up + one.down for one in window)
        if not ratings:
            runs.append([])
            continue
        low, high = wilson(up, ratings)
        share = up / ratings
        runs[-1].append(
            Share(
                start=days[at].start,
                middle=LEFT + slot * (number + 0.5),
                y=_height(share),
                share=share,
                low=low,
                high=high,
                ratings=ratings,
            )
        )
    lines = tuple(Line(y=_height(value / 100), label=f"{value} %") for value in (0, 50, 100))
    return Shares(runs=tuple(tuple(run) for run in runs if run), lines=lines)


def _spread(run: Sequence[Share]) -> Sequence[tuple[float, Share]]:
    """Points with their x; the ends reach a little further, so that one alone has a width."""
    first, last = run[0], run[-1]
    return [(first.middle - _HALF, first), *((one.middle, one) for one in run), (last.middle + _HALF, last)]


def _pieces(day: Day, top: int) -> tuple[Piece, ...]:
    below, pieces = 0, list[Piece]()
    for kind, count in (("answered", day.answered), ("abstained", day.abstained), ("handed", day.handed_off)):
        if count:
            height = _PLOT * count / top
            pieces.append(Piece(kind=kind, y=_height(below / top) - height, height=height))
            below += count
    return tuple(pieces)


def _height(share: float) -> float:
    """The y of a share of the plot's height."""
    return TOP + _PLOT * (1 - share)


def _step(most: int) -> int:
    """A round number between the lines of an axis, of which there are four or so."""
    rough = max(1.0, most / 4)
    size = 10 ** math.floor(math.log10(rough))
    return next(int(size * one) for one in (1, 2, 5, 10) if size * one >= rough)
