"""How well intents are told, and what belongs to none, on public sets.

    python -m benchmarks.intent [--sets clinc150 banking77 ...] [--seeds 2] [--epochs 3] [--no-tuning] [--quick]

The data folder is BENCH_DATA, or ../shared/data beside the project. Where a set's folder holds test.jsonl.gz
(and oos_test.jsonl.gz), these are the test side; else it is the share of the rows that the hash of the text puts there.
Each set's figures are kept in benchmarks/results/intent-SET.json. `--quick` takes four labels, one epoch, and keeps
its figures in a temporary folder. The built-in intents are measured by benchmarks.intent_builtin.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from adapters.bases import resolve
from adapters.encoder.config import EncoderSettings
from adapters.encoder.model import SentenceEncoder
from adapters.intent.lexical import LexicalLayer
from benchmarks import intent_few_shot as few_shot
from benchmarks.encoders import LABELS, SOURCES
from benchmarks.intent_sets import FEW_SHOT, FEW_SHOT_SETS, SETS, IntentSet, load
from benchmarks.intent_variants import (
    Bench,
    Measured,
    Member,
    default,
    default_with_outside,
    encode,
    peer,
    refit_seconds,
    together,
    tune,
    tuned_alone,
    words_of,
)
from benchmarks.table import PICTURES, RESULTS, Row, keep
from bot.config import folders
from training.metrics import bootstrap_mean, calibration_error
from training.plots import plot_reliability
from training.tune_encoder import TuneConfig
from training.types import Interval, TrainConfig

DEV_SHARE: Final = 0.1  # of the rows, to calibrate on
RESAMPLES: Final = 1_000
ACCURACY_GOALS: Final = {
    "clinc150": 0.974,
    "banking77": 0.945,
    "hwu64": 0.92,
    "smp_ecdt_zh": 0.94,
    "clinc150-10shot": 0.95,
    "banking77-10shot": 0.90,
}
SCOPE_GOALS: Final = {("clinc150", ""): 0.985, ("banking77_oos", "near"): 0.90}
QUERY_GOAL: Final = 10.0  # ms, of the default: the head alone, or with words where they help
REFIT_GOAL: Final = 10.0  # s
QUICK_LABELS: Final = 4
PEER: Final = "frozen encoder + scikit-learn LogisticRegression"


def measure(name: str, *, configs: Sequence[TuneConfig], limit: int, pictures: Path) -> Iterator[list[Row]]:
    """The figures of one set so far: first those of the frozen encoder, which take minutes, then all."""
    bench = prepare(name, limit=limit)
    base, rows = peer(bench), list[Row]()
    few = name.endswith(FEW_SHOT)
    words = few_shot.words_of(bench) if few else words_of(bench)
    measured, member = few_shot.default(bench) if few else default(bench)
    if name == "clinc150":
        draw(measured, bench.data, pictures / "intent-reliability.png")
    frozen = [measured] if few else frozen_variants(bench, words, measured, member)
    rows += [row for variant in frozen for row in rows_of(variant, base, bench.data)]
    yield rows
    if configs:
        tuned = (few_shot_tuned if few else tuned_variants)(bench, words, member, configs)
        yield rows + [row for variant in tuned for row in rows_of(variant, base, bench.data)]


def frozen_variants(bench: Bench, words: LexicalLayer, measured: Measured, member: Member) -> Iterator[Measured]:
    """The default head, alone and with words, and what can be done with the frozen encoder."""
    yield replace(measured, refit_seconds=refit_seconds(bench))
    if bench.data.outside_train:
        yield default_with_outside(bench)
    first, *others = ensembles("frozen encoder + words", bench, words, [member])
    yield replace(first, refit_seconds=refit_seconds(bench, words))
    yield from others


def tuned_variants(
    bench: Bench, words: LexicalLayer, member: Member, configs: Sequence[TuneConfig]
) -> Iterator[Measured]:
    """Tuned encoders, one after the other, with the frozen one and the words beside them."""
    members = [member]
    for number, config in enumerate(configs, start=1):
        tuned, seconds = tune(bench, config, log)
        members.append(tuned)
        if number == 1:
            yield replace(tuned_alone(bench, tuned), note=f"tuned in {seconds:.0f} s of CPU time")
        yield from ensembles(f"{number} tuned + frozen encoder + words", bench, words, members)


def few_shot_tuned(
    bench: Bench, words: LexicalLayer, member: Member, configs: Sequence[TuneConfig]
) -> Iterator[Measured]:
    """The same with ten rows a label."""
    members = [member]
    for number, config in enumerate(configs, start=1):
        tuned, seconds = few_shot.tune(bench, config, log)
        members.append(tuned)
        together = few_shot.together(f"{number} tuned + frozen encoder + words", bench, words, members)
        yield replace(together, note=f"{together.note}; each tuned in {seconds:.0f} s of CPU time")


def ensembles(name: str, bench: Bench, words: LexicalLayer, members: Sequence[Member]) -> Iterator[Measured]:
    """Members together; where there are out-of-scope rows, also with an in-scope score that learns from some."""
    yield together(name, bench, words, members)
    if bench.data.outside_train:
        yield together(f"{name}, scope fitted on outside rows", bench, words, members, outside=True)


def prepare(name: str, *, limit: int) -> Bench:
    """Read a set and encode it with the frozen encoder, on one thread."""
    data = load(name, limit=limit)
    folder = resolve(SOURCES[data.language], cache=folders(os.environ).cache)
    encoder = SentenceEncoder(folder, EncoderSettings(threads=1))
    log(f"{name}: {len(data.train)} training rows, {len(data.test)} of the {data.side}, {LABELS[data.language]}")
    shares = TrainConfig(dev_share=DEV_SHARE, test_share=data.test_share)
    return Bench(data=data, folder=folder, encoder=encoder, encoded=encode(data, encoder), shares=shares)


def rows_of(variant: Measured, base: Measured, data: IntentSet) -> Iterator[Row]:
    """The figures of one variant beside those of the peer."""
    rng = np.random.default_rng(0)
    accuracy = accuracy_of(variant, data, rng)
    theirs = accuracy_of(base, data, rng)
    yield Row(
        area="intent",
        what=f"{data.name}, {data.side}: accuracy, {variant.name}",
        figure=accuracy.value,
        goal=ACCURACY_GOALS.get(data.name),
        low=accuracy.low,
        high=accuracy.high,
        n=len(data.test),
        seed=0,
        peer=PEER,
        peer_figure=theirs.value,
        ratio=accuracy.value / theirs.value,
        note=variant.note,
    )
    yield from scope_rows(variant, base, data, rng)
    correct = np.array([intent.label == row.label for intent, row in zip(variant.test, data.test, strict=True)])
    confidence = np.array([intent.confidence for intent in variant.test])
    yield Row(
        area="intent",
        what=f"{data.name}, {data.side}: calibration error, {variant.name}",
        figure=calibration_error(confidence, correct),
        n=len(data.test),
    )
    is_default = variant.refit_seconds is not None
    if variant.milliseconds is not None:
        yield Row(
            area="intent",
            what=f"{data.name}: a query with its encodings, {variant.name}, one core",
            figure=variant.milliseconds,
            unit="ms",
            goal=QUERY_GOAL if is_default else None,
            at_least=False,
            note="median CPU time",
        )
    if variant.refit_seconds is not None:
        yield Row(
            area="intent",
            what=f"{data.name}: refit after ten new rows, {variant.name}, one core",
            figure=variant.refit_seconds,
            unit="s",
            goal=REFIT_GOAL,
            at_least=False,
            note="CPU time" + ("; the words are kept" if "words" in variant.name else ""),
        )


def scope_rows(variant: Measured, base: Measured, data: IntentSet, rng: np.random.Generator) -> Iterator[Row]:
    """How well the in-scope score tells out-of-scope rows, one figure for each kind of them."""
    for kind in sorted({row.kind for row in data.outside_train + data.outside_test}):
        area = scope_of(variant, data, kind, rng)
        theirs = scope_of(base, data, kind, rng)
        if area is None or theirs is None:
            continue
        inside, outside = scope_scores(variant, data, kind)
        yield Row(
            area="intent",
            what=f"{data.name}, {data.side}: out-of-scope AUROC{f' ({kind})' if kind else ''}, {variant.name}",
            figure=area.value,
            goal=SCOPE_GOALS.get((data.name, kind)),
            low=area.low,
            high=area.high,
            n=len(inside) + len(outside),
            seed=0,
            peer=f"{PEER}, its probability",
            peer_figure=theirs.value,
            ratio=area.value / theirs.value,
            note=f"{len(outside)} rows out of scope, {'none' if len(variant.outside_train) else 'others'} trained on",
        )


def scope_scores(variant: Measured, data: IntentSet, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """In-scope scores of the test rows and of out-of-scope rows that were not trained on; none if none were scored."""
    if not variant.outside_test:
        return np.zeros(0), np.zeros(0)
    scored = [*zip(variant.outside_test, data.outside_test, strict=True)]
    if not data.official and variant.outside_train:
        scored += zip(variant.outside_train, data.outside_train, strict=True)
    outside = [intent.in_scope for intent, row in scored if row.kind == kind]
    return np.array([intent.in_scope for intent in variant.test]), np.array(outside)


def scope_of(variant: Measured, data: IntentSet, kind: str, rng: np.random.Generator) -> Interval | None:
    """Area under the ROC curve with its 95 % interval; both sides are resampled."""
    inside, outside = scope_scores(variant, data, kind)
    if not len(inside) or not len(outside):
        return None

    def area(one: np.ndarray, other: np.ndarray) -> float:  # the share of pairs in the right order, ties half
        ordered = np.sort(other)
        below = np.searchsorted(ordered, one, side="left") + np.searchsorted(ordered, one, side="right")
        return float(below.mean() / (2 * len(other)))

    resampled = [area(rng.choice(inside, len(inside)), rng.choice(outside, len(outside))) for _ in range(RESAMPLES)]
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Interval(value=area(inside, outside), low=float(low), high=float(high))


def accuracy_of(variant: Measured, data: IntentSet, rng: np.random.Generator) -> Interval:
    """Share of the test rows with the right label."""
    right = [intent.label == row.label for intent, row in zip(variant.test, data.test, strict=True)]
    return bootstrap_mean(np.array(right), rng)


def draw(variant: Measured, data: IntentSet, path: Path) -> None:
    """The reliability diagram of a variant."""
    right = np.array([intent.label == row.label for intent, row in zip(variant.test, data.test, strict=True)])
    confidence = np.array([intent.confidence for intent in variant.test])
    plot_reliability(confidence, right, path, title=f"{data.name}, {variant.name}, {len(right)} rows ({data.side})")


def log(line: str) -> None:
    """Say how far it is."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure the sets asked for, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = (*SETS, *FEW_SHOT_SETS)
    parser.add_argument("--sets", nargs="*", choices=names, default=names, help="which (default: all)")
    parser.add_argument("--seeds", type=int, default=2, help="tuned encoders in the ensemble (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=3, help="of tuning (default: %(default)s; few-shot: twice)")
    parser.add_argument("--no-tuning", action="store_true", help="the frozen encoder only; minutes instead of an hour")
    parser.add_argument("--quick", action="store_true", help="a small part, for a check that it runs")
    given = parser.parse_args()
    command = " ".join(["python -m benchmarks.intent", *sys.argv[1:]])
    scratch = Path(tempfile.mkdtemp(prefix="burnish-bench-")) if given.quick else None
    for name in ("banking77_oos",) if given.quick else given.sets:
        epochs = 1 if given.quick else given.epochs * (few_shot.EPOCHS_FACTOR if name.endswith(FEW_SHOT) else 1)
        seeds = 0 if given.no_tuning else 1 if given.quick else given.seeds
        for rows in measure(
            name,
            configs=[TuneConfig(epochs=epochs, seed=seed) for seed in range(seeds)],
            limit=QUICK_LABELS if given.quick else 0,
            pictures=scratch or PICTURES,
        ):
            keep(f"intent-{name}", rows, command=command, folder=scratch or RESULTS)
    if scratch is not None:
        log(f"kept in {scratch}")


if __name__ == "__main__":
    main()
