"""Weights of other formats to safetensors, once, when a model is fetched."""

from __future__ import annotations

import os
import pickle
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from adapters.errors import AdapterError
from adapters.layout import Progress, data_files, disk_errors
from adapters.pretrained import LOADING, quiet_transformers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# Grows when a conversion's outcome changes: cached models of another number are made anew.
CONVERSION: Final = 1
_TORCH_WEIGHTS: Final = "pytorch_model.bin"
_SAFETENSORS: Final = "model.safetensors"
_SYSTEM_ERROR: Final = re.compile(r"\(os error (\d+)\)")


def convert(raw: Path, target: Path, *, progress: Progress) -> None:
    """Make a folder that transformers loads from one that holds weights in any known format.

    Args:
        raw: A GGUF file, or a folder with one, or one with config, tokenizer and safetensors or a pytorch_model.bin.
        target: An existing, empty folder.
        progress: Told what is being done.

    Raises:
        AdapterError: There are no weights, or they cannot be read, or the disk is full.
    """
    gguf_files = [raw] if raw.is_file() else sorted(raw.rglob("*.gguf"))
    with disk_errors("convert the model", target):
        if len(gguf_files) == 1:
            _convert_gguf(gguf_files[0], target, progress)
        elif len(gguf_files) > 1:
            raise AdapterError(f"Found {len(gguf_files)} GGUF files, expected one; name the file after the '!'.")
        else:
            _convert_folder(raw, target, progress)


def _convert_folder(raw: Path, target: Path, progress: Progress) -> None:
    """Keep config, tokenizer and safetensors as they are; rewrite a pickled state dict."""
    if not (raw / "config.json").is_file():
        raise AdapterError("The model has no config.json; name the folder that holds it.")
    has_safetensors = any(raw.glob("*.safetensors"))
    if not has_safetensors and not (raw / _TORCH_WEIGHTS).is_file():
        raise AdapterError(f"The model has no weights: expected *.safetensors, *.gguf or {_TORCH_WEIGHTS}.")
    for path in data_files(raw):
        if path.suffix not in {".bin", ".gguf"}:
            destination = target / path.relative_to(raw)
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, destination)
    if not has_safetensors:
        progress("Converting the weights to safetensors", 0, None)
        _convert_torch(raw / _TORCH_WEIGHTS, target / _SAFETENSORS)


def _convert_torch(weights: Path, target: Path) -> None:
    import torch
    from safetensors.torch import save_file

    try:
        # weights_only: a pickle can run code when it is read, this reader only makes tensors.
        state: dict[str, torch.Tensor] = torch.load(weights, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise AdapterError(f"{weights.name} is damaged or holds more than plain weights, so it is not used.") from error
    # safetensors refuses tensors that share memory.
    own = {name: tensor.contiguous().clone() for name, tensor in state.items()}
    with _system_errors():
        save_file(own, target, metadata={"format": "pt"})


def _convert_gguf(gguf_file: Path, target: Path, progress: Progress) -> None:
    """Dequantise to float16.

    Half the size of float32, and eight times closer to the quantised weights than bfloat16: the relative error is
    1.9e-4 against 1.35e-3 (SmolLM2-135M Q4_1, every projection of a layer). A machine that computes in bfloat16
    rounds at load, as it would from float32.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quiet_transformers()
    steps = 4
    try:
        progress("Reading the tokenizer", 0, steps)
        tokenizer = AutoTokenizer.from_pretrained(gguf_file.parent, gguf_file=gguf_file.name)
        progress("Dequantising the weights", 1, steps)
        with LOADING, _silent_gguf_reader():
            loaded = AutoModelForCausalLM.from_pretrained(
                gguf_file.parent, gguf_file=gguf_file.name, dtype=torch.float32
            )
    except (OSError, ValueError, KeyError, RuntimeError, NotImplementedError) as error:
        raise AdapterError(f"{gguf_file.name} is no GGUF model that transformers can read: {error}") from error
    if tokenizer.chat_template is None:
        raise AdapterError(f"{gguf_file.name} has no chat template, so it is no instruction-tuned model.")
    _restore_digit_splitting(gguf_file, tokenizer)
    progress("Writing safetensors", 2, steps)
    # The loaded object remembers its quantised origin and refuses to be saved; a fresh one does not.
    settings = loaded.config.to_dict()
    for name in ("quantization_config", "_name_or_path", "_model_name_or_path"):
        settings.pop(name, None)
    with LOADING:
        fresh: Any = type(loaded)(type(loaded.config)(**settings))
    fresh.load_state_dict(loaded.state_dict())
    fresh.generation_config = loaded.generation_config
    with _system_errors():
        fresh.to(torch.float16).save_pretrained(target)
        progress("Writing the tokenizer", 3, steps)
        tokenizer.save_pretrained(target)
    progress("Writing the tokenizer", steps, steps)


@contextmanager
def _system_errors() -> Iterator[None]:
    """Give back as OSError what the writers of weights and tokenizers, written in Rust, put into a message only."""
    try:
        yield
    except Exception as error:
        refused = _SYSTEM_ERROR.search(str(error))
        if refused is None:
            raise
        raise OSError(int(refused[1]), os.strerror(int(refused[1]))) from error


@contextmanager
def _silent_gguf_reader() -> Iterator[None]:
    """Keep the reader's own progress bar out of ours: it is the only one that transformers has no switch for."""
    from transformers import modeling_gguf_pytorch_utils as reader

    shown = reader.tqdm
    reader.tqdm = partial(shown, disable=True)
    try:
        yield
    finally:
        reader.tqdm = shown


def _restore_digit_splitting(gguf_file: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """Split numbers into digits as the model was trained: the GGUF reader drops that step."""
    from gguf import GGUFReader
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence

    field = GGUFReader(gguf_file).get_field("tokenizer.ggml.pre")
    if field is not None and field.contents() == "smollm":
        splitting = Sequence([Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)])
        tokenizer.backend_tokenizer.pre_tokenizer = splitting
