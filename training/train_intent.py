"""Train an intent head on thousands of rows: linear layer, cross-entropy, AdamW, early stopping, calibration."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from adapters.intent.config import OUT_OF_SCOPE
from adapters.intent.model import UNFITTED_SCOPE, IntentHead, nearest_of_each
from adapters.types import Encoder, LabelledText, Matrix
from training.calibrate import (
    SHARPNESS,
    columns_of,
    fit_neighbours,
    fit_scope,
    head_scope_evidence,
    sorted_examples,
)
from training.dataset import counts
from training.errors import TrainingError
from training.few_shot import content_digest
from training.metrics import calibration_error
from training.splits import fold_order, split_of
from training.types import EpochReport, IntentTraining, OnEpoch, Progress, Split, TrainConfig

MIN_ROWS_PER_LABEL: Final = 2
MIN_IMPROVEMENT: Final = 1e-3  # nats of dev loss; less is not worth another epoch
ENCODE_BATCH: Final = 256  # rows between two reports of progress
MAX_EXAMPLES_PER_LABEL: Final = 64  # kept beside the layer; all of 110 raise the AUROC by less than .001


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Side:
    """The rows of one split."""

    embeddings: Matrix  # shape (n, dim)
    columns: NDArray[np.int64]  # shape (n,)
    weights: NDArray[np.float32] | None = None  # shape (n,); None: all alike


def train_intent(
    rows: Sequence[LabelledText],
    embeddings: Matrix,
    *,
    encoder: str,
    config: TrainConfig,
    now: datetime,
    on_epoch: OnEpoch = lambda _: None,
    weights: NDArray[np.float32] | None = None,
) -> IntentTraining:
    """Train a head on the rows whose texts fall on the train side, stop and calibrate it on the dev side.

    Args:
        rows: Labelled texts, each text once.
        embeddings: Theirs, unit vectors, shape (len(rows), dim), float32.
        encoder: Name of the encoder that made them.
        config: How to train.
        now: Goes into the head's name.
        on_epoch: Told after each epoch.
        weights: How much each row counts, shape (len(rows),); None: all alike.

    Returns:
        The head with the weights of the epoch of the lowest dev loss. Rows, config and machine being the same, so
        is the head.

    Raises:
        TrainingError: The rows are too few to train on.
    """
    started = time.perf_counter()
    labels = _checked_labels(rows)
    sides = _sides(rows, embeddings, labels, config)
    train, dev = sides[Split.TRAIN], sides[Split.DEV]
    if weights is not None:
        train = replace(train, weights=weights[_splits(rows, config) == Split.TRAIN])
    with _one_thread():
        weight, bias, epochs = fit_epochs(train, dev, len(labels), config, on_epoch)
    training = calibrated(rows, embeddings, weight, bias, encoder=encoder, config=config, now=now, epochs=epochs)
    return replace(training, seconds=time.perf_counter() - started)


def calibrated(
    rows: Sequence[LabelledText],
    embeddings: Matrix,
    weight: Matrix,
    bias: NDArray[np.float32],
    *,
    encoder: str,
    config: TrainConfig,
    now: datetime,
    epochs: tuple[EpochReport, ...],
) -> IntentTraining:
    """Make a head of a trained layer: keep examples of the train side, calibrate on the dev side.

    Args:
        rows: Labelled texts, each text once.
        embeddings: Theirs, unit vectors, shape (len(rows), dim), float32.
        weight: Of the layer, shape (labels, dim), labels in alphabetical order.
        bias: Shape (labels,).
        encoder: Name of the encoder that made the embeddings.
        config: Its shares.
        now: Goes into the head's name.
        epochs: How the layer was trained.

    Returns:
        The head; the seconds are those of the calibration.

    Raises:
        TrainingError: The rows are too few.
    """
    started = time.perf_counter()
    labels = _checked_labels(rows)
    sides = _sides(rows, embeddings, labels, config)
    dev = sides[Split.DEV]
    kept = _kept_examples(rows, labels, config)
    examples, starts = sorted_examples(
        embeddings[kept], columns_of([rows[row].label for row in kept], labels), len(labels)
    )
    logits = dev.embeddings @ weight.T + bias
    similarities = nearest_of_each(dev.embeddings @ examples.T, starts)
    neighbour_weight, temperature = fit_neighbours(logits, similarities, dev.columns)
    unscoped = IntentHead(
        name=f"intent-{now:%Y%m%d}-{content_digest(weight, bias, examples)}",
        encoder=encoder,
        labels=labels,
        weight=weight,
        bias=bias,
        temperature=temperature,
        examples=examples,
        starts=starts,
        neighbour_weight=neighbour_weight,
        neighbour_sharpness=SHARPNESS,
        scope=UNFITTED_SCOPE,
    )
    inside = np.array([labels[column] != OUT_OF_SCOPE for column in dev.columns])
    head = replace(unscoped, scope=fit_scope(head_scope_evidence(unscoped, dev.embeddings), inside))
    probabilities = head.evidence(dev.embeddings).probabilities
    correct = probabilities.argmax(axis=1) == dev.columns
    return IntentTraining(
        head=head,
        epochs=epochs,
        rows={split: len(side.columns) for split, side in sides.items()},
        dev_accuracy=float(correct.mean()),
        dev_calibration_error=calibration_error(probabilities.max(axis=1), correct),
        seconds=time.perf_counter() - started,
    )


def fit_epochs(
    train: _Side, dev: _Side, count: int, config: TrainConfig, on_epoch: OnEpoch
) -> tuple[Matrix, NDArray[np.float32], tuple[EpochReport, ...]]:
    """The training loop.

    Args:
        train: What the weights are fitted to.
        dev: What decides when to stop.
        count: How many labels there are.
        config: How to train.
        on_epoch: Told after each epoch.

    Returns:
        Weight, shape (count, dim), and bias, shape (count,), of the best epoch, and all epochs.
    """
    import torch
    from torch.nn import functional

    random = torch.Generator().manual_seed(config.seed)
    x, y = torch.from_numpy(train.embeddings), torch.from_numpy(train.columns)  # (n, dim), (n,)
    dev_x, dev_y = torch.from_numpy(dev.embeddings), torch.from_numpy(dev.columns)
    # Each label weighs the same in sum, however many rows it has.
    balance = len(y) / (count * torch.bincount(y, minlength=count).clamp(min=1).float())  # (count,)
    each = torch.ones(len(y)) if train.weights is None else torch.from_numpy(train.weights)  # (n,)
    layer = torch.nn.Linear(x.shape[1], count)
    torch.nn.init.zeros_(layer.weight)  # the loss is convex: no symmetry to break
    torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    best = (layer.weight.detach().clone(), layer.bias.detach().clone())
    lowest, since, reports, started = float("inf"), 0, list[EpochReport](), time.perf_counter()
    for epoch in range(1, config.epochs + 1):
        total = 0.0
        for rows in torch.split(torch.randperm(len(y), generator=random), config.batch_size):
            mask = torch.rand((len(rows), x.shape[1]), generator=random) >= config.dropout  # (b, dim)
            logits = layer(x[rows] * mask / (1 - config.dropout))  # (b, count)
            counted = balance[y[rows]] * each[rows]  # (b,)
            loss = (functional.cross_entropy(logits, y[rows], reduction="none") * counted).sum() / counted.sum()
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            total += loss.item() * len(rows)
        with torch.no_grad():
            dev_logits = layer(dev_x)  # (m, count)
            dev_loss = functional.cross_entropy(dev_logits, dev_y).item()
            accuracy = (dev_logits.argmax(dim=1) == dev_y).float().mean().item()
        since = 0 if dev_loss < lowest - MIN_IMPROVEMENT else since + 1
        if since == 0:
            lowest, best = dev_loss, (layer.weight.detach().clone(), layer.bias.detach().clone())
        report = EpochReport(
            epoch=epoch,
            train_loss=total / len(y),
            dev_loss=dev_loss,
            dev_accuracy=accuracy,
            best=since == 0,
            seconds=time.perf_counter() - started,
        )
        reports.append(report)
        on_epoch(report)
        if since >= config.patience:
            break
    return best[0].numpy(), best[1].numpy(), tuple(reports)


def encode_rows(rows: Sequence[LabelledText], encoder: Encoder, progress: Progress = lambda *_: None) -> Matrix:
    """Encode the rows' texts, shape (len(rows), dim); progress is told after each batch."""
    parts: list[Matrix] = []
    for start in range(0, len(rows), ENCODE_BATCH):
        batch = rows[start : start + ENCODE_BATCH]
        parts.append(encoder.encode([row.text for row in batch]))
        progress(start + len(batch), len(rows), "encoding examples")
    return np.concatenate(parts) if parts else np.zeros((0, encoder.dimension), dtype=np.float32)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch on one thread: steps this small gain nothing from two, and took 15 times as long on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _checked_labels(rows: Sequence[LabelledText]) -> tuple[str, ...]:
    found = counts(rows)
    if len(found) < 2:  # noqa: PLR2004 - one label leaves nothing to learn
        raise TrainingError(
            f"Training needs rows of at least two intents, found {len(found)}; add examples of another intent."
        )
    few = [label for label, count in found.items() if count < MIN_ROWS_PER_LABEL]
    if few:
        raise TrainingError(
            f'The intent "{few[0]}" has only {found[few[0]]} example; '
            f"training needs {MIN_ROWS_PER_LABEL} or more of each."
        )
    return tuple(sorted(found))


def _sides(
    rows: Sequence[LabelledText], embeddings: Matrix, labels: tuple[str, ...], config: TrainConfig
) -> dict[Split, _Side]:
    splits = _splits(rows, config)
    columns = columns_of([row.label for row in rows], labels)
    sides = {split: _Side(embeddings=embeddings[splits == split], columns=columns[splits == split]) for split in Split}
    missing = sorted(set(range(len(labels))) - set(sides[Split.TRAIN].columns.tolist()))
    if missing:
        raise TrainingError(
            f'No example of the intent "{labels[missing[0]]}" falls on the training side of the split; '
            "add a few more examples of it."
        )
    if not len(sides[Split.DEV].columns):
        raise TrainingError(f"None of the {len(rows)} rows falls on the dev side of the split; add more examples.")
    return sides


def _splits(rows: Sequence[LabelledText], config: TrainConfig) -> NDArray[np.str_]:
    return np.array(
        [split_of(row.text, dev_share=config.dev_share, test_share=config.test_share).value for row in rows]
    )


def _kept_examples(rows: Sequence[LabelledText], labels: tuple[str, ...], config: TrainConfig) -> list[int]:
    """Training rows that stay beside the layer: up to MAX_EXAMPLES_PER_LABEL of each, picked by hash."""
    members: dict[str, list[int]] = {label: [] for label in labels}
    for row, split in enumerate(_splits(rows, config)):
        if split == Split.TRAIN.value:
            members[rows[row].label].append(row)
    return [
        row
        for label in labels
        for row in sorted(members[label], key=lambda row: fold_order(rows[row].text))[:MAX_EXAMPLES_PER_LABEL]
    ]
