"""How good predictions are; pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.types import ClassReport, Interval

BINS = 15  # of the calibration error, as in Guo et al. 2017 (arXiv 1706.04599)
RESAMPLES = 1_000


def confusion_matrix(true: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """Count [true, predicted] pairs, shape (labels, labels); every value must be one of the labels."""
    number = {label: index for index, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(counts, ([number[label] for label in true], [number[label] for label in predicted]), 1)
    return counts


def class_reports(confusion: NDArray[np.int64], labels: Sequence[str]) -> tuple[ClassReport, ...]:
    """Precision, recall and F1 of each label; 0 where the quotient is undefined."""
    hits = np.diagonal(confusion)
    predicted, support = confusion.sum(axis=0), confusion.sum(axis=1)
    return tuple(
        ClassReport(
            label=label,
            precision=_quotient(hits[index], predicted[index]),
            recall=_quotient(hits[index], support[index]),
            f1=_quotient(2 * hits[index], predicted[index] + support[index]),
            support=int(support[index]),
        )
        for index, label in enumerate(labels)
    )


def macro_f1(classes: Sequence[ClassReport]) -> float:
    """Mean F1 of the labels that occur in the rows; 0 without any."""
    scores = [report.f1 for report in classes if report.support]
    return float(np.mean(scores)) if scores else 0.0


def calibration_error(confidence: NDArray[np.floating], correct: NDArray[np.bool_]) -> float:
    """Expected calibration error with 15 bins of equal width.

    Args:
        confidence: Shape (n,), [0, 1].
        correct: Shape (n,).

    Returns:
        Mean gap between confidence and accuracy, weighted by the rows in each bin; 0 without rows.

    Source: Guo et al. 2017, eq. 3.
    """
    if not len(confidence):
        return 0.0
    bins = np.minimum((np.asarray(confidence) * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=confidence - correct, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def auroc(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> float | None:
    """Chance that a positive row scores higher than a negative one, ties counted half.

    Args:
        scores: Shape (n,).
        positive: Shape (n,).

    Returns:
        In [0, 1]; None where all rows are of one kind.
    """
    if positive.all() or not positive.any():
        return None
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive, scores))


def bootstrap_mean(values: NDArray[np.floating] | NDArray[np.bool_], rng: np.random.Generator) -> Interval:
    """The mean with its 95 % percentile bootstrap interval.

    Args:
        values: One per row, shape (n,), n >= 1.
        rng: Draws the resamples.

    Returns:
        The mean and the 2.5th and 97.5th percentile of 1,000 resampled means.
    """
    rows = np.asarray(values, dtype=np.float64)
    means = np.array([rows[rng.integers(0, len(rows), len(rows))].mean() for _ in range(RESAMPLES)])
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(value=float(rows.mean()), low=float(low), high=float(high))


def _quotient(part: int, whole: int) -> float:
    return float(part / whole) if whole else 0.0
