"""Make one ensemble of several ways to tell an intent, with the weights under which held-out rows are likeliest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.intent.config import OUT_OF_SCOPE
from adapters.intent.ensemble import IntentEnsemble, pool, softmax
from adapters.intent.lexical import FEATURES, LexicalLayer, features, weigh
from adapters.intent.model import IntentHead, scope_evidence
from adapters.types import LabelledText, Matrix
from training.calibrate import TEMPERATURES, columns_of, fit_scope

WEIGHTS: Final = (0.5, 1.0, 2.0)  # of each head after the first, whose weight is 1
WORDS_WEIGHTS: Final = (0.0, 1.0, 2.0, 3.0, 5.0)
INVERSE_PENALTY: Final = 0.5  # C of the layer over words; untuned


def fit_words(rows: Sequence[LabelledText], labels: Sequence[str]) -> LexicalLayer:
    """Train a layer over words: one linear support vector machine a label, in seconds.

    Args:
        rows: Labelled texts; every label occurs.
        labels: In the order of the layer's columns; three or more.

    Returns:
        The layer.
    """
    from scipy.sparse import csr_matrix
    from sklearn.svm import LinearSVC

    seen = np.zeros(FEATURES, dtype=np.float32)
    for row in rows:
        seen[list(features(row.text))] += 1
    rarity = np.asarray(np.log((1 + len(rows)) / (1 + seen)) + 1, dtype=np.float32)
    weighed = [weigh(row.text, rarity) for row in rows]
    starts = np.cumsum([0, *(len(places) for places, _ in weighed)])
    matrix = csr_matrix(
        (
            np.concatenate([values for _, values in weighed]),
            np.concatenate([places for places, _ in weighed]),
            starts,
        ),
        shape=(len(rows), FEATURES),
    )
    fit = LinearSVC(C=INVERSE_PENALTY, random_state=0).fit(matrix, columns_of([row.label for row in rows], labels))
    return LexicalLayer(
        rarity=rarity,
        weight=np.ascontiguousarray(fit.coef_.T, dtype=np.float16),
        bias=np.asarray(fit.intercept_, dtype=np.float32),
    )


def combine(
    heads: Sequence[IntentHead],
    words: LexicalLayer | None,
    rows: Sequence[LabelledText],
    embeddings: Sequence[Matrix],
) -> IntentEnsemble:
    """Find the weights of an ensemble.

    Args:
        heads: Trained heads that know the same labels.
        words: A layer over words with the same labels, trained on the same rows; None for none.
        rows: Held-out rows, on which nothing was trained; may include rows out of scope, which the in-scope score
            then learns from.
        embeddings: Theirs, by each head's encoder.

    Returns:
        The ensemble.
    """
    labels = heads[0].labels
    known = np.array([row.label in labels for row in rows])
    targets = columns_of([row.label for row in rows if row.label in labels], labels)
    found = [head.evidence(part) for head, part in zip(heads, embeddings, strict=True)]
    logs = [np.log(np.maximum(one.probabilities[known], 1e-12)) for one in found]
    by_words = None if words is None else words.logits([row.text for row in rows if row.label in labels])
    tried = [
        (*_temperature(pool(logs, weights, by_words, words_weight), targets), weights, words_weight)
        for weights in product((1.0,), *[WEIGHTS] * (len(heads) - 1))
        for words_weight in (WORDS_WEIGHTS if by_words is not None else (0.0,))
    ]
    temperature, _, weights, words_weight = min(tried, key=lambda one: one[1])
    inside = np.array([row.label != OUT_OF_SCOPE for row in rows])
    evidence = np.concatenate([scope_evidence(one, labels) for one in found], axis=1)
    return IntentEnsemble(
        heads=tuple(heads),
        weights=weights,
        words=words,
        words_weight=words_weight,
        temperature=temperature,
        scope=fit_scope(evidence, inside),
    )


def _temperature(logits: NDArray[np.float64], targets: NDArray[np.int64]) -> tuple[float, float]:
    """The temperature under which the targets are likeliest, and their mean negative log-likelihood, nats."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(targets))

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits / np.exp(log_temperature))
        return float(-np.log(np.maximum(probabilities[rows, targets], 1e-12)).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded", options={"xatol": 1e-2})
    return float(np.exp(found.x)), float(found.fun)
