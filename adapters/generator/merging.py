"""Adapters merged into a model's weights: left beside them, a LoRA would cost a quarter of the speed.

An adapter's folder may hold another one in BEFORE, which is merged first: so an adapter of one kind that was trained on
top of an adapter of another kind is complete by itself.

Heavy: imports torch. Import it where a model is loaded.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final

from adapters.errors import AdapterError
from adapters.pretrained import LOADING

BEFORE: Final = "before"


def merged(model: Any, adapter: Path) -> Any:  # noqa: ANN401 - transformers ships no types
    """Merge an adapter, and what comes before it, into a model.

    Args:
        model: In float32, so that small updates are not lost in the weights' rounding.
        adapter: A folder as peft writes it: LoRA, DoRA, AdaLoRA, IA3 and whatever else peft can merge.

    Returns:
        The model without peft around it, ready for inference.

    Raises:
        AdapterError: The folder holds no adapter that fits the model, or one that cannot be merged.
    """
    from peft import PeftConfig, PeftModel
    from safetensors import SafetensorError

    if (adapter / BEFORE).is_dir():
        model = merged(model, adapter / BEFORE)
    try:
        config = PeftConfig.from_pretrained(adapter)
        if config.is_prompt_learning:
            raise AdapterError(
                f"{adapter} is a tuned prompt ({config.peft_type.value}), which cannot be merged into the weights and "
                "so cannot serve; train a LoRA instead."
            )
        with LOADING, warnings.catch_warnings():
            # Peft checks AdaLoRA's pattern of ranks by the names that it gives a LoRA's, then applies it all the same.
            warnings.filterwarnings("ignore", "The following rank_pattern keys did not match", RuntimeWarning)
            return PeftModel.from_pretrained(model, adapter).merge_and_unload().eval()
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise AdapterError(f"{adapter} holds no adapter that fits its base model.") from error
