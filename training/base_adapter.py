"""Train the base adapter from its sets, and write it with its card."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from adapters.bases import fingerprint
from adapters.generator.answerability import AnswerabilityHead, save_head
from adapters.layout import Manifest, disk_errors, seal_adapter
from training.base_sets import HELD_OUT_ARTICLES, GroundedSampler, GroundedSet, load_squad, split_articles
from training.errors import TrainingError
from training.train_generator import GeneratorEpoch, GeneratorTrainConfig, GeneratorTraining, measure, train_generator

CARD_NAME: Final = "card.json"
BASE_NAME: Final = "base-adapter"
ATTRIBUTION: Final = (
    "SQuAD 2.0 (Rajpurkar, Jia, Liang 2018, arXiv 1806.03822), official development set, CC BY-SA 4.0; its passages "
    "are from Wikipedia, CC BY-SA."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseAdapter:
    """The adapter as it was written."""

    folder: Path
    manifest: Manifest
    epochs: tuple[GeneratorEpoch, ...]
    held_out_loss: float  # nats per answer token, articles never trained on
    held_out_auroc: float  # of the answerability head there, [0, 1]
    seconds: float


def train_base_adapter(
    base: Path,
    data: Path,
    folder: Path,
    *,
    source: str,
    config: GeneratorTrainConfig,
    now: datetime,
    on_step: Callable[[int, int, float], None] = lambda _step, _steps, _loss: None,
    on_epoch: Callable[[GeneratorEpoch], None] = lambda _: None,
) -> BaseAdapter:
    """Train the adapter for grounded answers from scratch.

    Args:
        base: The generator's folder, as adapters.bases.resolve gave it.
        data: Holds the sets, such as squad2_en/.
        folder: Where the adapter goes; must not exist or be empty.
        source: The generator's source, for the card.
        config: How.
        now: Goes into the card and the manifest.
        on_step: Told step, steps in all, and loss.
        on_epoch: Told after each epoch.

    Raises:
        TrainingError: A set is missing, or the folder is taken.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise TrainingError(f"{folder} is taken; name a new folder with --output.")
    train, dev, held_out = split_articles(load_squad(data / "squad2_en"))
    if not (train.questions and dev.questions and held_out.questions):
        raise TrainingError("squad2_en lacks passages on one side (train, dev or held out); take the whole set.")
    with disk_errors("write the adapter", folder):  # before an hour of training, not after it
        folder.mkdir(parents=True, exist_ok=True)
    training = train_generator(
        base,
        GroundedSampler(train, seed=config.seed),
        GroundedSampler(dev).plain(),
        config,
        on_step=on_step,
        on_epoch=lambda epoch, _: on_epoch(epoch),
    )
    loss, auroc = measure(training, GroundedSampler(held_out).plain(), base, config)
    card = card_of(training, config, base=base, source=source, train=train, held_out=held_out, loss=loss, auroc=auroc)
    manifest = write_adapter(training, folder, base=base, source=source, card=card, now=now)
    return BaseAdapter(
        folder=folder,
        manifest=manifest,
        epochs=training.epochs,
        held_out_loss=loss,
        held_out_auroc=auroc,
        seconds=training.seconds,
    )


def card_of(
    training: GeneratorTraining,
    config: GeneratorTrainConfig,
    *,
    base: Path,
    source: str,
    train: GroundedSet,
    held_out: GroundedSet,
    loss: float,
    auroc: float,
) -> dict[str, Any]:
    """What the adapter says about itself: data, licences, base, settings, figures of the held-out articles."""
    return {
        "name": BASE_NAME,
        "task": "grounded answers: answer from the passages in the prompt; tell whether they hold the answer",
        "base": source,
        "base_fingerprint": fingerprint(base),
        "data": [{"set": "squad2_en", "licence": "CC BY-SA 4.0", "attribution": ATTRIBUTION}],
        "held_out_articles": sorted(HELD_OUT_ARTICLES),
        "questions": sum(len(found) for found in train.questions.values()),
        "config": asdict(config),
        "epochs": [asdict(epoch) for epoch in training.epochs],
        "held_out": {
            "questions": sum(len(found) for found in held_out.questions.values()),
            "loss": round(loss, 4),
            "answerability_auroc": round(auroc, 4),
        },
        "seconds": round(training.seconds),
        "licence": "Apache-2.0 for the adapter's weights; attribution of the data above",
    }


def write_adapter(
    training: GeneratorTraining, folder: Path, *, base: Path, source: str, card: dict[str, Any], now: datetime
) -> Manifest:
    """Write an adapter with its head and card into a folder, and seal it."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    with disk_errors("write the adapter", folder):
        folder.mkdir(parents=True, exist_ok=True)
        # Half precision: the LoRA's rounding is far below what it changes, and the file is half as large.
        tensors = {
            name: tensor.detach().bfloat16().contiguous()
            for name, tensor in get_peft_model_state_dict(training.model, save_embedding_layers=False).items()
        }
        save_file(tensors, folder / "adapter_model.safetensors")
        lora = training.model.peft_config["default"]
        lora.base_model_name_or_path = source  # not the folder of the machine that trained it
        lora.inference_mode = True
        lora.save_pretrained(folder)
        save_head(
            AnswerabilityHead(
                weight=training.head.weight.detach().reshape(-1).float().numpy(),
                bias=float(training.head.bias.detach()),
            ),
            folder,
        )
        text = json.dumps(card, ensure_ascii=False, indent=2) + "\n"
        (folder / CARD_NAME).write_text(text, encoding="utf-8")
        return seal_adapter(folder, source=str(card["name"]), base=fingerprint(base), created_at=now)
