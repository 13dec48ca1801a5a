"""The forward pass of our own on small random Llamas of several shapes, against transformers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from adapters.generator.engine import BatchEngine
from adapters.generator.lean import LeanLlama, is_plain_llama
from adapters.generator.lean_engine import LeanEngine
from adapters.generator.linear import Int8Linear, Norm, int8_is_native

PROMPTS = ([5, 9, 3, 7, 5, 9, 3], [11], list(range(40)) * 2, [1, 2, 3, 1, 2, 3, 1, 2])
TOKENS = 12


def tiny(**changes: object) -> LlamaConfig:
    given: dict[str, object] = {
        "vocab_size": 99,
        "hidden_size": 48,
        "intermediate_size": 80,
        "num_hidden_layers": 3,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
        "initializer_range": 0.3,  # wide enough that the first choice is clear
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e4},
    }
    return LlamaConfig(**{**given, **changes})


def made(config: LlamaConfig) -> LlamaForCausalLM:
    torch.manual_seed(3)
    return LlamaForCausalLM(config).eval()


def answers(engine: BatchEngine | LeanEngine) -> list[list[int]]:
    """All prompts in one batch; the shortest answer ends it."""
    found = [[engine.admit(prompt).token.id] for prompt in PROMPTS]
    while min(map(len, found)) < TOKENS:
        for answer, tokens in zip(found, engine.step(), strict=True):
            answer += [token.id for token in tokens]
    return [answer[:TOKENS] for answer in found]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_key_value_heads": 6},
        {"num_key_value_heads": 1},
        {"tie_word_embeddings": True},
        {"head_dim": 16},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}},
    ],
)
def test_it_generates_what_transformers_does(changes: Mapping[str, object]) -> None:
    config = tiny(**changes)
    assert is_plain_llama(config)
    expected = answers(BatchEngine(made(config), max_rows=4))
    assert answers(LeanEngine(LeanLlama(made(config)), max_rows=4)) == expected
    assert answers(LeanEngine(LeanLlama(made(config)), max_rows=4, speculate=False, reuse=False)) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"attention_bias": True},
        {"mlp_bias": True},
        {"hidden_act": "gelu"},
        {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4}},
    ],
)
def test_llamas_that_are_not_plain_are_left_to_transformers(changes: Mapping[str, object]) -> None:
    assert not is_plain_llama(tiny(**changes))


@pytest.mark.parametrize("scored", [range(1, 4), range(30, 80), range(79, 80)])
def test_the_likelihood_of_a_prompts_part_is_transformers_own(scored: range) -> None:
    prompt, config = PROMPTS[2], tiny()  # long enough for its beginning to be kept
    with torch.inference_mode():
        chances = made(config)(torch.tensor([prompt])).logits[0].log_softmax(dim=-1)
    expected = sum(float(chances[place - 1, prompt[place]]) for place in scored) / len(scored)
    lean = LeanEngine(LeanLlama(made(config)), max_rows=2)
    for engine in (BatchEngine(made(config), max_rows=2), lean):
        assert engine.admit(prompt, scored).likelihood == pytest.approx(expected, abs=1e-4)
    assert lean.admit(prompt, scored).likelihood == pytest.approx(expected, abs=1e-4)  # its beginning is kept by now


def test_a_full_engine_refuses_and_an_empty_one_starts_again() -> None:
    engine = LeanEngine(LeanLlama(made(tiny())), max_rows=1)
    first = engine.admit(PROMPTS[0])
    with pytest.raises(RuntimeError, match="All 1 rows are taken"):
        engine.admit(PROMPTS[1])
    engine.reset()
    assert engine.rows == 0
    again = engine.admit(PROMPTS[0])
    assert again.token.id == first.token.id
    np.testing.assert_allclose(again.hidden, first.hidden, atol=1e-5)


@pytest.mark.skipif(not int8_is_native(), reason="this processor does not multiply bytes natively")
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_an_8_bit_product_is_as_exact_as_its_weight(rows: int) -> None:
    torch.manual_seed(1)
    weight, given = torch.randn(24, 64), torch.randn(rows, 64)
    given[:, 5] *= 40  # a channel as large as real ones are
    given[0] *= 1_000  # a first token
    units = weight.abs().amax(dim=1, keepdim=True) / 127
    expected = given @ ((weight / units).round() * units).T
    found = Int8Linear(weight)(given)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=float(expected.abs().amax()) * 1e-3)
    for row, alone in zip(found, given, strict=True):
        torch.testing.assert_close(Int8Linear(weight)(alone[None])[0], row, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not int8_is_native(), reason="this processor does not multiply bytes natively")
def test_a_row_of_zeros_gives_zeros() -> None:
    linear = Int8Linear(torch.randn(8, 16))
    for count in (1, 3):
        assert linear(torch.zeros(count, 16)).tolist() == torch.zeros(count, 8).tolist()


@pytest.mark.skipif(not int8_is_native(), reason="this processor does not multiply bytes natively")
def test_one_row_is_normed_as_several_are() -> None:
    torch.manual_seed(2)
    linear, norm, given = Int8Linear(torch.randn(8, 16)), Norm(torch.rand(16), 1e-5), torch.randn(3, 16)
    together = linear.normed(given, norm)
    for row, expected in zip(given, together, strict=True):
        torch.testing.assert_close(linear.normed(row[None], norm)[0], expected, rtol=1e-4, atol=1e-4)
