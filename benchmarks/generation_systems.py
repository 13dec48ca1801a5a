"""What is timed: our engine, the same without guesses, llama.cpp in two precisions, and transformers' own loop."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeAlias

import torch

from adapters.bases import fingerprint
from adapters.device import choose_device
from adapters.generator.config import GeneratorSettings
from adapters.generator.lean import LeanLlama
from adapters.generator.lean_engine import LeanEngine
from adapters.generator.model import ChatCodec, LocalGenerator, load_model, wants_int8
from adapters.generator.shipped import shipped_adapter
from adapters.layout import seal_adapter
from adapters.pretrained import load_causal_model
from adapters.types import ChatTurn
from benchmarks.generation_peer import LlamaCpp, write_adapter, write_model

LEAN: Final = "ours"
PLAIN: Final = "ours without guesses"
TRANSFORMERS: Final = "transformers generate"
SEED: Final = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One answer."""

    tokens: int  # the first and the end token included
    first: float  # seconds to the first token
    seconds: float  # from there to the last


Answer: TypeAlias = Callable[[Sequence[int], int], Timed]  # a prompt, and how many tokens at most


class Bench:
    """Everything that is timed, over one model and one adapter."""

    def __init__(
        self, folder: Path, adapter: Path, systems: Mapping[str, Answer], lean: LeanLlama, codec: ChatCodec
    ) -> None:
        self._folder, self._adapter, self._codec = folder, adapter, codec
        self.systems = systems
        self._cold = LeanEngine(lean, max_rows=1, reuse=False)
        self._warm = LeanEngine(lean, max_rows=1)

    @property
    def adapter_name(self) -> str:
        """Which adapter all of them have."""
        return "a random adapter" if self._adapter.name == "random" else "the shipped adapter"

    def encode(self, turns: Sequence[ChatTurn]) -> list[int]:
        """A conversation in tokens."""
        return self._codec.encode(turns)

    def count(self, text: str) -> int:
        """Tokens of an answer."""
        return self._codec.count(text)

    def read_cold(self, prompt: Sequence[int]) -> float:
        """Seconds to the first token with nothing kept of earlier prompts."""
        return _read(self._cold, prompt)

    def read_warm(self, prompt: Sequence[int]) -> float:
        """Seconds to the first token after other prompts."""
        return _read(self._warm, prompt)

    def make(self, settings: GeneratorSettings) -> LocalGenerator:
        """The generator as the bot has it, with the adapter."""
        return LocalGenerator(self._folder, settings, adapter=self._adapter)

    def local(self, *, max_batch: int) -> LocalGenerator:
        """The generator in its default precision."""
        return self.make(GeneratorSettings(device="cpu", max_batch=max_batch, max_waiting=999))


def open_bench(folder: Path, scratch: Path, *, quick: bool) -> Bench:
    """Load all systems."""
    adapter = shipped_adapter(fingerprint(folder)) or random_adapter(folder, scratch / "random")
    settings = GeneratorSettings(device="cpu")
    device = choose_device("cpu")
    int8 = wants_int8(settings, device)
    merged = load_model(folder, adapter, device, int8=int8)
    codec = ChatCodec.load(folder, merged)
    lean = LeanLlama(merged if int8 else merged.to(device.torch_dtype), int8=int8)
    systems: dict[str, Answer] = {
        LEAN: answering(LeanEngine(lean, max_rows=1, reuse=False), codec),
        PLAIN: answering(LeanEngine(lean, max_rows=1, speculate=False, reuse=False), codec),
    }
    precisions: tuple[str, ...] = ("Q8_0",) if quick else ("Q8_0", "BF16")
    if find_spec("xllamacpp") is None:
        print("llama.cpp is left out: pip install -r requirements/bench.txt")
        precisions = ()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    write_adapter(adapter, scratch / "adapter.gguf", config)
    for precision in precisions:
        write_model(folder, scratch / f"{precision}.gguf", precision)
        peer = LlamaCpp(
            scratch / f"{precision}.gguf", adapter=scratch / "adapter.gguf", threads=torch.get_num_threads()
        )
        systems[f"llama.cpp {precision}"] = complete(peer)
    model = load_model(folder, adapter, device, int8=False).to(device.torch_dtype)
    systems[TRANSFORMERS] = generate(model, codec)
    return Bench(folder, adapter, systems, lean, codec)


def answering(engine: LeanEngine, codec: ChatCodec) -> Answer:
    """Our engine."""

    def answer(prompt: Sequence[int], most: int) -> Timed:
        started = time.perf_counter()
        found = [engine.admit(prompt).token.id]
        first = time.perf_counter()
        while len(found) < most and not codec.end_tokens & set(found):
            found += [token.id for token in engine.step()[0]]
        ended = time.perf_counter()
        engine.release(0)
        return Timed(tokens=_length(found[:most], codec), first=first - started, seconds=ended - first)

    return answer


def complete(peer: LlamaCpp) -> Answer:
    """llama.cpp, by its own clock."""

    def answer(prompt: Sequence[int], most: int) -> Timed:
        completion = peer.complete(prompt, most)
        return Timed(tokens=completion.tokens, first=completion.first_seconds, seconds=completion.seconds)

    return answer


def generate(model: Any, codec: ChatCodec) -> Answer:  # noqa: ANN401 - transformers ships no types
    """Transformers' own loop; the reading is timed by asking for one token first."""

    @torch.inference_mode()
    def tokens(prompt: Sequence[int], most: int) -> tuple[list[int], float]:
        ids = torch.tensor([prompt])
        started = time.perf_counter()
        output = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=most, do_sample=False, pad_token_id=0
        )
        return output[0, ids.shape[1] :].tolist(), time.perf_counter() - started

    def answer(prompt: Sequence[int], most: int) -> Timed:
        _, first = tokens(prompt, 1)
        found, seconds = tokens(prompt, most)
        return Timed(tokens=_length(found, codec), first=first, seconds=max(seconds - first, 1e-9))

    return answer


def random_adapter(folder: Path, target: Path) -> Path:
    """An untrained LoRA on all linear layers, small enough that the answers stay sensible."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(SEED)
    model = load_causal_model(folder, dtype=torch.float32)
    config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    wrapped = get_peft_model(model, config)
    for name, weight in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=1e-3)
    wrapped.save_pretrained(target)
    seal_adapter(target, source="benchmark", base=fingerprint(folder), created_at=datetime.now(UTC))
    return target


def _read(engine: LeanEngine, prompt: Sequence[int]) -> float:
    started = time.perf_counter()
    engine.admit(prompt)
    seconds = time.perf_counter() - started
    engine.release(0)
    return seconds


def _length(tokens: Sequence[int], codec: ChatCodec) -> int:
    """Tokens up to the end token, which counts: it was computed like the others."""
    return next((place + 1 for place, token in enumerate(tokens) if token in codec.end_tokens), len(tokens))
