"""The fast engine: a plain Llama on the CPU, with guesses from the prompt and kept prompt beginnings.

Each row owns one line of the key-value buffers, filled from column 0; a step writes every row's new keys and values
behind its own length, and a mask hides the columns beyond. A step computes each row's newest token and the guesses
behind it; of those, the ones that the model would have chosen itself are kept, so the answer is the greedy one.
What the others left in the buffers is overwritten by the next step.

Heavy: imports torch. Import it where a model is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import torch
from torch.nn import functional

from adapters.generator.draft import LONGEST, PromptLookup
from adapters.generator.engine import choose, mean_likelihood
from adapters.generator.lean import LeanLlama
from adapters.generator.prefix import PrefixStore
from adapters.generator.worker import UNSCORED, Admitted, Token

if TYPE_CHECKING:
    from torch import Tensor

_GROWTH: Final = 256  # columns by which the buffers grow
_CHUNK: Final = 512  # tokens of a prompt computed together
_STEP_GUESSES: Final = 24  # tokens guessed in one step by all rows together: more are no longer nearly free


class LeanEngine:
    """A batch of rows over one model. Not thread-safe: one worker drives it."""

    def __init__(self, model: LeanLlama, *, max_rows: int, speculate: bool = True, reuse: bool = True) -> None:
        """Take a model.

        Args:
            model: On the CPU.
            max_rows: How many rows fit at most.
            speculate: Guess ahead from the prompt.
            reuse: Keep the keys and values of prompts for others that begin alike.
        """
        self._model = model
        self._max_rows = max_rows
        self._speculate = speculate
        self._prefixes = PrefixStore() if reuse else None
        self._lookups: list[PromptLookup] = []  # by row; the newest token of each is not in the buffers yet
        self._lengths: list[int] = []  # columns filled, by row
        self._columns = 0
        self._states = torch.empty(0)  # (layers, rows, 2K, columns, d)
        self._by_layer: tuple[Tensor, ...] = ()
        self._reserve(_GROWTH)

    @property
    def rows(self) -> int:
        """How many rows are being generated."""
        return len(self._lengths)

    @torch.inference_mode()
    def admit(self, prompt: Sequence[int], scored: range = UNSCORED) -> Admitted:
        """Add a row with a prompt of at least one token; `scored` are places in it, none of them the first."""
        if self.rows == self._max_rows:
            raise RuntimeError(f"All {self._max_rows} rows are taken.")
        self._reserve(len(prompt))
        row = self.rows
        # What is scored is read anew, with the place before it.
        known = self._recall(row, prompt, scored.start - 1 if scored else len(prompt) - 1)
        states = self._read(row, prompt[known:], known)  # (tokens read, D)
        hidden = states[-1]
        if self._prefixes is not None:
            self._prefixes.keep(prompt, self._states[:, row, :, : len(prompt)].clone())
        token = choose(self._model.logits(hidden[None]))[0]
        lookup = PromptLookup(prompt)
        lookup.extend([token.id])
        self._lookups.append(lookup)
        self._lengths.append(len(prompt))
        likelihood = None
        if scored:
            before = states[scored.start - 1 - known : scored.stop - 1 - known]
            likelihood = mean_likelihood(self._model.logits(before), torch.tensor(prompt), scored)
        return Admitted(token=token, hidden=hidden.float().numpy(), likelihood=likelihood)

    @torch.inference_mode()
    def step(self) -> list[list[Token]]:
        """Generate at least one more token for every row, by position."""
        share = max(_STEP_GUESSES // self.rows, 1) if self._speculate else 0
        drafts = [lookup.draft(share) for lookup in self._lookups]
        self._reserve(max(self._lengths) + 1 + LONGEST)
        stepping = _Stepping(self._model, self._by_layer, self._lengths, [len(draft) + 1 for draft in drafts])
        tokens = [
            token for lookup, draft in zip(self._lookups, drafts, strict=True) for token in (lookup.tokens[-1], *draft)
        ]
        hidden = self._model.forward(torch.tensor(tokens), stepping.positions, stepping.attend)
        chosen = choose(self._model.logits(hidden))
        return [self._accept(row, draft, chosen) for row, draft in enumerate(drafts)]

    def _accept(self, row: int, draft: Sequence[int], chosen: list[Token]) -> list[Token]:
        """Take a row's own tokens from the front of what was chosen; those that follow a wrong guess mean nothing."""
        own = chosen[: len(draft) + 1]
        del chosen[: len(draft) + 1]
        right = next((place for place, guess in enumerate(draft) if guess != own[place].id), len(draft))
        kept = own[: right + 1]
        self._lookups[row].learn(len(draft), right)
        self._lookups[row].extend([token.id for token in kept])
        self._lengths[row] += len(kept)
        return kept

    @torch.inference_mode()
    def release(self, row: int) -> None:
        """Remove a row; the last row takes its position."""
        last = self.rows - 1
        if row != last:
            length = self._lengths[last]
            self._states[:, row, :, :length] = self._states[:, last, :, :length]
            self._lengths[row], self._lookups[row] = length, self._lookups[last]
        self._lengths.pop()
        self._lookups.pop()

    def reset(self) -> None:
        """Remove all rows, and with them the buffers and the kept prompts."""
        self._lengths.clear()
        self._lookups.clear()
        if self._prefixes is not None:
            self._prefixes.clear()
        self._columns = 0
        self._states, self._by_layer = torch.empty(0), ()  # let go first: a lack of memory may be why
        self._reserve(_GROWTH)

    def _recall(self, row: int, prompt: Sequence[int], most: int) -> int:
        """Fill a row with what is known of a prompt's beginning, so many tokens at most; how many."""
        if self._prefixes is None:
            return 0
        known, states = self._prefixes.find(prompt)
        known = min(known, most)
        if states is not None:
            self._states[:, row, :, :known] = states[:, :, :known]
        return known

    def _read(self, row: int, tokens: Sequence[int], start: int) -> Tensor:
        """Fill a row with tokens from a column on; their hidden states, shape (tokens, D)."""
        hidden = []
        for first in range(0, len(tokens), _CHUNK):
            chunk = tokens[first : first + _CHUNK]
            reading = _Reading(self._model, self._states[:, row], start + first, len(chunk))
            positions = torch.arange(start + first, start + first + len(chunk))
            hidden.append(self._model.forward(torch.tensor(chunk), positions, reading.attend))
        return torch.cat(hidden)

    def _reserve(self, columns: int) -> None:
        """Make room for so many columns."""
        if columns <= self._columns:
            return
        self._columns = -(-columns // _GROWTH) * _GROWTH
        model = self._model
        shape = (model.layers, self._max_rows, 2 * model.kv_heads, self._columns, model.head_dim)
        # Zeros, not uninitialised memory: a NaN under the mask would still spread (0 * NaN is NaN).
        grown = torch.zeros(shape, dtype=model.cache_dtype)
        for row, length in enumerate(self._lengths):
            grown[:, row, :, :length] = self._states[:, row, :, :length]
        self._states, self._by_layer = grown, grown.unbind()


class _Reading:
    """Attention of one row's new tokens, which follow what is in its buffers already."""

    def __init__(self, model: LeanLlama, states: Tensor, start: int, count: int) -> None:
        self._model = model
        self._states = states  # (layers, 2K, columns, d), the row's own
        self._start, self._end = start, start + count
        self._mask: Tensor | None = None
        if start:
            visible = torch.arange(self._end) <= torch.arange(start, self._end)[:, None]
            self._mask = _as_bias(visible, model.cache_dtype)  # (tokens, columns)

    def attend(self, layer: int, queries: Tensor, states: Tensor) -> Tensor:
        """As `Attend` says."""
        model, own = self._model, self._states[layer]
        own[:, self._start : self._end] = states.transpose(0, 1)
        groups = model.heads // model.kv_heads
        keys = own[: model.kv_heads, : self._end].repeat_interleave(groups, dim=0)
        values = own[model.kv_heads :, : self._end].repeat_interleave(groups, dim=0)
        seen = functional.scaled_dot_product_attention(
            queries.transpose(0, 1)[None], keys[None], values[None], attn_mask=self._mask, is_causal=self._mask is None
        )  # (1, H, tokens, d)
        return seen[0].transpose(0, 1).reshape(len(queries), -1)


class _Stepping:
    """Attention of a step: a few tokens of every row, each seeing its own row up to itself.

    The heads that share keys stand side by side as if they were queries, so that keys are read once for all of them.
    """

    def __init__(
        self, model: LeanLlama, states: Sequence[Tensor], lengths: Sequence[int], counts: Sequence[int]
    ) -> None:
        self._model, self._states = model, states
        self._rows, self._most = len(counts), max(counts)
        self._starts = list(lengths)
        self._ragged = min(counts) != self._most
        ends = [length + count for length, count in zip(lengths, counts, strict=True)]
        self._columns = max(ends)
        self.row = torch.tensor([row for row, count in enumerate(counts) for _ in range(count)])  # (N,)
        self.place = torch.tensor([place for count in counts for place in range(count)])  # (N,), in its row
        first = torch.tensor(self._starts)  # (rows,)
        self.positions = first[self.row] + self.place  # (N,)
        self._mask: Tensor | None = None
        if self._most > 1 or min(ends) != self._columns:
            last = first[:, None] + torch.arange(self._most)  # (rows, most)
            visible = torch.arange(self._columns) <= last[..., None]  # (rows, most, columns)
            groups = model.heads // model.kv_heads
            self._mask = _as_bias(visible, model.cache_dtype).repeat(1, groups, 1)[:, None]

    def attend(self, layer: int, queries: Tensor, states: Tensor) -> Tensor:
        """As `Attend` says."""
        model, rows, most = self._model, self._rows, self._most
        own = self._states[layer]  # (max_rows, 2K, columns, d)
        if rows == 1:
            own[0, :, self._starts[0] : self._columns] = states.transpose(0, 1)
        else:
            own[self.row, :, self.positions] = states.to(own.dtype)
        if most == 1:
            return self._seen(own, queries.view(rows, model.kv_heads, -1, model.head_dim)).reshape(rows, -1)
        if self._ragged:
            padded = queries.new_zeros((rows, most, *queries.shape[1:]))
            padded[self.row, self.place] = queries
            queries = padded
        grouped = queries.view(rows, most, model.kv_heads, -1, model.head_dim).permute(0, 2, 3, 1, 4)
        seen = self._seen(own, grouped.reshape(rows, model.kv_heads, -1, model.head_dim))
        flat = seen.view(rows, model.kv_heads, -1, most, model.head_dim).permute(0, 3, 1, 2, 4)
        flat = flat.reshape(rows, most, -1)  # (rows, most, H * d)
        return flat[self.row, self.place] if self._ragged else flat.view(rows * most, -1)

    def _seen(self, own: Tensor, queries: Tensor) -> Tensor:
        """Queries (rows, K, groups * most, d) to what they attend to, in the same shape."""
        kept = own[: self._rows, :, : self._columns]
        keys, values = kept.chunk(2, dim=1)
        return functional.scaled_dot_product_attention(queries, keys, values, attn_mask=self._mask)


def _as_bias(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """A mask that is added to the scores."""
    return torch.zeros(visible.shape, dtype=dtype).masked_fill_(~visible, float("-inf"))
