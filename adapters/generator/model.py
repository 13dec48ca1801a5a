"""The local generator: a language model on this machine, many requests computed together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from adapters.bases import fingerprint
from adapters.device import Device, choose_device
from adapters.errors import AdapterError
from adapters.generator.answerability import load_head
from adapters.generator.config import GeneratorSettings
from adapters.generator.prompt import question_place
from adapters.generator.threaded import ThreadedGenerator
from adapters.generator.worker import Engine
from adapters.layout import read_manifest, verify
from adapters.pretrained import load_causal_model, load_tokenizer
from adapters.types import ChatTurn


class LocalGenerator(ThreadedGenerator):
    """Generates greedily with a model on this machine; implements the Generator Protocol."""

    def __init__(self, folder: Path, settings: GeneratorSettings | None = None, *, adapter: Path | None = None) -> None:
        """Load a model; blocks for two or three seconds.

        Args:
            folder: As `resolve` gave it.
            settings: Device and limits.
            adapter: The folder of an adapter to merge into the weights, or None.

        Raises:
            AdapterError: The model cannot be loaded, the adapter is for another one, or a setting is impossible.
        """
        settings = settings or GeneratorSettings()
        if settings.max_batch < 1 or settings.max_waiting < 0:
            raise AdapterError(
                f"max_batch is {settings.max_batch} and max_waiting {settings.max_waiting}; expected at least 1 and 0."
            )
        device = choose_device(settings.device, dtype=settings.dtype, threads=settings.threads)
        name = base = fingerprint(folder)[:16]
        if adapter is not None:
            name = f"{base}+{_adapter_name(adapter, base=fingerprint(folder))}"
        model = load_model(folder, adapter, device, int8=wants_int8(settings, device))
        self._worked_by = partial(ChatCodec.of, folder, model.generation_config)
        codec = self._worked_by()
        self._made_of = _computed_by(model, device, settings)
        self._on_cpu = device.kind == "cpu"
        self._settings = settings
        self._context = min(settings.context_tokens, _model_context(model.config))
        self._own_head = load_head(adapter, dimension=int(model.config.hidden_size)) if adapter is not None else None
        super().__init__(
            self._made_of(), codec, name=name, settings=settings, context=self._context, head=self._own_head
        )

    @property
    def on_cpu(self) -> bool:
        """Whether it computes there; elsewhere copies would only wait for one another."""
        return self._on_cpu

    def copy(self) -> ThreadedGenerator:
        """The same generator with a thread and rows of its own; the weights are in memory once."""
        return ThreadedGenerator(
            self._made_of(),
            self._worked_by(),  # a tokenizer is not to be used by two threads at once
            name=self.name,
            settings=self._settings,
            context=self._context,
            head=self._own_head,
        )


def wants_int8(settings: GeneratorSettings, device: Device) -> bool:
    """Whether a model that allows it is to be computed with 8-bit weights."""
    from adapters.generator.linear import int8_is_native

    return settings.int8 and settings.dtype == "auto" and device.kind == "cpu" and int8_is_native()


def load_model(folder: Path, adapter: Path | None, device: Device, *, int8: bool) -> Any:  # noqa: ANN401
    """Load a model, in float32 if it is to be rounded to 8 bits or merged: it is rounded once then.

    Raises:
        AdapterError: The model or the adapter cannot be read.
    """
    import torch

    if adapter is not None:
        return _load_merged(folder, adapter)
    return load_causal_model(folder, dtype=torch.float32 if int8 else device.torch_dtype)


def _computed_by(model: Any, device: Device, settings: GeneratorSettings) -> Callable[[], Engine]:  # noqa: ANN401
    """Makes the fastest engine that computes a model rightly; the weights may be taken out of the model."""
    from adapters.generator.engine import BatchEngine
    from adapters.generator.lean import LeanLlama, is_plain_llama
    from adapters.generator.lean_engine import LeanEngine

    if device.kind != "cpu" or not is_plain_llama(model.config):
        model = model.to(device=device.kind, dtype=device.torch_dtype)
        return partial(BatchEngine, model, max_rows=settings.max_batch)
    int8 = wants_int8(settings, device)
    if not int8:
        model = model.to(dtype=device.torch_dtype)
    lean = LeanLlama(model, int8=int8)
    return partial(LeanEngine, lean, max_rows=settings.max_batch, speculate=settings.speculate)


class ChatCodec:
    """A model's own chat template and tokenizer."""

    def __init__(self, tokenizer: Any, *, end_tokens: frozenset[int]) -> None:  # noqa: ANN401 - transformers ships no types
        self._tokenizer = tokenizer
        self._end_tokens = end_tokens

    @classmethod
    def load(cls, folder: Path, model: Any) -> ChatCodec:  # noqa: ANN401 - transformers ships no types
        """Load a folder's tokenizer for its model.

        Raises:
            AdapterError: The model has no chat template: it was not made to follow instructions.
        """
        return cls.of(folder, model.generation_config)

    @classmethod
    def of(cls, folder: Path, generation: Any) -> ChatCodec:  # noqa: ANN401 - as above
        """Load a folder's tokenizer, given its model's configuration of generation.

        Raises:
            AdapterError: The model has no chat template: it was not made to follow instructions.
        """
        tokenizer = load_tokenizer(folder)
        if tokenizer.chat_template is None:
            raise AdapterError(f"{folder} has no chat template; choose an instruction-tuned model.")
        configured = generation.eos_token_id
        ends = configured if isinstance(configured, list) else [configured]
        end_tokens = frozenset(token for token in (*ends, tokenizer.eos_token_id) if token is not None)
        return cls(tokenizer, end_tokens=end_tokens)

    @property
    def end_tokens(self) -> frozenset[int]:
        """Tokens that end a turn."""
        return self._end_tokens

    def encode(self, turns: Sequence[ChatTurn]) -> list[int]:
        """A conversation as a prompt that the assistant's turn follows."""
        # The template has written the special tokens already.
        return self.tokens(self._text(turns))

    def question(self, turns: Sequence[ChatTurn]) -> range:
        """The places of the question's tokens in a grounded prompt as encode() gives it; empty in any other."""
        text = self._text(turns)
        start, end = question_place(text)
        found = self._tokenizer(text, add_special_tokens=False, verbose=False, return_offsets_mapping=True)
        inside = [place for place, (first, last) in enumerate(found["offset_mapping"]) if start <= first < last <= end]
        return range(inside[0], inside[-1] + 1) if inside and inside[0] else range(0)

    def _text(self, turns: Sequence[ChatTurn]) -> str:
        messages = [{"role": turn.role, "content": turn.content} for turn in turns]
        text: str = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return text

    def count(self, text: str) -> int:
        """How many tokens a text is, special ones not added."""
        return len(self.tokens(text))

    def tokens(self, text: str) -> list[int]:
        """A text as tokens, special ones not added."""
        tokens: list[int] = self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return tokens

    def decode(self, tokens: Sequence[int]) -> str:
        """Tokens as text, special ones left out."""
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text


def _model_context(config: Any) -> int:  # noqa: ANN401 - transformers ships no types
    """The longest context that the engine computes rightly for a model, in tokens."""
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if not kinds <= {"full_attention", "sliding_attention"}:
        raise AdapterError(f"This generator has {', '.join(sorted(kinds))} layers, which are not supported.")
    limit = int(config.max_position_embeddings)
    # A sliding window sees everything as long as the text is not longer than the window.
    window = getattr(config, "sliding_window", None)
    slides = "sliding_attention" in kinds or getattr(config, "layer_types", None) is None
    return min(limit, int(window)) if window and slides else limit


def _adapter_name(adapter: Path, *, base: str) -> str:
    """What names an adapter, after checking that it was trained on these weights."""
    manifest = read_manifest(adapter)
    fault = verify(adapter)
    if manifest is None or fault is not None:
        raise AdapterError(f"The adapter is not usable: {fault}")
    if manifest.base != base:
        raise AdapterError(
            f"{adapter} was trained on the base model {manifest.base[:16]}, not on {base[:16]}; "
            "choose the generator it was trained on, or train again."
        )
    return manifest.fingerprint[:16]


def _load_merged(folder: Path, adapter: Path) -> Any:  # noqa: ANN401 - transformers ships no types
    """Load a model with an adapter merged in."""
    import torch

    from adapters.generator.merging import merged

    return merged(load_causal_model(folder, dtype=torch.float32), adapter)
