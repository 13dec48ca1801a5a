"""How fast the generator writes: against llama.cpp and transformers' own loop in the same run, alone and in a crowd.

Usage: python -m benchmarks.generation [--quick]

All have the same LoRA: the shipped adapter, or a random one where there is none yet. Ours and transformers' are merged
into the weights, llama.cpp's is beside them. Peers take their turn question by question, so that a load on the machine
falls on all of them. Three kinds of prompt: one of 114 tokens; grounded ones, the example help centre's dev questions
with the three passages that are found for each; and open ones that give nothing to copy, where guesses from the prompt
do not help.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from adapters.bases import DEFAULT_GENERATOR, resolve
from adapters.generator.config import GeneratorSettings
from adapters.generator.model import LocalGenerator
from adapters.types import ChatTurn, GenerationLimits
from benchmarks.generation_peer import peak_memory
from benchmarks.generation_prompts import grounded, open_ended, short
from benchmarks.generation_systems import LEAN, TRANSFORMERS, Bench, Timed, open_bench
from benchmarks.table import PICTURES, RESULTS, Row, keep
from bot.config import folders

CROWDS = (4, 8, 16)
TOKENS = 48
GUESSES = 1_000  # bootstrap draws
SEED = 11
QUICK = "--quick"


def decoding(bench: Bench, prompts: Sequence[Sequence[int]], rounds: int) -> dict[str, list[Timed]]:
    """Let each system answer each prompt, in turn."""
    taken: dict[str, list[Timed]] = {name: [] for name in bench.systems}
    for _ in range(rounds):
        for prompt in prompts:
            for name, answer in bench.systems.items():
                taken[name].append(answer(prompt, TOKENS))
    return taken


def rate(taken: Sequence[Timed]) -> float:
    """Tokens a second after the first."""
    return sum(answer.tokens - 1 for answer in taken) / sum(answer.seconds for answer in taken)


def ratio_interval(ours: Sequence[Timed], theirs: Sequence[Timed]) -> tuple[float, float]:
    """95 % of the ratio of two rates, by drawing questions."""
    rng = np.random.default_rng(SEED)
    draws = rng.integers(0, len(ours), (GUESSES, len(ours)))
    ratios = [rate([ours[n] for n in draw]) / rate([theirs[n] for n in draw]) for draw in draws]
    low, high = np.quantile(ratios, (0.025, 0.975))
    return float(low), float(high)


def decoding_rows(kind: str, taken: dict[str, list[Timed]]) -> list[Row]:
    """Ours against each peer."""
    ours = taken[LEAN]
    rows = []
    for peer, theirs in taken.items():
        if peer == LEAN:
            continue
        low, high = ratio_interval(ours, theirs)
        rows.append(
            Row(
                area="generation",
                what=f"writing speed alone, {kind}",
                figure=rate(ours),
                unit="tok/s",
                goal=rate(theirs) if peer.startswith("llama.cpp") else None,
                n=len(ours),
                seed=SEED,
                peer=peer,
                peer_figure=rate(theirs),
                ratio=rate(ours) / rate(theirs),
                note=f"ratio {low:.2f} to {high:.2f}",
            )
        )
    return rows


def first_rows(bench: Bench, kinds: Mapping[str, Sequence[Sequence[int]]], goals: dict[str, float]) -> list[Row]:
    """Time to the first token, with nothing kept from earlier prompts and with it."""
    rows = []
    for kind, prompts in kinds.items():
        for name, reading in (("nothing kept", bench.read_cold), ("same beginning kept", bench.read_warm)):
            reading(prompts[0])
            seconds = [reading(prompt) for prompt in prompts[1:]]
            for share, label in ((0.5, "p50"), (0.95, "p95")):
                rows.append(
                    Row(
                        area="generation",
                        what=f"first token, {kind}, {name}, {label}",
                        figure=1000 * float(np.quantile(seconds, share)),
                        unit="ms",
                        goal=goals[kind],
                        at_least=False,
                        n=len(seconds),
                        note=f"{statistics.median(map(len, prompts)):.0f} tokens",
                    )
                )
    return rows


async def answers(
    generator: LocalGenerator, conversations: Sequence[tuple[ChatTurn, ...]], people: int
) -> tuple[list[str], float]:
    """Answers to all, so many at a time, and how long that took."""
    limits = GenerationLimits(max_new_tokens=TOKENS, seconds=3_600)
    places = asyncio.Semaphore(people)

    async def one(turns: tuple[ChatTurn, ...]) -> str:
        async with places:
            return "".join([piece async for piece in generator.stream(turns, limits)])

    started = time.perf_counter()
    texts = await asyncio.gather(*(one(turns) for turns in conversations))
    return list(texts), time.perf_counter() - started


async def crowd_rows(
    bench: Bench, conversations: Sequence[tuple[ChatTurn, ...]], crowds: Sequence[int], rounds: int
) -> list[Row]:
    """Throughput of several requests at once, reading included, against one after the other and transformers' loop."""
    generator = bench.local(max_batch=max(crowds))
    rates: dict[int, list[float]] = {people: [] for people in (1, *crowds)}
    plain: list[float] = []
    for _ in range(rounds):
        for people, taken in rates.items():
            texts, seconds = await answers(generator, conversations, people)
            taken.append(sum(map(bench.count, texts)) / seconds)
        some = [bench.encode(turns) for turns in conversations[:4]]
        timed = [bench.systems[TRANSFORMERS](prompt, TOKENS) for prompt in some]
        plain.append(sum(a.tokens for a in timed) / sum(a.first + a.seconds for a in timed))
    await generator.aclose()
    alone, theirs = statistics.median(rates[1]), statistics.median(plain)
    rows = []
    for people in crowds:
        found = statistics.median(rates[people])
        for peer, figure in (("our own one after the other", alone), ("transformers one after the other", theirs)):
            rows.append(
                Row(
                    area="generation",
                    what=f"throughput of {people} at once, reading included",
                    figure=found,
                    unit="tok/s",
                    goal=8 * figure if people == 16 else None,
                    n=len(conversations) * rounds,
                    peer=peer,
                    peer_figure=figure,
                    ratio=found / figure,
                )
            )
    return rows


async def quality_rows(bench: Bench, conversations: Sequence[tuple[ChatTurn, ...]]) -> list[Row]:
    """Share of answers that are letter for letter those of float32 without guesses."""
    settings = {
        "float32": GeneratorSettings(device="cpu", dtype="float32", max_batch=8, max_waiting=999, speculate=False),
        "bfloat16": GeneratorSettings(device="cpu", dtype="bfloat16", max_batch=8, max_waiting=999),
        "auto": GeneratorSettings(device="cpu", max_batch=8, max_waiting=999),
    }
    found: dict[str, list[str]] = {}
    for name, chosen in settings.items():
        generator = bench.make(chosen)
        found[name], _ = await answers(generator, conversations, 8)
        await generator.aclose()
    rows = []
    for name, label in (("auto", "as shipped"), ("bfloat16", "in bfloat16")):
        same = [one == other for one, other in zip(found[name], found["float32"], strict=True)]
        rows.append(
            Row(
                area="generation",
                what=f"answers the same as in float32, {label}",
                figure=sum(same) / len(same),
                n=len(same),
                note="greedy, dev questions",
            )
        )
    return rows


def swap_row(bench: Bench) -> Row:
    """From an adapter's folder to a generator that serves it, while the old one goes on."""
    started = time.perf_counter()
    asyncio.run(bench.local(max_batch=8).aclose())
    return Row(
        area="generation", what="loading another adapter version", figure=time.perf_counter() - started, unit="s", n=1
    )


def memory_row() -> Row:
    """Peak memory of the whole bot, its models and the example knowledge, for one question."""
    return Row(
        area="generation",
        what="peak memory of `burnish ask` with the default models",
        figure=peak_memory(),
        unit="MB",
        goal=2_000,
        at_least=False,
        n=1,
    )


def picture(taken: dict[str, list[Timed]], path: Path) -> None:
    """Seconds until each token of an answer, the median of the grounded prompts."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    numbers = np.arange(1, TOKENS + 1)
    for name, found in taken.items():
        rates = [(answer.tokens - 1) / answer.seconds for answer in found if answer.tokens > 1]
        first = statistics.median(answer.first for answer in found)
        axes.plot(numbers, first + (numbers - 1) / statistics.median(rates), label=name)
    axes.set(
        xlabel="token of the answer", ylabel="seconds since the question", title="Grounded questions, one at a time"
    )
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def measure(*, quick: bool, results: Path, pictures: Path) -> None:
    """Measure everything and keep it."""
    folder = resolve(DEFAULT_GENERATOR, cache=folders(os.environ).cache)
    few, rounds = (2, 1) if quick else (8, 2)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        bench = open_bench(folder, Path(scratch), quick=quick)
        conversations = grounded(6 if quick else 40)
        kinds = {
            "grounded with three passages": [bench.encode(turns) for turns in conversations],
            "open, nothing to copy": [bench.encode(turns) for turns in open_ended(2 if quick else 4)],
        }
        for prompt in kinds["open, nothing to copy"][:1]:  # the first run of a model is slower
            for answer in bench.systems.values():
                answer(prompt, 4)
        for kind, prompts in kinds.items():
            taken = decoding(bench, prompts[:few], rounds)
            rows += decoding_rows(kind, taken)
            if kind.startswith("grounded"):
                picture(taken, pictures / "generation-latency.png")
        reading = {
            "114-token prompt": [bench.encode(turns) for turns in short(2 * few if quick else 4 * few)],
            "three passages": kinds["grounded with three passages"][: 4 * few],
        }
        rows += first_rows(bench, reading, {"114-token prompt": 100, "three passages": 300})
        crowd = conversations[:4] if quick else conversations[:16]
        rows += asyncio.run(crowd_rows(bench, crowd, (4,) if quick else CROWDS, rounds))
        if not quick:
            rows += asyncio.run(quality_rows(bench, conversations[:30]))
            rows.append(swap_row(bench))
            rows.append(memory_row())
    print(f"{torch.get_num_threads()} threads; {bench.adapter_name}")
    keep("generation", rows, command="python -m benchmarks.generation", folder=results)


def main(arguments: Sequence[str]) -> None:
    """Keep the figures, or with --quick only see that all runs."""
    if QUICK in arguments:
        with tempfile.TemporaryDirectory() as scratch:
            measure(quick=True, results=Path(scratch), pictures=Path(scratch))
    else:
        measure(quick=False, results=RESULTS, pictures=PICTURES)


if __name__ == "__main__":
    main(sys.argv[1:])
