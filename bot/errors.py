"""Errors of the bot package."""

from __future__ import annotations


class BotError(Exception):
    """Base of everything that bot raises on purpose; its text is one sentence for the person who reads it."""
