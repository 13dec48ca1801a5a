"""llama.cpp as a peer: the same weights and the same LoRA written as GGUF files, and its server called in this process.

Needs `pip install -r requirements/bench.txt` (xllamacpp: llama.cpp as a wheel).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import gguf
import torch
from safetensors.torch import load_file

from benchmarks.questions import EXAMPLES

ARCHITECTURE: Final = "llama"
QUANTISED: Final = {"Q8_0": gguf.GGMLQuantizationType.Q8_0, "BF16": gguf.GGMLQuantizationType.BF16}
NAMES: Final = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
CONTEXT: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What llama.cpp made of a prompt, by its own clock."""

    text: str
    tokens: int  # the first included
    first_seconds: float  # reading the prompt
    seconds: float  # from the first token to the last


class LlamaCpp:
    """A model in llama.cpp's server, with a LoRA beside it if there is one."""

    def __init__(self, model: Path, *, adapter: Path | None, threads: int) -> None:
        xllamacpp: Any = import_module("xllamacpp")  # ships no types
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(model)
        parameters.n_ctx = CONTEXT
        parameters.n_parallel = 1
        parameters.cache_prompt = False
        parameters.cache_ram_mib = 0
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
        parameters.verbosity = 0
        if adapter is not None:
            lora = xllamacpp.CommonAdapterLoraInfo()
            lora.path, lora.scale = str(adapter), 1.0
            parameters.lora_adapters = [lora]
        self._server = xllamacpp.Server(parameters)

    def complete(self, prompt: Sequence[int], tokens: int) -> Completion:
        """Generate greedily, to the end of the turn or so many tokens."""
        request = {
            "prompt": list(prompt),
            "n_predict": tokens,
            "temperature": 0,
            "samplers": ["top_k"],
            "top_k": 1,
            "cache_prompt": False,
            "stream": False,
        }
        answer = self._server.handle_completions(request)
        content: Mapping[str, Any] = json.loads(answer) if isinstance(answer, str) else answer
        timings = content["timings"]
        return Completion(
            text=content["choices"][0]["text"],
            tokens=timings["predicted_n"],
            first_seconds=timings["prompt_ms"] / 1000,
            seconds=timings["predicted_ms"] / 1000,
        )


# Run by a small program of its own: on Linux a child starts from the peak of whoever started it, and this one is large.
_PEAK = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "bot", *sys.argv[1:]], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def peak_memory() -> float:
    """Peak resident memory of one `burnish ask` over the example knowledge, MB."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "BURNISH_HOME": home}
        environment.pop("BENCH_DATA", None)  # no setting of the program's
        named = [str(EXAMPLES / "help-centre"), str(EXAMPLES / "faq.csv")]
        ingest = [sys.executable, "-m", "bot", "ingest", *named]
        subprocess.run(ingest, env=environment, stdout=subprocess.DEVNULL, check=True)
        asked = ["ask", "How long do you keep a copy of my passport after I have left?"]
        command = [sys.executable, "-c", _PEAK, *asked]
        return float(subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout)


def write_model(folder: Path, target: Path, precision: str) -> None:
    """Write a Llama's folder as a GGUF file.

    Args:
        folder: config.json, tokenizer.json and model.safetensors.
        target: The file.
        precision: "Q8_0" or "BF16", of all matrices.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    writer = gguf.GGUFWriter(target, ARCHITECTURE)
    _describe(writer, config)
    _add_tokenizer(writer, json.loads((folder / "tokenizer.json").read_text(encoding="utf-8")), config)
    for name, tensor in load_file(folder / "model.safetensors").items():
        if name == "lm_head.weight" and config["tie_word_embeddings"]:
            continue
        array = _turned(name, tensor.float(), config).numpy()
        if array.ndim == 1:
            writer.add_tensor(_renamed(name), array)
        else:
            kind = QUANTISED[precision]
            writer.add_tensor(_renamed(name), gguf.quantize(array, kind), raw_dtype=kind)
    _write(writer)


def write_adapter(folder: Path, target: Path, config: Mapping[str, Any]) -> None:
    """Write a peft LoRA as a GGUF file for the model of a config."""
    settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    writer = gguf.GGUFWriter(target, ARCHITECTURE)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(settings["lora_alpha"]))
    for name, tensor in load_file(folder / "adapter_model.safetensors").items():
        module, _, part = name.removeprefix("base_model.model.").rpartition(".lora_")
        side = part[0]  # A.weight or B.weight
        # A reads what the layer reads; B writes what it writes, and so takes the order of its outputs.
        array = _turned(f"{module}.weight", tensor.float(), config) if side == "B" else tensor.float()
        writer.add_tensor(f"{_renamed(f'{module}.weight')}.lora_{side.lower()}", array.contiguous().numpy())
    _write(writer)


def _describe(writer: gguf.GGUFWriter, config: Mapping[str, Any]) -> None:
    head = config["hidden_size"] // config["num_attention_heads"]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_vocab_size(config["vocab_size"])


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Only so that llama.cpp takes the file: prompts are given as tokens."""
    special = {token["content"] for token in tokenizer["added_tokens"]}
    numbered = {number: text for text, number in tokenizer["model"]["vocab"].items()}
    numbered |= {token["id"]: token["content"] for token in tokenizer["added_tokens"]}
    tokens = [numbered.get(number, f"[unused{number}]") for number in range(config["vocab_size"])]
    kinds = [gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens]
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in tokenizer["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])


def _turned(name: str, tensor: torch.Tensor, config: Mapping[str, Any]) -> torch.Tensor:
    """Queries and keys with the two halves of each head side by side, as GGUF's Llama has them."""
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    count = heads.get(name.split(".")[-2])
    if count is None:
        return tensor
    rows, columns = tensor.shape
    return tensor.reshape(count, 2, rows // count // 2, columns).transpose(1, 2).reshape(rows, columns)


def _renamed(name: str) -> str:
    """GGUF's name of a tensor."""
    if not name.startswith("model.layers."):
        whole = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
        return whole.get(name, "output.weight")
    number, _, rest = name.removeprefix("model.layers.").partition(".")
    return f"blk.{number}.{NAMES[rest.removesuffix('.weight')]}.weight"


def _write(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
