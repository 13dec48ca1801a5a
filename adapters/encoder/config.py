"""Settings of the encoder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSettings:
    """How the encoder runs."""

    device: str = "auto"  # auto, cpu, cuda, cuda:N, mps
    dtype: str = "auto"  # auto, float32, bfloat16, float16
    threads: int = 0  # CPU threads, 0: automatic
    batch_size: int = 32  # texts that are computed together, >= 1
    max_tokens: int = 0  # longer texts are cut there; 0: what the model was made for
