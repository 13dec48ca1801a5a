from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.fusion import BlendWeights, blend, centred, fuse, shares
from knowledge.types import ChunkIds, Hits, Vector


def ids(*values: int) -> ChunkIds:
    return np.array(values, dtype=np.int64)


def row(*values: float) -> Vector:
    return np.array(values, dtype=np.float32)


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


def test_a_blend_is_the_weighted_mean_of_the_scores() -> None:
    weights = BlendWeights(similarity=1.0, words=0.5, titles=0.5)
    blended = blend(row(0.8, -0.2), row(0.0, 1.0), row(0.4, 0.6), weights)
    assert blended == pytest.approx([(0.8 + 0.2) / 2, (-0.2 + 0.5 + 0.3) / 2])


def test_by_default_words_decide_between_passages_that_mean_nearly_the_same() -> None:
    blended = blend(row(0.61, 0.60), row(0.2, 1.0), row(0.0, 0.0), BlendWeights())
    assert blended[1] > blended[0]


def test_by_default_a_much_nearer_meaning_outweighs_all_words() -> None:
    blended = blend(row(0.9, 0.3), row(0.0, 1.0), row(0.0, 1.0), BlendWeights())
    assert blended[0] > blended[1]


def test_a_centred_similarity_is_nothing_for_a_typical_passage_and_one_for_the_query_itself() -> None:
    assert centred(row(0.7, 1.0, 0.85, 0.4), 0.7) == pytest.approx([0.0, 1.0, 0.5, -1.0], abs=1e-6)


def test_where_all_passages_are_alike_a_centred_similarity_stays_small() -> None:
    assert centred(row(0.99, 1.0), 0.99) == pytest.approx([0.0, 0.1], abs=1e-6)


def test_an_encoder_that_finds_everything_alike_counts_as_much_as_one_that_does_not() -> None:
    words, titles = row(0.5, 1.0), row(0.0, 0.0)
    spread = blend(centred(row(0.6, 0.2), 0.2), words, titles, BlendWeights())
    packed = blend(centred(row(0.86, 0.72), 0.72), words, titles, BlendWeights())
    assert packed == pytest.approx(spread, abs=1e-6)
    assert spread[0] > spread[1]


def test_shares_are_of_the_best_hit_even_where_it_is_no_candidate() -> None:
    best = Hits(ids(5, 6), row(8.0, 2.0))
    assert shares(row(2.0, 0.0, 8.0), best) == pytest.approx([0.25, 0.0, 1.0])


def test_without_any_hit_every_share_is_nothing() -> None:
    nothing = shares(row(0.0, 0.0), Hits(ids(), row()))
    assert nothing.tolist() == [0.0, 0.0]


@given(st.lists(st.tuples(*[st.floats(-1, 1, width=32), st.floats(0, 1, width=32), st.floats(0, 1, width=32)])))
def test_a_blend_stays_between_minus_one_and_one(rows: list[tuple[float, float, float]]) -> None:
    columns = np.array(rows, dtype=np.float32).reshape(-1, 3)
    blended = blend(columns[:, 0], columns[:, 1], columns[:, 2], BlendWeights())
    assert (np.abs(blended) <= 1 + 1e-6).all()
