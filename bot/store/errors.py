"""Errors of the store."""

from __future__ import annotations

from bot.errors import BotError


class StoreError(BotError):
    """The store cannot do what was asked; its text is one sentence for the admin and holds nobody's words."""


class NotWaitingError(StoreError):
    """There is no such message, or it was taken back: no answer to it is kept."""


class LastOwnerError(StoreError):
    """Without this person nobody would be owner."""
