"""Metrics against values computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics import (
    auroc,
    bootstrap_mean,
    calibration_error,
    class_reports,
    confusion_matrix,
    contains_gold,
    macro_f1,
    risk_coverage,
    token_f1,
)

TRUE = ("a", "a", "a", "b", "b", "c")
PREDICTED = ("a", "a", "b", "b", "a", "b")
LABELS = ("a", "b", "c", "d")


def test_the_confusion_matrix_has_a_row_for_each_true_label() -> None:
    np.testing.assert_array_equal(
        confusion_matrix(TRUE, PREDICTED, LABELS), [[2, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    )


def test_precision_recall_and_f1_of_each_label() -> None:
    a, b, c, d = class_reports(confusion_matrix(TRUE, PREDICTED, LABELS), LABELS)
    assert (a.precision, a.recall, a.f1, a.support) == pytest.approx((2 / 3, 2 / 3, 2 / 3, 3))
    assert (b.precision, b.recall, b.f1, b.support) == pytest.approx((1 / 3, 1 / 2, 2 / 5, 2))
    assert (c.precision, c.recall, c.f1, c.support) == (0, 0, 0, 1)
    assert (d.precision, d.recall, d.f1, d.support) == (0, 0, 0, 0)


def test_macro_f1_leaves_out_labels_without_rows() -> None:
    classes = class_reports(confusion_matrix(TRUE, PREDICTED, LABELS), LABELS)
    assert macro_f1(classes) == pytest.approx((2 / 3 + 2 / 5 + 0) / 3)
    assert macro_f1(()) == 0


def test_the_calibration_error_is_the_gap_weighted_by_rows() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 1.0])
    correct = np.array([True, True, True, False, False, True])
    assert calibration_error(confidence, correct) == pytest.approx((abs(4 * 0.95 + 1 - 4) + 0.55) / 6)
    assert calibration_error(np.zeros(0), np.zeros(0, dtype=bool)) == 0


def test_auroc_is_the_chance_that_a_positive_scores_higher() -> None:
    scores, positive = np.array([0.9, 0.4, 0.4, 0.1]), np.array([True, True, False, False])
    assert auroc(scores, positive) == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert auroc(scores, np.ones(4, dtype=bool)) is None


def test_the_bootstrap_interval_follows_its_rng_and_holds_the_mean() -> None:
    values = np.array([True] * 80 + [False] * 20)
    first, again = (bootstrap_mean(values, np.random.default_rng(3)) for _ in range(2))
    assert first == again
    assert first.value == pytest.approx(0.8)
    # the normal approximation: .8 +- 1.96 * sqrt(.8 * .2 / 100)
    assert (first.low, first.high) == pytest.approx((0.722, 0.878), abs=0.02)


def test_token_f1_is_the_overlap_with_the_nearest_gold_answer() -> None:
    assert token_f1("The 32 cents.", ["32 cents", "nothing"]) == 1.0
    assert token_f1("32 cents a payment", ["32 cents"]) == pytest.approx(0.8)
    assert token_f1("no idea", ["32 cents"]) == 0.0
    assert token_f1("anything", []) == 0.0


def test_gold_is_found_as_whole_words_only() -> None:
    assert contains_gold("It costs the 32 cents.", ["32 cents"])
    assert not contains_gold("It costs 132 centses.", ["32 cents"])


def test_risk_coverage_answers_the_highest_scores_first() -> None:
    coverage, risk = risk_coverage(np.array([0.1, 0.9, 0.5]), np.array([True, False, True]))
    assert coverage.tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert risk.tolist() == pytest.approx([0, 1 / 2, 2 / 3])
