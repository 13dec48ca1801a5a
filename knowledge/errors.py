"""Errors of the knowledge package."""

from __future__ import annotations

from knowledge.types import ProblemKind


class KnowledgeError(Exception):
    """Base of everything that knowledge raises on purpose; its text is one sentence for the admin."""


class UnreadableError(KnowledgeError):
    """One file or page cannot be read; knowledge.sources turns it into a Problem."""

    def __init__(self, kind: ProblemKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
