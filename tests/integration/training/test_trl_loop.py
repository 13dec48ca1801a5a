"""What TRL does beside training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from queue import Queue

import pytest
import torch
from huggingface_hub.utils import _telemetry
from safetensors.torch import load_file

from adapters.pretrained import load_tokenizer
from tests.integration.training.test_feedback_generator import CORRECTED, NOW, QUICK, ground
from training.feedback_generator import train_generator_on_feedback
from training.trl_loop import alike

pytestmark = pytest.mark.models


def test_a_training_tells_nobody_on_the_network_of_itself(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)  # there TRL is silent by itself
    told: Queue[object] = Queue()
    monkeypatch.setattr(_telemetry, "_TELEMETRY_QUEUE", told)
    monkeypatch.setattr(_telemetry, "_start_telemetry_thread", lambda: None)
    train_generator_on_feedback(CORRECTED, ground(tiny), tmp_path / "a", QUICK, now=NOW)
    assert told.empty(), "its makers would be sent the kind of trainer, model and device"


def test_a_step_is_the_same_in_portions(tiny: Path, tmp_path: Path) -> None:
    one_by_one, at_once = (
        load_file(
            train_generator_on_feedback(
                CORRECTED, ground(tiny), tmp_path / str(together), replace(QUICK, together=together, dropout=0), now=NOW
            ).folder
            / "adapter_model.safetensors"
        )
        for together in (1, QUICK.batch_size)
    )
    assert one_by_one.keys() == at_once.keys()
    for name, weights in at_once.items():
        torch.testing.assert_close(one_by_one[name], weights, msg=name)


def test_only_those_that_are_computed_together_are_padded_to_one_length(tiny: Path) -> None:
    tokenizer = load_tokenizer(tiny)
    entries = [{"input_ids": [1] * length} for length in (7, 3, 5, 2, 9, 1)]
    assert [len(one["input_ids"]) for one in alike(tokenizer, entries, 4)] == [2, 3, 5, 7, 1, 9]
