"""Errors of the store."""

from __future__ import annotations

from bot.errors import BotError


class StoreError(BotError):
    """The store cannot do what was asked; its text is one sentence for the admin and holds nobody's words."""


class LastOwnerError(StoreError):
    """Without this person nobody would be owner."""
