"""Continuous batching of a transformers language model: rows join and leave between two steps.

Each row owns one line of the key-value buffers, filled from column 0. A step writes every row's new key and value
at that row's own length, and a mask hides the columns beyond it; so rows of any length stand side by side and
nothing is moved when one joins. (Left padding, the usual way, moves every row when a longer prompt comes.)

Heavy: imports torch and transformers. Import it where a model is loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import torch
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicCache

from adapters.generator.worker import UNSCORED, Admitted, Token

if TYPE_CHECKING:
    from torch import Tensor

_GROWTH: Final = 256  # columns by which the buffers grow; a step of SmolLM2-135M's takes 6 MB a row in bfloat16


class BatchEngine:
    """A batch of rows over one model. Not thread-safe: one worker drives it."""

    def __init__(self, model: Any, *, max_rows: int) -> None:  # noqa: ANN401 - transformers ships no types
        """Take a model in inference mode.

        Args:
            model: A decoder-only language model whose layers attend to all earlier tokens.
            max_rows: How many rows fit at most.
        """
        self._model = model
        self._device: torch.device = model.device
        self._max_rows = max_rows
        self._lengths: list[int] = []  # tokens whose key and value are in the buffers, by row
        self._tokens: list[int] = []  # the newest token of each row, not in the buffers yet
        self._layers = [_RaggedLayer(max_rows) for _ in range(model.config.num_hidden_layers)]
        self._cache = Cache(layers=self._layers)

    @property
    def rows(self) -> int:
        """How many rows are being generated."""
        return len(self._lengths)

    @torch.inference_mode()
    def admit(self, prompt: Sequence[int], scored: range = UNSCORED) -> Admitted:
        """Add a row with a prompt of at least one token; `scored` are places in it, none of them the first."""
        if self.rows == self._max_rows:
            raise RuntimeError(f"All {self._max_rows} rows are taken.")
        ids = torch.tensor([prompt], device=self._device)  # (1, prompt)
        cache = DynamicCache()
        states = self._model.base_model(input_ids=ids, past_key_values=cache, use_cache=True).last_hidden_state[0]
        hidden, head = states[-1:], self._model.get_output_embeddings()
        token = choose(head(hidden).float())[0]
        likelihood = None
        if scored:
            likelihood = mean_likelihood(head(states[scored.start - 1 : scored.stop - 1]).float(), ids[0], scored)
        for layer, filled in zip(self._layers, cache.layers, strict=True):
            layer.fill(self.rows, filled.keys[0], filled.values[0])
        self._lengths.append(len(prompt))
        self._tokens.append(token.id)
        return Admitted(token=token, hidden=hidden[0].float().cpu().numpy(), likelihood=likelihood)

    @torch.inference_mode()
    def step(self) -> list[list[Token]]:
        """Generate one more token for every row, by position."""
        lengths = torch.tensor(self._lengths, device=self._device)  # (rows,)
        columns = max(self._lengths) + 1
        for layer in self._layers:
            layer.expect(lengths, columns)
        visible = torch.arange(columns, device=self._device) <= lengths[:, None]  # (rows, columns)
        logits = self._model(
            input_ids=torch.tensor(self._tokens, device=self._device)[:, None],  # (rows, 1)
            attention_mask=visible[:, None, None, :],  # (rows, heads, queries, columns)
            position_ids=lengths[:, None],
            past_key_values=self._cache,
            use_cache=True,
        ).logits  # (rows, 1, vocabulary)
        tokens = choose(logits[:, -1].float())
        self._tokens = [token.id for token in tokens]
        self._lengths = [length + 1 for length in self._lengths]
        return [[token] for token in tokens]

    @torch.inference_mode()
    def release(self, row: int) -> None:
        """Remove a row; the last row takes its position."""
        last = self.rows - 1
        if row != last:
            for layer in self._layers:
                layer.move(last, row, self._lengths[last])
            self._lengths[row], self._tokens[row] = self._lengths[last], self._tokens[last]
        self._lengths.pop()
        self._tokens.pop()

    def reset(self) -> None:
        """Remove all rows, and with them the buffers."""
        self._lengths.clear()
        self._tokens.clear()
        self._layers = [_RaggedLayer(self._max_rows) for _ in self._layers]
        self._cache = Cache(layers=self._layers)


def choose(logits: Tensor) -> list[Token]:
    """The likeliest token of each row of scores, shape (rows, vocabulary), float32."""
    best, ids = logits.max(dim=-1)
    logprobs = best - logits.logsumexp(dim=-1)
    return [Token(id=number, logprob=logprob) for number, logprob in zip(ids.tolist(), logprobs.tolist(), strict=True)]


def mean_likelihood(logits: Tensor, prompt: Tensor, scored: range) -> float:
    """Mean log-likelihood of some of a prompt's tokens, nats.

    Args:
        logits: Of the place before each, shape (len(scored), vocabulary), float32.
        prompt: All its tokens, shape (prompt,).
        scored: Their places, at least one.
    """
    wanted = prompt[scored.start : scored.stop, None]
    return float((logits.gather(1, wanted)[:, 0] - logits.logsumexp(dim=-1)).mean())


class _RaggedLayer(CacheLayerMixin):  # type: ignore[misc]  # transformers ships no types
    """One layer's keys and values, shape (rows, heads, columns, head_dim); past a row's length they mean nothing."""

    is_sliding = False

    def __init__(self, max_rows: int) -> None:
        super().__init__()
        self._max_rows = max_rows
        self._keys = self._values = torch.empty((max_rows, 0, 0, 0))
        self._rows = torch.arange(max_rows)
        self._lengths = torch.empty(0, dtype=torch.long)
        self._columns = 0

    def fill(self, row: int, keys: Tensor, values: Tensor) -> None:
        """Write a prompt's keys and values, shape (heads, tokens, head_dim), into a row."""
        tokens = keys.shape[1]
        self._reserve(keys, tokens)
        self._keys[row, :, :tokens] = keys
        self._values[row, :, :tokens] = values

    def move(self, source: int, target: int, tokens: int) -> None:
        """Copy a row."""
        self._keys[target, :, :tokens] = self._keys[source, :, :tokens]
        self._values[target, :, :tokens] = self._values[source, :, :tokens]

    def expect(self, lengths: Tensor, columns: int) -> None:
        """Prepare for one step: where each row's new key goes, and how many columns there are then."""
        self._lengths, self._columns = lengths, columns

    def update(self, key_states: Tensor, value_states: Tensor, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        """Write each row's new key and value, shape (rows, heads, 1, head_dim); give back all to attend to."""
        self._reserve(key_states[0], self._columns)
        rows = key_states.shape[0]
        self._keys[self._rows[:rows], :, self._lengths] = key_states[:, :, 0]
        self._values[self._rows[:rows], :, self._lengths] = value_states[:, :, 0]
        return self._keys[:rows, :, : self._columns], self._values[:rows, :, : self._columns]

    def _reserve(self, sample: Tensor, columns: int) -> None:
        """Make room for so many columns; a sample of shape (heads, any, head_dim) shows shape and precision."""
        if not self.is_initialized:
            self.lazy_initialization(sample[None], sample[None])
        short = columns - self._keys.shape[2]
        if short > 0:
            # Zeros, not uninitialised memory: a NaN under the mask would still spread (0 * NaN is NaN).
            padding = (0, 0, 0, -(-short // _GROWTH) * _GROWTH)
            self._keys = torch.nn.functional.pad(self._keys, padding)
            self._values = torch.nn.functional.pad(self._values, padding)

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Make empty buffers."""
        _, heads, _, width = key_states.shape
        self._keys = key_states.new_zeros((self._max_rows, heads, 0, width))
        self._values = value_states.new_zeros((self._max_rows, heads, 0, value_states.shape[3]))
        self._rows = self._rows.to(key_states.device)
        self.is_initialized = True

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Columns after a step, and the first column; transformers asks, but uses our mask."""
        return self._columns + query_length - 1, 0

    def get_seq_length(self) -> int:
        """Columns before a step."""
        return max(self._columns - 1, 0)

    def get_max_length(self) -> int:
        """No limit of its own."""
        return -1
