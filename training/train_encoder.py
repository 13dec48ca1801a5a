"""Tune a sentence encoder on links: questions, each with a passage that answers it, as ratings and corrections give.

Each step takes passages that lie near each other with all their questions, and beside them the passages that the
untuned encoder wrongly ranks first: every question is told from all of these. All are encoded afresh. (Comparing fresh
vectors with remembered ones teaches the model to move its fresh ones away from the old: docs/experiments.md.) The lower
layers stay as they are, and what they make of each text is computed once.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from adapters.bases import fingerprint
from adapters.device import choose_device
from adapters.encoder.adapter import EncoderDelta
from adapters.encoder.body import EncoderBody
from adapters.types import Matrix
from training.errors import TrainingError
from training.links import Link, LinkEpoch, LinkTrainConfig, LinkTraining
from training.splits import position

if TYPE_CHECKING:
    import torch
    from torch import Tensor

ENCODE_TOKENS: Final = 6_000  # of one batch without gradients
GRADIENT_TOKENS: Final = 3_000  # of one batch with gradients: they hold about 150 kB a token
FORBIDDEN: Final = -1e4  # the logit of a passage that is right too
WRONG_DEPTH: Final = 10  # places among which wrong passages are looked for


def train_encoder(
    folder: Path,
    links: Sequence[Link],
    passages: Sequence[str],
    config: LinkTrainConfig | None = None,
    *,
    known: Matrix | None = None,
    on_epoch: Callable[[LinkEpoch, Callable[[], EncoderDelta]], None] = lambda _report, _delta: None,
) -> LinkTraining:
    """Tune an encoder until questions lie nearest to the passages that answer them.

    Args:
        folder: The base encoder, as adapters.bases.resolve gave it.
        links: What is learned; several for one question or one passage are welcome.
        passages: Every passage that may be found, as the encoder reads it: those without a link are negatives.
        config: How.
        known: The passages' vectors by the base encoder, shape (passages, dim), where the index has them already.
        on_epoch: Told after each epoch, with a function that makes the delta as it is then.

    Returns:
        The delta of the epoch with the best dev score, of the last one without a dev side. The same arguments on the
        same machine give the same delta.

    Raises:
        TrainingError: There is nothing to train on, or a link names no passage.
    """
    import torch

    config = config or LinkTrainConfig()
    started = time.perf_counter()
    train, dev = _sides(links, len(passages), config)
    torch.manual_seed(config.seed)
    rng = random.Random(config.seed)  # noqa: S311 - an order, nothing secret
    tuner = Tuner(folder, config)
    questions = list(dict.fromkeys(link.question for link in links))
    asking = dict(zip(questions, tuner.lower(tuner.body.tokens(questions)), strict=True))
    texts = tuner.lower([row[: config.max_tokens] for row in tuner.body.tokens(passages)])
    right = _right(links)
    memory = tuner.encode(texts) if known is None else torch.from_numpy(known.copy())  # (passages, dim)
    wrong = _wrong(train, tuner.encode([asking[link.question] for link in train]), memory, right)
    draws = [list(_steps(train, wrong, memory.numpy(), config, rng)) for _ in range(config.epochs)]
    total = sum(map(len, draws))
    optimizer = tuner.optimizer()
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, total, config.warm_up))
    ranks = _ranks(tuner, dev, asking, memory, right)
    reports = [_report(0, math.nan, ranks, time.perf_counter() - started)]
    best, best_delta = reports[0], EncoderDelta(base=tuner.base, tensors={})
    on_epoch(reports[0], tuner.delta)
    for epoch, steps in enumerate(draws, start=1):
        loss_sum = 0.0
        for step in steps:
            tuner.train()
            asked = tuner.vectors([asking[link.question] for link in step.links])  # (links, dim)
            shown = tuner.vectors([texts[number] for number in step.passages])  # (passages of the step, dim)
            loss = _loss(asked @ shown.T / config.temperature, step, right)
            loss.backward()  # type: ignore[no-untyped-call]  # torch's is not typed
            tuner.clip()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            loss_sum += loss.item() * len(step.links)
        if dev:
            memory = tuner.encode(texts)
        ranks = _ranks(tuner, dev, asking, memory, right)
        reports.append(_report(epoch, loss_sum / len(train), ranks, time.perf_counter() - started))
        on_epoch(reports[-1], tuner.delta)
        if not dev or reports[-1].dev_rank > best.dev_rank:
            best, best_delta = reports[-1], tuner.delta()
        elif epoch - best.epoch >= config.patience:
            break
    return LinkTraining(
        delta=best_delta,
        epochs=tuple(reports),
        best_epoch=best.epoch,
        links=len(train),
        seconds=time.perf_counter() - started,
    )


class Tuner:
    """A model whose weights move, and what its move amounts to."""

    def __init__(self, folder: Path, config: LinkTrainConfig) -> None:
        import torch

        self.base = fingerprint(folder)
        self.body = EncoderBody(folder, dtype=torch.float32)
        self._config = config
        self._mixed = choose_device("cpu").dtype == "bfloat16"
        model = self.body.model
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = config.dropout
        for frozen in (model.embeddings, *model.encoder.layer[: config.frozen_layers]):
            frozen.requires_grad_(False)
        self._peft: Any = None
        if config.rank:
            from peft import LoraConfig, get_peft_model

            layers = list(range(config.frozen_layers, len(model.encoder.layer)))
            self._peft = get_peft_model(
                model,
                LoraConfig(
                    r=config.rank, lora_alpha=2 * config.rank, lora_dropout=0.0, layers_to_transform=layers,
                    target_modules=["query", "key", "value", "dense"],
                ),
            )  # fmt: skip
        self._before: dict[str, Tensor] = {name: value.detach().clone() for name, value in model.named_parameters()}
        self._learned = [value for value in model.parameters() if value.requires_grad]

    def optimizer(self) -> torch.optim.Optimizer:
        """AdamW; biases and norms do not decay."""
        import torch

        groups: list[dict[str, Any]] = [
            {"params": [value for value in self._learned if value.ndim > 1]},
            {"params": [value for value in self._learned if value.ndim <= 1], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(
            groups, lr=self._config.learning_rate, weight_decay=self._config.weight_decay, fused=True
        )

    def train(self) -> None:
        """Turn dropout on."""
        self.body.model.train()

    def clip(self) -> None:
        """Bound the gradient's length."""
        import torch

        torch.nn.utils.clip_grad_norm_(self._learned, 1.0)

    def lower(self, rows: Sequence[Sequence[int]]) -> list[Tensor]:
        """What the frozen layers make of token ids: one tensor for each text, shape (tokens, dim), bfloat16."""
        import torch

        self.body.model.eval()
        made: dict[int, Tensor] = {}
        for batch in _batches([len(row) for row in rows], ENCODE_TOKENS):
            padded = torch.nn.utils.rnn.pad_sequence([torch.tensor(rows[row]) for row in batch], batch_first=True)
            mask = _mask([len(rows[row]) for row in batch])  # (texts, tokens)
            with torch.no_grad(), self._precision():
                hidden = self.body.model.embeddings(input_ids=padded)  # (texts, tokens, dim)
                for layer in self.body.model.encoder.layer[: self._config.frozen_layers]:
                    hidden = layer(hidden, mask[:, None, None, :])
            made |= {row: hidden[place, : len(rows[row])].bfloat16() for place, row in enumerate(batch)}
        return [made[row] for row in range(len(rows))]

    def vectors(self, texts: Sequence[Tensor], most: int = GRADIENT_TOKENS) -> Tensor:
        """What `lower` made to unit vectors, shape (texts, dim)."""
        import torch

        parts, order = [], []
        for batch in _batches([len(text) for text in texts], most):
            hidden = torch.nn.utils.rnn.pad_sequence([texts[row] for row in batch], batch_first=True).float()
            mask = _mask([len(texts[row]) for row in batch])
            with self._precision():
                for layer in self.body.model.encoder.layer[self._config.frozen_layers :]:
                    hidden = layer(hidden, mask[:, None, None, :])
            parts.append(torch.nn.functional.normalize(self.body.pool(hidden.float(), mask), dim=-1))
            order += batch
        return torch.cat(parts)[torch.tensor(order).argsort()]

    def encode(self, texts: Sequence[Tensor]) -> Tensor:
        """The same without gradients and dropout."""
        import torch

        self.body.model.eval()
        with torch.no_grad():
            return self.vectors(texts, ENCODE_TOKENS)

    def delta(self) -> EncoderDelta:
        """What tuning has added so far."""
        after = self._merged()
        tensors = {
            name: (value - self._before_of(name)).to(dtype=value.dtype).numpy().astype(np.float16)
            for name, value in after.items()
        }
        return EncoderDelta(base=self.base, tensors={name: row for name, row in tensors.items() if row.any()})

    def _merged(self) -> Mapping[str, Tensor]:
        """The tuned parameters under the base model's names."""
        if self._peft is None:
            return {name: value.detach() for name, value in self.body.model.named_parameters() if value.requires_grad}
        found = {}
        for name, module in self.body.model.named_modules():
            if hasattr(module, "get_delta_weight"):
                weight = module.base_layer.weight.detach()
                found[f"{name}.weight"] = weight + module.get_delta_weight("default").detach()
        return found

    def _before_of(self, name: str) -> Tensor:
        if name in self._before:
            return self._before[name]
        return self._before[name.removesuffix("weight") + "base_layer.weight"]

    def _precision(self) -> AbstractContextManager[object]:
        import torch

        return torch.autocast("cpu", torch.bfloat16, enabled=self._mixed)


def _batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Rows of like length together, so that little padding is computed; about `most` tokens each."""
    order = sorted(range(len(lengths)), key=lambda row: lengths[row])
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end + 1 - start) * lengths[order[end]] > most:
            yield order[start:end]
            start = end


def _mask(lengths: Sequence[int]) -> Tensor:
    """Which places hold a token, shape (texts, tokens)."""
    import torch

    return torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]


def _sides(links: Sequence[Link], passages: int, config: LinkTrainConfig) -> tuple[list[Link], list[Link]]:
    if not links:
        raise TrainingError("There is no link of a question to a passage to train on; rate or correct some answers.")
    stray = next((link for link in links if not 0 <= link.passage < passages), None)
    if stray is not None:
        raise TrainingError(f"A link names passage {stray.passage}, but there are {passages}; it must be one of them.")
    dev = [link for link in links if position(link.question) < config.dev_share]
    if len(dev) < config.least_dev:
        return list(links), []
    train = [link for link in links if position(link.question) >= config.dev_share]
    if not train:
        raise TrainingError(f"All {len(links)} links fall on the dev side; add more, or set dev_share to 0.")
    return train, dev


def _right(links: Sequence[Link]) -> dict[str, list[int]]:
    """Every passage that answers a question."""
    found: dict[str, list[int]] = {}
    for link in links:
        found.setdefault(link.question, []).append(link.passage)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What is computed together."""

    links: list[Link]
    passages: list[int]  # the links' own first, each once


def _wrong(
    train: Sequence[Link], asked: Tensor, memory: Tensor, right: Mapping[str, Sequence[int]]
) -> dict[Link, list[int]]:
    """For each link, the passages that the untuned encoder ranks highest, and wrongly; the highest first."""
    nearest = (asked @ memory.T).topk(min(WRONG_DEPTH, len(memory)), dim=1).indices.tolist()
    return {
        link: [number for number in row if number not in right[link.question]]
        for link, row in zip(train, nearest, strict=True)
    }


def _steps(
    train: Sequence[Link],
    wrong: Mapping[Link, Sequence[int]],
    vectors: Matrix,
    config: LinkTrainConfig,
    rng: random.Random,
) -> Iterator[_Step]:
    """Links by passage; half of a step's passages are neighbours of one, the others are drawn."""
    of: dict[int, list[Link]] = {}
    for link in train:
        of.setdefault(link.passage, []).append(link)
    left = rng.sample(sorted(of), len(of))
    found: list[_Step] = []
    while left:
        near = np.argsort(-(vectors[left] @ vectors[left[0]]), kind="stable")[: max(1, config.passages_per_step // 2)]
        picked = [left[place] for place in near]
        left = [number for number in left if number not in set(picked)]
        others = config.passages_per_step - len(picked)
        picked, left = picked + left[:others], left[others:]
        links = [link for number in picked for link in of[number]]
        rivals = [number for link in rng.sample(links, len(links)) for number in wrong[link][:2]]
        extra = [number for number in dict.fromkeys(rivals) if number not in set(picked)][: config.wrong_per_step]
        found.append(_Step(links=links, passages=picked + extra))
    rng.shuffle(found)
    yield from found


def _loss(logits: Tensor, step: _Step, right: Mapping[str, Sequence[int]]) -> Tensor:
    """Cross-entropy of each link's passage against those of the step that do not answer its question."""
    import torch
    from torch.nn import functional

    blocked = torch.zeros_like(logits)
    places = {number: place for place, number in enumerate(step.passages)}
    for row, link in enumerate(step.links):
        others = [places[number] for number in right[link.question] if number in places and number != link.passage]
        blocked[row, others] = FORBIDDEN
    target = torch.tensor([places[link.passage] for link in step.links])
    return functional.cross_entropy(logits + blocked, target)


def _ranks(
    tuner: Tuner, dev: Sequence[Link], asking: Mapping[str, Tensor], memory: Tensor, right: Mapping[str, Sequence[int]]
) -> NDArray[np.int64]:
    """Where the best right passage of each dev question stands among all, from 1."""
    if not dev:
        return np.zeros(0, dtype=np.int64)
    scores = (tuner.encode([asking[link.question] for link in dev]) @ memory.T).numpy()
    best = np.array([row[right[link.question]].max() for row, link in zip(scores, dev, strict=True)])
    return 1 + (scores > best[:, None]).sum(axis=1)  # type: ignore[no-any-return]  # numpy's sum is untyped here


def _report(epoch: int, loss: float, ranks: NDArray[np.int64], seconds: float) -> LinkEpoch:
    return LinkEpoch(
        epoch=epoch,
        train_loss=loss,
        dev_accuracy=float((ranks == 1).mean()) if len(ranks) else math.nan,
        dev_rank=float((1 / ranks).mean()) if len(ranks) else math.nan,
        seconds=seconds,
    )


def rate(step: int, total: int, warm_up: float) -> float:
    """Linear warm-up, then a cosine down to 0."""
    rising = max(1.0, warm_up * total)
    return min(1.0, (step + 1) / rising) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / max(1, total))))
