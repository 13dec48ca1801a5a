"""An intent head from the examples in the definitions alone: every example trains, and every one calibrates.

With a few dozen examples a label there is nothing to spare for a dev side. The linear layer is the exact minimum of
cross-entropy with an L2 penalty, and what calibrates it are out-of-fold predictions: each example is classified by a
layer that was trained without it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.intent.config import OUT_OF_SCOPE, QUESTION, IntentDefinition, training_rows
from adapters.intent.match import has_cjk
from adapters.intent.model import Evidence, IntentHead, centres_of, mix, nearest_of_each, scope_evidence
from adapters.types import Encoder, LabelledText, Matrix
from training.calibrate import SHARPNESS, columns_of, fit_scope, fit_temperature, sorted_examples
from training.dataset import counts
from training.metrics import calibration_error
from training.splits import fold_order
from training.types import IntentTraining, Split

FOLDS: Final = 5
INVERSE_PENALTY: Final = 3.0  # C; 1, 3, 10, 30 and 100 were tried on real questions, see benchmarks/intent_builtin.py
# The weight of the nearest examples cannot be chosen on the examples themselves: what it is for are questions from
# a team's own field, which are near to none of them. See benchmarks/intent_builtin.py.
NEIGHBOUR_WEIGHT: Final = 6.0
FEW_EXAMPLES: Final = 5  # an intent with fewer examples is trained on its description too
MIN_CJK_ACCURACY: Final = 0.8  # out of fold; below, the encoder does not read Chinese (MiniLM: about .5)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Data:
    """Rows as the layer sees them."""

    rows: tuple[LabelledText, ...]
    embeddings: Matrix  # shape (n, dim)
    labels: tuple[str, ...]
    columns: NDArray[np.int64]  # shape (n,)
    weights: NDArray[np.float64]  # shape (n,)

    def only(self, kept: NDArray[np.bool_]) -> _Data:
        """The rows that are kept, shape (n,); labels that have none left are gone."""
        rows = tuple(row for row, keep in zip(self.rows, kept, strict=True) if keep)
        return _data(rows, self.embeddings[kept], self.weights[kept])


def few_shot(definitions: Sequence[IntentDefinition], encoder: Encoder) -> IntentHead:
    """Make a head from definitions, in a second or two; see `few_shot_training`."""
    return few_shot_training(definitions, encoder).head


def few_shot_training(
    definitions: Sequence[IntentDefinition], encoder: Encoder, *, weights: Mapping[str, float] = MappingProxyType({})
) -> IntentTraining:
    """Make a head from definitions and measure it out of fold.

    Without any example, or with one intent only, the head is made of prototypes. If the encoder turns out not to
    read Chinese, Chinese examples train `question` only: no Chinese question is then taken for small talk, and the
    matcher (`adapters.intent.match`) still recognises Chinese small talk.

    Args:
        definitions: The built-in intents and a team's own.
        encoder: Makes the embeddings, here and later.
        weights: How much an example counts, above 0, by its text; 1 where nothing is said.

    Returns:
        The head, named by its content, with its out-of-fold accuracy and calibration error.

    Raises:
        AdapterError: There are no definitions.
    """
    started = time.perf_counter()
    rows = few_shot_rows(definitions)
    if not any(definition.examples for definition in definitions) or len(counts(rows)) < 2:  # noqa: PLR2004 - nothing to tell apart
        head = IntentHead.from_prototypes(definitions, encoder)
        return _training(head, len(rows), np.zeros(0), np.zeros(0, dtype=bool), started)
    counted = np.array([weights.get(row.text, 1.0) for row in rows])
    data = _data(rows, encoder.encode([row.text for row in rows]), counted)
    logits, similarities, centres = _out_of_fold(data)
    kept = readable(data.rows, logits, similarities, data.columns)
    if not kept.all():
        data = data.only(kept)
        logits, similarities, centres = _out_of_fold(data)
    temperature, _ = fit_temperature(logits, similarities, data.columns, weight=NEIGHBOUR_WEIGHT)
    probabilities = _mixed(logits, similarities, temperature)
    inside = np.array([row.label != OUT_OF_SCOPE for row in data.rows])
    evidence = Evidence(probabilities=probabilities, similarities=similarities, logits=logits, centres=centres)
    weight, bias = fit_layer(data.embeddings, data.columns, len(data.labels), data.weights)
    examples, starts = sorted_examples(data.embeddings, data.columns, len(data.labels))
    head = IntentHead(
        name=f"intent-few-shot-{content_digest(weight, bias, examples)}",
        encoder=encoder.name,
        labels=data.labels,
        weight=weight,
        bias=bias,
        temperature=temperature,
        examples=examples,
        starts=starts,
        neighbour_weight=NEIGHBOUR_WEIGHT,
        neighbour_sharpness=SHARPNESS,
        scope=fit_scope(scope_evidence(evidence, data.labels), inside),
    )
    correct = probabilities.argmax(axis=1) == data.columns
    return _training(head, len(data.rows), probabilities.max(axis=1), correct, started)


def few_shot_rows(definitions: Sequence[IntentDefinition]) -> tuple[LabelledText, ...]:
    """The examples, and the descriptions of intents that have few."""
    described = tuple(
        LabelledText(text=definition.description, label=definition.name)
        for definition in definitions
        if definition.description and len(definition.examples) < FEW_EXAMPLES
    )
    return training_rows(definitions) + described


def readable_rows(rows: Sequence[LabelledText], encoder: Encoder) -> tuple[LabelledText, ...]:
    """The rows that the encoder can make use of; see `readable`."""
    data = _data(tuple(rows), encoder.encode([row.text for row in rows]), np.ones(len(rows)))
    logits, similarities, _ = _out_of_fold(data)
    return data.only(readable(data.rows, logits, similarities, data.columns)).rows


def readable(
    rows: Sequence[LabelledText],
    logits: NDArray[np.float64],
    similarities: NDArray[np.float64],
    columns: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Which rows the encoder can make use of, shape (n,).

    All of them, unless it tells the Chinese ones apart badly: then not the Chinese ones, but for questions.
    """
    cjk = np.array([has_cjk(row.text) for row in rows])
    correct = _mixed(logits, similarities, 1.0).argmax(axis=1) == columns
    if not cjk.any() or correct[cjk].mean() >= MIN_CJK_ACCURACY:
        return np.ones(len(rows), dtype=bool)
    return np.asarray(~cjk | np.array([row.label == QUESTION for row in rows]))


def fit_layer(
    embeddings: Matrix, columns: NDArray[np.int64], count: int, weights: NDArray[np.float64] | None = None
) -> tuple[Matrix, NDArray[np.float32]]:
    """Fit the linear layer; each label weighs the same, however many examples it has.

    Args:
        embeddings: Shape (n, dim).
        columns: Each row's label, shape (n,); at least two labels occur.
        count: How many labels there are; one that does not occur is never predicted.
        weights: Of the rows, shape (n,); None: all alike.

    Returns:
        Weight, shape (count, dim), and bias, shape (count,).
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

    # On a busy machine a second thread makes so small a problem ten times slower.
    with threadpool_limits(1):
        fit = LogisticRegression(C=INVERSE_PENALTY, class_weight="balanced", max_iter=2_000).fit(
            embeddings, columns, sample_weight=weights
        )
    coefficients, intercept = fit.coef_, fit.intercept_
    if len(fit.classes_) == 2:  # noqa: PLR2004 - scikit-learn gives one row for two classes
        coefficients = np.concatenate([-coefficients, coefficients]) / 2
        intercept = np.concatenate([-intercept, intercept]) / 2
    weight = np.zeros((count, embeddings.shape[1]), dtype=np.float32)
    bias = np.full(count, -20.0, dtype=np.float32)
    weight[fit.classes_], bias[fit.classes_] = coefficients, intercept
    return weight, bias


def content_digest(*arrays: NDArray[np.float32]) -> str:
    """Six hexadecimal digits that stand for the arrays' content."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:6]


def _data(rows: tuple[LabelledText, ...], embeddings: Matrix, weights: NDArray[np.float64]) -> _Data:
    labels = tuple(counts(rows))
    return _Data(
        rows=rows,
        embeddings=embeddings,
        labels=labels,
        columns=columns_of([row.label for row in rows], labels),
        weights=weights,
    )


def _out_of_fold(data: _Data) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Logits of each row, similarities and closeness to centres by a layer and examples without it; all (n, labels)."""
    shape = (len(data.rows), len(data.labels))
    logits, similarities, centres = np.zeros(shape), np.full(shape, -1.0), np.full(shape, -1.0)
    for held in _folds(data):
        kept = ~held
        present = np.unique(data.columns[kept])
        if len(present) < 2:  # noqa: PLR2004 - a layer needs two labels
            continue
        weight, bias = fit_layer(data.embeddings[kept], data.columns[kept], len(data.labels), data.weights[kept])
        logits[held] = data.embeddings[held] @ weight.T + bias
        places = np.searchsorted(present, data.columns[kept])
        examples, starts = sorted_examples(data.embeddings[kept], places, len(present))
        similarities[np.ix_(held, present)] = nearest_of_each(data.embeddings[held] @ examples.T, starts)
        centres[np.ix_(held, present)] = data.embeddings[held] @ centres_of(examples, starts).T
    return logits, similarities, centres


def _folds(data: _Data) -> Iterator[NDArray[np.bool_]]:
    """Masks of the held-out rows; each label's rows are dealt out one by one, in an order that their texts give."""
    fold = np.zeros(len(data.rows), dtype=np.int64)
    for column in range(len(data.labels)):
        members = sorted(np.flatnonzero(data.columns == column), key=lambda row: fold_order(data.rows[row].text))
        fold[members] = np.arange(len(members)) % FOLDS
    for number in range(int(fold.max()) + 1):
        yield fold == number


def _mixed(logits: NDArray[np.float64], similarities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    return mix(logits, similarities, weight=NEIGHBOUR_WEIGHT, sharpness=SHARPNESS, temperature=temperature)


def _training(
    head: IntentHead, rows: int, confidence: NDArray[np.float64], correct: NDArray[np.bool_], started: float
) -> IntentTraining:
    return IntentTraining(
        head=head,
        epochs=(),
        rows={Split.TRAIN: rows, Split.DEV: 0, Split.TEST: 0},
        dev_accuracy=float(correct.mean()) if len(correct) else 0.0,
        dev_calibration_error=calibration_error(confidence, correct),
        seconds=time.perf_counter() - started,
    )
