"""The gate's reasons in plain words (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.texts import say
from training.gate import Reason

_POINTS: Final = ("gain", "low", "high")  # utility in [-1, 1], told as points of a hundred
_SHARES: Final = ("sure", "needed_sure", "margin")  # of the resamples, or points of a hundred without a sign


def reason_lines(reasons: Sequence[Reason], language: str) -> tuple[str, ...]:
    """One sentence for each reason, with its numbers.

    Args:
        reasons: As the gate gave them.
        language: One of `bot.texts.languages()`.
    """
    return tuple(say(f"gate-{reason.code.value}", language, **_told(reason)) for reason in reasons)


def points(value: float) -> str:
    """A gain in utility as points of a hundred, with its sign: "+4.2"."""
    return f"{100 * value:+.1f}".replace("-0.0", "+0.0")


def _told(reason: Reason) -> dict[str, str | int]:
    told: dict[str, str | int] = {}
    for name, value in reason.values.items():
        if name in _POINTS:
            told[name] = points(value)
        elif name in _SHARES:
            told[name] = round(100 * value)
        else:
            told[name] = round(value)
    return told
