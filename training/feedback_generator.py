"""Train the generator on ratings: from the version that serves to a candidate, in minutes.

It learns from the training side's rated answers, mixed with questions that must not be forgotten. The dev side decides
when to stop. The test side is never looked at here.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from adapters.examples import Examples
from adapters.types import Task
from training.errors import TooFewError, TrainingError
from training.ground import Ground
from training.preferences import NEAREST, Excerpt, Objective, Row, choose, drawn, rows, usable
from training.rehearsal import with_foreign_answers
from training.splits import feedback_side
from training.types import Candidate, OnTrainStep, Split

if TYPE_CHECKING:
    from training.trl_loop import Fitted, LoopConfig, Turn

# By grid over simulated ratings, docs/experiments-learning.md; of a LoRA that goes on from the one that ships.
LEARNING_RATES: Final = MappingProxyType({Objective.SFT: 2e-4, Objective.KTO: 2e-4, Objective.DPO: 1e-4})
KINDS: Final = ("lora", "dora", "adalora", "ia3", "prompt")
MIN_DEV_ROWS: Final = 5  # fewer say nothing about when to stop (an assumption)
STATES: Final = 32  # prompts that the answerability head is fitted anew on
STEP_COSTS: Final = MappingProxyType({Objective.SFT: 1.0, Objective.KTO: 1.8, Objective.DPO: 2.8})  # time of a step


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackConfig:
    """How the generator is trained on ratings.

    Raises:
        TrainingError: A value is outside its range.
    """

    objective: Objective = Objective.AUTO
    kind: str = "lora"  # lora, dora, adalora, ia3 or prompt (see training.adapter_kinds)
    rank: int = 8  # of a new LoRA, DoRA or AdaLoRA; one that goes on from its parent keeps the parent's, 1 to 256
    dropout: float = 0.05  # of the adapter's input while training, 0 to below 1
    learning_rate: float | None = None  # AdamW's; None: that of the objective
    beta: float = 0.1  # of KTO and DPO, above 0
    weight_decay: float = 0.01  # AdamW's, decoupled, 0 to 1
    warm_up: float = 0.1  # share of the steps, 0 to 1
    epochs: float = 2.0  # how often an example of weight 1 is shown, above 0
    max_steps: int = 20  # of SFT, however many examples there are, >= 1: bounds the time; of KTO and DPO see STEP_COSTS
    batch_size: int = 8  # prompts a step, 2 or more
    rehearsal: float = 0.25  # share of the prompts that are rehearsed, 0 to 0.9
    distilled: int = 16  # of those at most so many with the answers of the version before, >= 0
    evaluate_every: int = 8  # steps between two looks at the dev side, >= 1
    patience: int = 2  # looks without a lower dev loss before it stops, >= 1
    min_examples: int = 20  # usable ones on the training side, >= 1; fewer train nothing
    max_tokens: int = 512  # of prompt and answer, 64 or more
    together: int | None = None  # prompts that are computed together, >= 1; None: by the objective
    seed: int = 0  # the same seed, examples and parent give the same adapter, byte for byte, on one machine
    wandb_project: str = ""  # of Weights & Biases; "" for off: figures would leave the machine

    def __post_init__(self) -> None:
        ranges = (
            ("rank", 1 <= self.rank <= 256, "1 to 256"),  # noqa: PLR2004 - the range of the field
            ("dropout", 0 <= self.dropout < 1, "0 to below 1"),
            ("learning_rate", self.learning_rate is None or self.learning_rate > 0, "above 0"),
            ("beta", self.beta > 0, "above 0"),
            ("weight_decay", 0 <= self.weight_decay <= 1, "0 to 1"),
            ("warm_up", 0 <= self.warm_up <= 1, "0 to 1"),
            ("epochs", self.epochs > 0, "above 0"),
            ("max_steps", self.max_steps >= 1, "1 or more"),
            ("batch_size", self.batch_size >= 2, "2 or more"),  # noqa: PLR2004 - KTO compares within a batch
            ("together", self.together is None or self.together >= 1, "1 or more"),
            ("rehearsal", 0 <= self.rehearsal <= 0.9, "0 to 0.9"),  # noqa: PLR2004 - the range of the field
            ("distilled", self.distilled >= 0, "0 or more"),
            ("evaluate_every", self.evaluate_every >= 1, "1 or more"),
            ("patience", self.patience >= 1, "1 or more"),
            ("min_examples", self.min_examples >= 1, "1 or more"),
            ("max_tokens", self.max_tokens >= 64, "64 or more"),  # noqa: PLR2004 - as above
            ("seed", self.seed >= 0, "0 or more"),
            ("kind", self.kind in KINDS, f"one of {', '.join(KINDS)}"),
        )
        for name, fits, expected in ranges:
            if not fits:
                raise TrainingError(f"{name} must be {expected}, not {getattr(self, name)}.")


def train_generator_on_feedback(
    examples: Examples,
    ground: Ground,
    folder: Path,
    config: FeedbackConfig,
    *,
    now: datetime,
    excerpt: Excerpt = NEAREST,
    logs: Path | None = None,
    on_step: OnTrainStep = lambda _: None,
) -> Candidate:
    """Train an adapter on rated answers and write it, sealed.

    Args:
        examples: Everything that can be learned now.
        ground: The model, the version that serves, and what must not be forgotten.
        folder: Where the adapter goes; must not exist.
        config: How.
        now: Goes into the manifest.
        excerpt: How the bot clips a passage for a question.
        logs: Where TensorBoard's event files go; None for nowhere.
        on_step: Told after each step.

    Returns:
        The candidate.

    Raises:
        TooFewError: There is too little on the training side.
        TrainingError: The parent cannot be gone on from, or a tracker is not installed.
        AdapterError: The model cannot be read, or the folder cannot be written.
    """
    from training.adapter_kinds import AdapterKind, AdapterShape
    from training.candidates import bench, prompts_of, tracked, write_candidate
    from training.trl_loop import entry_of, fit

    started = time.perf_counter()
    train, dev, objective = chosen(examples, config, excerpt)
    shape = AdapterShape(kind=AdapterKind(config.kind), rank=config.rank, alpha=2 * config.rank, dropout=config.dropout)
    at = bench(ground, shape, steps=config.max_steps)
    rehearsed = at.rehearsed(config.distilled)
    prompts = prompts_of((*train[: STATES // 4], *rehearsed), STATES)
    before = at.states(at.attached.model, prompts)
    name = f"feedback-{objective.value}-{examples.digest[:12]}"
    with tracked(logs, wandb_project=config.wandb_project, name=name, settings=asdict(config)) as trackers:
        fitted = fit(
            at.attached,
            at.tokenizer,
            [entry_of(turn, objective) for turn in lessons(train, rehearsed, objective, config)],
            [entry_of(turn, objective) for row in dev for turn in turns_of(row, objective)],
            _loop(objective, config),
            on_step=on_step,
            trackers=trackers,
        )
    card = {
        "name": name,
        "task": "grounded answers, in the form that people liked",
        "base": ground.source,
        "parent": ground.parent_name,
        "examples": {"digest": examples.digest, "train": len(train), "dev": len(dev), "rehearsed": len(rehearsed)},
        "objective": objective.value,
        "best_step": fitted.best_step,
        "config": asdict(config),
    }
    _, moved = write_candidate(at, fitted.model, folder, prompts=prompts, before=before, card=card, now=now)
    return Candidate(
        task=Task.GENERATOR,
        folder=folder,
        examples=len(train),
        curve=fitted.curve,
        metrics=metrics_of(fitted) | moved,
        seconds=time.perf_counter() - started,
    )


def chosen(
    examples: Examples, config: FeedbackConfig, excerpt: Excerpt = NEAREST
) -> tuple[tuple[Row, ...], tuple[Row, ...], Objective]:
    """What is learned from, what decides when to stop, and the objective.

    Raises:
        TooFewError: There is too little on the training side.
    """
    found = rows(examples.answers, excerpt)
    train, dev = (
        tuple(row for row in found if feedback_side(row.question) is side) for side in (Split.TRAIN, Split.DEV)
    )
    objective = config.objective
    if objective is Objective.AUTO:
        objective = choose(train, need=config.min_examples)
    train, dev = usable(train, objective), usable(dev, objective)
    if len(train) < config.min_examples:
        raise TooFewError(have=len(train), need=config.min_examples)
    return train, dev if len(dev) >= MIN_DEV_ROWS else (), objective


def lessons(train: Sequence[Row], rehearsed: Sequence[Row], objective: Objective, config: FeedbackConfig) -> list[Turn]:
    """The prompts of a whole training in their order, examples and rehearsal mixed."""
    rng = random.Random(config.seed)  # noqa: S311 - an order, nothing secret
    turns = [(turn, row.weight) for row in train for turn in turns_of(row, objective)]
    most = max(1, int(config.max_steps / STEP_COSTS[objective])) * config.batch_size
    shown = config.epochs * sum(weight for _, weight in turns)
    count = max(1, round(min(shown, most * (1 - config.rehearsal))))
    picked = drawn([turn for turn, _ in turns], [weight for _, weight in turns], count, rng)
    extra = round(count * config.rehearsal / (1 - config.rehearsal))
    extra += -(count + extra) % config.batch_size  # whole batches
    if objective is Objective.DPO:
        rehearsed = with_foreign_answers(rehearsed)
    again = [turn for row in rehearsed for turn in turns_of(row, objective)]
    picked += drawn(again, [1.0] * len(again), extra, rng)
    rng.shuffle(picked)
    return picked


def turns_of(row: Row, objective: Objective) -> tuple[Turn, ...]:
    """What an objective learns from a row."""
    from training.trl_loop import Turn

    if objective is not Objective.KTO:
        return (Turn(turns=row.turns, good=row.good, bad=row.bad),)
    both = (Turn(turns=row.turns, good=row.good, bad=""), Turn(turns=row.turns, good="", bad=row.bad))
    return tuple(turn for turn in both if turn.good or turn.bad)


def metrics_of(fitted: Fitted) -> dict[str, float]:
    """The figures of a training."""
    found = {"steps": float(len(fitted.curve)), "best step": float(fitted.best_step)}
    if fitted.dev_loss_before is not None and fitted.dev_loss_after is not None:
        found |= {"dev loss before": fitted.dev_loss_before, "dev loss after": fitted.dev_loss_after}
    return found


def _loop(objective: Objective, config: FeedbackConfig) -> LoopConfig:
    from training.trl_loop import LoopConfig

    return LoopConfig(
        objective=objective,
        learning_rate=config.learning_rate or LEARNING_RATES[objective],
        beta=config.beta,
        weight_decay=config.weight_decay,
        warm_up=config.warm_up,
        batch_size=config.batch_size,
        evaluate_every=config.evaluate_every,
        patience=config.patience,
        max_tokens=config.max_tokens,
        together=config.together,
        seed=config.seed,
    )
