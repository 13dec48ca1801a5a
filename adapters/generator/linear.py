"""Matrix products for generation on a CPU: in the model's own precision, or with 8-bit weights.

Heavy: imports torch. Import it where a model is loaded.
"""

from __future__ import annotations

import math
import platform
import warnings
from typing import TYPE_CHECKING, Any, Final, Protocol

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

_LARGEST: Final = 127  # of a signed byte
_ZERO_POINT: Final = 128  # what 0 is among unsigned bytes
_TINY: Final = 1e-12  # keeps a row of zeros from being divided by zero


class Linear(Protocol):
    """A weight that rows are multiplied with."""

    def __call__(self, rows: Tensor) -> Tensor:
        """Rows (N, in) to rows (N, out)."""

    def normed(self, rows: Tensor, norm: Norm) -> Tensor:
        """The same, of rows that are normed first; they are left as they are."""


class Norm:
    """Root mean square layer normalisation. Source: arXiv:1910.07467."""

    def __init__(self, weight: Tensor, epsilon: float) -> None:
        self.weight = weight
        self._epsilon = epsilon

    def __call__(self, rows: Tensor) -> Tensor:
        """Norm rows, shape (N, width); computed in float32 as transformers does."""
        wide = rows.float()
        scale = (wide * wide).mean(dim=-1, keepdim=True).add_(self._epsilon).rsqrt_()
        return (wide * scale).to(rows.dtype) * self.weight

    def scale(self, row: Tensor) -> float:
        """What one row, shape (width,), is multiplied with before the weight."""
        return 1 / math.sqrt(float(torch.dot(row, row)) / len(row) + self._epsilon)


class PlainLinear:
    """A product in the weight's own precision."""

    def __init__(self, weight: Tensor) -> None:
        """Take a weight, shape (out, in)."""
        self._weight = weight

    def __call__(self, rows: Tensor) -> Tensor:
        """As the Protocol says."""
        return functional.linear(rows, self._weight)

    def normed(self, rows: Tensor, norm: Norm) -> Tensor:
        """As the Protocol says."""
        return functional.linear(norm(rows), self._weight)


class Int8Linear:
    """A product of bytes with bytes, of rows that keep fourteen bits.

    The weight is rounded to 8 bits with one scale for each output. The rows are not: a few channels of them are twenty
    times as large as the rest, and 8 bits would change answers. So each row goes in twice, as what 8 bits hold of it
    and as what is left over, which is rounded to 8 bits again. While few tokens are computed the time goes into reading
    the weight, so the second row is nearly free.

    Each row has its own scale, so it comes out the same whoever stands beside it. Takes and gives float32.
    """

    def __init__(self, weight: Tensor) -> None:
        """Take a weight, shape (out, in)."""
        wide = weight.float()
        scales = (wide.abs().amax(dim=1) / _LARGEST).clamp_min(_TINY).double()
        # Quantised tensors are to leave torch one day; torch is pinned, and its plain int8 kernels are slower. The
        # filter stays: taking it back could take back another thread's.
        warnings.filterwarnings("ignore", "torch.quantize_per_tensor, torch.quantize_per_channel", UserWarning)
        zeros = torch.zeros(len(scales), dtype=torch.long)
        quantised = torch.quantize_per_channel(wide, scales, zeros, 0, torch.qint8)
        self._packed: Any = torch.ops.quantized.linear_prepack(quantised, None)
        self._multiply: Any = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32.default

    def __call__(self, rows: Tensor) -> Tensor:
        """As the Protocol says."""
        count = len(rows)
        if count == 1:  # the case that decides the speed: a plain number is quicker than a tensor
            unit = max(float(torch.linalg.vector_norm(rows, math.inf)), _TINY) / _LARGEST
            rest = rows.fmod(unit)
            both = torch.cat([rows - rest, rest.mul_(_LARGEST)])
            coarse, fine = self._multiply(both, unit, _ZERO_POINT, self._packed).split_with_sizes((1, 1))
            return torch.add(coarse, fine, alpha=1 / _LARGEST)
        units = rows.abs().amax(dim=-1, keepdim=True).clamp_min_(_TINY).div_(_LARGEST)
        scaled = rows / units
        rest = scaled.fmod(1)
        both = torch.cat([scaled - rest, rest.mul_(_LARGEST)])
        coarse, fine = self._multiply(both, 1.0, _ZERO_POINT, self._packed).split_with_sizes((count, count))
        return torch.add(coarse, fine, alpha=1 / _LARGEST).mul_(units)

    def normed(self, rows: Tensor, norm: Norm) -> Tensor:
        """As the Protocol says."""
        if len(rows) == 1:
            return self(rows * norm.weight).mul_(norm.scale(rows[0]))
        return self(norm(rows))


def int8_is_native() -> bool:
    """Whether this CPU multiplies bytes in one instruction and torch has the kernels for it."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return False
    return torch.backends.quantized.engine in {"x86", "fbgemm"} and bool(
        torch.cpu.get_capabilities().get("avx512_vnni")
    )
