"""Errors of the learning loop."""

from __future__ import annotations

from bot.errors import BotError


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
