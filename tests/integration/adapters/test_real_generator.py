"""The real language model: the same tokens as transformers' own generate, alone or in a crowd."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from adapters.bases import fingerprint
from adapters.errors import AdapterError, PromptTooLongError
from adapters.generator.config import GeneratorSettings
from adapters.generator.engine import BatchEngine
from adapters.generator.lean import LeanLlama
from adapters.generator.lean_engine import LeanEngine
from adapters.generator.linear import int8_is_native
from adapters.generator.model import ChatCodec, LocalGenerator
from adapters.generator.prompt import Evidence, Style, grounded_turns
from adapters.generator.worker import Token
from adapters.layout import seal_adapter
from adapters.pretrained import load_causal_model
from adapters.types import ChatTurn, GenerationLimits, Generator

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


@pytest.fixture(scope="module")
def lean(generator_folder: Path) -> LeanLlama:
    return LeanLlama(load_causal_model(generator_folder, dtype=torch.float32))


@pytest.fixture(scope="module")
def lean_int8(generator_folder: Path) -> LeanLlama:
    # without such instructions the program never computes in 8 bits, so there is nothing to test
    if not int8_is_native():
        pytest.skip("This processor does not multiply bytes natively.")
    return LeanLlama(load_causal_model(generator_folder, dtype=torch.float32), int8=True)


def turns(question: str) -> tuple[ChatTurn, ...]:
    return (ChatTurn(role="user", content=question),)


async def answer(generator: Generator, question: str, *, tokens: int = TOKENS) -> str:
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


@pytest.fixture(params=["transformers", "lean", "lean without guesses"])
def engine(request: pytest.FixtureRequest, model: PreTrainedModel, lean: LeanLlama) -> BatchEngine | LeanEngine:
    if request.param == "transformers":
        return BatchEngine(model, max_rows=3)
    return LeanEngine(lean, max_rows=3, speculate=request.param == "lean")


class Answers:
    """What each question got, while rows join and leave."""

    def __init__(self, codec: ChatCodec) -> None:
        self._codec = codec
        self.running: list[int] = []  # questions, by row
        self.found: list[list[int]] = [[] for _ in QUESTIONS]

    def take(self, row: int, tokens: Sequence[Token]) -> bool:
        answer = self.found[self.running[row]]
        for token in tokens:
            if token.id in self._codec.end_tokens or len(answer) == TOKENS:
                return True
            answer.append(token.id)
        return len(answer) == TOKENS

    def leave(self, row: int) -> None:
        last = self.running.pop()
        if row < len(self.running):
            self.running[row] = last


def test_rows_that_join_and_leave_get_the_tokens_that_each_has_alone(
    engine: BatchEngine | LeanEngine, model: PreTrainedModel, generator_folder: Path
) -> None:
    codec = ChatCodec.load(generator_folder, model)
    answers, waiting = Answers(codec), list(range(len(QUESTIONS)))
    while waiting or answers.running:
        if waiting and engine.rows < 3:  # one joins at a time, while the others are under way
            answers.running.append(waiting.pop(0))
            prompt = codec.encode(turns(QUESTIONS[answers.running[-1]]))
            answers.take(engine.rows, [engine.admit(prompt).token])
        done = [row for row, tokens in enumerate(engine.step()) if answers.take(row, tokens)]
        for row in reversed(done):
            engine.release(row)
            answers.leave(row)
    assert answers.found == [plain_tokens(model, codec, question) for question in QUESTIONS]


COPYING = (
    "To change the billing address, open Settings, choose Billing, and save the new one before the 25th; later changes "
    "count from the following month. A lost invoice can be downloaded again for seven years.\n\n"
)


def generated(engine: LeanEngine | BatchEngine, prompt: Sequence[int], tokens: int) -> tuple[list[int], int]:
    """So many tokens of one row, and how many steps they took."""
    found, steps = [engine.admit(prompt).token.id], 0
    while len(found) < tokens:
        found += [token.id for token in engine.step()[0]]
        steps += 1
    engine.release(0)
    return found[:tokens], steps


def test_guesses_change_the_number_of_steps_and_not_the_answer(
    model: PreTrainedModel, lean: LeanLlama, generator_folder: Path
) -> None:
    codec = ChatCodec.load(generator_folder, model)
    plain = LeanEngine(lean, max_rows=1, speculate=False, reuse=False)
    guessing = LeanEngine(lean, max_rows=1, reuse=False)
    for question in (f"{COPYING}Repeat this text word for word.", f"{COPYING}How do I change it?", *QUESTIONS):
        prompt = codec.encode(turns(question))
        (expected, many), (found, few) = generated(plain, prompt, 24), generated(guessing, prompt, 24)
        assert found == expected
        assert many == 23
        if question.endswith("word for word."):
            assert few < many / 2


def test_a_kept_prompt_beginning_changes_nothing(
    model: PreTrainedModel, lean: LeanLlama, generator_folder: Path
) -> None:
    codec = ChatCodec.load(generator_folder, model)
    prompts = [
        codec.encode(turns(COPYING + question)) for question in ("How do I change it?", "How long?", "How long?")
    ]
    fresh = [LeanEngine(lean, max_rows=1, reuse=False) for _ in prompts]
    keeping = LeanEngine(lean, max_rows=1)
    for engine, prompt in zip(fresh, prompts, strict=True):
        expected, found = engine.admit(prompt), keeping.admit(prompt)
        assert found.token.id == expected.token.id
        assert found.token.logprob == pytest.approx(expected.token.logprob, abs=1e-4)
        np.testing.assert_allclose(found.hidden, expected.hidden, atol=2e-3)
        assert [[token.id for token in keeping.step()[0]] for _ in range(6)] == [
            [token.id for token in engine.step()[0]] for _ in range(6)
        ]
        keeping.release(0)


@torch.inference_mode()
def test_both_engines_give_transformers_hidden_state_and_probability(
    model: PreTrainedModel, lean: LeanLlama, generator_folder: Path
) -> None:
    prompt = ChatCodec.load(generator_folder, model).encode(turns(COPYING + "How long?"))
    output = model(input_ids=torch.tensor([prompt]), output_hidden_states=True)
    best = output.logits[0, -1].log_softmax(dim=-1).max()
    for engine in (BatchEngine(model, max_rows=1), LeanEngine(lean, max_rows=1)):
        admitted = engine.admit(prompt)
        np.testing.assert_allclose(admitted.hidden, output.hidden_states[-1][0, -1].numpy(), atol=2e-3)
        assert admitted.token.logprob == pytest.approx(float(best), abs=1e-4)


def test_a_prompt_longer_than_a_chunk_reads_as_transformers_does(
    model: PreTrainedModel, lean: LeanLlama, generator_folder: Path
) -> None:
    prompt = ChatCodec.load(generator_folder, model).encode(turns(COPYING * 14 + "How long?"))
    assert len(prompt) > 600
    expected, _ = generated(BatchEngine(model, max_rows=1), prompt, 6)
    assert generated(LeanEngine(lean, max_rows=1), prompt, 6)[0] == expected


def test_8_bit_weights_answer_alike_alone_in_a_crowd_and_with_guesses(
    model: PreTrainedModel, lean_int8: LeanLlama, generator_folder: Path
) -> None:
    codec = ChatCodec.load(generator_folder, model)
    prompts = [codec.encode(turns(question)) for question in (QUESTIONS[0], COPYING + "How do I change it?")]
    plain = LeanEngine(lean_int8, max_rows=1, speculate=False, reuse=False)
    expected = [generated(plain, prompt, 12)[0] for prompt in prompts]
    assert codec.decode(expected[0][:7]) == "The capital of France is Paris."
    guessing = LeanEngine(lean_int8, max_rows=1)
    assert [generated(guessing, prompt, 12)[0] for prompt in prompts] == expected
    crowd = LeanEngine(lean_int8, max_rows=2)
    found = [[crowd.admit(prompt).token.id] for prompt in prompts]
    while min(map(len, found)) < 12:
        for answer, tokens in zip(found, crowd.step(), strict=True):
            answer += [token.id for token in tokens]
    assert [answer[:12] for answer in found] == expected


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


@pytest.mark.parametrize("style", list(Style))
def test_the_question_of_a_grounded_prompt_is_found_among_its_tokens(
    model: PreTrainedModel, generator_folder: Path, style: Style
) -> None:
    codec = ChatCodec.load(generator_folder, model)
    asked = "Question: is café 30% off?\nReally"
    for passages in ([], [Evidence(title="Fees", text="Question: none. Answer from the text.")]):
        turns = grounded_turns(asked, passages, style=style)
        assert codec.decode([codec.encode(turns)[place] for place in codec.question(turns)]) == f" {asked[10:]}"
    turns = grounded_turns("How much is it?", [], style=style)
    assert codec.decode([codec.encode(turns)[place] for place in codec.question(turns)]) == " How much is it?"
    assert not codec.question([ChatTurn(role="user", content="How much is it?")])


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


async def test_a_text_is_as_likely_as_transformers_finds_it(
    generator: LocalGenerator, generator_folder: Path, model: PreTrainedModel
) -> None:
    codec = ChatCodec.load(generator_folder, model)
    prompt = codec.encode(turns(QUESTIONS[0]))
    for text in ("The capital of France is Paris.", "Bananas are blue."):
        answer = codec.tokens(text)
        ids = torch.tensor([[*prompt, *answer]])
        with torch.inference_mode():
            logprobs = model(input_ids=ids).logits[0].log_softmax(-1)
        places = range(len(prompt), ids.shape[1])
        expected = float(np.mean([float(logprobs[place - 1, ids[0, place]]) for place in places]))
        assert await generator.likelihood(turns(QUESTIONS[0]), text) == pytest.approx(expected, abs=0.02)


async def test_the_right_answer_is_likelier_than_nonsense(generator: LocalGenerator) -> None:
    right, wrong = [
        await generator.likelihood(turns(QUESTIONS[0]), text)
        for text in ("The capital of France is Paris.", "Bananas are blue.")
    ]
    assert right > wrong + 1


async def test_a_copy_says_the_same_at_the_same_time_and_is_stopped_alone(generator: LocalGenerator) -> None:
    alone = [await answer(generator, question) for question in QUESTIONS]
    copy = generator.copy()
    try:
        together = await asyncio.gather(*(answer(one, question) for one in (generator, copy) for question in QUESTIONS))
    finally:
        await copy.aclose()
    assert together == alone * 2
    assert (copy.name, copy.grounded) == (generator.name, generator.grounded)
    assert await answer(generator, QUESTIONS[0]) == alone[0]
