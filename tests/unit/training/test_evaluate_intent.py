"""What a report counts."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.intent.config import OUT_OF_SCOPE
from adapters.intent.model import IntentHead, ScopeModel
from adapters.types import LabelledText
from training.errors import TrainingError
from training.evaluate_intent import evaluate_intent

HEAD = IntentHead(
    name="intent-test",
    encoder="e",
    labels=("a", "b"),
    weight=np.eye(2, dtype=np.float32) * 10,
    bias=np.zeros(2, dtype=np.float32),
    temperature=1.0,
    examples=np.eye(2, dtype=np.float32),
    starts=np.array([0, 1]),
    neighbour_weight=0.0,
    neighbour_sharpness=1.0,
    scope=ScopeModel(coefficients=np.array([0.0, 1.0, 0.0]), intercept=0.0, quantiles=None),
)
A, B, FAR = [1.0, 0.0], [0.0, 1.0], [-0.7, -0.7]


def report(*rows: tuple[str, list[float]]):  # type: ignore[no-untyped-def]  # noqa: ANN201 - the type is asserted on
    labelled = [LabelledText(text=str(number), label=label) for number, (label, _) in enumerate(rows)]
    vectors = np.array([vector for _, vector in rows], dtype=np.float32)
    return evaluate_intent(HEAD, labelled, vectors, np.random.default_rng(0))


def test_accuracy_and_confusion_of_known_labels() -> None:
    found = report(("a", A), ("a", A), ("a", B), ("b", B))
    assert found.accuracy.value == 0.75
    assert found.labels == ("a", "b")
    np.testing.assert_array_equal(found.confusion, [[2, 1], [0, 1]])
    assert [round(entry.precision, 3) for entry in found.classes] == [1.0, 0.5]
    assert found.out_of_scope_auroc is None


def test_out_of_scope_rows_count_for_the_in_scope_score_alone_where_the_head_has_no_such_label() -> None:
    found = report(("a", A), ("b", B), (OUT_OF_SCOPE, FAR))
    assert found.rows == 2
    assert found.accuracy.value == 1
    assert found.out_of_scope_auroc == 1
    assert OUT_OF_SCOPE not in found.labels


def test_a_label_that_the_head_does_not_know_counts_as_wrong() -> None:
    found = report(("a", A), ("c", B))
    assert found.labels == ("a", "b", "c")
    assert found.accuracy.value == 0.5


def test_rows_that_cannot_be_measured_are_refused() -> None:
    with pytest.raises(TrainingError, match="no row to measure"):
        report((OUT_OF_SCOPE, FAR))
