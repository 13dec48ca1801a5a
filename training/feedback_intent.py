"""Train the intent classifier anew with what people said their questions were about."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from adapters.examples import Examples, IntentExample
from adapters.intent import persist
from adapters.intent.classifier import CLASSIFIER_FOLDER, EnsembleClassifier, TrainedClassifier
from adapters.intent.config import IntentDefinition
from adapters.layout import disk_errors, seal_adapter
from adapters.types import Encoder, LabelledText, Task
from training.combine_intents import Member, assemble
from training.errors import TooFewError, TrainingError
from training.few_shot import few_shot_training, readable_rows
from training.intents import kept_members
from training.splits import feedback_side, normalised
from training.train_intent import encode_rows, train_intent
from training.types import Candidate, IntentTraining, OnTrainStep, Split, TrainConfig, TrainStep

MIN_EXAMPLES: Final = 5  # corrected questions on the sides that may be learned from; fewer train nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentGround:
    """What the classifier was made of."""

    definitions: tuple[IntentDefinition, ...]  # the built-in intents and the team's own
    rows: tuple[LabelledText, ...] = field(default=(), repr=False)  # that it was trained on; none: definitions alone
    kept: TrainedClassifier | None = None  # whose tuned encoders are kept where there are rows


def train_intent_on_feedback(
    examples: Examples,
    ground: IntentGround,
    encoder: Encoder,
    folder: Path,
    config: TrainConfig,
    *,
    now: datetime,
    min_examples: int = MIN_EXAMPLES,
    on_step: OnTrainStep = lambda _: None,
) -> Candidate:
    """Train a classifier on its definitions, its rows and rated questions, and write it, sealed.

    What people said of a question takes the place of what the rows say of it. A rated question counts as much as its
    raters are trusted.

    Args:
        examples: Everything that can be learned now.
        ground: What the classifier was made of.
        encoder: The one that searches.
        folder: Where the version goes; must not exist.
        config: How heads are trained on rows.
        now: Goes into names and manifest; everything else being the same, so is the classifier.
        min_examples: How many rated questions it takes, >= 1.
        on_step: Told after each epoch, where there are any.

    Returns:
        The candidate.

    Raises:
        TooFewError: There are too few rated questions of intents that are defined.
        TrainingError: The folder is taken, or the rows cannot be trained on.
    """
    started = time.perf_counter()
    known = {definition.name for definition in ground.definitions} | {row.label for row in ground.rows}
    learned = [one for one in examples.intents if one.label in known and feedback_side(one.question) is not Split.TEST]
    if len(learned) < min_examples:
        raise TooFewError(have=len(learned), need=min_examples)
    if folder.exists():
        raise TrainingError(f"{folder} is taken; an adapter is written into a new folder.")
    if ground.rows:
        classifier, training = _from_rows(learned, ground, encoder, config, now=now, on_step=on_step)
    else:
        training = _from_definitions(learned, ground.definitions, encoder)
        classifier = training.head
    with disk_errors("write the classifier", folder):
        folder.mkdir(parents=True)
        _save(classifier, folder / CLASSIFIER_FOLDER, now=now)
        (folder / CLASSIFIER_FOLDER / ".lock").unlink(missing_ok=True)
        seal_adapter(folder, source=f"feedback-intent-{examples.digest[:12]}", base=encoder.name, created_at=now)
    return Candidate(
        task=Task.INTENT,
        folder=folder,
        examples=len(learned),
        curve=_curve(training, config),
        metrics={
            "dev accuracy": training.dev_accuracy,
            "dev calibration error": training.dev_calibration_error,
            "intents": float(len(classifier.labels)),
        },
        seconds=time.perf_counter() - started,
    )


def _from_definitions(
    learned: Sequence[IntentExample], definitions: Sequence[IntentDefinition], encoder: Encoder
) -> IntentTraining:
    """Rated questions beside the definitions' examples; those that people call otherwise are left out."""
    said = {normalised(one.question) for one in learned}
    merged = [
        replace(
            definition,
            examples=(
                *(text for text in definition.examples if normalised(text) not in said),
                *(one.question for one in learned if one.label == definition.name),
            ),
        )
        for definition in definitions
    ]
    return few_shot_training(merged, encoder, weights={one.question: one.weight for one in learned})


def _from_rows(
    learned: Sequence[IntentExample],
    ground: IntentGround,
    encoder: Encoder,
    config: TrainConfig,
    *,
    now: datetime,
    on_step: OnTrainStep,
) -> tuple[TrainedClassifier, IntentTraining]:
    """Rated questions beside the rows that a head was trained on."""
    by_text = {normalised(row.text): (row, 1.0) for row in ground.rows}
    defined = tuple(
        LabelledText(text=text, label=definition.name)
        for definition in ground.definitions
        for text in definition.examples
    )
    for row in readable_rows(defined, encoder):
        by_text.setdefault(normalised(row.text), (row, 1.0))
    for one in learned:
        by_text[normalised(one.question)] = (LabelledText(text=one.question, label=one.label), one.weight)
    rows = tuple(row for row, _ in by_text.values())
    weights = np.array([weight for _, weight in by_text.values()], dtype=np.float32)
    embeddings = encode_rows(rows, encoder)
    training = train_intent(
        rows,
        embeddings,
        encoder=encoder.name,
        config=config,
        now=now,
        weights=weights,
        on_epoch=lambda epoch: on_step(
            TrainStep(step=epoch.epoch, steps=config.epochs, loss=epoch.train_loss, dev_loss=epoch.dev_loss)
        ),
    )
    members = [Member(training=training, encoder=encoder, embeddings=embeddings, delta=None)]
    if isinstance(ground.kept, EnsembleClassifier):
        members += kept_members(rows, ground.kept, config=config, now=now, weights=weights)
    return assemble(rows, members, config=config, now=now).classifier, training


def _save(classifier: TrainedClassifier, folder: Path, *, now: datetime) -> None:
    if isinstance(classifier, EnsembleClassifier):
        persist.save_ensemble(classifier, folder, created_at=now)
    else:
        persist.save(classifier, folder)


def _curve(training: IntentTraining, config: TrainConfig) -> tuple[TrainStep, ...]:
    return tuple(
        TrainStep(step=epoch.epoch, steps=config.epochs, loss=epoch.train_loss, dev_loss=epoch.dev_loss)
        for epoch in training.epochs
    )
