"""How fast the generator writes when several people ask at once, against transformers' own loop in the same run.

Usage: python -m benchmarks.generation [float32|bfloat16|auto]
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from adapters.bases import DEFAULT_GENERATOR, resolve
from adapters.device import choose_device
from adapters.generator.config import GeneratorSettings
from adapters.generator.model import ChatCodec, LocalGenerator
from adapters.pretrained import load_causal_model, load_tokenizer
from adapters.types import ChatTurn, GenerationLimits
from bot.config import folders

CONCURRENT = (1, 4, 8, 16)
ROUNDS = 3
TOKENS = 48
PASSAGE = (
    "Invoices are sent on the first working day of each month to the billing address in your account. "
    "To change the address, open Settings, choose Billing, and save the new one before the 25th; "
    "later changes count from the following month. A lost invoice can be downloaded again for seven years."
)
QUESTIONS = (
    "When are invoices sent?",
    "How do I change the billing address, step by step?",
    "What happens when I change it on the 28th?",
    "Explain to a new colleague how invoices work.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One answer."""

    text: str
    first_seconds: float  # until the first piece


def turns(number: int) -> tuple[ChatTurn, ...]:
    """A prompt of about 110 tokens, as the bot writes them."""
    question = QUESTIONS[number % len(QUESTIONS)]
    return (ChatTurn(role="user", content=f"{PASSAGE}\n\nQuestion {number}: {question}"),)


async def ask(generator: LocalGenerator, number: int) -> Measured:
    """One person's question."""
    started, first, pieces = time.perf_counter(), 0.0, list[str]()
    async for piece in generator.stream(turns(number), GenerationLimits(max_new_tokens=TOKENS, seconds=600)):
        first = first or time.perf_counter() - started
        pieces.append(piece)
    return Measured(text="".join(pieces), first_seconds=first)


async def crowd(generator: LocalGenerator, count: Callable[[str], int], people: int) -> tuple[float, float]:
    """Many questions at the same moment; tokens a second for all together, and the median wait for a first piece.

    Fewer people than there are questions ask them all, one crowd after the other: answers differ in length.
    """
    started, answers = time.perf_counter(), list[Measured]()
    for first in range(0, max(people, len(QUESTIONS)), people):
        answers += await asyncio.gather(*(ask(generator, number) for number in range(first, first + people)))
    seconds = time.perf_counter() - started
    tokens = sum(count(answer.text) for answer in answers)
    return tokens / seconds, statistics.median(answer.first_seconds for answer in answers)


@torch.inference_mode()
def plain(model: torch.nn.Module, codec: ChatCodec) -> float:
    """Tokens a second of transformers' own loop, one question after the other."""
    tokens, started = 0, time.perf_counter()
    for number in range(len(QUESTIONS)):
        prompt = torch.tensor([codec.encode(turns(number))])
        output = model.generate(  # type: ignore[operator]  # a transformers model, which ships no types
            prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=TOKENS, do_sample=False, pad_token_id=0
        )
        tokens += output.shape[1] - prompt.shape[1]
    return tokens / (time.perf_counter() - started)


async def measure(dtype: str) -> None:
    """Print the table."""
    folder = resolve(DEFAULT_GENERATOR, cache=folders(os.environ).cache)
    device = choose_device("cpu", dtype=dtype)
    model = load_causal_model(folder, dtype=device.torch_dtype)
    codec = ChatCodec.load(folder, model)
    tokenizer = load_tokenizer(folder)

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    settings = GeneratorSettings(device="cpu", dtype=dtype, max_batch=max(CONCURRENT))
    generator = LocalGenerator(folder, settings)
    print(f"{device.dtype}, {torch.get_num_threads()} threads, {len(codec.encode(turns(0)))} prompt tokens")
    await crowd(generator, count, 2)  # the first run of a model is slower
    plain(model, codec)
    baseline: list[float] = []
    figures: dict[int, list[tuple[float, float]]] = {people: [] for people in CONCURRENT}
    for _ in range(ROUNDS):  # taken in turn, so that a load on the machine falls on all of them
        baseline.append(plain(model, codec))
        for people in CONCURRENT:
            figures[people].append(await crowd(generator, count, people))
    await generator.aclose()
    alone = statistics.median(baseline)
    print(f"model.generate, one after the other: {alone:.1f} tok/s")
    print("people   tok/s   ratio   first piece s")
    for people, rounds in figures.items():
        rate = statistics.median(rate for rate, _ in rounds)
        first = statistics.median(wait for _, wait in rounds)
        print(f"{people:6d}  {rate:6.1f}  {rate / alone:5.2f}x  {first:14.2f}")


def main(arguments: Sequence[str]) -> None:
    """Measure in the precision that was named, or in the machine's own."""
    asyncio.run(measure(arguments[0] if arguments else "auto"))


if __name__ == "__main__":
    main(sys.argv[1:])
