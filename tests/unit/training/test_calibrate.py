"""Calibration finds back what was put in."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.intent.model import UNFITTED_SCOPE
from training.calibrate import fit_neighbours, fit_scope, fit_temperature, sorted_examples

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(4_000, 5)) * 2


def drawn(logits: np.ndarray) -> np.ndarray:
    """Labels drawn with the probabilities that the logits give."""
    return np.asarray((logits + np.random.default_rng(1).gumbel(size=logits.shape)).argmax(axis=1))


def test_the_temperature_that_made_the_labels_is_found() -> None:
    temperature, _ = fit_temperature(LOGITS * 3, np.zeros_like(LOGITS), drawn(LOGITS), weight=0.0)
    assert temperature == pytest.approx(3, rel=0.1)


def test_near_examples_weigh_nothing_where_they_say_nothing_and_much_where_they_say_all() -> None:
    noise = np.random.default_rng(2).uniform(-0.2, 0.9, size=LOGITS.shape)
    targets = drawn(LOGITS)
    telling = np.where(np.arange(5) == targets[:, None], 0.9, 0.2)
    assert fit_neighbours(LOGITS, noise, targets)[0] == 0
    assert fit_neighbours(LOGITS, telling, targets)[0] == 8


def test_the_in_scope_score_follows_what_tells_the_rows_apart() -> None:
    near, far = [0.9, 0.8, 0.2, 9.0, 0.7], [0.8, 0.3, 0.7, 8.0, 0.3]
    evidence = np.array([near] * 30 + [far] * 30) + RNG.normal(scale=0.05, size=(60, 5))
    scope = fit_scope(evidence, np.arange(60) < 30)
    inside, outside = scope.score(np.array([near, far]))
    assert inside > 0.9
    assert outside < 0.1


def test_without_rows_out_of_scope_the_median_row_scores_a_half() -> None:
    evidence = np.zeros((101, 5))
    evidence[:, 1] = np.linspace(0, 1, 101)
    scope = fit_scope(evidence, np.ones(101, dtype=bool))
    assert scope.score(np.array([[0.0, 0.5, 0.0, 0.0, 0.0]]))[0] == pytest.approx(0.5, abs=0.02)


def test_without_rows_out_of_scope_what_is_far_from_the_centre_of_its_label_scores_low() -> None:
    evidence = np.tile([0.9, 0.8, 0.0, 9.0, 0.7], (101, 1)) + RNG.normal(scale=0.05, size=(101, 5))
    scope = fit_scope(evidence, np.ones(101, dtype=bool))
    inside, between = scope.score(np.array([[0.9, 0.8, 0.0, 9.0, 0.7], [0.9, 0.8, 0.0, 9.0, 0.2]]))
    assert inside > 0.2
    assert between == 0


def test_too_few_rows_fit_nothing() -> None:
    assert fit_scope(np.zeros((10, 5)), np.ones(10, dtype=bool)) is UNFITTED_SCOPE


def test_examples_are_sorted_by_label_with_their_starts() -> None:
    embeddings = np.arange(8, dtype=np.float32).reshape(4, 2)
    examples, starts = sorted_examples(embeddings, np.array([1, 0, 1, 2]), 3)
    np.testing.assert_array_equal(examples, embeddings[[1, 0, 2, 3]])
    np.testing.assert_array_equal(starts, [0, 1, 3])
