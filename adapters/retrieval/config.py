"""Numbers of a retrieval adapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from adapters.errors import AdapterError

# However people rate, what retrieval finds hopeless (5 % by its own score) stays refused: 1 - .7 * 2.94 is below the
# log odds of the default least answerability, .35.
SHIFT_RANGE: Final = (-1.0, 1.0)
FACTOR_RANGE: Final = (0.7, 1.4)
CURATED_RANGE: Final = (0.6, 1.0)  # cosines; lower ones join questions that merely share a topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How a team's own ratings move the score by which the bot refuses; the defaults change nothing.

    Raises:
        AdapterError: A number is so far off that refusing would be switched off, or answering.
    """

    shift: float = 0.0  # log odds, SHIFT_RANGE
    retrieval: float = 1.0  # factors of what each part counts for, FACTOR_RANGE
    head: float = 1.0
    likelihood: float = 1.0

    def __post_init__(self) -> None:
        bounds = {"shift": SHIFT_RANGE} | dict.fromkeys(("retrieval", "head", "likelihood"), FACTOR_RANGE)
        for name, (low, high) in bounds.items():
            if not low <= getattr(self, name) <= high:
                raise AdapterError(f"{name} must be {low} to {high}, not {getattr(self, name)}; train it again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """How far a remembered question speaks for another one."""

    floor: float  # cosine from which it does, [0, 1)
    strength: float  # what a passage's score gains where the very same question was asked, [0, 1]

    def __post_init__(self) -> None:
        if not (0 <= self.floor < 1 and 0 <= self.strength <= 1):
            raise AdapterError(f"floor and strength must be 0 to 1, not {self.floor} and {self.strength}.")
