"""SFT, KTO and DPO on the same simulated ratings: `python -m benchmarks.objectives --data FOLDER`.

The articles of squad2_en that the shipped adapter has never seen: passages of one side are asked about and rated, those
of the other are measured. An answer is liked if it has the gold answer (some ratings are wrong on purpose); some of the
others get the gold sentence as a correction.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import torch

from adapters.examples import AnswerExample, Examples, ShownPassage
from adapters.generator.merging import merged
from adapters.generator.prompt import Evidence, grounded_turns
from adapters.generator.shipped import FOLDER as SHIPPED
from adapters.pretrained import load_causal_model, load_tokenizer
from training.base_sets import (
    GroundedSet,
    ReadQuestion,
    load_squad,
    nearest_lines,
    sentence_target,
    span_target,
    split_articles,
)
from training.feedback_generator import FeedbackConfig, train_generator_on_feedback
from training.ground import Ground
from training.preferences import Objective
from training.rehearsal import answered
from training.splits import feedback_side, position
from training.types import Split

NOW: Final = datetime(2026, 11, 26, tzinfo=UTC)
LINES: Final = 2  # as the bot reads them
_WORD: Final = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with the lines that the bot reads and what it should say."""

    question: ReadQuestion
    title: str
    text: str  # of the passage
    sentence: str

    @property
    def evidence(self) -> Evidence:
        """The lines that the bot reads."""
        return Evidence(title=self.title, text=nearest_lines(self.question.text, self.text, LINES))


def main() -> None:
    """Print one line a run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds squad2_en/")
    parser.add_argument("--base", type=Path, required=True, help="the generator's folder")
    parser.add_argument("--ratings", type=int, default=200)
    parser.add_argument("--measured", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--runs", nargs="+", default=["sft:2e-4", "kto:5e-5", "dpo:5e-5"], help="objective:rate[:steps]"
    )
    parser.add_argument("--short", action="store_true", help="people correct to the bare fact instead of the sentence")
    given = parser.parse_args()
    _, _, held_out = split_articles(load_squad(given.data / "squad2_en"))
    rated, measured = sides(held_out, given.ratings, given.measured)
    said = bot_says(given.base, None, [*rated, *measured])
    show("before", measured, said[len(rated) :], short=given.short)
    for seed in given.seeds:
        examples = simulate(rated, said[: len(rated)], random.Random(seed), short=given.short)  # noqa: S311 - draws ratings, nothing secret
        likes = sum(one.liked for one in examples.answers)
        print(
            f"seed {seed}: {len(rated)} ratings, {likes} good, "
            f"{sum(bool(one.better) for one in examples.answers)} corrected"
        )
        for run in given.runs:
            one_run(run, seed, examples, measured, given)


def one_run(run: str, seed: int, examples: Examples, measured: Sequence[Asked], given: argparse.Namespace) -> None:
    """Train one candidate and print what it says."""
    name, rate, *steps = run.split(":")
    kept = examples
    if name == "likes":  # naive: nothing but what was liked
        kept = Examples(answers=tuple(replace(one, better="") for one in examples.answers if one.liked))
    config = FeedbackConfig(
        objective=Objective.SFT if name == "likes" else Objective(name), learning_rate=float(rate), seed=seed,
        min_examples=10,
    )  # fmt: skip
    if steps:
        config = replace(config, max_steps=int(steps[0]))
    ground = Ground(base=given.base, source="shipped", parent=SHIPPED, parent_name="generator-1")
    with tempfile.TemporaryDirectory() as folder:
        started, cpu = time.perf_counter(), time.process_time()
        made = train_generator_on_feedback(
            examples=kept, ground=ground, folder=Path(folder) / "a", config=config, now=NOW
        )
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
        said = bot_says(given.base, made.folder, measured)
    figures = {key: round(value, 3) for key, value in made.metrics.items()}
    show(f"{run} seed {seed} n {made.examples} {wall:.0f} s (cpu {cpu:.0f})", measured, said, short=given.short)
    print("   ", json.dumps(figures), flush=True)


def sides(found: GroundedSet, ratings: int, measured: int) -> tuple[list[Asked], list[Asked]]:
    """Questions that are rated, and questions to other passages that are measured; sides by hash of the passage."""
    asked: tuple[list[Asked], list[Asked]] = ([], [])
    for key, questions in sorted(found.questions.items()):
        passage = found.passages[key]
        for question in questions:
            sentence = sentence_target(question.text, question.answers, passage.text) if question.answers else None
            if sentence is not None:
                title = passage.title.replace("_", " ")
                one = Asked(question=question, title=title, text=passage.text, sentence=sentence)
                asked[position(key) < 0.5].append(one)
    for side in asked:
        side.sort(key=lambda one: position(one.question.text))
    return asked[0][:ratings], asked[1][:measured]


def simulate(rated: Sequence[Asked], said: Sequence[str], rng: random.Random, *, short: bool) -> Examples:
    """What people make of the answers: 15 % of the ratings are wrong, half of the bad ones come with a correction."""
    examples = []
    for number, (one, answer) in enumerate(zip(rated, said, strict=True)):
        good = is_good(one, answer, short=short) != (rng.random() < 0.15)
        wanted = span_target(one.question.answers) if short else one.sentence
        better = "" if good or rng.random() < 0.5 else wanted
        examples.append(
            AnswerExample(
                question=one.question.text,
                passages=(ShownPassage(uri=one.question.passage, title=one.title, text=one.text),),
                answer=answer, liked=good, better=better, weight=1.0, ratings=(f"{number}:x",),
            )
        )  # fmt: skip
    return Examples(answers=tuple(examples))


def is_good(one: Asked, answer: str, *, short: bool) -> bool:
    """Whether a person would like it."""
    has = any(gold.lower() in answer.lower() for gold in one.question.answers)
    return has and (not short or len(answer.split()) <= 2 * len(span_target(one.question.answers).split()) + 2)


def bot_says(base: Path, adapter: Path | None, asked: Sequence[Asked]) -> list[str]:
    """Greedy answers; None: the adapter that ships."""
    model = merged(load_causal_model(base, dtype=torch.float32), adapter or SHIPPED)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.to(device=device, dtype=torch.bfloat16)
    return answered(model, load_tokenizer(base), [grounded_turns(one.question.text, [one.evidence]) for one in asked])


def show(name: str, asked: Sequence[Asked], said: Sequence[str], *, short: bool) -> None:
    """Shares of accepted answers and F1 of the words, each with its standard error; the test side of the questions."""
    for label, side in (("dev", False), ("test", True)):
        kept = [
            (one, answer)
            for one, answer in zip(asked, said, strict=True)
            if (feedback_side(one.question.text) is Split.TEST or position(one.question.text + "x") < 0.5) is side
        ]
        good = np.array([is_good(one, answer, short=short) for one, answer in kept], dtype=float)
        f1 = np.array([
            words_f1(answer, span_target(one.question.answers) if short else one.sentence) for one, answer in kept
        ])  # fmt: skip
        length = np.mean([len(answer.split()) for _, answer in kept])
        print(
            f"{name} | {label} n {len(kept)} | accepted {good.mean():.3f} ± {good.std() / len(good) ** 0.5:.3f} | "
            f"F1 {f1.mean():.3f} ± {f1.std() / len(f1) ** 0.5:.3f} | words {length:.1f}",
            flush=True,
        )


def words_f1(said: str, wanted: str) -> float:
    """Of the words, as SQuAD counts it."""
    one, two = Counter(_WORD.findall(said.lower())), Counter(_WORD.findall(wanted.lower()))
    both = sum((one & two).values())
    return 2 * both / (one.total() + two.total()) if both else 0.0


if __name__ == "__main__":
    main()
