"""Errors of the learning loop."""

from __future__ import annotations

from bot.errors import BotError
from training.schedule import MOST_RATINGS, Fault


class LearningError(BotError):
    """A run cannot begin or go on; one sentence says why and what to do."""


class RunningError(LearningError):
    """A run is going on already; there is one at a time."""


class LimitError(LearningError):
    """A run was ended by a limit of the settings."""


class CancelledRunError(LearningError):
    """Somebody cancelled the run."""


class DiedError(LearningError):
    """The training process ended without a word, as when it is killed."""


class PausedError(LearningError):
    """Nothing is trained until it is resumed."""


class PlanError(LearningError):
    """What somebody gave is no plan.

    Attributes:
        fault: What is wrong with it.
        given: The part that is wrong.
        most: Ratings that can be waited for.
    """

    def __init__(self, sentence: str, *, fault: Fault, given: str) -> None:
        super().__init__(sentence)
        self.fault = fault
        self.given = given
        self.most = MOST_RATINGS
