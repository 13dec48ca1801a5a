"""Tune a sentence encoder for one set of intents: the upper layers of the encoder and a cosine head learn together.

The head starts from the mean embedding of each label, so that the first steps do not tear the encoder's space apart,
and reads cosines only, so that distance keeps a meaning for what belongs to no label. The lower layers stay as they
are: what they make of the texts is computed once, which halves the time and costs no accuracy (docs/experiments.md).
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from adapters.bases import fingerprint
from adapters.device import choose_device
from adapters.encoder.adapter import EncoderDelta
from adapters.encoder.body import EncoderBody
from adapters.encoder.config import EncoderSettings
from adapters.encoder.model import SentenceEncoder
from adapters.types import Encoder, LabelledText, Matrix
from training.calibrate import columns_of
from training.dataset import counts
from training.errors import TrainingError
from training.splits import split_of
from training.train_intent import calibrated, encode_rows
from training.types import EpochReport, IntentTraining, OnEpoch, Progress, Split, TrainConfig

if TYPE_CHECKING:
    import torch
    from torch import Tensor

BUCKET: Final = 32  # batches whose rows are sorted by length together, so that little padding is computed
ENCODE_ROWS: Final = 64  # of one batch without gradients
MAX_GRADIENT: Final = 1.0  # norm over all weights of the encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneConfig:
    """How an encoder is tuned.

    Raises:
        TrainingError: A value is outside its range.
    """

    epochs: int = 4  # passes over the training rows, >= 1
    learning_rate: float = 3e-4  # AdamW's highest, for the encoder
    head_rate: float = 5e-3  # the same for the head
    weight_decay: float = 0.01  # AdamW's, decoupled, of the encoder's matrices
    warm_up: float = 0.1  # share of the steps in which the rate climbs; then it falls to 0 along a cosine
    batch_size: int = 32  # rows
    dropout: float = 0.1  # in the tuned layers, [0, 1); the encoder was pretrained with 0.1
    token_dropout: float = 0.0  # share of the tokens hidden from the tuned layers in a step, [0, 1)
    label_smoothing: float = 0.0  # share of the target that is spread over all labels, [0, 1)
    contrastive: float = 0.0  # weight of the supervised contrastive loss beside cross-entropy, >= 0
    scale: float = 20.0  # cosines to logits
    frozen_layers: int | None = None  # layers that stay as they are, from the bottom; None: half of them
    seed: int = 0  # of order and dropout; the same seed on the same machine gives the same encoder

    def __post_init__(self) -> None:
        ranges = (
            ("epochs", self.epochs >= 1, "1 or more"),
            ("batch_size", self.batch_size >= 1, "1 or more"),
            ("learning_rate", 0 < self.learning_rate <= 1, "above 0 to 1"),
            ("head_rate", 0 < self.head_rate <= 1, "above 0 to 1"),
            ("dropout", 0 <= self.dropout < 1, "0 to below 1"),
            ("token_dropout", 0 <= self.token_dropout < 1, "0 to below 1"),
            ("label_smoothing", 0 <= self.label_smoothing < 1, "0 to below 1"),
            ("contrastive", self.contrastive >= 0, "0 or more"),
            ("scale", self.scale > 0, "above 0"),
            ("frozen_layers", self.frozen_layers is None or self.frozen_layers >= 0, "0 or more"),
        )
        for name, fits, expected in ranges:
            if not fits:
                raise TrainingError(f"{name} must be {expected}, not {getattr(self, name)}.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TunedLayer:
    """What the training loop gives."""

    delta: EncoderDelta
    weight: Matrix  # of the head, scale included, shape (labels, dim), labels in alphabetical order
    bias: NDArray[np.float32]  # shape (labels,)
    epochs: tuple[EpochReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntentTuning:
    """A tuned encoder with its head, and how they came about."""

    delta: EncoderDelta
    encoder: Encoder  # the base with the delta
    embeddings: Matrix  # of all rows, by the tuned encoder: a later refit needs no more than those of new rows
    training: IntentTraining


def tune_intent(
    rows: Sequence[LabelledText],
    folder: Path,
    *,
    config: TuneConfig,
    shares: TrainConfig,
    now: datetime,
    settings: EncoderSettings | None = None,
    on_epoch: OnEpoch = lambda _: None,
    progress: Progress = lambda *_: None,
) -> IntentTuning:
    """Tune an encoder on the rows of the train side, and make a head on it that the dev side calibrates.

    Args:
        rows: Labelled texts, each text once.
        folder: The base encoder, as `adapters.bases.resolve` gave it.
        config: How to tune.
        shares: Says by its shares which side a row is on.
        now: Goes into the head's name.
        settings: Of the tuned encoder.
        on_epoch: Told after each epoch.
        progress: Told after each step.

    Returns:
        The encoder and its head. It classifies from the tuned encoder's embeddings, which are no use for searching.

    Raises:
        TrainingError: The rows are too few to train on.
    """
    started = time.perf_counter()
    layer = tune_intent_encoder(rows, folder, config=config, shares=shares, on_epoch=on_epoch, progress=progress)
    encoder = SentenceEncoder(folder, settings, delta=layer.delta)
    embeddings = encode_rows(rows, encoder, progress)
    training = calibrated(
        rows, embeddings, layer.weight, layer.bias, encoder=encoder.name, config=shares, now=now, epochs=layer.epochs
    )
    return IntentTuning(
        delta=layer.delta,
        encoder=encoder,
        embeddings=embeddings,
        training=replace(training, seconds=time.perf_counter() - started),
    )


def tune_intent_encoder(
    rows: Sequence[LabelledText],
    folder: Path,
    *,
    config: TuneConfig,
    shares: TrainConfig,
    on_epoch: OnEpoch = lambda _: None,
    progress: Progress = lambda *_: None,
) -> TunedLayer:
    """The training loop; see `tune_intent`.

    Returns:
        Encoder and head of the last epoch: the rate falls to 0, so the last one is the best or near it.
    """
    import torch
    from torch.nn import functional

    started = time.perf_counter()
    labels = tuple(sorted(counts(rows)))
    if len(labels) < 2:  # noqa: PLR2004 - one label leaves nothing to learn
        raise TrainingError(f"Tuning needs rows of at least two intents, found {len(labels)}; add another intent.")
    targets = torch.from_numpy(columns_of([row.label for row in rows], labels))  # (n,)
    train, dev = _sides(rows, shares)
    torch.manual_seed(config.seed)
    order = random.Random(config.seed)  # noqa: S311 - an order, nothing secret
    progress(0, 0, "preparing to tune the encoder")
    tuner = _Tuner(folder, [row.text for row in rows], config)
    head = torch.nn.Parameter(_centres(tuner.encode(train), targets[train], len(labels)))  # (labels, dim)
    bias = torch.nn.Parameter(torch.zeros(len(labels)))
    optimizer = tuner.optimizer([head, bias])
    steps = config.epochs * math.ceil(len(train) / config.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, config.warm_up))
    reports: list[EpochReport] = []
    step = 0

    def logits(vectors: Tensor) -> Tensor:  # (b, dim) to (b, labels)
        return config.scale * (vectors @ functional.normalize(head, dim=-1).T) + bias

    for epoch in range(1, config.epochs + 1):
        total = 0.0
        for batch in batches(train, tuner.lengths, config.batch_size, order):
            vectors = tuner.train_step(batch)  # (b, dim)
            loss = functional.cross_entropy(logits(vectors), targets[batch], label_smoothing=config.label_smoothing)
            if config.contrastive:
                loss = loss + config.contrastive * supervised_contrastive(vectors, targets[batch])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(tuner.tunable, MAX_GRADIENT)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(batch)
            step += 1
            progress(step, steps, f"tuning the encoder, epoch {epoch} of {config.epochs}")
        with torch.no_grad():
            dev_logits = logits(tuner.encode(dev))  # (m, labels)
        report = EpochReport(
            epoch=epoch,
            train_loss=total / len(train),
            dev_loss=functional.cross_entropy(dev_logits, targets[dev]).item() if dev else math.nan,
            dev_accuracy=(dev_logits.argmax(dim=1) == targets[dev]).float().mean().item() if dev else math.nan,
            best=epoch == config.epochs,
            seconds=time.perf_counter() - started,
        )
        reports.append(report)
        on_epoch(report)
    weight = config.scale * functional.normalize(head.detach(), dim=-1)
    return TunedLayer(delta=tuner.delta(), weight=weight.numpy(), bias=bias.detach().numpy(), epochs=tuple(reports))


class _Tuner:
    """An encoder whose upper layers learn, with the texts as the lower ones leave them."""

    def __init__(self, folder: Path, texts: Sequence[str], config: TuneConfig) -> None:
        import torch

        self._config = config
        self._bfloat16 = choose_device("cpu").dtype == "bfloat16"
        self._body = EncoderBody(folder, dtype=torch.float32)
        self._base = fingerprint(folder)
        if self._body.model.config.model_type != "bert":
            raise TrainingError(
                f"Only encoders of the BERT kind can be tuned, and the one in the settings is "
                f"{self._body.model.config.model_type}; train without --tune-encoder."
            )
        layers = len(self._body.model.encoder.layer)
        self._frozen = layers // 2 if config.frozen_layers is None else config.frozen_layers
        if self._frozen >= layers:
            raise TrainingError(
                f"The encoder has {layers} layers, so frozen_layers must be below that, not {self._frozen}."
            )
        self._freeze()
        self._before = {name: value.detach().clone() for name, value in self._tuned()}
        ids = self._body.tokens(texts)
        self.lengths = [len(row) for row in ids]
        self._states: dict[int, Tensor] = {}  # (tokens, dim) of each text
        with torch.no_grad(), self._autocast():
            for part in _chunks(range(len(ids)), self.lengths):
                states = self._body.states([ids[row] for row in part], layers=self._frozen)
                kept = torch.bfloat16 if self._bfloat16 else torch.float32
                self._states.update(zip(part, [state.to(kept) for state in states], strict=True))

    @property
    def tunable(self) -> list[torch.nn.Parameter]:
        """The weights that learn."""
        return [value for _, value in self._tuned()]

    def train_step(self, rows: Sequence[int]) -> Tensor:
        """Vectors with gradients and dropout, shape (rows, dim)."""
        self._body.model.train()
        with self._autocast():
            states = [self._thinned(self._states[row]).float() for row in rows]
            return self._body.vectors_above(states, layers=self._frozen)

    def encode(self, rows: Sequence[int]) -> Tensor:
        """Vectors without, shape (rows, dim)."""
        import torch

        self._body.model.eval()
        place = {row: index for index, row in enumerate(rows)}
        vectors = torch.zeros(len(rows), self._body.dimension)
        with torch.no_grad(), self._autocast():
            for part in _chunks(rows, self.lengths):
                states = [self._states[row].float() for row in part]
                vectors[[place[row] for row in part]] = self._body.vectors_above(states, layers=self._frozen)
        return vectors

    def optimizer(self, head: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """AdamW; biases, norms and the head do not decay."""
        import torch

        config = self._config
        matrices = [value for value in self.tunable if value.ndim > 1]
        others = [value for value in self.tunable if value.ndim <= 1]
        return torch.optim.AdamW(
            [
                {"params": matrices, "lr": config.learning_rate, "weight_decay": config.weight_decay},
                {"params": others, "lr": config.learning_rate, "weight_decay": 0.0},
                {"params": head, "lr": config.head_rate, "weight_decay": 0.0},
            ],
            fused=True,
        )

    def delta(self) -> EncoderDelta:
        """What was learned."""
        tensors = {
            name: (value.detach() - self._before[name]).numpy().astype(np.float16) for name, value in self._tuned()
        }
        return EncoderDelta(base=self._base, tensors=tensors)

    def _freeze(self) -> None:
        import torch

        self._body.model.requires_grad_(requires_grad=False)
        for layer in self._body.model.encoder.layer[self._frozen :]:
            layer.requires_grad_(requires_grad=True)
        for module in self._body.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = self._config.dropout

    def _tuned(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        yield from ((name, value) for name, value in self._body.model.named_parameters() if value.requires_grad)

    def _thinned(self, state: Tensor) -> Tensor:
        """The state without some of its tokens; the first, which stands for the whole text, stays."""
        import torch

        if not self._config.token_dropout:
            return state
        kept = torch.rand(len(state)) >= self._config.token_dropout
        kept[0] = True
        return state[kept]

    def _autocast(self) -> AbstractContextManager[object]:
        import torch

        return torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16)


def supervised_contrastive(vectors: Tensor, targets: Tensor, *, temperature: float = 0.1) -> Tensor:
    """How much farther rows of one label are from each other than from the rest of the batch; nats, mean over rows.

    Args:
        vectors: Unit vectors, shape (b, dim).
        targets: Shape (b,); rows whose label is alone in the batch do not count.
        temperature: Of the softmax over cosines.

    Source: Khosla et al. 2020 (arXiv 2004.11362), eq. 2.
    """
    import torch

    itself = torch.eye(len(vectors), dtype=torch.bool)
    cosines = (vectors @ vectors.T / temperature).masked_fill(itself, -torch.inf)  # (b, b)
    likelihoods = (cosines - cosines.logsumexp(dim=1, keepdim=True)).masked_fill(itself, 0.0)
    same = (targets[:, None] == targets) & ~itself
    paired = same.any(dim=1)
    if not paired.any():
        return vectors.sum() * 0.0
    means = (likelihoods * same).sum(dim=1)[paired] / same.sum(dim=1)[paired]
    return -means.mean()


def batches(rows: Sequence[int], lengths: Sequence[int], size: int, order: random.Random) -> Iterator[list[int]]:
    """Every row once, in batches of rows of like length, in an order that has nothing to do with length."""
    shuffled = order.sample(rows, len(rows))
    found: list[list[int]] = []
    for start in range(0, len(shuffled), size * BUCKET):
        bucket = sorted(shuffled[start : start + size * BUCKET], key=lambda row: lengths[row])
        found += [bucket[first : first + size] for first in range(0, len(bucket), size)]
    order.shuffle(found)
    yield from found


def _chunks(rows: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows of like length together."""
    ordered = sorted(rows, key=lambda row: lengths[row])
    for start in range(0, len(ordered), ENCODE_ROWS):
        yield ordered[start : start + ENCODE_ROWS]


def _centres(vectors: Tensor, targets: Tensor, count: int) -> Tensor:
    """The sum of each label's vectors as a unit vector, shape (count, dim)."""
    import torch

    sums = torch.zeros(count, vectors.shape[1]).index_add_(0, targets, vectors)
    return torch.nn.functional.normalize(sums, dim=-1)


def _rate(step: int, steps: int, warm_up: float) -> float:
    """The learning rate's share of its highest."""
    climbing = min(1.0, (step + 1) / max(1.0, warm_up * steps))
    return climbing * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / steps)))


def _sides(rows: Sequence[LabelledText], shares: TrainConfig) -> tuple[list[int], list[int]]:
    splits = [split_of(row.text, dev_share=shares.dev_share, test_share=shares.test_share) for row in rows]
    train = [row for row, split in enumerate(splits) if split is Split.TRAIN]
    if not train:
        raise TrainingError("No row falls on the training side of the split; add more examples.")
    return train, [row for row, split in enumerate(splits) if split is Split.DEV]
