"""What TRL does beside training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from queue import Queue

import pytest
import torch
from huggingface_hub.utils import _telemetry
from safetensors.torch import load_file

from tests.integration.training.test_feedback_generator import CORRECTED, NOW, QUICK, ground
from training.feedback_generator import train_generator_on_feedback

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


def test_sparing_memory_changes_nothing_that_is_learned(tiny: Path, tmp_path: Path) -> None:
    weights = [
        load_file(
            train_generator_on_feedback(
                CORRECTED, ground(tiny), tmp_path / str(most), replace(QUICK, long_tokens=most), now=NOW
            ).folder
            / "adapter_model.safetensors"
        )
        for most in (0, 512)
    ]
    assert weights[0].keys() == weights[1].keys()
    for name, kept in weights[1].items():
        torch.testing.assert_close(weights[0][name], kept, msg=name)
