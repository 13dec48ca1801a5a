"""One training by TRL: SFT, KTO or DPO, told step by step; the weights of the lowest dev loss are kept.

Heavy: imports torch and trl. Import it where a model is trained.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from math import gcd
from typing import Any, Final, TypeAlias

import torch
from huggingface_hub import constants
from transformers import PrinterCallback, TrainerCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer
from trl.trainer.kto_config import KTOConfig
from trl.trainer.kto_trainer import KTOTrainer

from adapters.types import ChatTurn
from training.adapter_kinds import Attached
from training.answer_scores import score_answers_only
from training.preferences import Objective
from training.quick_dropout import quicken_dropout
from training.tracking import Tracker
from training.types import OnTrainStep, TrainStep

# TRL would tell its makers of every training: which trainer, model and device. Nothing leaves the machine unasked.
constants.HF_HUB_DISABLE_TELEMETRY = True

Entry: TypeAlias = dict[str, Any]  # a row of TRL's: a prompt with its answers, or input_ids with labels

# KTO's losses of good and bad answers weigh the same in sum within these bounds (arXiv 2402.01306, equation 8).
MOST_BALANCE: Final = 4.0
# Prompts that are computed together: several portions make one step, in a fraction of the memory. For SFT it is the
# same step; DPO's part of likelihood becomes a mean over answers, not tokens; KTO compares answers within a portion.
TOGETHER: Final = {Objective.SFT: 1, Objective.KTO: 2, Objective.DPO: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A prompt with what is learned of it, in the order in which it is trained on."""

    turns: tuple[ChatTurn, ...]
    good: str  # "" for none
    bad: str  # "" for none


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConfig:
    """How long, how fast and in which portions."""

    objective: Objective
    learning_rate: float
    beta: float  # of KTO and DPO: how dear it is to leave the version that serves
    weight_decay: float
    warm_up: float  # share of the steps
    batch_size: int  # prompts a step
    evaluate_every: int  # steps
    patience: int  # measurements without a lower dev loss before it stops
    max_tokens: int  # of prompt and answer; longer ones are cut
    seed: int
    together: int | None = None  # prompts that are computed together, >= 1; None: by the objective


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """A trained adapter on its model, and how it came about."""

    model: Any  # peft's
    curve: tuple[TrainStep, ...]
    dev_loss_before: float | None  # None: there was no dev side
    dev_loss_after: float | None  # of the weights that were kept
    best_step: int  # whose weights were kept; 0: those from before


def fit(
    attached: Attached,
    tokenizer: Any,  # noqa: ANN401 - transformers ships no types
    train: Sequence[Entry],
    dev: Sequence[Entry],
    config: LoopConfig,
    *,
    on_step: OnTrainStep,
    trackers: Sequence[Tracker] = (),
) -> Fitted:
    """Train once through some prompts, in their order.

    Args:
        attached: The model.
        tokenizer: Its own.
        train: What is learned from; whole batches, in their order, but for the order within a batch.
        dev: What decides which step's weights are kept; none: the last step's are.
        config: How.
        on_step: Told after each step.
        trackers: Where the figures go.
    """
    steps = -(-len(train) // config.batch_size)
    watch = Watch(steps=steps, patience=config.patience, on_step=on_step, trackers=trackers)
    with tempfile.TemporaryDirectory() as scratch:  # TRL wants a folder; nothing is saved in it
        trainer = _trainer(attached, tokenizer, train, dev, config, steps=steps, scratch=scratch, watch=watch)
        trainer.remove_callback(PrinterCallback)  # standard output is whoever started us
        score_answers_only(trainer.model.get_base_model())
        quicken_dropout(trainer.model)
        trainer.train()
    watch.restore(trainer.model)
    return Fitted(
        model=trainer.model,
        curve=tuple(watch.curve),
        dev_loss_before=watch.losses.get(0),
        dev_loss_after=watch.losses.get(watch.best) if watch.losses else None,
        best_step=watch.best if watch.losses else len(watch.curve),
    )


@dataclass(slots=True, kw_only=True, eq=False)
class Watch(TrainerCallback):  # type: ignore[misc]  # transformers ships no types
    """Tells of each step, keeps the best weights in memory, and stops when the dev loss no longer falls."""

    steps: int
    patience: int
    on_step: OnTrainStep
    trackers: Sequence[Tracker]
    curve: list[TrainStep] = field(default_factory=list)
    losses: dict[int, float] = field(default_factory=dict)  # of the dev side, by step
    best: int = 0
    _kept: dict[str, torch.Tensor] = field(default_factory=dict)
    _loss: float = 0.0

    def on_log(self, _args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:  # noqa: ANN401 - transformers ships no types
        """TRL tells the figures of a step, or of a measurement."""
        figures = {name: value for name, value in logs.items() if isinstance(value, int | float)}
        for tracker in self.trackers:
            tracker.log(figures, state.global_step)
        if "loss" in logs:
            self._loss = float(logs["loss"])
            if not control.should_evaluate:
                self._tell(state.global_step, None)

    def on_evaluate(self, _args: Any, state: Any, control: Any, metrics: dict[str, float], **given: Any) -> None:  # noqa: ANN401 - as above
        """The dev side was measured."""
        step, loss = state.global_step, float(metrics["eval_loss"])
        self.losses[step] = loss
        if loss <= min(self.losses.values()):
            self.best, self._kept = step, _learned(given["model"])
        since = sum(one > self.best for one in self.losses)
        control.should_training_stop = control.should_training_stop or since >= self.patience
        if step:
            self._tell(step, loss)

    def on_optimizer_step(self, _args: Any, state: Any, _control: Any, model: Any, **_: Any) -> None:  # noqa: ANN401 - as above
        """AdaLoRA gives ranks back by the gradients of the step."""
        allocate = getattr(model.base_model, "update_and_allocate", None)
        if allocate is not None:
            allocate(state.global_step + 1)

    def restore(self, model: Any) -> None:  # noqa: ANN401 - as above
        """Put the best weights back."""
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name in self._kept:
                    parameter.copy_(self._kept[name])

    def _tell(self, step: int, dev_loss: float | None) -> None:
        told = TrainStep(step=step, steps=self.steps, loss=self._loss, dev_loss=dev_loss)
        self.curve.append(told)
        self.on_step(told)


def _learned(model: Any) -> dict[str, torch.Tensor]:  # noqa: ANN401 - peft ships no types
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters() if parameter.requires_grad}


def _trainer(
    attached: Attached,
    tokenizer: Any,  # noqa: ANN401 - transformers ships no types
    train: Sequence[Entry],
    dev: Sequence[Entry],
    config: LoopConfig,
    *,
    steps: int,
    scratch: str,
    watch: Watch,
) -> Any:  # noqa: ANN401 - trl ships no types
    kind, settings = _TRAINERS[config.objective]
    own: dict[str, Any] = {}
    if config.objective is Objective.KTO:
        good = sum(bool(entry["label"]) for entry in train)
        share = good / max(len(train) - good, 1)
        own = {"beta": config.beta, "undesirable_weight": min(max(share, 1 / MOST_BALANCE), MOST_BALANCE)}
    if config.objective is Objective.DPO:
        # The good answer's own likelihood beside the margin: else both fall, the good one a little less.
        own = {"beta": config.beta, "loss_type": ["sigmoid", "sft"]}
    ordered: Callable[[Sequence[Entry], int], list[Entry]] = partial(alike, tokenizer)
    if config.objective is Objective.KTO:
        ordered = apart
        dev = dev[: len(dev) // 2 * 2]  # a lone one would be compared with itself
    together = together_of(config)
    arguments = settings(
        output_dir=scratch,
        max_steps=steps,
        per_device_train_batch_size=together,
        per_device_eval_batch_size=together,
        gradient_accumulation_steps=config.batch_size // together,
        learning_rate=config.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=round(config.warm_up * steps),
        weight_decay=config.weight_decay,
        max_length=config.max_tokens,
        train_sampling_strategy="sequential",  # drawn and shuffled by us
        eval_strategy="steps" if dev else "no",
        eval_steps=config.evaluate_every,
        eval_on_start=bool(dev),
        prediction_loss_only=True,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        activation_checkpointing=False,  # its third more time is not needed: little is computed at once
        bf16=False,  # the base is in the processor's own precision already, the adapter in float32
        dataloader_pin_memory=False,
        seed=config.seed,
        **own,
    )
    return kind(
        model=attached.model,
        args=arguments,
        train_dataset=_dataset(ordered(train, config.batch_size)),
        eval_dataset=_dataset(ordered(dev, len(dev))) if dev else None,
        processing_class=tokenizer,
        peft_config=attached.config,
        callbacks=[watch],
    )


def together_of(config: LoopConfig) -> int:
    """Prompts that are computed together, of which a step has a whole number."""
    together = gcd(config.batch_size, config.together or TOGETHER[config.objective])
    if config.objective is Objective.KTO and together == 1:  # it needs another answer to compare with
        return next(size for size in range(2, config.batch_size + 1) if config.batch_size % size == 0)
    return together


def alike(tokenizer: Any, entries: Sequence[Entry], batch_size: int) -> list[Entry]:  # noqa: ANN401 - transformers ships no types
    """The same batches, the shortest entries of each first: those computed together are padded to the longest."""

    def tokens(entry: Entry) -> int:
        if "input_ids" in entry:
            return len(entry["input_ids"])
        said = [one["content"] for part in entry.values() if isinstance(part, list) for one in part]
        return len(tokenizer("\n".join(said))["input_ids"])

    return [entry for batch in _batches(entries, batch_size) for entry in sorted(batch, key=tokens)]


def apart(entries: Sequence[Entry], batch_size: int) -> list[Entry]:
    """The same batches, neighbours of each put apart: the answers to one prompt stand side by side.

    KTO takes the next answer of a portion for one that does not belong to the prompt.
    """
    found: list[Entry] = []
    for batch in _batches(entries, batch_size):
        half = (len(batch) + 1) // 2
        pairs = zip_longest(batch[:half], batch[half:])
        found += [entry for pair in pairs for entry in pair if entry is not None]
    return found


def _batches(entries: Sequence[Entry], size: int) -> list[Sequence[Entry]]:
    return [entries[start : start + size] for start in range(0, len(entries), size)]


def entry_of(turn: Turn, objective: Objective) -> Entry:
    """A prompt as TRL reads it."""
    prompt = [{"role": one.role, "content": one.content} for one in turn.turns]
    if objective is Objective.DPO:
        return {"prompt": prompt, "chosen": _said(turn.good), "rejected": _said(turn.bad)}
    if objective is Objective.KTO:
        return {"prompt": prompt, "completion": _said(turn.good or turn.bad), "label": bool(turn.good)}
    return {"prompt": prompt, "completion": _said(turn.good)}


def _said(answer: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": answer}]


def _dataset(entries: Sequence[Entry]) -> Any:  # noqa: ANN401 - datasets ships no types
    import datasets

    datasets.disable_progress_bars()
    return datasets.Dataset.from_list(list(entries))


_TRAINERS: Final = {
    Objective.SFT: (SFTTrainer, SFTConfig),
    Objective.KTO: (KTOTrainer, KTOConfig),
    Objective.DPO: (DPOTrainer, DPOConfig),
}
