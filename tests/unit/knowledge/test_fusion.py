from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.fusion import fuse
from knowledge.types import ChunkIds


def ids(*values: int) -> ChunkIds:
    return np.array(values, dtype=np.int64)


def test_what_both_rankings_hold_comes_before_what_one_holds() -> None:
    assert [key for key, _ in fuse([(ids(1, 2, 3), 1.0), (ids(3, 4), 1.0)], k=60)] == [3, 1, 2, 4]


def test_a_score_is_the_sum_of_weights_over_damped_ranks() -> None:
    assert dict(fuse([(ids(7), 1.0), (ids(8, 7), 0.5)], k=10)) == pytest.approx({7: 1 / 11 + 0.5 / 12, 8: 0.5 / 11})


def test_a_weight_of_zero_leaves_a_ranking_out() -> None:
    assert [key for key, _ in fuse([(ids(1, 2), 1.0), (ids(3), 0.0)], k=60)] == [1, 2]


def test_equal_scores_come_in_the_order_of_ids() -> None:
    assert [key for key, _ in fuse([(ids(9), 1.0), (ids(2), 1.0)], k=60)] == [2, 9]


@given(st.lists(st.integers(0, 50), unique=True), st.floats(0, 100))
def test_one_ranking_alone_keeps_its_order(order: list[int], k: float) -> None:
    assert [key for key, _ in fuse([(ids(*order), 1.0)], k=k)] == order
