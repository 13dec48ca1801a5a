"""The trainer learns what can be learnt, the same each time, and says what it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from adapters.intent.config import OUT_OF_SCOPE
from adapters.testing import FakeEncoder
from adapters.types import LabelledText
from tests.unit.training.corpus import rows
from training.errors import TrainingError
from training.evaluate_intent import evaluate_intent
from training.splits import split_of
from training.train_intent import MAX_EXAMPLES_PER_LABEL, train_intent
from training.types import EpochReport, IntentTraining, Split, TrainConfig

ENCODER = FakeEncoder(dimension=128)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
CONFIG = TrainConfig(epochs=40, batch_size=16)


def train(data: Sequence[LabelledText], config: TrainConfig = CONFIG, **more: object) -> IntentTraining:
    vectors = ENCODER.encode([row.text for row in data])
    return train_intent(data, vectors, encoder=ENCODER.name, config=config, now=NOW, **more)  # type: ignore[arg-type]  # on_epoch


def test_it_learns_to_tell_unseen_rows_apart() -> None:
    data = rows()
    head = train(data).head
    test = [row for row in data if split_of(row.text, dev_share=0.15, test_share=0.15) is Split.TEST]
    report = evaluate_intent(head, test, ENCODER.encode([row.text for row in test]), np.random.default_rng(0))
    assert report.rows == len(test) > 10
    assert report.accuracy.value >= 0.95
    assert report.labels == ("delivery", "login", "refund")


def test_it_learns_eight_examples_by_heart() -> None:
    data = [row for row in rows() if split_of(row.text, dev_share=0.15, test_share=0) is Split.TRAIN][:8]
    data += [row for row in rows() if split_of(row.text, dev_share=0.15, test_share=0) is Split.DEV][:3]
    config = TrainConfig(epochs=200, patience=200, test_share=0, dropout=0, weight_decay=0, learning_rate=0.1)
    training = train(data, config)
    assert training.rows == {Split.TRAIN: 8, Split.DEV: 3, Split.TEST: 0}
    assert training.epochs[-1].train_loss < 0.05
    assert training.epochs[0].train_loss == pytest.approx(np.log(2), abs=1e-4)  # two labels, from zero weights


def test_the_same_seed_gives_the_same_head_and_another_seed_another() -> None:
    first, again = train(rows()), train(rows())
    other = train(rows(), replace(CONFIG, seed=1))
    assert first.head.name == again.head.name
    np.testing.assert_array_equal(first.head.weight, again.head.weight)
    assert first.head.name.startswith("intent-20261124-")
    assert other.head.name != first.head.name


def test_it_stops_when_the_dev_loss_no_longer_falls_and_keeps_the_best_epoch() -> None:
    seen: list[EpochReport] = []
    training = train(
        rows(), TrainConfig(epochs=500, patience=3, learning_rate=0.5, batch_size=16), on_epoch=seen.append
    )
    assert tuple(seen) == training.epochs
    assert len(seen) < 500
    assert [report.best for report in seen[-3:]] == [False] * 3
    assert training.best_epoch == len(seen) - 3
    best = seen[training.best_epoch - 1]
    assert best.dev_loss <= min(report.dev_loss for report in seen) + 1e-3
    dev = [row for row in rows() if split_of(row.text, dev_share=0.15, test_share=0.15) is Split.DEV]
    logits = ENCODER.encode([row.text for row in dev]) @ training.head.weight.T + training.head.bias
    targets = [training.head.labels.index(row.label) for row in dev]
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(dev)), targets]
    assert losses.mean() == pytest.approx(best.dev_loss, rel=1e-3)


def test_a_rare_label_is_not_drowned_by_a_frequent_one() -> None:
    frequent = [row for row in rows() if row.label == "refund"]
    rare = [
        row
        for row in rows()
        if row.label == "login" and split_of(row.text, dev_share=0.15, test_share=0) is Split.TRAIN
    ]
    data = frequent + rare[:3]
    head = train(data, replace(CONFIG, test_share=0, epochs=10)).head
    found = head.classify(ENCODER.encode([row.text for row in rare[:3]]))
    assert [intent.label for intent in found] == ["login"] * 3


def test_out_of_scope_rows_teach_the_in_scope_score() -> None:
    strange = [
        LabelledText(text=f"{verb} {thing}", label=OUT_OF_SCOPE)
        for verb in ("sing", "draw", "bake", "paint", "whistle", "dream of")
        for thing in ("a dragon", "clouds", "pancakes", "the moon", "old jazz", "chess", "volcanoes")
    ]
    training = train([*rows(), *strange])
    inside, outside = training.head.classify(ENCODER.encode(["where is my parcel", "paint clouds"]))
    assert inside.in_scope > 0.7
    assert outside.in_scope < 0.3
    assert outside.label == OUT_OF_SCOPE
    assert training.head.scope.quantiles is None


def test_without_out_of_scope_rows_the_score_is_a_share_of_the_rows_in_scope() -> None:
    head = train(rows(), replace(CONFIG, dev_share=0.3)).head
    assert head.scope.quantiles is not None
    inside, outside = head.classify(ENCODER.encode(["where is my parcel", "xylophone quartet"]))
    assert inside.in_scope > 0.3
    assert outside.in_scope == 0


def test_only_training_rows_are_kept_beside_the_layer_and_not_too_many() -> None:
    data = rows() + tuple(replace(row, text=f"{row.text} today") for row in rows())
    head = train(data, replace(CONFIG, epochs=2, dev_share=0.05, test_share=0.01)).head
    train_side = [row for row in data if split_of(row.text, dev_share=0.05, test_share=0.01) is Split.TRAIN]
    assert max(Counter(row.label for row in train_side).values()) > MAX_EXAMPLES_PER_LABEL
    kept = {tuple(row) for row in head.examples.tolist()}
    assert kept <= {tuple(row) for row in ENCODER.encode([row.text for row in train_side]).tolist()}
    assert np.diff([*head.starts, len(head.examples)]).max() == MAX_EXAMPLES_PER_LABEL


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([], "at least two intents, found 0; add examples of another intent"),
        ([LabelledText(text="x", label="a")], "at least two intents, found 1"),
        ([*rows(), LabelledText(text="x", label="lonely")], 'The intent "lonely" has only 1 example; training needs 2'),
    ],
)
def test_too_few_rows_are_refused_in_a_sentence(data: list[LabelledText], sentence: str) -> None:
    with pytest.raises(TrainingError, match=sentence):
        train(data)


def test_a_label_whose_rows_all_fall_outside_the_training_side_is_named() -> None:
    outside = [
        LabelledText(text=text, label="unlucky")
        for text in (f"word {number}" for number in range(100))
        if split_of(text, dev_share=0.15, test_share=0.15) is not Split.TRAIN
    ]
    with pytest.raises(TrainingError, match='No example of the intent "unlucky" falls on the training side'):
        train([*rows(), *outside[:3]])


def test_an_empty_dev_side_is_named() -> None:
    data = [row for row in rows() if split_of(row.text, dev_share=0.15, test_share=0.15) is Split.TRAIN]
    with pytest.raises(TrainingError, match=f"None of the {len(data)} rows falls on the dev side"):
        train(data)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"learning_rate": 0},
        {"dropout": 1},
        {"batch_size": 0},
        {"patience": 0},
        {"dev_share": 0.5},
        {"seed": -1},
    ],
)
def test_a_setting_out_of_range_is_named_with_its_range(wrong: dict[str, float]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(TrainingError, match=f"{name} must be .*, not {value}"):
        TrainConfig(**wrong)  # type: ignore[arg-type]  # one field at a time
