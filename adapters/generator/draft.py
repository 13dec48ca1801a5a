"""Guesses at how an answer goes on, taken from the prompt (pure).

Grounded answers copy: what followed the last few tokens where they stood before is often what follows now. A guess
costs little, since the model checks all of its tokens in one step.

Source: Prompt lookup decoding, A. Saxena 2023; the check is that of speculative decoding, arXiv:2211.17192.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

GRAMS: Final = (3, 2)  # tokens that must match, longest first
LONGEST: Final = 10  # tokens guessed at most
_FIRST: Final = 4  # tokens guessed before anything is known of the answer


class PromptLookup:
    """One row's tokens, prompt and answer, and what followed each pair and triple of them."""

    def __init__(self, prompt: Sequence[int]) -> None:
        self.tokens: list[int] = []
        self._ends: dict[tuple[int, ...], int] = {}  # a gram -> position behind its last occurrence but the newest
        self._pending: list[tuple[int, ...]] = []  # grams that end at the newest token: nothing follows them yet
        self._trust = _FIRST
        self.extend(prompt)

    def extend(self, tokens: Sequence[int]) -> None:
        """Add tokens that are certain."""
        for token in tokens:
            for gram in self._pending:
                self._ends[gram] = len(self.tokens)
            self.tokens.append(token)
            self._pending = [tuple(self.tokens[-size:]) for size in GRAMS if len(self.tokens) >= size]

    def draft(self, most: int) -> list[int]:
        """Guess the next tokens; [] where the last ones stood nowhere before."""
        for gram in self._pending:
            if (start := self._ends.get(gram)) is not None:
                return self.tokens[start : start + min(self._trust, most)]
        return []

    def learn(self, drafted: int, accepted: int) -> None:
        """Guess more after guesses that were right to the end, less after others."""
        if drafted:
            self._trust = min(LONGEST, self._trust + 3) if accepted == drafted else max(2, accepted + 1)
