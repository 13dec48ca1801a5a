"""The answerability head: does the prompt hold the answer? One number from the prompt's last hidden state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.errors import AdapterError

FILE_NAME: Final = "answerability.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnswerabilityHead:
    """A linear layer that is trained together with the adapter beside it."""

    weight: NDArray[np.float32]  # (dim,)
    bias: float

    def logit(self, hidden: NDArray[np.float32]) -> float:
        """Log odds that the passages in the prompt tell the answer.

        Args:
            hidden: Of the prompt's last token, after the final norm, shape (dim,), float32.
        """
        return float(self.weight @ hidden) + self.bias


def save_head(head: AnswerabilityHead, folder: Path) -> None:
    """Write the head into an adapter's folder, before it is sealed."""
    from safetensors.numpy import save_file

    save_file({"weight": head.weight, "bias": np.array([head.bias], dtype=np.float32)}, folder / FILE_NAME)


def has_head(folder: Path) -> bool:
    """Whether an adapter's folder has a head."""
    return (folder / FILE_NAME).is_file()


def load_head(folder: Path, *, dimension: int) -> AnswerabilityHead | None:
    """Read the head of an adapter's folder; None if the adapter has none.

    Raises:
        AdapterError: The file is not what it should be.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        tensors = load_file(path)
        weight, bias = tensors["weight"].astype(np.float32).reshape(-1), float(tensors["bias"].reshape(-1)[0])
    except (OSError, KeyError, IndexError, SafetensorError) as error:
        raise AdapterError(f"{path} cannot be read; take the adapter from its source again.") from error
    if len(weight) != dimension:
        raise AdapterError(f"{path} is for a model of width {len(weight)}, not {dimension}.")
    if not (np.isfinite(weight).all() and np.isfinite(bias)):
        raise AdapterError(f"{path} holds numbers that are not finite; train the adapter again.")
    return AnswerabilityHead(weight=weight, bias=bias)
