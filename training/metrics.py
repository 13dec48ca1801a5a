"""How good predictions are; pure functions."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.types import ClassReport, Interval

BINS = 15  # of the calibration error, as in Guo et al. 2017 (arXiv 1706.04599)
RESAMPLES = 1_000
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


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


def token_f1(answer: str, gold: Sequence[str]) -> float:
    """Overlap of an answer with the gold answer that it is nearest to, [0, 1]; 0 without gold answers.

    Source: the official SQuAD evaluation (Rajpurkar et al. 2016, arXiv 1606.05250): lower case, punctuation and
    articles left out.
    """
    return max((_overlap(_plain(answer), _plain(one)) for one in gold), default=0.0)


def contains_gold(answer: str, gold: Sequence[str]) -> bool:
    """Whether one of the gold answers stands in an answer, compared as token_f1 does."""
    said = f" {' '.join(_plain(answer))} "
    return any(f" {' '.join(_plain(one))} " in said for one in gold if _plain(one))


def risk_coverage(scores: NDArray[np.floating], wrong: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """How often what is answered is wrong, by the share that is answered.

    Args:
        scores: Shape (n,), n >= 1; the highest are answered first.
        wrong: Shape (n,).

    Returns:
        Coverage and risk, each of shape (n,): of the first 1, 2, ... n.

    Source: El-Yaniv and Wiener 2010, JMLR 11.
    """
    order = np.argsort(-np.asarray(scores), kind="stable")
    counts = np.arange(1, len(order) + 1)
    return counts / len(order), np.cumsum(np.asarray(wrong)[order]) / counts


def _plain(text: str) -> list[str]:
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def _overlap(answer: Sequence[str], gold: Sequence[str]) -> float:
    if not answer or not gold:
        return float(answer == gold)
    common = sum((Counter(answer) & Counter(gold)).values())
    return 2 * common / (len(answer) + len(gold))


def _quotient(part: int, whole: int) -> float:
    return float(part / whole) if whole else 0.0
