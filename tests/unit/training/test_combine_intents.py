"""Held-out rows decide what weighs how much."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from adapters.intent.config import OUT_OF_SCOPE
from adapters.intent.model import UNFITTED_SCOPE, IntentHead
from adapters.types import LabelledText, Matrix
from tests.unit.training.corpus import rows
from training.combine_intents import combine, fit_words
from training.splits import fold_order

ROWS = tuple(sorted(rows(), key=lambda row: fold_order(row.text)))
TRAIN, HELD_OUT = ROWS[:60], ROWS[60:]
LABELS = ("delivery", "login", "refund")
HEAD = IntentHead(
    name="intent-test",
    encoder="e",
    labels=LABELS,
    weight=5 * np.eye(3, dtype=np.float32),
    bias=np.zeros(3, dtype=np.float32),
    temperature=1.0,
    examples=np.eye(3, dtype=np.float32),
    starts=np.arange(3),
    neighbour_weight=0.0,
    neighbour_sharpness=2.0,
    scope=UNFITTED_SCOPE,
)


def unit(vectors: np.ndarray) -> Matrix:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def telling(held_out: tuple[LabelledText, ...], noise: float) -> Matrix:
    """Embeddings that say the label, more or less."""
    true = np.eye(3)[[LABELS.index(row.label) for row in held_out]]
    return unit(true + np.random.default_rng(0).normal(scale=noise, size=true.shape))


def test_words_tell_rows_apart_that_were_not_trained_on() -> None:
    layer = fit_words(TRAIN, LABELS)
    found = layer.logits([row.text for row in HELD_OUT]).argmax(axis=1)
    assert np.mean([LABELS[column] == row.label for column, row in zip(found, HELD_OUT, strict=True)]) > 0.9


def test_the_layer_over_words_is_deterministic() -> None:
    one, other = fit_words(TRAIN, LABELS), fit_words(TRAIN, LABELS)
    np.testing.assert_array_equal(one.weight, other.weight)


def test_a_head_that_knows_outweighs_one_that_guesses() -> None:
    guess, know = telling(HELD_OUT, noise=3.0), telling(HELD_OUT, noise=0.3)
    assert combine([HEAD, HEAD], None, HELD_OUT, [guess, know]).weights == (1.0, 2.0)
    assert combine([HEAD, HEAD], None, HELD_OUT, [know, guess]).weights == (1.0, 0.5)


def test_words_that_know_weigh_more_the_less_the_head_knows() -> None:
    words = fit_words(TRAIN, LABELS)
    guessed = combine([HEAD], words, HELD_OUT, [telling(HELD_OUT, noise=3.0)])
    assert guessed.words_weight == 5.0
    right = guessed.predict([row.text for row in HELD_OUT], [telling(HELD_OUT, noise=3.0)])
    assert np.mean([intent.label == row.label for intent, row in zip(right, HELD_OUT, strict=True)]) > 0.9


def test_out_of_scope_rows_teach_the_in_scope_score() -> None:
    outside = tuple(LabelledText(text=f"far {number}", label=OUT_OF_SCOPE) for number in range(20))
    vectors = np.concatenate([telling(HELD_OUT, noise=0.1), unit(np.tile([-1.0, -1.0, -0.9], (20, 1)))])
    ensemble = combine([replace(HEAD)], None, HELD_OUT + outside, [vectors])
    found = ensemble.predict([row.text for row in HELD_OUT + outside], [vectors])
    assert min(intent.in_scope for intent in found[: len(HELD_OUT)]) > 0.5
    assert max(intent.in_scope for intent in found[len(HELD_OUT) :]) < 0.5
