"""Settings of the generator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSettings:
    """How the local generator runs."""

    device: str = "auto"  # auto, cpu, cuda, cuda:N, mps
    dtype: str = "auto"  # auto, float32, bfloat16, float16; auto may compute with 8-bit weights, see `int8`
    int8: bool = True  # with dtype auto: 8-bit weights where the processor multiplies bytes natively
    speculate: bool = True  # guess ahead from the prompt; the answers are the same
    threads: int = 0  # CPU threads, 0: automatic
    max_batch: int = 8  # requests that are computed together, >= 1
    max_waiting: int = 64  # requests that wait for a place, >= 0; one more is turned away
    context_tokens: int = 4096  # prompt and answer together, never more than the model's own limit


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """How an OpenAI-compatible endpoint is talked to."""

    connect_seconds: float = 5.0  # to open a connection
    read_seconds: float = 60.0  # between two pieces of the answer
    attempts: int = 3  # tries before the first piece has come, >= 1
    longest_wait_seconds: float = 20.0  # between two tries, whatever Retry-After says
