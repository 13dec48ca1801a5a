"""Texts that are almost one of the examples, told without any model."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from adapters.intent.config import OUT_OF_SCOPE, IntentDefinition
from adapters.types import Intent

# From which likeness two texts are almost the same; benchmarks/intent_builtin.py prints what each catches and misses.
MIN_RATIO: Final = 0.8
MIN_RATIO_CJK: Final = 0.6  # a Chinese character says as much as a short word, so one that differs weighs more
MAX_CHARS: Final = 40  # a longer text says more than any canned reply answers
NEAR_CONFIDENCE: Final = 0.95  # of a near match; none of the near matches in benchmarks/intent_builtin.py is wrong


class ExampleMatcher:
    """Finds the example that a short text repeats, but for spelling, punctuation, emoji and width of letters.

    The encoder that comes with the bot reads little Chinese; short greetings, thanks and calls for a human
    are the same few everywhere, and this recognises them.
    """

    def __init__(
        self,
        definitions: Sequence[IntentDefinition],
        *,
        min_ratio: float = MIN_RATIO,
        min_ratio_cjk: float = MIN_RATIO_CJK,
    ) -> None:
        """Keep the examples.

        Args:
            definitions: Intents with examples; where two share one, the first has it.
            min_ratio: Likeness from which a text is almost an example, [0, 1].
            min_ratio_cjk: The same for a text with Chinese or Japanese characters.
        """
        self._min_ratio, self._min_ratio_cjk = min_ratio, min_ratio_cjk
        self._label_of: dict[str, str] = {}
        for definition in definitions:
            for example in definition.examples:
                self._label_of.setdefault(plain(example), definition.name)
        self._label_of.pop("", None)
        self._known = tuple(self._label_of)

    def match(self, text: str) -> Intent | None:
        """The intent whose example the text repeats.

        Args:
            text: One message.

        Returns:
            The intent of the nearest example; None where no example is near enough.
        """
        wanted = plain(text)
        if not wanted or len(wanted) > MAX_CHARS:
            return None
        label = self._label_of.get(wanted)
        if label is not None:
            return _intent(label, 1.0)
        from rapidfuzz import fuzz, process

        cutoff = self._min_ratio_cjk if has_cjk(wanted) else self._min_ratio
        best = process.extractOne(wanted, self._known, scorer=fuzz.ratio, score_cutoff=100 * cutoff)
        return None if best is None else _intent(self._label_of[best[0]], NEAR_CONFIDENCE)


def plain(text: str) -> str:
    """Reduce a text to letters, digits and the spaces between words: NFKC, case folded; no spaces in Chinese."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(char if unicodedata.category(char)[0] in "LNM" else " " for char in folded).split()
    return ("" if has_cjk(folded) else " ").join(kept)


def has_cjk(text: str) -> bool:
    """Whether a text has characters that Chinese is written in."""
    return any("\u3400" <= char <= "\u9fff" for char in text)


def _intent(label: str, confidence: float) -> Intent:
    return Intent(label=label, confidence=confidence, in_scope=0.0 if label == OUT_OF_SCOPE else 1.0)
