"""The real language model: the same tokens as transformers' own generate, alone or in a crowd."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from adapters.bases import fingerprint
from adapters.errors import AdapterError, PromptTooLongError
from adapters.generator.config import GeneratorSettings
from adapters.generator.engine import BatchEngine
from adapters.generator.model import ChatCodec, LocalGenerator
from adapters.layout import seal_adapter
from adapters.pretrained import load_causal_model
from adapters.types import ChatTurn, GenerationLimits

pytestmark = pytest.mark.models

TOKENS = 10
QUESTIONS = (
    "What is the capital of France?",
    "Write a haiku about rain.",
    "List the numbers 1 to 30, then say in one sentence why lists are useful to people who plan their week. " * 2,
    "Say hello in Chinese, with characters.",
    "Hi",
)
PASSAGE = "Refunds take 5 to 7 business days. Write to billing@example.com with the order number. " * 4


@pytest.fixture(scope="module")
def generator(generator_folder: Path) -> Iterator[LocalGenerator]:
    made = LocalGenerator(generator_folder, GeneratorSettings(dtype="float32", max_batch=3))
    yield made
    asyncio.run(made.aclose())


@pytest.fixture(scope="module")
def model(generator_folder: Path) -> PreTrainedModel:
    return load_causal_model(generator_folder, dtype=torch.float32)


def turns(question: str) -> tuple[ChatTurn, ...]:
    return (ChatTurn(role="user", content=question),)


async def answer(generator: LocalGenerator, question: str, *, tokens: int = TOKENS) -> str:
    limits = GenerationLimits(max_new_tokens=tokens, seconds=120)
    return "".join([piece async for piece in generator.stream(turns(question), limits)])


@torch.inference_mode()
def plain_tokens(model: PreTrainedModel, codec: ChatCodec, question: str) -> list[int]:
    """What transformers' own loop generates."""
    prompt = torch.tensor([codec.encode(turns(question))])
    output = model.generate(
        prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=TOKENS, do_sample=False, pad_token_id=2
    )
    tokens: list[int] = output[0, prompt.shape[1] :].tolist()
    return [token for token in tokens if token not in codec.end_tokens]


def test_rows_that_join_and_leave_get_the_tokens_that_each_has_alone(
    model: PreTrainedModel, generator_folder: Path
) -> None:
    codec = ChatCodec.load(generator_folder, model)
    expected = [plain_tokens(model, codec, question) for question in QUESTIONS]
    engine = BatchEngine(model, max_rows=3)
    waiting, running = list(range(len(QUESTIONS))), list[int]()
    found: list[list[int]] = [[] for _ in QUESTIONS]

    def take(row: int, token: int) -> bool:
        if token not in codec.end_tokens:
            found[running[row]].append(token)
        return token in codec.end_tokens or len(found[running[row]]) == TOKENS

    while waiting or running:
        if waiting and engine.rows < 3:  # one joins at a time, while the others are under way
            running.append(waiting.pop(0))
            take(engine.rows, engine.admit(codec.encode(turns(QUESTIONS[running[-1]]))))
        done = [row for row, token in enumerate(engine.step()) if take(row, token)]
        for row in reversed(done):
            engine.release(row)
            last = running.pop()
            if row < len(running):
                running[row] = last
    assert found == expected


async def test_answers_in_a_crowd_equal_answers_alone(generator: LocalGenerator) -> None:
    alone = [await answer(generator, question) for question in QUESTIONS]
    assert list(await asyncio.gather(*(answer(generator, question) for question in QUESTIONS))) == alone
    assert alone[0] == "The capital of France is Paris."


async def test_bfloat16_in_a_crowd_answers_as_float32_does_where_the_model_is_sure(generator_folder: Path) -> None:
    made = await asyncio.to_thread(LocalGenerator, generator_folder, GeneratorSettings(dtype="bfloat16"))
    answers = await asyncio.gather(*(answer(made, question) for question in QUESTIONS))
    await made.aclose()
    assert answers[0] == "The capital of France is Paris."


def test_a_missing_system_turn_gets_the_templates_own(model: PreTrainedModel, generator_folder: Path) -> None:
    codec = ChatCodec.load(generator_folder, model)
    prompt = codec._tokenizer.decode(codec.encode(turns("Hi")))
    assert prompt.startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM")
    assert prompt.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    given = codec.encode((ChatTurn(role="system", content="Rule"), *turns("Hi")))
    assert codec._tokenizer.decode(given).startswith("<|im_start|>system\nRule<|im_end|>\n<|im_start|>user\n")


def test_numbers_are_split_into_digits_as_in_training(model: PreTrainedModel, generator_folder: Path) -> None:
    tokenizer = ChatCodec.load(generator_folder, model)._tokenizer
    assert tokenizer.tokenize("in 2026") == ["in", "Ġ", "2", "0", "2", "6"]
    assert tokenizer.tokenize("steps:\n\n1.") == ["steps", ":", "ĊĊ", "1", "."]


async def test_leaving_early_frees_the_place(generator: LocalGenerator) -> None:
    limits = GenerationLimits(max_new_tokens=2000, seconds=120)
    for _ in range(4):  # one more than there are places
        async with aclosing(generator.stream(turns("Count from 1 to 500."), limits)) as pieces:
            await anext(pieces)
    started = time.monotonic()
    assert await answer(generator, QUESTIONS[0]) == "The capital of France is Paris."
    assert time.monotonic() - started < 30


async def test_the_event_loop_goes_on_while_the_model_computes(generator: LocalGenerator) -> None:
    task = asyncio.create_task(answer(generator, PASSAGE, tokens=8))
    longest, before = 0.0, time.monotonic()
    while not task.done():
        await asyncio.sleep(0.005)
        longest, before = max(longest, time.monotonic() - before), time.monotonic()
    assert longest < 0.5


async def test_a_prompt_beyond_the_context_is_refused(generator_folder: Path) -> None:
    made = await asyncio.to_thread(LocalGenerator, generator_folder, GeneratorSettings(context_tokens=128))
    with pytest.raises(PromptTooLongError) as caught:
        await answer(made, PASSAGE)
    await made.aclose()
    assert caught.value.limit == 128 - TOKENS
    assert caught.value.tokens > caught.value.limit


def make_lora(model_folder: Path, target: Path, *, base: str) -> None:
    """An untrained adapter with weights large enough to change every answer."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    model = load_causal_model(model_folder, dtype=torch.float32)
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(model, config).save_pretrained(target)
    seal_adapter(target, source="test", base=base, created_at=datetime(2026, 11, 24, tzinfo=UTC))


async def test_a_merged_lora_computes_what_the_unmerged_one_does(tmp_path: Path, generator_folder: Path) -> None:
    from peft import PeftModel

    make_lora(generator_folder, tmp_path, base=fingerprint(generator_folder))
    unmerged = PeftModel.from_pretrained(load_causal_model(generator_folder, dtype=torch.float32), tmp_path).eval()
    codec = ChatCodec.load(generator_folder, unmerged)
    expected = codec.decode(plain_tokens(unmerged, codec, QUESTIONS[0]))
    made = await asyncio.to_thread(
        LocalGenerator, generator_folder, GeneratorSettings(dtype="float32"), adapter=tmp_path
    )
    found = await answer(made, QUESTIONS[0])
    await made.aclose()
    assert found == expected != "The capital of France is Paris."
    base, _, adapter = made.name.partition("+")
    assert base == fingerprint(generator_folder)[:16]
    assert len(adapter) == 16


def test_a_lora_of_another_base_or_a_torn_one_is_refused(tmp_path: Path, generator_folder: Path) -> None:
    make_lora(generator_folder, tmp_path / "other", base="f" * 64)
    with pytest.raises(AdapterError, match="was trained on the base model ffffffffffffffff, not on"):
        LocalGenerator(generator_folder, adapter=tmp_path / "other")
    (tmp_path / "other" / "adapter_model.safetensors").unlink()
    with pytest.raises(AdapterError, match=r"not usable: .*adapter_model\.safetensors is missing"):
        LocalGenerator(generator_folder, adapter=tmp_path / "other")
