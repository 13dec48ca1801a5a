"""The doors of intent training: from a file to a classifier, and from a classifier and a file to a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adapters.encoder.config import EncoderSettings
from adapters.intent.classifier import EnsembleClassifier, TrainedClassifier
from adapters.intent.config import load_definitions, training_rows
from adapters.types import Encoder, IntentClassifier, LabelledText
from training.combine_intents import Member, assemble
from training.dataset import load_rows
from training.errors import TrainingError
from training.evaluate_intent import evaluate_intent
from training.few_shot import readable_rows
from training.splits import normalised, split_of
from training.train_intent import encode_rows, train_intent
from training.tune_encoder import TuneConfig, tune_intent
from training.types import ClassifierTraining, IntentReport, OnEpoch, Progress, Split, TrainConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What tuning an encoder takes."""

    folder: Path  # of the base encoder, as `adapters.bases.resolve` gave it
    config: TuneConfig
    settings: EncoderSettings  # of the tuned encoder
    on_epoch: OnEpoch = lambda _: None  # told after each epoch


def train_from_file(
    path: Path,
    encoder: Encoder,
    *,
    config: TrainConfig,
    now: datetime,
    on_epoch: OnEpoch = lambda _: None,
    progress: Progress = lambda *_: None,
    builtin: bool = True,
    tuning: Tuning | None = None,
    kept: TrainedClassifier | None = None,
) -> ClassifierTraining:
    """Train a classifier on a file of examples: a head, words where they help, and a tuned encoder if asked for.

    Args:
        path: TOML definitions, or CSV or JSON lines with the columns text and label (or intent).
        encoder: Makes the embeddings, here and later.
        config: How to train the heads.
        now: Goes into the classifier's name.
        on_epoch: Told after each epoch of the head on `encoder`.
        progress: Told while the texts are encoded, and at each step of tuning.
        builtin: Whether the examples of the built-in intents are trained on too, so that it still knows a
            greeting from a question.
        tuning: How to tune a copy of the encoder, which takes minutes to an hour; None for none.
        kept: A classifier whose tuned encoders and words are kept; the heads alone are trained, in seconds. The
            words are trained anew all the same where the labels are not the same.

    Returns:
        The classifier, how its heads came about, and what each part reaches on the dev side.

    Raises:
        TrainingError: The file cannot be used, has too few rows, or the encoder cannot be tuned.
    """
    rows = load_rows(path)
    if builtin:
        rows = _with_builtin(rows, encoder)
    embeddings = encode_rows(rows, encoder, progress)
    training = train_intent(rows, embeddings, encoder=encoder.name, config=config, now=now, on_epoch=on_epoch)
    members = [Member(training=training, encoder=encoder, embeddings=embeddings, delta=None)]
    words = None
    if isinstance(kept, EnsembleClassifier):
        members += kept_members(rows, kept, config=config, now=now, progress=progress)
        words = kept.ensemble.words if kept.labels == training.head.labels else None
    if tuning is not None:
        members.append(_tuned_member(rows, tuning, config=config, now=now, progress=progress))
    return assemble(rows, members, config=config, now=now, words=words)


def evaluate_from_file(
    path: Path,
    head: IntentClassifier,
    encoder: Encoder,
    *,
    config: TrainConfig,
    rng: np.random.Generator,
    progress: Progress = lambda *_: None,
    every_row: bool = False,
) -> IntentReport:
    """Measure a head, alone or with words and tuned encoders, on a file of examples.

    Args:
        path: As for `train_from_file`.
        head: The head.
        encoder: The one that searches.
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


def _tuned_member(
    rows: Sequence[LabelledText], tuning: Tuning, *, config: TrainConfig, now: datetime, progress: Progress
) -> Member:
    made = tune_intent(
        rows,
        tuning.folder,
        config=tuning.config,
        shares=config,
        now=now,
        settings=tuning.settings,
        on_epoch=tuning.on_epoch,
        progress=progress,
    )
    return Member(training=made.training, encoder=made.encoder, embeddings=made.embeddings, delta=made.delta)


def kept_members(
    rows: Sequence[LabelledText],
    kept: EnsembleClassifier,
    *,
    config: TrainConfig,
    now: datetime,
    progress: Progress = lambda *_: None,
    weights: NDArray[np.float32] | None = None,
) -> Iterator[Member]:
    """New heads on the tuned encoders that are there.

    Args:
        rows: To train on.
        kept: Has the encoders.
        config: How to train the heads.
        now: Goes into their names.
        progress: Told while the texts are encoded.
        weights: How much each row counts, shape (len(rows),); None: all alike.
    """
    for one in kept.tuned:
        embeddings = encode_rows(rows, one.encoder, progress)
        training = train_intent(rows, embeddings, encoder=one.encoder.name, config=config, now=now, weights=weights)
        yield Member(training=training, encoder=one.encoder, embeddings=embeddings, delta=one.delta)


def _with_builtin(rows: tuple[LabelledText, ...], encoder: Encoder) -> tuple[LabelledText, ...]:
    """The rows, and the built-in examples that are not among them."""
    known = {normalised(row.text) for row in rows}
    added = readable_rows(training_rows(load_definitions()), encoder)
    return rows + tuple(row for row in added if normalised(row.text) not in known)


def _split(row: LabelledText, config: TrainConfig) -> Split:
    return split_of(row.text, dev_share=config.dev_share, test_share=config.test_share)
