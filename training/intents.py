"""The doors of intent training: from a file to a head, and from a head and a file to a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from adapters.intent.config import load_definitions, training_rows
from adapters.intent.model import IntentHead
from adapters.types import Encoder, LabelledText, Matrix
from training.dataset import load_rows
from training.errors import TrainingError
from training.evaluate_intent import evaluate_intent
from training.few_shot import readable_rows
from training.splits import normalised, split_of
from training.train_intent import train_intent
from training.types import IntentReport, IntentTraining, OnEpoch, Split, TrainConfig

Progress: TypeAlias = Callable[[int, int, str], None]  # done, total, what is being done

ENCODE_BATCH: Final = 256  # rows between two reports of progress


def train_from_file(
    path: Path,
    encoder: Encoder,
    *,
    config: TrainConfig,
    now: datetime,
    on_epoch: OnEpoch = lambda _: None,
    progress: Progress = lambda *_: None,
    builtin: bool = True,
) -> IntentTraining:
    """Train a head on a file of examples.

    Args:
        path: TOML definitions, or CSV or JSON lines with the columns text and label (or intent).
        encoder: Makes the embeddings, here and later.
        config: How to train.
        now: Goes into the head's name.
        on_epoch: Told after each epoch.
        progress: Told while the texts are encoded.
        builtin: Whether the examples of the built-in intents are trained on too, so that the head still knows a
            greeting from a question.

    Returns:
        The head and its training.

    Raises:
        TrainingError: The file cannot be used, or has too few rows.
    """
    rows = load_rows(path)
    if builtin:
        rows = _with_builtin(rows, encoder)
    embeddings = encode_rows(rows, encoder, progress)
    return train_intent(rows, embeddings, encoder=encoder.name, config=config, now=now, on_epoch=on_epoch)


def evaluate_from_file(
    path: Path,
    head: IntentHead,
    encoder: Encoder,
    *,
    config: TrainConfig,
    rng: np.random.Generator,
    progress: Progress = lambda *_: None,
    every_row: bool = False,
) -> IntentReport:
    """Measure a head on a file of examples.

    Args:
        path: As for `train_from_file`.
        head: The head.
        encoder: The head's.
        config: The one of the training, for its shares.
        rng: Draws the bootstrap resamples.
        progress: Told while the texts are encoded.
        every_row: Measure on all rows, for a file that was not trained on; else on those of the test side, which no
            training on any file has seen.

    Returns:
        The report.

    Raises:
        TrainingError: The file cannot be used, or no row falls on the test side.
    """
    rows = load_rows(path)
    if not every_row:
        rows = tuple(row for row in rows if _split(row, config) is Split.TEST)
    if not rows:
        raise TrainingError(f"No row of {path} falls on the test side; add rows, or measure on all of them.")
    return evaluate_intent(head, rows, encode_rows(rows, encoder, progress), rng)


def encode_rows(rows: Sequence[LabelledText], encoder: Encoder, progress: Progress = lambda *_: None) -> Matrix:
    """Encode the rows' texts, shape (len(rows), dim); progress is told after each batch."""
    parts: list[Matrix] = []
    for start in range(0, len(rows), ENCODE_BATCH):
        batch = rows[start : start + ENCODE_BATCH]
        parts.append(encoder.encode([row.text for row in batch]))
        progress(start + len(batch), len(rows), "encoding examples")
    return np.concatenate(parts) if parts else np.zeros((0, encoder.dimension), dtype=np.float32)


def _with_builtin(rows: tuple[LabelledText, ...], encoder: Encoder) -> tuple[LabelledText, ...]:
    """The rows, and the built-in examples that are not among them."""
    known = {normalised(row.text) for row in rows}
    added = readable_rows(training_rows(load_definitions()), encoder)
    return rows + tuple(row for row in added if normalised(row.text) not in known)


def _split(row: LabelledText, config: TrainConfig) -> Split:
    return split_of(row.text, dev_share=config.dev_share, test_share=config.test_share)
