"""What the words themselves say about an intent: a linear layer over hashed words and pieces of words.

An encoder reads the meaning and blurs the wording; where two intents differ by one word ("card arrival", "card delivery
estimate"), the wording tells more. The layer costs a tenth of a millisecond beside an encoding.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.errors import AdapterError
from adapters.intent.match import has_cjk

FEATURES: Final = 2**16  # places that words and pieces are hashed to; 15,000 rows of clinc150 have about 90,000 kinds
PIECES: Final = (2, 3, 4, 5)  # characters of a piece of a word, its borders included
PIECES_CJK: Final = (1, 2, 3)  # of Chinese, which has no borders between words
MAX_CHARS: Final = 1_000  # of a text that are read


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LexicalLayer:
    """A linear layer over the features of `features`, weighted by how rare they are.

    Raises:
        AdapterError: The arrays do not fit each other.
    """

    rarity: NDArray[np.float32]  # inverse document frequency, shape (FEATURES,)
    weight: NDArray[np.float16]  # shape (FEATURES, labels)
    bias: NDArray[np.float32]  # shape (labels,)

    def __post_init__(self) -> None:
        if self.rarity.shape != (FEATURES,) or self.weight.shape != (FEATURES, *self.bias.shape):
            raise AdapterError("The lexical layer does not fit together; train it again.")

    def logits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Scores of each label, about -1 (surely not) to 1 (surely), shape (len(texts), labels)."""
        scores = np.tile(self.bias.astype(np.float64), (len(texts), 1))
        for row, text in enumerate(texts):
            places, values = weigh(text, self.rarity)
            scores[row] += values @ self.weight[places].astype(np.float32)
        return scores


def features(text: str) -> dict[int, int]:
    """How often each word, pair of words and piece of a word occurs in a text, by its hash."""
    found: dict[int, int] = {}
    for feature in _named(unicodedata.normalize("NFKC", text[:MAX_CHARS]).casefold()):
        place = zlib.crc32(feature.encode()) % FEATURES
        found[place] = found.get(place, 0) + 1
    return found


def weigh(text: str, rarity: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The places of a text's features and their weights, a unit vector: (1 + log count) times rarity."""
    return weigh_features(features(text), rarity)


def weigh_features(
    found: Mapping[int, int], rarity: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The same of features that are counted already."""
    places = np.fromiter(found.keys(), dtype=np.int64, count=len(found))
    values = (1.0 + np.log(np.fromiter(found.values(), dtype=np.float32, count=len(found)))) * rarity[places]
    return places, np.asarray(values / max(float(np.linalg.norm(values)), 1e-12), dtype=np.float32)


def _named(text: str) -> Iterator[str]:
    """Every feature under a name that says what it is, so that a word and a piece of the same letters differ."""
    words = "".join(char if unicodedata.category(char)[0] in "LNM" else " " for char in text).split()
    yield from (f"w{word}" for word in words)
    yield from (f"p{first} {second}" for first, second in pairwise(words))
    for word in words:
        lengths, bordered = (PIECES_CJK, word) if has_cjk(word) else (PIECES, f" {word} ")
        for length in lengths:
            yield from (f"c{bordered[i : i + length]}" for i in range(len(bordered) - length + 1))
