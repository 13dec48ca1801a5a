"""Reading with the right passage given: squad2_en, articles that the shipped adapter has never seen.

The generator reads of the passage what the message path would show it: the lines that are nearest to the question.
`--lines 0` shows it the whole passage.

    python -m benchmarks.reading [--questions N] [--adapter FOLDER] [--peer] [--quick]

If squad2_en holds test_passages.jsonl.gz and test_qa.jsonl.gz, those are measured instead of the held-out articles.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from adapters.bases import DEFAULT_ENCODER, resolve
from adapters.encoder.model import SentenceEncoder
from adapters.generator.prompt import Evidence, Style, grounded_turns
from adapters.types import Encoder, GenerationLimits, Generator, Verdict
from benchmarks.grounded import TOGETHER, default_generator, untuned_generator
from benchmarks.table import QUICK, RESULTS, Row, keep
from benchmarks.tasks import DATA, rows
from bot.config import folders
from bot.extract import Line, best_extract, lines
from bot.looking import READ_LINES
from bot.prompts import answer_turns
from knowledge.testing import chunk, stored_chunk
from knowledge.types import Matrix, Passage
from training.base_sets import HELD_OUT_ARTICLES
from training.metrics import auroc, bootstrap_mean, contains_gold, token_f1

SEED = 0
LIMITS = {
    Style.SHORT: GenerationLimits(max_new_tokens=32, seconds=3_600),
    Style.SENTENCES: GenerationLimits(max_new_tokens=96, seconds=3_600),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A question to a passage."""

    question: str
    passage: Evidence
    gold: tuple[str, ...]  # empty: the passage does not tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the generator made of it."""

    read: Read
    text: str
    head: float | None  # log odds that the passage tells


def clipped(asked: Sequence[Read], encoder: Encoder, lines_shown: int) -> list[Read]:
    """The questions with the lines of their passage that the message path would show."""
    if not lines_shown:
        return list(asked)
    known: dict[str, tuple[tuple[Line, ...], Passage, Matrix]] = {}
    found = []
    for read in asked:
        if read.passage.text not in known:
            passage = as_found(read.passage)
            own = lines([passage])
            known[read.passage.text] = own, passage, encoder.encode([line.embedding_text for line in own])
        own, passage, vectors = known[read.passage.text]
        similarities = (vectors @ encoder.encode([read.question])[0]).tolist()
        best = best_extract(read.question, [passage], own, similarities, max_lines=lines_shown)
        text = best.text if best is not None else read.passage.text
        found.append(replace(read, passage=replace(read.passage, text=text)))
    return found


def as_found(evidence: Evidence) -> Passage:
    """A passage as retrieval would give it."""
    made = chunk(evidence.text, title=evidence.title)
    return Passage(stored=stored_chunk(1, made), similarity=1.0, lexical=1.0, fused=1.0, rank=1)


def load(questions: int) -> list[Read]:
    """The questions, as many answerable as unanswerable ones as the set has, in an order by seed."""
    prefix = "test_" if (DATA / "squad2_en" / "test_qa.jsonl.gz").is_file() else ""
    passages = {row["id"]: row for row in rows(f"squad2_en/{prefix}passages")}
    found = [
        Read(
            question=row["question"].strip(),
            passage=Evidence(title=passages[row["doc"]]["title"].replace("_", " "), text=passages[row["doc"]]["text"]),
            gold=tuple(row["answers"]) if row["answerable"] else (),
        )
        for row in rows(f"squad2_en/{prefix}qa")
        if prefix or passages[row["doc"]]["title"] in HELD_OUT_ARTICLES
    ]
    random.Random(SEED).shuffle(found)  # noqa: S311 - draws questions, nothing secret
    return found[:questions] if questions else found


async def read_all(generator: Generator, asked: Sequence[Read], style: Style, *, grounded: bool) -> list[Said]:
    """Ask every question of its own passage; several are computed together."""
    limit = asyncio.Semaphore(TOGETHER)

    async def one(read: Read) -> Said:
        verdicts: list[Verdict] = []
        if grounded:
            turns = grounded_turns(read.question, [read.passage], style=style)
        else:
            turns = answer_turns(read.question, (), (), extracts=[read.passage.text])
        async with limit, aclosing(generator.stream(turns, LIMITS[style], judged=verdicts.append)) as pieces:
            text = "".join([piece async for piece in pieces])
        return Said(read=read, text=text.strip(), head=verdicts[0].answerable if verdicts else None)

    return list(await asyncio.gather(*(one(read) for read in asked)))


def measure(said: Sequence[Said], style: Style, *, peer: float | None = None) -> list[Row]:
    """The figures of one style."""
    rng = np.random.default_rng(SEED)
    answerable = [item for item in said if item.read.gold]
    held = "squad2_en, held-out articles, right passage given"
    found = []
    if style is Style.SHORT:
        f1 = bootstrap_mean(np.array([token_f1(item.text, item.read.gold) for item in answerable]), rng)
        found.append(
            Row(
                area="answers", what=f"{held}: F1 of the short answer, answerable", figure=f1.value, goal=0.70,
                low=f1.low, high=f1.high, n=len(answerable), seed=SEED, peer="untuned generator" if peer else "",
                peer_figure=peer, ratio=f1.value / peer if peer else None,
            )
        )  # fmt: skip
        exact = bootstrap_mean(np.array([token_f1(item.text, item.read.gold) == 1.0 for item in answerable]), rng)
        found.append(
            Row(
                area="answers", what=f"{held}: exact match", figure=exact.value, low=exact.low, high=exact.high,
                n=len(answerable), seed=SEED,
            )
        )  # fmt: skip
    else:
        gold = bootstrap_mean(np.array([contains_gold(item.text, item.read.gold) for item in answerable]), rng)
        found.append(
            Row(
                area="answers", what=f"{held}: the answer in sentences has the gold answer", figure=gold.value,
                low=gold.low, high=gold.high, n=len(answerable), seed=SEED,
            )
        )  # fmt: skip
    heads = np.array([item.head for item in said if item.head is not None])
    truth = np.array([bool(item.read.gold) for item in said if item.head is not None])
    area = auroc(heads, truth) if len(heads) else None
    if area is not None:
        draws = [rng.integers(0, len(heads), len(heads)) for _ in range(500)]
        areas = [value for draw in draws if (value := auroc(heads[draw], truth[draw])) is not None]
        low, high = np.percentile(areas, [2.5, 97.5])
        found.append(
            Row(
                area="answers", what=f"{held}: answerability AUROC, adversarial questions ({style.value} prompt)",
                figure=area, goal=0.80, low=float(low), high=float(high), n=len(heads), seed=SEED,
            )
        )  # fmt: skip
    return found


async def run(options: argparse.Namespace) -> list[Row]:
    """Measure both styles, and the untuned model beside them if asked for."""
    encoder = SentenceEncoder(resolve(DEFAULT_ENCODER, cache=folders(os.environ).cache))
    asked = clipped(load(24 if options.quick else options.questions), encoder, options.lines)
    peer = None
    if options.peer:
        bare = untuned_generator()
        answerable = [read for read in asked if read.gold][:60]
        said = await read_all(bare, answerable, Style.SHORT, grounded=False)
        peer = float(np.mean([token_f1(item.text, item.read.gold) for item in said]))
        await bare.aclose()
    generator = default_generator(adapter=options.adapter)
    found: list[Row] = []
    try:
        for style in Style:
            said = await read_all(generator, asked, style, grounded=True)
            found += measure(said, style, peer=peer)
            if options.show:
                for item in said[: options.show]:
                    print(f"{style.value} | {item.read.question} | {item.text} | {item.read.gold[:1]} | {item.head}")
    finally:
        await generator.aclose()
    return found


def main() -> None:
    """Measure and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=0, help="0 for all")
    parser.add_argument("--adapter", type=Path, help="another adapter than the shipped one")
    parser.add_argument("--lines", type=int, default=READ_LINES, help="lines of the passage that are read; 0 for all")
    parser.add_argument("--peer", action="store_true", help="measure the untuned generator too (60 questions)")
    parser.add_argument("--quick", action="store_true", help="24 questions; nothing is kept")
    parser.add_argument("--show", type=int, default=0, help="print so many answers of each style")
    options = parser.parse_args()
    found = asyncio.run(run(options))
    command = f"python -m benchmarks.reading --questions {options.questions}" + (" --peer" if options.peer else "")
    keep("reading", found, command=command, folder=QUICK if options.quick else RESULTS)


if __name__ == "__main__":
    main()
