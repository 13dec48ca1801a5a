"""Errors of the adapters package."""

from __future__ import annotations


class AdapterError(Exception):
    """Base of everything that adapters raises on purpose; its text is one sentence for the admin."""


class MovedError(AdapterError):
    """A version is at another stage than whoever wanted to change that had found it at; nothing was changed."""


class GenerationError(AdapterError):
    """A generator could not answer; the pipeline catches it and quotes a passage instead."""


class PromptTooLongError(GenerationError):
    """The prompt leaves no room for an answer; the caller can drop a passage and ask again.

    Attributes:
        tokens: Length of the prompt.
        limit: The longest prompt that would have fitted.
    """

    def __init__(self, *, tokens: int, limit: int) -> None:
        super().__init__(
            f"The prompt has {tokens} tokens but only {limit} fit the model's context; give it fewer passages."
        )
        self.tokens = tokens
        self.limit = limit
