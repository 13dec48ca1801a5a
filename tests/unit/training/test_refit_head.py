from __future__ import annotations

import numpy as np
import pytest

from adapters.generator.answerability import AnswerabilityHead
from training.refit_head import refit

RNG = np.random.default_rng(0)
BEFORE = RNG.normal(size=(40, 16)).astype(np.float32)
HEAD = AnswerabilityHead(weight=RNG.normal(size=16).astype(np.float32), bias=0.5)


def test_a_head_says_of_turned_states_what_it_said() -> None:
    after = (BEFORE @ np.linalg.qr(RNG.normal(size=(16, 16)))[0]).astype(np.float32)
    made = refit(HEAD, BEFORE, after, stiffness=1e-6)
    said, kept = BEFORE @ HEAD.weight + HEAD.bias, after @ HEAD.weight + HEAD.bias
    now = after @ made.weight + made.bias
    assert np.abs(now - said).max() < 0.05 < np.abs(kept - said).max()


def test_a_head_whose_model_did_not_change_stays() -> None:
    made = refit(HEAD, BEFORE, BEFORE)
    assert made.weight == pytest.approx(HEAD.weight)
    assert made.bias == pytest.approx(HEAD.bias)


def test_without_prompts_nothing_changes() -> None:
    assert refit(HEAD, BEFORE[:0], BEFORE[:0]) is HEAD
