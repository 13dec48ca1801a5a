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
from training.feedback_generator import _loop, train_generator_on_feedback
from training.preferences import Objective
from training.trl_loop import alike, apart, together_of

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


def test_kto_compares_answers_to_different_prompts_in_each_portion() -> None:
    both = [{"prompt": prompt, "label": label} for prompt in "abcdef" for label in (True, False)]
    for portion in zip(*[iter(apart(both, 12))] * 2, strict=True):
        assert portion[0]["prompt"] != portion[1]["prompt"]
    assert [one["prompt"] for one in apart([{"prompt": number} for number in range(9)], 4)] == [
        0,
        2,
        1,
        3,
        4,
        6,
        5,
        7,
        8,
    ]


@pytest.mark.parametrize(("batch", "wanted", "together"), [(8, None, 2), (8, 1, 2), (9, None, 3), (7, 2, 7), (8, 4, 4)])
def test_kto_always_has_an_answer_to_compare_with(batch: int, wanted: int | None, together: int) -> None:
    loop = _loop(Objective.KTO, replace(QUICK, batch_size=batch, together=wanted))
    assert together_of(loop) == together


def test_only_those_that_are_computed_together_are_padded_to_one_length(tiny: Path) -> None:
    tokenizer = load_tokenizer(tiny)
    entries = [{"input_ids": [1] * length} for length in (7, 3, 5, 2, 9, 1)]
    assert [len(one["input_ids"]) for one in alike(tokenizer, entries, 4)] == [2, 3, 5, 7, 1, 9]
