"""Train a generator's LoRA and its answerability head together: answering and abstaining are two outputs.

One loss would mix them: trained to write "I do not know" as text, a small model collapses into writing it always. So
answers are learned by cross-entropy from answerable questions only, and a linear head on the hidden state of the
prompt's last token learns from all questions whether the passages tell.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from adapters.pretrained import load_causal_model, load_tokenizer
from training.errors import TrainingError
from training.grounding import IGNORED, GroundedGroup, GroupPacker, Packed, Sampler

if TYPE_CHECKING:
    from torch import Tensor

HIDDEN_BLOCK: Final = -1e9  # added to a score that must not be attended to


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorTrainConfig:
    """How a generator's adapter is trained."""

    rank: int = 8  # of the LoRA
    alpha: int = 16  # its scale is alpha / rank
    dropout: float = 0.0  # of the LoRA's input
    targets: str = "all-linear"  # modules that get a LoRA, as peft names them
    epochs: int = 3
    questions_per_step: int = 20  # whole groups are taken until there are so many
    learning_rate: float = 5e-4  # AdamW's, of the LoRA
    head_learning_rate: float = 3e-3  # of the answerability head
    weight_decay: float = 0.01
    warm_up: float = 0.06  # share of the steps
    head_weight: float = 1.5  # of the head's loss beside the answers'
    max_tokens: int = 1536  # of a group; longer ones lose their last questions
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorEpoch:
    """One epoch as it went."""

    epoch: int  # from 1
    train_loss: float  # nats per answer token, mean over questions
    head_loss: float  # nats
    dev_loss: float
    dev_auroc: float  # of the head, [0, 1]
    seconds: float  # since training began


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GeneratorTraining:
    """A trained adapter, still on its model."""

    model: Any  # peft's model
    head: Any  # torch.nn.Linear(hidden, 1)
    epochs: tuple[GeneratorEpoch, ...]
    seconds: float


def train_generator(
    base: Path,
    sampler: Sampler,
    dev: Sequence[GroundedGroup],
    config: GeneratorTrainConfig,
    *,
    on_step: Callable[[int, int, float], None] = lambda _step, _steps, _loss: None,
    on_epoch: Callable[[GeneratorEpoch, GeneratorTraining], None] = lambda _epoch, _training: None,
) -> GeneratorTraining:
    """Train a LoRA and an answerability head.

    Args:
        base: The generator's folder, as adapters.bases.resolve gave it.
        sampler: Gives the groups of each epoch.
        dev: Groups that are only measured.
        config: How.
        on_step: Told step, steps in all, and loss.
        on_epoch: Told after each epoch, with the adapter as it is then (for a checkpoint).

    Returns:
        The adapter after the last epoch. The same arguments on the same machine give the same adapter.

    Raises:
        TrainingError: There is nothing to train on.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    started = time.perf_counter()
    torch.manual_seed(config.seed)
    shuffle = random.Random(config.seed)  # noqa: S311 - an order, nothing secret
    dtype = torch.bfloat16
    model = load_causal_model(base, dtype=dtype)
    model.set_attn_implementation("eager")  # a third faster here than sdpa with a mask, forward and backward
    packer = GroupPacker(load_tokenizer(base), max_tokens=config.max_tokens)
    lora = LoraConfig(
        r=config.rank, lora_alpha=config.alpha, lora_dropout=config.dropout,
        target_modules=config.targets, task_type="CAUSAL_LM",
    )  # fmt: skip
    # The LoRA computes in bfloat16 too, which is a fifth faster; what AdamW changes is a copy in float32.
    peft = get_peft_model(model, lora, autocast_adapter_dtype=False)
    head = torch.nn.Linear(model.config.hidden_size, 1)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    learned = [parameter for parameter in peft.parameters() if parameter.requires_grad]
    exact = [parameter.detach().float().requires_grad_() for parameter in learned]
    optimizer = torch.optim.AdamW(
        [
            {"params": exact, "lr": config.learning_rate},
            {"params": head.parameters(), "lr": config.head_learning_rate},
        ],
        weight_decay=config.weight_decay,
        betas=(0.9, 0.98),
    )
    draws = [
        _steps(_packed(packer, sampler(epoch), shuffle), config.questions_per_step) for epoch in range(config.epochs)
    ]
    steps = sum(map(len, draws))
    if not steps:
        raise TrainingError("There is not one question to train on.")
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, config.warm_up))
    dev_packs = _packed(packer, dev, None)
    reports: list[GeneratorEpoch] = []
    step = 0
    for number, draw in enumerate(draws, start=1):
        peft.train()
        answers = heads = 0.0
        for packs in draw:
            asked = sum(len(pack.asked) for pack in packs)
            for pack in packs:
                answer_loss, head_loss, _ = losses(peft, head, pack)
                share = len(pack.asked) / asked
                torch.autograd.backward((answer_loss + config.head_weight * head_loss) * share)
                answers += answer_loss.item() * share / len(draw)
                heads += head_loss.item() * share / len(draw)
            for copy, parameter in zip(exact, learned, strict=True):
                copy.grad = None if parameter.grad is None else parameter.grad.float()
            torch.nn.utils.clip_grad_norm_(exact, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            with torch.no_grad():
                for copy, parameter in zip(exact, learned, strict=True):
                    parameter.copy_(copy)
                    parameter.grad = None
            step += 1
            on_step(step, steps, answer_loss.item())
        dev_loss, dev_auroc = _measure(peft, head, dev_packs)
        reports.append(
            GeneratorEpoch(
                epoch=number, train_loss=answers, head_loss=heads, dev_loss=dev_loss, dev_auroc=dev_auroc,
                seconds=time.perf_counter() - started,
            )
        )  # fmt: skip
        done = GeneratorTraining(model=peft, head=head, epochs=tuple(reports), seconds=time.perf_counter() - started)
        on_epoch(reports[-1], done)
    return done


def losses(peft: Any, head: Any, pack: Packed) -> tuple[Tensor, Tensor, Tensor]:  # noqa: ANN401 - peft ships no types
    """The two losses of a group, and the head's logits, shape (Q,).

    The answers' loss is the mean over the answered questions of the mean over their tokens; 0 where none is answered.
    Logits over the vocabulary are computed for the answers' tokens only.
    """
    import torch
    from torch.nn import functional

    causal = peft.base_model.model
    blocked = torch.where(pack.mask(), 0.0, HIDDEN_BLOCK).to(causal.dtype)
    hidden = causal.model(
        input_ids=pack.ids[None], position_ids=pack.positions[None], attention_mask=blocked, use_cache=False
    ).last_hidden_state[0]  # (T, dim)
    asked = head(hidden[pack.asked].float())[:, 0]  # (Q,)
    head_loss = functional.binary_cross_entropy_with_logits(asked, pack.answerable)
    kept = pack.labels != IGNORED
    if not bool(kept.any()):
        return hidden.sum() * 0.0, head_loss, asked
    logits = causal.lm_head(hidden[kept]).float()  # (A, vocabulary)
    each = functional.cross_entropy(logits, pack.labels[kept], reduction="none")  # (A,)
    owner = pack.segments[kept]
    counts = torch.bincount(owner, minlength=int(pack.segments.max()) + 1)  # answer tokens by question
    answered = int((counts > 0).sum())
    return (each / counts[owner]).sum() / answered, head_loss, asked


def measure(
    training: GeneratorTraining, groups: Sequence[GroundedGroup], base: Path, config: GeneratorTrainConfig
) -> tuple[float, float]:
    """Loss of the answers and AUROC of the answerability head on some groups; NaN without any."""
    packer = GroupPacker(load_tokenizer(base), max_tokens=config.max_tokens)
    return _measure(training.model, training.head, _packed(packer, groups, None))


def _packed(packer: GroupPacker, groups: Sequence[GroundedGroup], shuffle: random.Random | None) -> list[Packed]:
    packs = [pack for pack in map(packer.pack, groups) if pack is not None]
    if shuffle is not None:
        shuffle.shuffle(packs)
    return packs


def _steps(packs: Sequence[Packed], questions: int) -> list[list[Packed]]:
    """Groups taken together until there are so many questions."""
    found: list[list[Packed]] = []
    room = 0
    for pack in packs:
        if room <= 0:
            found.append([])
            room = questions
        found[-1].append(pack)
        room -= len(pack.asked)
    return found


def _rate(step: int, steps: int, warm_up: float) -> float:
    """Linear warm-up, then a cosine down to a tenth."""
    rising = max(1, round(warm_up * steps))
    if step < rising:
        return (step + 1) / rising
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def _measure(peft: Any, head: Any, packs: Sequence[Packed]) -> tuple[float, float]:  # noqa: ANN401 - peft ships no types
    """Loss of the answers and AUROC of the head on groups that are not learned from; NaN without any."""
    import torch
    from sklearn.metrics import roc_auc_score

    if not packs:
        return math.nan, math.nan
    peft.eval()
    found: list[float] = []
    logits: list[float] = []
    truth: list[float] = []
    with torch.inference_mode():
        for pack in packs:
            answer_loss, _, asked = losses(peft, head, pack)
            if bool((pack.labels != IGNORED).any()):
                found.append(answer_loss.item())
            logits += asked.tolist()
            truth += pack.answerable.tolist()
    auroc = float(roc_auc_score(truth, logits)) if len(set(truth)) > 1 else math.nan
    return sum(found) / len(found) if found else math.nan, auroc
