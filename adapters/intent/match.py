"""Texts that are almost one of the examples, told without any model."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from adapters.intent.config import OUT_OF_SCOPE, IntentDefinition
from adapters.types import Intent

MIN_RATIO: Final = 0.8  # similarity from which two texts are almost the same, see benchmarks/intent.py
MAX_CHARS: Final = 40  # a longer text says more than any canned reply answers


class ExampleMatcher:
    """Finds the example that a short text repeats, but for spelling, punctuation, emoji and width of letters.

    The encoder that comes with the bot reads little Chinese; short greetings, thanks and calls for a human
    are the same few everywhere, and this recognises them.
    """

    def __init__(self, definitions: Sequence[IntentDefinition]) -> None:
        self._label_of: dict[str, str] = {}
        for definition in definitions:
            for example in definition.examples:
                self._label_of.setdefault(plain(example), definition.name)
        self._label_of.pop("", None)

    def match(self, text: str) -> Intent | None:
        """The intent whose example the text repeats.

        Args:
            text: One message.

        Returns:
            The intent, its confidence being how alike the two texts are, in [MIN_RATIO, 1]; None where no
            example is that near.
        """
        wanted = plain(text)
        if not wanted or len(wanted) > MAX_CHARS:
            return None
        label = self._label_of.get(wanted)
        if label is not None:
            return _intent(label, 1.0)
        from rapidfuzz import fuzz, process

        best = process.extractOne(wanted, list(self._label_of), scorer=fuzz.ratio, score_cutoff=100 * MIN_RATIO)
        return None if best is None else _intent(self._label_of[best[0]], best[1] / 100)


def plain(text: str) -> str:
    """Reduce a text to its letters, digits and the spaces between words: NFKC, case folded, nothing else kept."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(char if unicodedata.category(char)[0] in "LNM" else " " for char in folded)
    return " ".join(kept.split())


def _intent(label: str, confidence: float) -> Intent:
    return Intent(label=label, confidence=confidence, in_scope=0.0 if label == OUT_OF_SCOPE else 1.0)
