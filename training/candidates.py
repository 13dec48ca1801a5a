"""Around the training of a generator's adapter: what it stands on, what must not change, and how it is written down.

Heavy: imports torch. Import it where a model is trained.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from adapters.bases import fingerprint
from adapters.generator.answerability import AnswerabilityHead, load_head, save_head
from adapters.generator.merging import BEFORE
from adapters.layout import MANIFEST_NAME, Manifest, disk_errors, seal_adapter
from adapters.pretrained import load_tokenizer
from adapters.types import ChatTurn, Matrix
from training.adapter_kinds import AdapterShape, Attached, attach
from training.errors import TrainingError
from training.ground import Ground
from training.preferences import Row
from training.refit_head import refit
from training.rehearsal import answered, built_in, foreign_prompts, prompt_states
from training.tracking import TensorBoard, Tracker, WeightsAndBiases

CARD_NAME: Final = "card.json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench:
    """A model on which an adapter is about to be trained."""

    ground: Ground
    tokenizer: Any  # transformers'
    attached: Attached
    head: AnswerabilityHead | None  # of the version that serves

    def rehearsed(self, distilled: int) -> tuple[Row, ...]:
        """What must not be forgotten: the questions that ship, and others with the answers of the version that serves.

        Args:
            distilled: How many of the others at most.
        """
        asked = self.ground.regression[:distilled]
        others = [
            Row(question=question, evidence=evidence, good="", bad="", weight=1.0) for question, evidence in asked
        ]
        said = answered(self.attached.model, self.tokenizer, [row.turns for row in others])
        return (*built_in(), *(replace(row, good=text) for row, text in zip(others, said, strict=True) if text))

    def states(self, model: Any, prompts: Sequence[Sequence[ChatTurn]]) -> Matrix:  # noqa: ANN401 - peft ships no types
        """What a head reads of some prompts; nothing where there is no head."""
        if self.head is None:
            return np.zeros((0, 0), dtype=np.float32)
        return prompt_states(model, self.tokenizer, prompts)


def bench(ground: Ground, shape: AdapterShape, *, steps: int) -> Bench:
    """Load what a training stands on.

    Raises:
        TrainingError: The version that serves cannot be gone on from.
        AdapterError: The model cannot be read.
    """
    attached = attach(ground.base, ground.parent, shape, steps=steps)
    width = int(attached.model.config.hidden_size)
    return Bench(
        ground=ground,
        tokenizer=load_tokenizer(ground.base),
        attached=attached,
        head=None if ground.parent is None else load_head(ground.parent, dimension=width),
    )


def prompts_of(found: Sequence[Row], most: int) -> list[tuple[ChatTurn, ...]]:
    """Prompts for the head: half of them hold the answer, half do not."""
    chosen = found[: most // 2]
    return [*(row.turns for row in chosen), *foreign_prompts(chosen)]


def write_candidate(
    at: Bench,
    model: Any,  # noqa: ANN401 - peft ships no types
    folder: Path,
    *,
    prompts: Sequence[Sequence[ChatTurn]],
    before: Matrix,
    card: Mapping[str, Any],
    now: datetime,
) -> tuple[Manifest, dict[str, float]]:
    """Fit the head anew, write the adapter with everything that it needs, and seal it.

    Args:
        at: What it was trained on.
        model: With the trained adapter.
        folder: Must not exist.
        prompts: For the head.
        before: Their states before the training.
        card: What the adapter says of itself; the same training gives the same card.
        now: Goes into the manifest.

    Returns:
        The manifest, and how far the head's log odds moved, kept as it was and fitted anew.
    """
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    moved: dict[str, float] = {}
    head = at.head
    if at.head is not None:
        after = at.states(model, prompts)
        head = refit(at.head, before, after)
        moved = {
            "head moved": _moved(at.head, at.head, before, after),
            "head moved, refitted": _moved(at.head, head, before, after),
        }
    if folder.exists():
        raise TrainingError(f"{folder} is taken; an adapter is written into a new folder.")
    with disk_errors("write the adapter", folder):
        folder.mkdir(parents=True)
        if at.attached.before is not None:
            shutil.copytree(
                at.attached.before, folder / BEFORE, ignore=shutil.ignore_patterns(MANIFEST_NAME, "answerability.*")
            )
        with warnings.catch_warnings():
            # AdaLoRA takes all ranks from some layers, which peft takes for a shard that is missing.
            warnings.filterwarnings("ignore", r".*LoRA tensor\(s\) have invalid shape", UserWarning)
            tensors = get_peft_model_state_dict(model, adapter_name="default", save_embedding_layers=False)
        # Half precision: the adapter's rounding is far below what it changes, and the file is half as large.
        save_file(
            {name: tensor.detach().cpu().bfloat16().contiguous() for name, tensor in tensors.items()},
            folder / "adapter_model.safetensors",
        )
        config = model.peft_config["default"]
        config.base_model_name_or_path = at.ground.source  # not the folder of the machine that trained it
        config.inference_mode = True
        config.save_pretrained(folder)
        _in_order(folder / "adapter_config.json")
        if head is not None:
            save_head(head, folder)
        text = json.dumps(card, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        (folder / CARD_NAME).write_text(text, encoding="utf-8")
        manifest = seal_adapter(folder, source=str(card["name"]), base=fingerprint(at.ground.base), created_at=now)
    return manifest, moved


@contextmanager
def tracked(
    logs: Path | None, *, wandb_project: str, name: str, settings: Mapping[str, Any]
) -> Iterator[list[Tracker]]:
    """Where the figures of a run go.

    Args:
        logs: The folder for TensorBoard's event files; None for none.
        wandb_project: Of Weights & Biases; "" for none.
        name: Of the run.
        settings: Of the training.

    Raises:
        TrainingError: Weights & Biases is switched on but not installed.
    """
    found: list[Tracker] = []
    try:
        if wandb_project:
            found.append(WeightsAndBiases(project=wandb_project, name=name, settings=settings))
        if logs is not None:
            found.append(TensorBoard(logs))
        yield found
    finally:
        for tracker in found:
            tracker.close()


def _moved(old: AnswerabilityHead, new: AnswerabilityHead, before: Matrix, after: Matrix) -> float:
    """How far log odds are from what they were, root mean square."""
    change = (after @ new.weight + new.bias) - (before @ old.weight + old.bias)
    return float(np.sqrt(np.mean(np.square(change)))) if len(before) else 0.0


def _in_order(path: Path) -> None:
    """Peft writes sets in an order of their own each time; the same adapter is to be the same file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(content.get("target_modules"), list):
        content["target_modules"].sort()
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
