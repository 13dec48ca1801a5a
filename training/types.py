"""The types of training: what goes in, what is reported while it runs, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from adapters.intent.classifier import TrainedClassifier
from adapters.intent.model import IntentHead
from adapters.types import Task
from training.errors import TrainingError


class Split(StrEnum):
    """Which side an example is on; its text decides, see `training.splits`."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """How an intent head is trained.

    Raises:
        TrainingError: A value is outside its range.
    """

    epochs: int = 100  # passes over the training rows at most, 1 to 10,000
    learning_rate: float = 0.02  # AdamW's, above 0 to 1
    weight_decay: float = 0.01  # AdamW's, decoupled, 0 to 1
    dropout: float = 0.1  # share of the embedding's entries left out of each step, 0 to below 1
    batch_size: int = 256  # rows, 1 to 100,000
    patience: int = 5  # epochs without a lower dev loss before it stops, 1 or more
    seed: int = 0  # of initial weights, order and dropout; the same seed gives the same head, 0 or more
    dev_share: float = 0.15  # of the rows, to stop and to calibrate on, 0 to 0.5 (exclusive)
    test_share: float = 0.15  # of the rows, never looked at before `eval`, 0 to 0.5 (0: keep none back)

    def __post_init__(self) -> None:
        ranges = (
            ("epochs", 1 <= self.epochs <= 10_000, "1 to 10,000"),  # noqa: PLR2004 - the range of the field
            ("learning_rate", 0 < self.learning_rate <= 1, "above 0 to 1"),
            ("weight_decay", 0 <= self.weight_decay <= 1, "0 to 1"),
            ("dropout", 0 <= self.dropout < 1, "0 to below 1"),
            ("batch_size", 1 <= self.batch_size <= 100_000, "1 to 100,000 rows"),  # noqa: PLR2004 - as above
            ("patience", self.patience >= 1, "1 epoch or more"),
            ("seed", self.seed >= 0, "0 or more"),
            ("dev_share", 0 < self.dev_share < 0.5, "above 0 to below 0.5"),  # noqa: PLR2004 - as above
            ("test_share", 0 <= self.test_share < 0.5, "0 to below 0.5"),  # noqa: PLR2004 - as above
        )
        for name, fits, expected in ranges:
            if not fits:
                raise TrainingError(f"{name} must be {expected}, not {getattr(self, name)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochReport:
    """One pass over the training rows."""

    epoch: int  # from 1
    train_loss: float  # weighted cross-entropy with dropout, nats
    dev_loss: float  # cross-entropy, nats
    dev_accuracy: float  # [0, 1]
    best: bool  # the lowest dev loss so far
    seconds: float  # since training began


OnEpoch: TypeAlias = Callable[[EpochReport], None]
Progress: TypeAlias = Callable[[int, int, str], None]  # done, total (0: unknown), what is being done


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentTraining:
    """A trained head and how it came about."""

    head: IntentHead
    epochs: tuple[EpochReport, ...]  # empty for a head made from a handful of examples
    rows: dict[Split, int]  # how many rows were on each side
    dev_accuracy: float  # [0, 1]; of the out-of-fold predictions where there is no dev side
    dev_calibration_error: float  # expected calibration error there, [0, 1]
    seconds: float

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights were kept, from 1; 0 where there were none."""
        return max((report.epoch for report in self.epochs if report.best), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReport:
    """What one way to tell an intent reaches on the dev side."""

    parts: str  # such as "frozen encoder + words"
    dev_accuracy: float  # [0, 1]; weights were chosen on the same rows, so `burnish intents eval` is a little stricter
    dev_calibration_error: float  # expected calibration error, [0, 1]
    milliseconds: float  # of one query on this machine, its encodings included; median


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierTraining:
    """What serves after a training, and what each of its parts is worth."""

    classifier: TrainedClassifier
    head: IntentTraining  # on the encoder that searches
    tuned: IntentTraining | None  # on the tuned encoder, if there is one
    words_weight: float | None  # of the words beside the heads; 0: no help, left out; None: too few rows to try
    parts: tuple[PartReport, ...]  # the head alone first, what serves last
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A measured value with the ends of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassReport:
    """How well one intent is told from the others."""

    label: str
    precision: float  # [0, 1]; 0 where it was never predicted
    recall: float  # [0, 1]; 0 where there was none
    f1: float  # [0, 1]
    support: int  # rows that have this label


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntentReport:
    """How well a head does on labelled rows."""

    head: str  # its name
    rows: int
    accuracy: Interval  # [0, 1]
    macro_f1: float  # [0, 1], over the labels that occur in the rows
    calibration_error: float  # expected calibration error, 15 bins, [0, 1]
    out_of_scope_auroc: float | None  # of the in-scope score, [0, 1]; None without out-of-scope rows
    classes: tuple[ClassReport, ...]  # in the order of `labels`
    labels: tuple[str, ...]  # of rows and columns
    confusion: NDArray[np.int64]  # [true, predicted], shape (labels, labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainStep:
    """How far a training is."""

    step: int  # from 1
    steps: int  # in all; fewer come where it stops early
    loss: float  # of the step, in the objective's own unit
    dev_loss: float | None = None  # where the dev side was measured after this step


OnTrainStep: TypeAlias = Callable[[TrainStep], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An adapter that was trained on feedback, not yet in the registry."""

    task: Task
    folder: Path  # complete: sealed by its manifest
    examples: int  # that it learned from
    curve: tuple[TrainStep, ...]
    metrics: Mapping[str, float]  # of the training itself, such as "dev loss before"
    seconds: float
