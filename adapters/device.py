"""Where models compute, and in which precision."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from adapters.errors import AdapterError

if TYPE_CHECKING:
    import torch

DeviceName: TypeAlias = Literal["auto", "cpu", "cuda", "mps"]
DtypeName: TypeAlias = Literal["auto", "float32", "bfloat16", "float16"]

_DEVICES: Final = ("auto", "cpu", "cuda", "mps")
MOST_THREADS: Final = 4
_DTYPES: Final = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A choice that this machine can fulfil."""

    kind: str  # "cpu", "cuda", "cuda:1", "mps"
    dtype: str  # "float32", "bfloat16" or "float16"

    @property
    def torch_dtype(self) -> torch.dtype:
        """The precision as torch names it."""
        import torch

        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[self.dtype]


def choose_device(wish: str = "auto", *, dtype: str = "auto", threads: int = 0, token_by_token: bool = True) -> Device:
    """Choose where to compute.

    Args:
        wish: "auto" (CUDA, else MPS, else CPU), "cpu", "cuda", "cuda:N" or "mps".
        dtype: "auto" or a precision; automatic is the fastest that the device computes natively.
        threads: CPU threads for the whole process; 0 leaves torch's choice (one a core).
        token_by_token: Whether the weights are read for few tokens at a time, as a generator does; an encoder does not.

    Raises:
        AdapterError: The wish cannot be fulfilled here; the sentence says what there is.
    """
    import torch

    if dtype not in _DTYPES:
        raise AdapterError(f"dtype {dtype!r} is unknown; expected one of {', '.join(_DTYPES)}.")
    if threads < 0:
        raise AdapterError(f"threads is {threads}; expected 0 (automatic) or more.")
    kind = _choose_kind(wish)
    if threads:
        torch.set_num_threads(threads)
    if kind == "cpu" and dtype == "float16":
        raise AdapterError("dtype 'float16' is no use on a CPU; choose auto, bfloat16 or float32.")
    chosen = _native_dtype(kind, token_by_token=token_by_token) if dtype == "auto" else dtype
    return Device(kind=kind, dtype=chosen)


def automatic_threads() -> int:
    """CPU threads for the small models of one program: half of the cores, 4 at the most.

    Encoder and generator compute at the same time, and of a single question a second thread makes nothing faster
    (docs/experiments.md).
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(max(cores // 2, 1), MOST_THREADS)


@contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """Let torch compute with so many CPU threads for a while, as training does."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _choose_kind(wish: str) -> str:
    import torch

    family, _, index = wish.partition(":")
    if family not in _DEVICES or (index and (family != "cuda" or not index.isdecimal())):
        raise AdapterError(f"device {wish!r} is unknown; expected one of {', '.join(_DEVICES)}, cuda:N.")
    has_mps = torch.backends.mps.is_available()
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if family == "auto":
        return "cuda" if gpus else "mps" if has_mps else "cpu"
    if family == "cuda" and (not gpus or int(index or 0) >= gpus):
        raise AdapterError(f"device {wish!r} was asked for, but torch sees {gpus} CUDA devices here; choose auto.")
    if family == "mps" and not has_mps:
        raise AdapterError("device 'mps' was asked for, but this is no Mac with Metal; choose auto.")
    return wish


def _native_dtype(kind: str, *, token_by_token: bool) -> str:
    """The precision that a device computes fastest in without emulating it."""
    import torch

    if kind == "mps":
        return "float16"  # also native on the first generation of chips, where bfloat16 is not
    if kind.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    return "bfloat16" if _cpu_has_bfloat16(token_by_token=token_by_token) else "float32"


def _cpu_has_bfloat16(*, token_by_token: bool) -> bool:
    import torch

    if platform.machine().lower() in {"x86_64", "amd64"}:
        capabilities = torch.cpu.get_capabilities()
        # Without AMX, bfloat16 saves reading weights but not computing: many tokens at once take 1.4 to 3 times as long
        # as in float32 (docs/experiments.md).
        return bool(capabilities.get("amx_bf16") or (token_by_token and capabilities.get("avx512_bf16")))
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.is_file() and any(
        "bf16" in line.split() for line in cpuinfo.read_text(encoding="utf-8").splitlines() if "Features" in line
    )
