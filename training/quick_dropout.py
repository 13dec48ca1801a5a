"""Dropout that draws a random byte for each number instead of a random number.

torch draws one number after the other on a CPU, whatever the threads: a third of a step of LoRA on all linear layers
(docs/experiments-learning.md). Bytes are drawn eight at a time; the share is rounded to 256ths.

Heavy: imports torch. Import it where a model is trained.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

_BYTES: Final = 8  # of a drawn integer
_LEAST: Final = torch.iinfo(torch.int64).min
_STEPS: Final = 256


class QuickDropout(nn.Module):
    """As nn.Dropout; the same seed drops the same."""

    def __init__(self, share: float) -> None:
        """Keep the share that is dropped, 0 to below 1; it is rounded to 256ths."""
        super().__init__()
        self._dropped = min(round(share * _STEPS), _STEPS - 1)

    @property
    def share(self) -> float:
        """Of the numbers that are dropped, as it was rounded."""
        return self._dropped / _STEPS

    def forward(self, values: Tensor) -> Tensor:
        """Drop some of the values, and make the others larger, so that their sum stays about what it is."""
        if not self.training or not self._dropped:
            return values
        count = values.numel()
        drawn = torch.empty(-(-count // _BYTES), dtype=torch.int64).random_(_LEAST, None)
        dropped = drawn.view(torch.uint8)[:count].view(values.shape) < self._dropped
        return values.masked_fill(dropped.to(values.device), 0.0) * (1 / (1 - self.share))


def quicken_dropout(model: Any) -> None:  # noqa: ANN401 - peft ships no types
    """Put it in the place of torch's wherever peft's adapters in a model have that."""
    for module in model.modules():
        dropouts = getattr(module, "lora_dropout", None)
        if isinstance(dropouts, nn.ModuleDict):
            for name, one in dropouts.items():
                if isinstance(one, nn.Dropout):
                    dropouts[name] = QuickDropout(one.p)
