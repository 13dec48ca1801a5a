"""The forward pass of a plain Llama, written out for few tokens at a time on a CPU.

transformers' modules take longer to be called than a small model's weights take to be read. Here queries, keys and
values are one product, so are gate and up; tokens of all rows stand in one flat list, and only attention knows rows.

Shapes: N tokens of the flat list, D the model's width, H heads, K heads of keys and values, d the width of a head.

Heavy: imports torch. Import it where a model is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import torch
from torch.nn import functional

from adapters.generator.linear import Int8Linear, Linear, Norm, PlainLinear

if TYPE_CHECKING:
    from torch import Tensor

Attend: TypeAlias = "Callable[[int, Tensor, Tensor], Tensor]"
"""Keeps a layer's keys and values and attends to all that each token may see.

Takes the layer's number, queries (N, H, d) in the cache's precision, and keys and values (N, 2K, d) in float32; gives
rows (N, H * d).
"""

_GROWTH: Final = 512  # positions by which the table of rotations grows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    attention_norm: Norm
    qkv: Linear
    out: Linear
    mlp_norm: Norm
    gate_up: Linear
    down: Linear


def is_plain_llama(config: Any) -> bool:  # noqa: ANN401 - transformers ships no types
    """Whether this forward pass computes a model as its authors meant it."""
    rope = getattr(config, "rope_parameters", None) or {}
    return (
        config.model_type == "llama"
        and rope.get("rope_type") == "default"
        and "rope_theta" in rope
        and float(rope.get("partial_rotary_factor") or 1) == 1
        and config.hidden_act == "silu"
        and not (config.attention_bias or config.mlp_bias)
        and getattr(config, "quantization_config", None) is None
        and _head_dim(config) % 2 == 0
    )


class LeanLlama:
    """Weights and the order in which they are used."""

    def __init__(self, model: Any, *, int8: bool = False) -> None:  # noqa: ANN401 - transformers ships no types
        """Take the weights of a LlamaForCausalLM on the CPU.

        Args:
            model: One that `is_plain_llama`. Its weights are taken out of it, so that no two copies are held.
            int8: Multiply with 8-bit weights and compute in float32; else all is in the model's precision.
        """
        config = model.config
        self.heads: int = config.num_attention_heads
        self.kv_heads: int = config.num_key_value_heads
        self.head_dim: int = _head_dim(config)
        self.layers: int = config.num_hidden_layers
        self.dtype: torch.dtype = torch.float32 if int8 else model.dtype  # of the activations
        self.cache_dtype: torch.dtype = torch.bfloat16 if int8 else model.dtype  # of keys and values
        self._epsilon: float = config.rms_norm_eps
        self._linear = Int8Linear if int8 else PlainLinear
        embeddings: Tensor = model.get_input_embeddings().weight.detach()
        self._head = self._linear(model.get_output_embeddings().weight.detach())
        self._embeddings = embeddings.to(torch.bfloat16) if int8 else embeddings
        self._norm = self._take_norm(model.model.norm)
        self._layers = [self._take(layer) for layer in model.model.layers]
        theta = float(config.rope_parameters["rope_theta"])
        self._frequencies = theta ** (-torch.arange(0, self.head_dim, 2, dtype=torch.float32) / self.head_dim)
        self._turns = torch.empty((0, self.head_dim // 2), dtype=torch.complex64)

    def forward(self, tokens: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """Run the layers.

        Args:
            tokens: Shape (N,).
            positions: Of each token in its own row, shape (N,).
            attend: Keeps keys and values, and attends to all that a token may see.

        Returns:
            Hidden states after the final norm, shape (N, D).
        """
        count = len(tokens)
        turns = self._rotations(positions)
        hidden = functional.embedding(tokens, self._embeddings).to(self.dtype)  # (N, D)
        for number, layer in enumerate(self._layers):
            qkv = layer.qkv.normed(hidden, layer.attention_norm).float()
            torch.view_as_complex(qkv.view(count, -1, self.head_dim // 2, 2)).mul_(turns)
            heads = qkv.view(count, -1, self.head_dim)
            seen = attend(number, heads[:, : self.heads].to(self.cache_dtype), heads[:, self.heads :])  # (N, H * d)
            hidden.add_(layer.out(seen.to(self.dtype)))
            gate, up = layer.gate_up.normed(hidden, layer.mlp_norm).chunk(2, dim=-1)
            hidden.add_(layer.down(functional.silu(gate).mul_(up)))
        return self._norm(hidden)

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of the vocabulary, float32, for hidden states (N, D)."""
        return self._head(hidden).float()

    def _take(self, layer: Any) -> _Layer:  # noqa: ANN401 - transformers ships no types
        attention, mlp = layer.self_attn, layer.mlp
        query, key, value = (
            module.weight.detach() for module in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        gate_up = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]).detach()
        taken = _Layer(
            attention_norm=self._take_norm(layer.input_layernorm),
            qkv=self._linear(torch.cat([self._interleaved(query), self._interleaved(key), value])),
            out=self._linear(attention.o_proj.weight.detach()),
            mlp_norm=self._take_norm(layer.post_attention_layernorm),
            gate_up=self._linear(gate_up),
            down=self._linear(mlp.down_proj.weight.detach()),
        )
        for module in (*attention.children(), *mlp.children()):
            module._parameters.clear()  # noqa: SLF001 - what is not taken as it is has been copied
        return taken

    def _take_norm(self, norm: Any) -> Norm:  # noqa: ANN401 - transformers ships no types
        return Norm(norm.weight.detach().to(self.dtype), self._epsilon)

    def _interleaved(self, weight: Tensor) -> Tensor:
        """Bring the two halves of each head side by side: a pair is a complex number, and a rotation a product."""
        heads = weight.view(-1, 2, self.head_dim // 2, weight.shape[1])
        return heads.transpose(1, 2).reshape(weight.shape)

    def _rotations(self, positions: Tensor) -> Tensor:
        """How far each head is turned at positions (N,): complex, (N, H + 2K, d / 2); values are not."""
        needed, known = int(positions.max()) + 1, self._turns
        if needed > len(known):
            angles = torch.outer(torch.arange(needed + _GROWTH, dtype=torch.float32), self._frequencies)
            known = self._turns = torch.polar(torch.ones_like(angles), angles)  # another thread may have its own
        turns = known[positions][:, None].expand(-1, self.heads + self.kv_heads, -1)
        still = turns.new_ones(()).expand(len(positions), self.kv_heads, turns.shape[-1])
        return torch.cat([turns, still], dim=1)


def _head_dim(config: Any) -> int:  # noqa: ANN401 - transformers ships no types
    return int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
