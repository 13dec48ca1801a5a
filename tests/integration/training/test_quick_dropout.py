"""Dropout by bytes: as much is dropped as was asked for, and learning goes on as with torch's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from adapters.pretrained import load_causal_model
from training.adapter_kinds import AdapterKind, AdapterShape, new_config
from training.quick_dropout import QuickDropout, quicken_dropout

pytestmark = pytest.mark.models


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_so_many_are_dropped_and_the_sum_stays(share: float) -> None:
    torch.manual_seed(0)
    dropout = QuickDropout(share)
    values = torch.ones(1000, 1003)
    kept = dropout(values)
    assert dropout.share == pytest.approx(share, abs=1 / 512)
    gone = (kept == 0).float()
    assert float(gone.mean()) == pytest.approx(dropout.share, abs=0.001)  # a million draws: four standard errors
    assert float(kept.mean()) == pytest.approx(1.0, abs=0.002)
    assert kept.unique().tolist() == pytest.approx([0.0, 1 / (1 - dropout.share)])
    by_byte = gone[:, :1000].reshape(1000, -1, 8).mean(dim=(0, 1))
    assert by_byte.tolist() == pytest.approx([dropout.share] * 8, abs=0.006), "no byte of a drawn integer is special"


def test_the_same_seed_drops_the_same_and_gradients_follow() -> None:
    dropout = QuickDropout(0.5)
    values = torch.randn(64, 33, requires_grad=True)
    torch.manual_seed(1)
    first = dropout(values)
    torch.manual_seed(1)
    assert torch.equal(first, dropout(values))
    torch.manual_seed(2)
    assert not torch.equal(first, dropout(values))
    first.sum().backward()
    assert values.grad is not None
    assert torch.equal(values.grad == 0, first == 0)


def test_nothing_is_dropped_while_nothing_is_trained() -> None:
    values = torch.randn(8, 8)
    assert QuickDropout(0.5).eval()(values) is values
    assert QuickDropout(0.0)(values) is values


def test_it_takes_the_place_of_torchs_in_every_layer_of_an_adapter(tiny: Path) -> None:
    from peft import get_peft_model

    shape = AdapterShape(kind=AdapterKind.LORA, dropout=0.25)
    model = get_peft_model(load_causal_model(tiny, dtype=torch.float32), new_config(shape, steps=1))
    adapted = [one for one in model.modules() if getattr(one, "lora_dropout", None)]
    quicken_dropout(model)
    assert adapted
    found = [one for module in adapted for one in module.lora_dropout.values()]
    assert all(isinstance(one, QuickDropout) and one.share == 0.25 for one in found)
    assert not any(type(one) is nn.Dropout for one in found)
