"""Errors of the training package."""

from __future__ import annotations


class TrainingError(Exception):
    """Base of everything that training raises on purpose; its text is one sentence for the admin."""


class TooFewError(TrainingError):
    """There is too little to learn from.

    Attributes:
        have: Examples that there are.
        need: Examples that are needed.
    """

    def __init__(self, have: int, need: int) -> None:
        super().__init__(f"There are {have} examples to learn from, and {need} are needed: {need - have} are missing.")
        self.have = have
        self.need = need
