"""Errors of the training package."""

from __future__ import annotations


class TrainingError(Exception):
    """Base of everything that training raises on purpose; its text is one sentence for the admin."""
