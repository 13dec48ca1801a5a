"""From held-out rows to honest confidences: the temperature, the weight of near examples, the in-scope score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.intent.model import SCOPE_PARTS, UNFITTED_SCOPE, IntentHead, ScopeModel, mix, scope_evidence
from adapters.types import Matrix

SHARPNESS: Final = 2.0  # s of the head; 2, 3, 5.5 and 8 were tried, see benchmarks/intent_builtin.py
NEIGHBOUR_WEIGHTS: Final = (0.0, 1.0, 2.0, 4.0, 8.0)  # a of the head: chosen by the held-out rows
TEMPERATURES: Final = (0.02, 20.0)  # within which the temperature is looked for
MIN_OUTSIDE_ROWS: Final = 5  # fewer held-out out-of-scope rows than this say nothing about the in-scope score
MIN_INSIDE_ROWS: Final = 20  # fewer held-out rows in scope than this make no scale
QUANTILES: Final = 101
# Without out-of-scope rows the parts of the evidence weigh alike; the probability, which the logit goes into, is left
# out. Tried on two public sets, see docs/experiments.md.
UNSUPERVISED: Final = np.array([0.0, 1.0, -1.0, 1.0, 1.0])
MIN_SPREAD: Final = 1e-6  # of a part that is the same for all rows


def fit_temperature(
    logits: NDArray[np.floating], similarities: NDArray[np.float64], targets: NDArray[np.int64], *, weight: float
) -> tuple[float, float]:
    """Find the temperature under which held-out labels are likeliest.

    Args:
        logits: Of the linear layer, shape (n, labels).
        similarities: To the nearest example of each label, shape (n, labels).
        targets: Column of the true label, shape (n,).
        weight: Of the nearest examples.

    Returns:
        The temperature, and the mean negative log-likelihood under it, nats.

    Source: Guo et al. 2017 (arXiv 1706.04599), section 4.2.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(targets))

    def loss(log_temperature: float) -> float:
        probabilities = mix(
            logits, similarities, weight=weight, sharpness=SHARPNESS, temperature=float(np.exp(log_temperature))
        )
        return float(-np.log(np.maximum(probabilities[rows, targets], 1e-12)).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded", options={"xatol": 1e-3})
    return float(np.exp(found.x)), float(found.fun)


def fit_neighbours(
    logits: NDArray[np.floating], similarities: NDArray[np.float64], targets: NDArray[np.int64]
) -> tuple[float, float]:
    """Find the weight of the nearest examples and the temperature together, by held-out likelihood.

    Returns:
        Weight and temperature.
    """
    fits = {weight: fit_temperature(logits, similarities, targets, weight=weight) for weight in NEIGHBOUR_WEIGHTS}
    best = min(fits, key=lambda weight: fits[weight][1])
    return best, fits[best][0]


def fit_scope(evidence: NDArray[np.float64], inside: NDArray[np.bool_]) -> ScopeModel:
    """Make the in-scope score from held-out rows.

    Args:
        evidence: See `ScopeModel`, shape (n, 5); of several heads side by side, shape (n, 5 * heads).
        inside: Whether a row is in scope, shape (n,).

    Returns:
        A logistic fit where there are out-of-scope rows enough; else the sum of similarity, logit and closeness to the
        label's centre, each in units of its spread among in-scope rows, as the share of in-scope rows that have no
        more; with too few rows for either, `UNFITTED_SCOPE`.
    """
    if inside.sum() < MIN_INSIDE_ROWS:
        return UNFITTED_SCOPE
    spread = np.maximum(evidence[inside].std(axis=0), MIN_SPREAD)
    if (~inside).sum() < MIN_OUTSIDE_ROWS:
        parts = spread.reshape(-1, SCOPE_PARTS)[:, [0, 1, 1, 3, 4]]  # both similarities in units of the one in scope
        coefficients = (UNSUPERVISED / parts).ravel()
        quantiles = np.quantile((evidence @ coefficients)[inside], np.linspace(0, 1, QUANTILES))
        return ScopeModel(coefficients=coefficients, intercept=0.0, quantiles=quantiles)
    from sklearn.linear_model import LogisticRegression

    fit = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1_000).fit(evidence / spread, inside)
    return ScopeModel(
        coefficients=np.asarray(fit.coef_[0] / spread, dtype=np.float64),
        intercept=float(fit.intercept_[0]),
        quantiles=None,
    )


def head_scope_evidence(head: IntentHead, embeddings: Matrix) -> NDArray[np.float64]:
    """The evidence that a head's in-scope score is made of, shape (n, 5)."""
    return scope_evidence(head.evidence(embeddings), head.labels)


def columns_of(labels: Sequence[str], known: Sequence[str]) -> NDArray[np.int64]:
    """Each label's place among the known ones, shape (n,)."""
    place = {label: index for index, label in enumerate(known)}
    return np.array([place[label] for label in labels], dtype=np.int64)


def sorted_examples(embeddings: Matrix, columns: NDArray[np.int64], count: int) -> tuple[Matrix, NDArray[np.int64]]:
    """Embeddings sorted by label, and where each of the `count` labels begins; every label has one at least."""
    order = np.argsort(columns, kind="stable")
    starts = np.searchsorted(columns[order], np.arange(count))
    return np.ascontiguousarray(embeddings[order], dtype=np.float32), starts.astype(np.int64)
