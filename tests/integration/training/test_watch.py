"""What is kept of a training, without one: the callback is told what TRL tells it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from training.trl_loop import Watch
from training.types import TrainStep


def evaluated(losses: list[float], *, patience: int) -> tuple[Watch, torch.nn.Linear, list[bool]]:
    """A model whose weight is the number of the step, measured after each."""
    model, stopped = torch.nn.Linear(1, 1), list[bool]()
    watch = Watch(steps=len(losses) - 1, patience=patience, on_step=lambda _: None, trackers=())
    for step, loss in enumerate(losses):
        control = SimpleNamespace(should_training_stop=False, should_evaluate=True)
        torch.nn.init.constant_(model.weight, step)
        watch.on_evaluate(None, SimpleNamespace(global_step=step), control, metrics={"eval_loss": loss}, model=model)
        stopped.append(control.should_training_stop)
    return watch, model, stopped


@pytest.mark.parametrize(("losses", "best"), [([3.0, 2.0, 1.0, 2.0], 2), ([1.0, 2.0, 3.0], 0), ([2.0, 1.0], 1)])
def test_the_weights_of_the_lowest_dev_loss_are_put_back(losses: list[float], best: int) -> None:
    watch, model, _ = evaluated(losses, patience=9)
    watch.restore(model)
    assert (watch.best, model.weight.item()) == (best, best)


def test_it_stops_once_the_dev_loss_has_not_fallen_so_often() -> None:
    _, _, stopped = evaluated([3.0, 2.0, 2.5, 1.0, 1.5, 1.6], patience=2)
    assert stopped == [False, False, False, False, False, True]


def test_a_step_is_told_with_the_dev_loss_where_it_is_measured() -> None:
    told: list[TrainStep] = []
    watch = Watch(steps=2, patience=1, on_step=told.append, trackers=())
    for step, measured in ((1, False), (2, True)):
        state, control = SimpleNamespace(global_step=step), SimpleNamespace(should_evaluate=measured)
        watch.on_log(None, state, control, logs={"loss": 5.0 - step})
    control = SimpleNamespace(should_training_stop=False)
    watch.on_evaluate(None, state, control, metrics={"eval_loss": 0.5}, model=torch.nn.Linear(1, 1))
    assert told == [TrainStep(step=1, steps=2, loss=4.0), TrainStep(step=2, steps=2, loss=3.0, dev_loss=0.5)]
