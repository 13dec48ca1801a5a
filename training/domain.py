"""Domain pre-training: the words of a team's own documents, by next-token prediction, before ratings are learned from.

An option, not a default: docs/experiments-learning.md says what it is worth. Grounded questions are rehearsed between
the documents, so that the model goes on to answer from its prompt.
"""

from __future__ import annotations

import hashlib
import math
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from adapters.types import Task
from training.errors import TooFewError
from training.ground import Ground
from training.grounding import IGNORED
from training.preferences import Objective, Row, drawn
from training.splits import split_of
from training.types import Candidate, OnTrainStep, Split

if TYPE_CHECKING:
    from training.trl_loop import Entry

DEV_SHARE: Final = 0.15  # of the documents, whose perplexity is measured
STATES: Final = 32  # prompts that the answerability head is fitted anew on


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainConfig:
    """How a generator reads a team's documents."""

    learning_rate: float = 1e-4  # AdamW's
    weight_decay: float = 0.01
    warm_up: float = 0.1  # share of the steps
    dropout: float = 0.05  # of the LoRA's input
    block_tokens: int = 192  # text learned in one piece
    batch_size: int = 4  # pieces a step: every token's logits are needed, 150 MB for 768 of them
    max_steps: int = 60
    rehearsal: float = 0.25  # share of the pieces that are grounded questions
    evaluate_every: int = 15  # steps between two looks at the documents held out
    patience: int = 2  # looks without a lower loss before it stops
    min_blocks: int = 16  # pieces that it takes; fewer train nothing
    seed: int = 0


def train_domain(
    documents: Mapping[str, Sequence[str]],
    ground: Ground,
    folder: Path,
    config: DomainConfig,
    *,
    now: datetime,
    logs: Path | None = None,
    on_step: OnTrainStep = lambda _: None,
) -> Candidate:
    """Train the LoRA of the version that serves on documents, and write it, sealed.

    Args:
        documents: The chunks of each document, by its uri.
        ground: The model and the version that serves.
        folder: Where the adapter goes; must not exist.
        config: How.
        now: Goes into the manifest.
        logs: Where TensorBoard's event files go; None for nowhere.
        on_step: Told after each step; its dev loss is that of the documents held out, nats a token.

    Returns:
        The candidate; its metrics have the perplexity of the documents held out, before and after.

    Raises:
        TooFewError: The documents are too short.
        TrainingError: The version that serves cannot be gone on from.
    """
    from training.adapter_kinds import AdapterShape
    from training.candidates import bench, prompts_of, tracked, write_candidate
    from training.rehearsal import built_in
    from training.trl_loop import LoopConfig, fit

    started = time.perf_counter()
    at = bench(ground, AdapterShape(dropout=config.dropout), steps=config.max_steps)
    sides = _sides(documents)
    train, dev = (list(_blocks(sides[side], at.tokenizer, config.block_tokens)) for side in (Split.TRAIN, Split.DEV))
    if len(train) < config.min_blocks:
        raise TooFewError(have=len(train), need=config.min_blocks)
    rng = random.Random(config.seed)  # noqa: S311 - an order, nothing secret
    most = config.max_steps * config.batch_size
    texts = drawn(train, [1.0] * len(train), min(len(train), round(most * (1 - config.rehearsal))), rng)
    again = [_grounded(row, at.tokenizer) for row in built_in()]
    extra = round(len(texts) * config.rehearsal / (1 - config.rehearsal))
    extra += -(len(texts) + extra) % config.batch_size  # whole batches
    mixed = texts + drawn(again, [1.0] * len(again), extra, rng)
    rng.shuffle(mixed)
    prompts = prompts_of(built_in(), STATES)
    before = at.states(at.attached.model, prompts)
    digest = hashlib.sha256(repr(sorted((uri, tuple(chunks)) for uri, chunks in documents.items())).encode())
    name = f"domain-{digest.hexdigest()[:12]}"
    loop = LoopConfig(
        objective=Objective.SFT,
        learning_rate=config.learning_rate,
        beta=1.0,
        weight_decay=config.weight_decay,
        warm_up=config.warm_up,
        batch_size=config.batch_size,
        evaluate_every=config.evaluate_every,
        patience=config.patience,
        max_tokens=max(config.block_tokens, 512),
        seed=config.seed,
    )
    with tracked(logs, wandb_project="", name=name, settings=asdict(config)) as trackers:
        fitted = fit(at.attached, at.tokenizer, mixed, dev, loop, on_step=on_step, trackers=trackers)
    card = {
        "name": name,
        "task": "grounded answers, after reading the team's documents",
        "base": ground.source,
        "parent": ground.parent_name,
        "documents": {"digest": digest.hexdigest(), "train": len(sides[Split.TRAIN]), "dev": len(sides[Split.DEV])},
        "config": asdict(config),
    }
    _, moved = write_candidate(at, fitted.model, folder, prompts=prompts, before=before, card=card, now=now)
    metrics = {"steps": float(len(fitted.curve)), "best step": float(fitted.best_step)} | moved
    if fitted.dev_loss_before is not None and fitted.dev_loss_after is not None:
        metrics["perplexity before"] = math.exp(fitted.dev_loss_before)
        metrics["perplexity after"] = math.exp(fitted.dev_loss_after)
    return Candidate(
        task=Task.GENERATOR,
        folder=folder,
        examples=len(texts),
        curve=fitted.curve,
        metrics=metrics,
        seconds=time.perf_counter() - started,
    )


def _sides(documents: Mapping[str, Sequence[str]]) -> dict[Split, list[Sequence[str]]]:
    sides: dict[Split, list[Sequence[str]]] = {split: [] for split in Split}
    for uri, chunks in sorted(documents.items()):
        sides[split_of(uri, dev_share=DEV_SHARE, test_share=0.0)].append(chunks)
    return sides


def _blocks(documents: Sequence[Sequence[str]], tokenizer: Any, size: int) -> Iterator[Entry]:  # noqa: ANN401 - transformers ships no types
    """The documents' tokens one after the other, cut into pieces of equal length."""
    tokens: list[int] = []
    for chunks in documents:
        tokens += tokenizer("\n\n".join(chunks), add_special_tokens=False, verbose=False)["input_ids"]
        tokens.append(tokenizer.eos_token_id)
    for start in range(0, len(tokens) - size + 1, size):
        yield {"input_ids": tokens[start : start + size], "labels": tokens[start : start + size]}


def _grounded(row: Row, tokenizer: Any) -> Entry:  # noqa: ANN401 - as above
    turns = [{"role": turn.role, "content": turn.content} for turn in row.turns]
    prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    asked, said = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (prompt, row.good))
    said = [*said, tokenizer.eos_token_id]
    return {"input_ids": [*asked, *said], "labels": [IGNORED] * len(asked) + said}
