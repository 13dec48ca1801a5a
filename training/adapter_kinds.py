"""The kinds of adapter that peft can train, and how one is put onto the version that serves.

Heavy: imports torch. Import it where a model is trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import torch

from adapters.device import choose_device
from adapters.generator.merging import BEFORE, merged
from adapters.layout import read_manifest
from adapters.pretrained import LOADING, load_causal_model
from training.errors import TrainingError


class AdapterKind(StrEnum):
    """What is trained beside the frozen weights."""

    LORA = "lora"  # arXiv 2106.09685
    DORA = "dora"  # arXiv 2402.09353
    ADALORA = "adalora"  # arXiv 2303.10512
    IA3 = "ia3"  # arXiv 2205.05638
    PROMPT = "prompt"  # arXiv 2104.08691; for experiments: it cannot be merged, so it cannot serve


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterShape:
    """How large a new adapter is; one that goes on from its parent keeps the parent's size."""

    kind: AdapterKind = AdapterKind.LORA
    rank: int = 8  # of LoRA, DoRA and AdaLoRA
    alpha: int = 16  # their scale is alpha / rank
    dropout: float = 0.05  # of their input, while training
    prompt_tokens: int = 16  # of a tuned prompt


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attached:
    """A model that is ready to train."""

    model: Any  # peft's where it goes on from its parent, else a plain one
    config: Any  # peft's of the new adapter; None where `model` has its adapter
    before: Path | None  # the adapter's folder that was merged into the weights below it


def attach(base: Path, parent: Path | None, shape: AdapterShape, *, steps: int) -> Attached:
    """Load a model and make it trainable.

    An adapter of the parent's kind goes on from the parent's weights. One of another kind stands on top of the parent,
    which is merged into the weights first; AdaLoRA always does, since its ranks were decided.

    Args:
        base: The generator's folder.
        parent: The folder of the version that serves; None for the bare model.
        shape: What to train.
        steps: How many there will be at most.

    Raises:
        TrainingError: The parent cannot be gone on from.
    """
    from peft import PeftConfig, PeftModel

    if parent is not None and read_manifest(parent) is None:
        raise TrainingError(f"{parent} is no complete adapter, so nothing can be trained on top of it.")
    goes_on = parent is not None and shape.kind is not AdapterKind.ADALORA and kind_of(parent) is shape.kind
    below = _below(parent) if goes_on and parent is not None else parent
    dtype = choose_device("cpu", token_by_token=False).torch_dtype
    model = load_causal_model(base, dtype=torch.float32 if below else dtype)
    if below is not None:
        model = merged(model, below).to(dtype)
    if parent is None or not goes_on:
        return Attached(model=model, config=new_config(shape, steps=steps), before=below)
    config = PeftConfig.from_pretrained(parent)
    if hasattr(config, "lora_dropout"):
        config.lora_dropout = shape.dropout
    with LOADING:
        trained = PeftModel.from_pretrained(model, parent, config=config, is_trainable=True)
    return Attached(model=trained, config=None, before=below)


def kind_of(adapter: Path) -> AdapterKind | None:
    """The kind of an adapter's folder; None for one that is not known here."""
    from peft import PeftConfig

    config = PeftConfig.from_pretrained(adapter)
    found = _KINDS.get(config.peft_type.value)
    return AdapterKind.DORA if found is AdapterKind.LORA and config.use_dora else found


def new_config(shape: AdapterShape, *, steps: int) -> Any:  # noqa: ANN401 - peft ships no types
    """Peft's configuration of a new adapter."""
    from peft import AdaLoraConfig, IA3Config, LoraConfig, PromptTuningConfig

    lora = {
        "lora_alpha": shape.alpha,
        "lora_dropout": shape.dropout,
        "target_modules": "all-linear",
        "task_type": "CAUSAL_LM",
    }
    match shape.kind:
        case AdapterKind.LORA | AdapterKind.DORA:
            return LoraConfig(r=shape.rank, use_dora=shape.kind is AdapterKind.DORA, **lora)
        case AdapterKind.ADALORA:
            # Starts half as wide again and gives ranks back in the middle half of the steps.
            return AdaLoraConfig(
                init_r=shape.rank + shape.rank // 2,
                target_r=shape.rank,
                total_step=max(steps, 4),
                tinit=max(steps, 4) // 4,
                tfinal=max(steps, 4) // 4,
                deltaT=1,
                **lora,
            )
        case AdapterKind.IA3:
            return IA3Config(task_type="CAUSAL_LM")
        case AdapterKind.PROMPT:
            return PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=shape.prompt_tokens)


def _below(adapter: Path) -> Path | None:
    return adapter / BEFORE if (adapter / BEFORE).is_dir() else None


_KINDS: Final = {
    "LORA": AdapterKind.LORA,
    "ADALORA": AdapterKind.ADALORA,
    "IA3": AdapterKind.IA3,
    "PROMPT_TUNING": AdapterKind.PROMPT,
}
