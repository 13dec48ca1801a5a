"""Train, dev and test by the hash of the text: an example never changes sides, whatever is added around it."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Final

from training.types import Split

# Of rated questions: the test side decides whether a version serves, so it is large; fixed for ever, since with other
# shares a question that was held out would be learned from.
FEEDBACK_DEV: Final = 0.1
FEEDBACK_TEST: Final = 0.3


def normalised(text: str) -> str:
    """The text that decides the side: NFKC, case folded, runs of white space as one space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def position(text: str) -> float:
    """Where a text stands in [0, 1): the first 8 bytes of the SHA-256 of its normalised form."""
    digest = hashlib.sha256(normalised(text).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split_of(text: str, *, dev_share: float, test_share: float) -> Split:
    """The side of a text.

    Args:
        text: One example.
        dev_share: Share of the dev side, [0, 1).
        test_share: Share of the test side, [0, 1); the test side does not move when dev_share changes.

    Returns:
        TEST for the lowest positions, then DEV, TRAIN for the rest.
    """
    where = position(text)
    if where < test_share:
        return Split.TEST
    return Split.DEV if where < test_share + dev_share else Split.TRAIN


def fold_order(text: str) -> str:
    """A key that sorts texts in an order that has nothing to do with them; equal for equal texts."""
    return hashlib.sha256(f"fold\n{normalised(text)}".encode()).hexdigest()


def kept_back(question: str) -> bool:
    """Whether a rated question is on the test side, which no version that may serve ever learns from."""
    return feedback_side(question) is Split.TEST


def feedback_side(question: str) -> Split:
    """The side of a rated question."""
    return split_of(question, dev_share=FEEDBACK_DEV, test_share=FEEDBACK_TEST)
