"""Loading tokenizers and models from a local folder, quietly and without any network."""

from __future__ import annotations

import warnings
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from adapters.errors import AdapterError

if TYPE_CHECKING:
    import torch

# transformers makes a model without weights first, under a device that holds for the whole process: whatever
# else makes a model meanwhile gets none either. Held wherever a model is made.
LOADING: Final = Lock()


def quiet_transformers() -> None:
    """Keep transformers' own progress bars and advice off the terminal; we have ours."""
    from transformers.utils import logging

    # peft asks transformers by a name that transformers has replaced: advice to peft, not to us.
    warnings.filterwarnings("ignore", r"`is_gradient_checkpointing` is deprecated", FutureWarning)
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def load_tokenizer(folder: Path) -> Any:  # noqa: ANN401 - transformers ships no types
    """Load a folder's tokenizer.

    Raises:
        AdapterError: The folder has none that can be read.
    """
    try:
        with LOADING:
            from transformers import AutoTokenizer

            quiet_transformers()
            return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable("tokenizer", folder) from error


def load_causal_model(folder: Path, *, dtype: torch.dtype) -> Any:  # noqa: ANN401 - transformers ships no types
    """Load a folder's language model for inference.

    Raises:
        AdapterError: The folder has none that can be read.
    """
    return _load("AutoModelForCausalLM", folder, dtype)


def load_encoder_model(folder: Path, *, dtype: torch.dtype) -> Any:  # noqa: ANN401 - transformers ships no types
    """Load a folder's encoder for inference.

    Raises:
        AdapterError: The folder has none that can be read.
    """
    return _load("AutoModel", folder, dtype)


def _load(auto_class: str, folder: Path, dtype: torch.dtype) -> Any:  # noqa: ANN401 - transformers ships no types
    from safetensors import SafetensorError

    try:
        with LOADING:
            # transformers imports its parts when they are first named, and not safely in two threads at once.
            import transformers

            quiet_transformers()
            # use_safetensors: a pickled file beside it is never read.
            model = getattr(transformers, auto_class).from_pretrained(
                folder, dtype=dtype, local_files_only=True, use_safetensors=True
            )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise _unreadable("model", folder) from error
    return model.eval()


def _unreadable(what: str, folder: Path) -> AdapterError:
    return AdapterError(
        f"{folder} holds no {what} that transformers can read; expected config, tokenizer, safetensors."
    )
