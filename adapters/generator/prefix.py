"""Keys and values of earlier prompts, kept for prompts that begin alike.

Every prompt of the bot begins with the same system turn, and those about the same passages share much more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch import Tensor

MOST_TOKENS: Final = 3_000  # kept in all; 23 KB a token for SmolLM2-135M in bfloat16, twice that in float32
SHORTEST: Final = 8  # tokens in common that are worth a copy


class PrefixStore:
    """The newest prompts, the least recently used forgotten first."""

    def __init__(self, *, most_tokens: int = MOST_TOKENS) -> None:
        self._most_tokens = most_tokens
        self._kept: OrderedDict[tuple[int, ...], Tensor] = OrderedDict()

    def find(self, prompt: Sequence[int]) -> tuple[int, Tensor | None]:
        """What is known of a prompt's beginning.

        Returns:
            How many of its tokens, and keys and values of at least that many columns, shape
            (layers, heads, columns, head_dim); 0 and None if it is not worth it. The last token is never among them:
            its hidden state is wanted.
        """
        best, found = 0, None
        for kept in self._kept:
            if (shared := min(_shared(kept, prompt), len(prompt) - 1)) > best:
                best, found = shared, kept
        if found is None or best < SHORTEST:
            return 0, None
        self._kept.move_to_end(found)
        return best, self._kept[found]

    def keep(self, prompt: Sequence[int], states: Tensor) -> None:
        """Keep a prompt's keys and values; nothing else may write to their memory."""
        if len(prompt) > self._most_tokens:
            return
        self._kept[tuple(prompt)] = states
        while sum(map(len, self._kept)) > self._most_tokens:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two sequences begin with alike."""
    shorter = min(len(one), len(other))
    return next((number for number in range(shorter) if one[number] != other[number]), shorter)
