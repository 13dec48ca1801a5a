"""How well an intent head does on labelled rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from adapters.intent.config import OUT_OF_SCOPE
from adapters.types import IntentClassifier, LabelledText, Matrix
from training.errors import TrainingError
from training.metrics import auroc, bootstrap_mean, calibration_error, class_reports, confusion_matrix, macro_f1
from training.types import IntentReport


def evaluate_intent(
    head: IntentClassifier, rows: Sequence[LabelledText], embeddings: Matrix, rng: np.random.Generator
) -> IntentReport:
    """Measure a head, alone or with words and tuned encoders.

    Out-of-scope rows count for the in-scope score; for the labels only if the head knows that label.

    Args:
        head: The head.
        rows: Labelled texts that it was not trained on.
        embeddings: Theirs, by the encoder that searches, shape (len(rows), dim).
        rng: Draws the bootstrap resamples.

    Returns:
        The report.

    Raises:
        TrainingError: There is no row that can be measured.
    """
    predicted = head.predict([row.text for row in rows], embeddings)
    inside = np.array([row.label != OUT_OF_SCOPE for row in rows], dtype=bool)
    in_scope = np.array([intent.in_scope for intent in predicted])
    counted = [
        (row.label, intent)
        for row, intent in zip(rows, predicted, strict=True)
        if row.label != OUT_OF_SCOPE or OUT_OF_SCOPE in head.labels
    ]
    if not counted:
        raise TrainingError("There is no row to measure; give rows with labels that the head knows.")
    true = [label for label, _ in counted]
    given = [intent.label for _, intent in counted]
    correct = np.array([label == guess for label, guess in zip(true, given, strict=True)])
    labels = tuple(sorted({*head.labels, *true}))
    confusion = confusion_matrix(true, given, labels)
    classes = class_reports(confusion, labels)
    return IntentReport(
        head=head.name,
        rows=len(counted),
        accuracy=bootstrap_mean(correct, rng),
        macro_f1=macro_f1(classes),
        calibration_error=calibration_error(np.array([intent.confidence for _, intent in counted]), correct),
        out_of_scope_auroc=auroc(in_scope, inside),
        classes=classes,
        labels=labels,
        confusion=confusion,
    )
