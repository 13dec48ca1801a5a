"""The variants where a label has ten rows: none can be spared, so nothing is held out and all weights are fixed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import numpy as np

from adapters.encoder.config import EncoderSettings
from adapters.encoder.model import SentenceEncoder
from adapters.intent.config import IntentDefinition, IntentRoute
from adapters.intent.ensemble import IntentEnsemble
from adapters.intent.lexical import LexicalLayer
from adapters.intent.model import UNFITTED_SCOPE, IntentHead
from adapters.types import LabelledText
from benchmarks.intent_variants import Bench, Measured, Member, encode, measure_head, timed
from training.calibrate import SHARPNESS, columns_of, sorted_examples
from training.combine_intents import fit_words
from training.few_shot import few_shot
from training.splits import normalised
from training.tune_encoder import TuneConfig, tune_intent_encoder
from training.types import TrainConfig

NO_DEV: Final = TrainConfig(dev_share=1e-12, test_share=0.0)
WORDS_WEIGHT: Final = 1.0  # not fitted
EPOCHS_FACTOR: Final = 2  # a few-shot set has so few rows that it takes more passes


def with_names(rows: Sequence[LabelledText]) -> tuple[LabelledText, ...]:
    """The rows, and each label's name as one more example: with so few rows it says as much as any of them."""
    names = sorted({row.label for row in rows})
    known = {normalised(row.text) for row in rows}
    added = [LabelledText(text=label.replace("_", " "), label=label) for label in names]
    return (*rows, *(row for row in added if normalised(row.text) not in known))


def words_of(bench: Bench) -> LexicalLayer:
    """The layer over words, trained on all rows."""
    rows = bench.data.train
    return fit_words(rows, sorted({row.label for row in rows}))


def default(bench: Bench) -> tuple[Measured, Member]:
    """The head that the bot makes of definitions, on all rows."""
    rows = with_names(bench.data.train)
    definitions = [
        IntentDefinition(
            name=label,
            description="",
            examples=tuple(row.text for row in rows if row.label == label),
            route=IntentRoute.QUESTION,
            reply=MappingProxyType({}),
        )
        for label in sorted({row.label for row in rows})
    ]
    started = time.process_time()
    head = few_shot(definitions, bench.encoder)
    seconds = time.process_time() - started
    milliseconds = timed(bench.data, lambda text: head.classify(bench.encoder.encode([text])))
    measured = replace(
        measure_head("default head", head, bench.encoded, milliseconds), refit_seconds=seconds, note="made anew"
    )
    return measured, Member(head=head, encoder=bench.encoder, encoded=bench.encoded)


def tune(bench: Bench, config: TuneConfig, log: Callable[[str], None]) -> tuple[Member, float]:
    """An encoder tuned on all rows, with its uncalibrated head, and the CPU seconds that it took."""
    started = time.process_time()
    rows = with_names(bench.data.train)
    layer = tune_intent_encoder(
        rows,
        bench.folder,
        config=config,
        shares=NO_DEV,
        on_epoch=lambda report: log(f"  seed {config.seed}, epoch {report.epoch}: train {report.train_loss:.3f}"),
    )
    encoder = SentenceEncoder(bench.folder, EncoderSettings(threads=1), delta=layer.delta)
    encoded = encode(bench.data, encoder)
    labels = tuple(sorted({row.label for row in rows}))
    columns = columns_of([row.label for row in bench.data.train], labels)
    examples, starts = sorted_examples(encoded.train, columns, len(labels))
    head = IntentHead(
        name=f"intent-tuned-{config.seed}",
        encoder=encoder.name,
        labels=labels,
        weight=layer.weight,
        bias=layer.bias,
        temperature=1.0,
        examples=examples,
        starts=starts,
        neighbour_weight=0.0,
        neighbour_sharpness=SHARPNESS,
        scope=UNFITTED_SCOPE,
    )
    return Member(head=head, encoder=encoder, encoded=encoded), time.process_time() - started


def together(name: str, bench: Bench, words: LexicalLayer, members: Sequence[Member]) -> Measured:
    """Heads and words with fixed weights; the labels of the few-shot head stand in another order than the rest's."""
    data = bench.data
    labels = members[-1].head.labels
    heads = tuple(in_order(member.head, labels) for member in members)
    ensemble = IntentEnsemble(
        heads=heads,
        weights=(1.0,) * len(heads),
        words=words,
        words_weight=WORDS_WEIGHT,
        temperature=1.0,
        scope=UNFITTED_SCOPE,
    )
    return Measured(
        name=name,
        test=ensemble.predict([row.text for row in data.test], [member.encoded.test for member in members]),
        outside_train=(),
        outside_test=(),
        milliseconds=timed(
            data, lambda text: ensemble.predict([text], [one.encoder.encode([text]) for one in members])
        ),
        note="fixed weights, not calibrated",
    )


def in_order(head: IntentHead, labels: tuple[str, ...]) -> IntentHead:
    """The same head with its labels in another order."""
    if head.labels == labels:
        return head
    order = [head.labels.index(label) for label in labels]
    bounds = np.append(head.starts, len(head.examples))
    parts = [head.examples[bounds[place] : bounds[place + 1]] for place in order]
    return replace(
        head,
        labels=labels,
        weight=head.weight[order],
        bias=head.bias[order],
        examples=np.concatenate(parts),
        starts=np.cumsum([0, *(len(part) for part in parts[:-1])]),
    )
