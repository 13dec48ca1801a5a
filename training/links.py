"""Links of questions to the passages that answer them, and how an encoder is tuned on them."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.encoder.adapter import EncoderDelta
from training.errors import TrainingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A question and a passage that answers it."""

    question: str
    passage: int  # its place among the passages


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTrainConfig:
    """How an encoder is tuned on links.

    Raises:
        TrainingError: A value is outside its range.
    """

    epochs: int = 3  # passes over the links at most, >= 1
    learning_rate: float = 2e-3  # AdamW's highest; a tenth of it without a LoRA
    weight_decay: float = 0.01  # AdamW's, decoupled
    warm_up: float = 0.1  # share of the steps in which the rate climbs; then it falls to 0 along a cosine
    passages_per_step: int = 24  # with all their questions
    wrong_per_step: int = 8  # passages that the untuned encoder ranks high for these questions, and wrongly
    temperature: float = 0.05  # of the softmax over cosines
    rank: int = 16  # of a LoRA on every linear layer that is not frozen; 0 tunes the weights themselves
    max_tokens: int = 128  # passages are cut there while training
    dropout: float = 0.1  # in the encoder, as it was pretrained
    frozen_layers: int = 3  # transformer layers that stay as they are, from the bottom; the word embeddings always do
    patience: int = 1  # epochs without a better dev score before it stops
    dev_share: float = 0.1  # of the links, by hash of the question, to stop on; 0: none
    least_dev: int = 100  # questions on the dev side; with fewer, chance would decide: all are learned from
    seed: int = 0

    def __post_init__(self) -> None:
        ranges = (
            ("epochs", self.epochs >= 1, "1 or more"),
            ("learning_rate", 0 < self.learning_rate <= 1, "above 0 to 1"),
            ("passages_per_step", self.passages_per_step >= 2, "2 or more"),  # noqa: PLR2004 - one is told from nothing
            ("temperature", self.temperature > 0, "above 0"),
            ("max_tokens", self.max_tokens >= 16, "16 or more"),  # noqa: PLR2004 - less says nothing
            ("dev_share", 0 <= self.dev_share < 1, "0 to below 1"),
        )
        for name, fits, expected in ranges:
            if not fits:
                raise TrainingError(f"{name} must be {expected}, not {getattr(self, name)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkEpoch:
    """One pass over the links."""

    epoch: int  # from 1; 0: before training
    train_loss: float  # nats
    dev_accuracy: float  # share of dev questions whose passage comes first, [0, 1]; NaN without a dev side
    dev_rank: float  # mean reciprocal rank there, [0, 1]
    seconds: float  # since training began


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LinkTraining:
    """A tuned encoder and how it came about."""

    delta: EncoderDelta
    epochs: tuple[LinkEpoch, ...]  # the first is the untuned encoder
    best_epoch: int
    links: int  # that it was trained on
    seconds: float
