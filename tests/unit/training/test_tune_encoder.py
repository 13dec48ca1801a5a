"""The parts of the tuning loop that need no encoder."""

from __future__ import annotations

import random

import pytest
import torch

from training.errors import TrainingError
from training.tune_encoder import TuneConfig, batches, supervised_contrastive

LENGTHS = [3 + number % 7 for number in range(100)]


def order(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - an order, nothing secret


def test_every_row_is_in_one_batch_of_the_size_asked_for() -> None:
    found = list(batches(range(100), LENGTHS, 8, order(0)))
    assert sorted(row for batch in found for row in batch) == list(range(100))
    assert sorted(len(batch) for batch in found) == [4, *[8] * 12]


def test_rows_of_a_batch_are_of_like_length() -> None:
    spread = [
        max(LENGTHS[row] for row in batch) - min(LENGTHS[row] for row in batch)
        for batch in batches(range(100), LENGTHS, 8, order(0))
    ]
    assert max(spread) <= 1


def test_the_seed_decides_the_order() -> None:
    first, again, other = (list(batches(range(100), LENGTHS, 8, order(seed))) for seed in (0, 0, 1))
    assert first == again != other


def test_the_contrastive_loss_is_low_where_labels_lie_together() -> None:
    targets = torch.tensor([0, 0, 1, 1])
    corners = torch.eye(2)
    together, apart = corners[[0, 0, 1, 1]], corners[[0, 1, 0, 1]]
    assert supervised_contrastive(together, targets).item() == pytest.approx(0.0, abs=1e-3)
    # each row's partner is at cosine 0 and one of another label at cosine 1: -log(e^0 / (e^10 + 2 e^0))
    assert supervised_contrastive(apart, targets).item() == pytest.approx(10.0, abs=1e-3)


def test_without_a_pair_of_one_label_there_is_nothing_to_contrast() -> None:
    vectors = torch.eye(3, requires_grad=True)
    loss = supervised_contrastive(vectors, torch.tensor([0, 1, 2]))
    torch.autograd.backward(loss)
    assert loss.item() == 0
    assert vectors.grad is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [("epochs", 0), ("learning_rate", 0.0), ("dropout", 1.0), ("scale", 0.0), ("contrastive", -1.0)],
)
def test_impossible_settings_are_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(TrainingError, match=field):
        TuneConfig(**{field: value})  # type: ignore[arg-type]  # one field at a time
