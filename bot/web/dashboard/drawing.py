"""Gains with their intervals as marks on one line (pure); templates draw them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from bot.learning.dossier import Dossier
from bot.learning.verdicts import points

LEAST: Final = 0.05  # what the line shows to either side at least: small gains stay small to the eye
WIDTH: Final = 200.0  # units of the drawing; no gain lies in its middle
EDGE: Final = 6.0  # room at both ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A gain with its interval, on the line and in words."""

    at: float
    low: float
    high: float
    value: str  # points of a hundred
    between: tuple[str, str]
    side: str  # "better", "worse" or "unsure": whether the interval leaves no gain out


def gains_of(found: Iterable[Dossier]) -> Mapping[str, Mark]:
    """Lay the gains of versions on one line."""
    gains = {
        one.version.name: one.report.decision.gain
        for one in found
        if one.report is not None and one.report.decision.gain is not None
    }
    reach = max([LEAST, *(abs(end) for gain in gains.values() for end in (gain.low, gain.high, gain.value))])

    def place(value: float) -> float:
        return round(WIDTH / 2 + value / reach * (WIDTH / 2 - EDGE), 1)

    return {
        name: Mark(
            at=place(gain.value),
            low=place(gain.low),
            high=place(gain.high),
            value=points(gain.value),
            between=(points(gain.low), points(gain.high)),
            side="better" if gain.low > 0 else "worse" if gain.high < 0 else "unsure",
        )
        for name, gain in gains.items()
    }
