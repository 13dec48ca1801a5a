"""When the bot refuses, and what it lets the generator say: both trade-offs, on real questions.

    python -m benchmarks.thresholds answerability      retrieval against questions without an answer
    python -m benchmarks.thresholds support            the groundedness check against the untuned generator

The data folder is BENCH_DATA, or ../shared/data beside the project. Constants are fitted on the dev side and
reported on the test side: squad2_en is split by article (dev: European_Union_law, French_and_Indian_War, Imperialism,
Steam_engine, Warsaw; test: Force, Immune_system), everything else by a hash of the question. The example knowledge's
dev questions are all dev, its acceptance questions test. FeedbackQA and the product documentation are only reported.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np

from adapters.bases import DEFAULT_ENCODER, DEFAULT_GENERATOR, resolve
from adapters.encoder.model import SentenceEncoder
from adapters.generator.model import LocalGenerator
from benchmarks.questions import (
    SEED,
    Base,
    Case,
    cases,
    cmrc,
    examples,
    feedbackqa,
    foreign,
    manual,
    on_test_side,
    open_base,
    squad,
)
from benchmarks.tasks import rows
from benchmarks.writing import SETTINGS, Task, Written, as_passage, contains, extract, write_all
from bot.confidence import DEFAULT_ANSWERABILITY, Features
from bot.config import folders
from bot.words import has_han
from knowledge.retrieve import KnowledgeBase

TARGET = 0.92  # of the answerable questions are to be answered
FITTED = ("squad2_en", "cmrc2018_zh", "examples")  # elsewhere near-duplicates of what was taken out still answer
NEGATIVE = ("removed", "foreign", "refuse")  # adversarial ones are on topic by design: reported, not fitted


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Chance that a positive scores above a negative."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score([1] * len(positive) + [0] * len(negative), [*positive, *negative]))


def all_cases(encoder: SentenceEncoder, *, fitted_only: bool) -> list[Case]:
    """Every question to every base, or only to those that the constants are fitted on."""
    rng = random.Random(SEED)  # noqa: S311 - draws questions, nothing secret
    bases: list[Base] = [
        squad(rng, 400 if fitted_only else 1400),
        *feedbackqa(rng),
        manual("syncthing_docs_en", "text/x-rst", "en", 164),
        manual("letsencrypt_docs_en_zh", "text/markdown", "en", 24),
        manual("tidb_docs_zh", "text/markdown", "zh", 60),
        cmrc(rng, 100 if fitted_only else 300),
    ]
    extra = foreign(bases, rng)
    found: list[Case] = []
    for base in [*bases, examples(encoder)]:
        if fitted_only and base.name not in FITTED:
            continue
        print(f"asking {base.name} ...", flush=True)
        found += cases(base, extra.get(base.name, ()), encoder)
    return found


def print_single_scores(found: Sequence[Case]) -> None:
    """AUROC of each feature by itself and of the combination, answerable against each other kind."""
    names = [field.name for field in fields(Features)]
    print(f"\n| base | against | n | {' | '.join(names)} | combined |")
    print("|---|---|---|" + "---|" * (len(names) + 1))
    groups: defaultdict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in found:
        groups[case.base.split()[0], case.kind].append(case)
    for (base, kind), negative in groups.items():
        positive = groups[base, "answerable"]
        if kind == "answerable" or not positive:
            continue
        columns = [
            auroc([astuple(case.features)[i] for case in positive], [astuple(case.features)[i] for case in negative])
            for i in range(len(names))
        ]
        columns.append(auroc([case.score for case in positive], [case.score for case in negative]))
        print(f"| {base} | {kind} | {len(positive)}/{len(negative)} | {' | '.join(f'{c:.3f}' for c in columns)} |")


def fit(found: Sequence[Case], *, chinese: bool) -> None:
    """Print the constants for bot.confidence: logistic regression, moved so that TARGET of the answerable reach 0.5."""
    from sklearn.linear_model import LogisticRegression

    used = [
        case
        for case in found
        if (not case.test or case.base == "examples")
        and case.base in FITTED
        and has_han(case.text) is chinese
        and case.kind in ("answerable", *NEGATIVE)
    ]
    x = np.array([astuple(case.features) for case in used])
    y = np.array([case.kind == "answerable" for case in used])
    sizes = Counter((case.base, case.kind) for case in used)
    kinds = Counter(base for base, kind in sizes if kind != "answerable")
    # Each base weighs the same, in it the answerable as much as the rest, and each kind of the rest the same.
    weight = np.array(
        [1 / sizes[case.base, case.kind] / (1 if case.kind == "answerable" else kinds[case.base]) for case in used]
    )
    spread = x.std(axis=0) + 1e-9
    model = LogisticRegression(C=1.0, max_iter=1000).fit(x / spread, y, sample_weight=weight / weight.mean())
    slopes = model.coef_[0] / spread
    logits = x[y] @ slopes
    order = np.argsort(logits)
    share = np.cumsum(weight[y][order]) / weight[y].sum()
    bias = -float(logits[order][np.searchsorted(share, 1 - TARGET)])
    language = "Chinese" if chinese else "other languages"
    print(f"\nfitted for {language} on {len(used)} dev cases:")
    print("  ", {field.name: round(float(slope), 2) for field, slope in zip(fields(Features), slopes, strict=True)})
    print(f"   bias {bias:.2f} puts {TARGET:.0%} of the answerable above 0.5")


def print_thresholds(found: Sequence[Case]) -> None:
    """Share of questions answered at thresholds, on the test side."""
    thresholds = (0.2, 0.3, DEFAULT_ANSWERABILITY, 0.5, 0.6, 0.7, 0.8)
    print("\nShare answered on the test side, by threshold:\n")
    print(f"| base | kind | n | {' | '.join(f'{t:.2f}' for t in thresholds)} |")
    print("|---|---|---|" + "---|" * len(thresholds))
    groups: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for case in found:
        if case.test:
            groups[case.base.split()[0], case.kind].append(case.score)
    for (base, kind), scores in groups.items():
        shares = [float(np.mean([score >= t for score in scores])) for t in thresholds]
        print(f"| {base} | {kind} | {len(scores)} | {' | '.join(f'{share:.2f}' for share in shares)} |")


def print_examples(found: Sequence[Case]) -> None:
    """The example knowledge's questions on the wrong side."""
    print("\nExample questions on the wrong side:")
    for case in found:
        asked = case.base == "examples" and case.kind in ("answerable", "refuse")
        if asked and (case.score >= DEFAULT_ANSWERABILITY) != (case.kind == "answerable"):
            print(f"   {case.kind} {case.score:.2f} {case.text} {case.features}")


def answerability_part(*, fitted_only: bool) -> None:
    """Print everything about refusing."""
    encoder = SentenceEncoder(resolve(DEFAULT_ENCODER, cache=folders(os.environ).cache))
    found = all_cases(encoder, fitted_only=fitted_only)
    print_single_scores(found)
    for chinese in (False, True):
        fit(found, chinese=chinese)
    print_thresholds(found)
    print_examples(found)


def support_tasks(knowledge: KnowledgeBase, encoder: SentenceEncoder) -> dict[str, list[Task]]:
    """Dev questions of squad2_en, with their own passage alone, and with what is found for them."""
    titles = {row["id"]: row["title"] for row in rows("squad2_en/passages")}
    texts = {row["id"]: row["text"] for row in rows("squad2_en/passages")}
    dev = [row for row in rows("squad2_en/qa") if not on_test_side(titles[row["doc"]])]
    rng = random.Random(SEED)  # noqa: S311 - draws questions, nothing secret
    answerable = rng.sample([row for row in dev if row["answerable"]], 100)
    unanswerable = rng.sample([row for row in dev if not row["answerable"]], 50)
    tasks: dict[str, list[Task]] = {"own passage": [], "best extract of three": [], "an extract of each of three": []}
    for row in answerable + unanswerable:
        asked = row["question"]
        own = (as_passage(titles[row["doc"]].replace("_", " "), texts[row["doc"]]),)
        found = knowledge.search(asked, encoder.encode([asked])[0], top_k=3)
        right = (tuple(row["answers"]),) if row["answerable"] else ()
        each = tuple(extract(asked, [passage], encoder) for passage in found)
        readings = ((own, (extract(asked, own, encoder),)), (found, (extract(asked, found, encoder),)), (found, each))
        for name, (passages, extracts) in zip(tasks, readings, strict=True):
            tasks[name].append(Task(question=asked, passages=passages, extracts=extracts, right=right))
    return tasks


def print_support(written: Sequence[Written], title: str) -> None:
    """What passes the check, by threshold; a quote stands where nothing does."""
    answerable = [item for item in written if item.task.right]
    rest = [item for item in written if not item.task.right]
    total = sum(len(item.sentences) for item in written)
    drafts = mean(contains("".join(item.sentences), item.task.right) for item in answerable)
    print(f"\n{title}: {len(answerable)} answerable, {len(rest)} unanswerable questions, {total} sentences")
    print(f"the draft has the gold answer: {drafts:.2f}")
    share = mean(contains(item.task.extracts[0], item.task.right) for item in answerable)
    print(f"the (first) extract has it: {share:.2f}")
    heads = ("minimum", "sentences passed", "answers shown", "right of those", "quote right there", "bot right")
    print(f"\n| {' | '.join(heads)} | unanswerable shown |\n|---|---|---|---|---|---|---|")
    for minimum in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        sentences = sum(support.score >= minimum for item in written for support in item.supports) / total
        shown = [item for item in answerable if item.passed(minimum)]
        right = mean(contains(item.passed(minimum), item.task.right) for item in shown)
        instead = mean(contains(item.task.extracts[0], item.task.right) for item in shown)
        bot = mean(contains(item.passed(minimum) or item.task.extracts[0], item.task.right) for item in answerable)
        leaked = mean(bool(item.passed(minimum)) for item in rest)
        print(
            f"| {minimum:.1f} | {sentences:.2f} | {len(shown) / len(answerable):.2f} | {right:.2f} | {instead:.2f} "
            f"| {bot:.2f} | {leaked:.2f} |"
        )


def mean(values: Iterable[bool]) -> float:
    """Share of true ones; 0 of none."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0


def support_part() -> None:
    """Print everything about the groundedness check."""
    cache = folders(os.environ).cache
    encoder = SentenceEncoder(resolve(DEFAULT_ENCODER, cache=cache))
    with tempfile.TemporaryDirectory() as folder:
        rng = random.Random(SEED)  # noqa: S311 - draws questions, nothing secret
        knowledge = open_base(squad(rng), encoder, Path(folder))
        tasks = support_tasks(knowledge, encoder)
    asyncio.run(_print_written(LocalGenerator(resolve(DEFAULT_GENERATOR, cache=cache), SETTINGS), tasks))


async def _print_written(generator: LocalGenerator, tasks: Mapping[str, Sequence[Task]]) -> None:
    try:
        for name, wanted in tasks.items():
            print_support(await write_all(generator, wanted), f"squad2_en dev, {name}")
    finally:
        await generator.aclose()


def main() -> None:
    """Run the parts that were named, or both."""
    parts = ("answerability", "support")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=parts, help="one of the two; both if left out")
    parser.add_argument(
        "--fitted-only",
        action="store_true",
        help="ask only the bases that are fitted on, with fewer questions: minutes",
    )
    options = parser.parse_args()
    if options.part in (None, "answerability"):
        answerability_part(fitted_only=options.fitted_only)
    if options.part in (None, "support"):
        support_part()


if __name__ == "__main__":
    main()
