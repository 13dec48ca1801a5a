from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from knowledge.errors import KnowledgeError
from knowledge.index import DimensionMismatchError, IndexSettings, VectorIndex
from knowledge.types import ChunkIds, Matrix

DIMENSION = 16
EVERY_LIST = IndexSettings(exact_limit=100, nprobe=1_000)  # inverted, but nothing is missed for want of lists
CODE_ERROR = 5e-4  # of a cosine from 16-bit codes


def unit(count: int, seed: int = 0, dimension: int = DIMENSION) -> Matrix:
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    scaled: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def ids(*values: int) -> ChunkIds:
    return np.array(values, dtype=np.int64)


def filled(count: int, settings: IndexSettings | None = None) -> tuple[VectorIndex, Matrix]:
    """An index with ids 0, 10, 20, ... and its vectors."""
    vectors = unit(count)
    index = VectorIndex(DIMENSION, settings=settings, originals=originals_of(vectors))
    index.add(np.arange(count, dtype=np.int64) * 10, vectors)
    return index, vectors


def originals_of(vectors: Matrix) -> Callable[[Sequence[int]], tuple[ChunkIds, Matrix]]:
    def load(wanted: Sequence[int]) -> tuple[ChunkIds, Matrix]:
        known = np.array([key for key in wanted if key < 10 * len(vectors)], dtype=np.int64)
        return known, vectors[known // 10]

    return load


class AgreesWithBruteForce(RuleBasedStateMachine):
    """Random additions, replacements and removals over the limit and back, against a table of vectors."""

    @initialize(seed=st.integers(0, 1000))
    def start(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.truth: dict[int, np.ndarray[tuple[int], np.dtype[np.float32]]] = {}
        self.next_id = 0
        self.index = VectorIndex(DIMENSION, settings=EVERY_LIST, originals=self.load)
        self.forms = {True}

    def load(self, wanted: Sequence[int]) -> tuple[ChunkIds, Matrix]:
        known = [key for key in wanted if key in self.truth]
        rows = [self.truth[key] for key in known]
        return np.array(known, dtype=np.int64), np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32)

    @rule(count=st.integers(0, 90))
    def add(self, count: int) -> None:
        new = np.arange(self.next_id, self.next_id + 3 * count, 3)
        self.next_id += 3 * count
        self.put(new)

    @rule(count=st.integers(1, 5))
    def replace(self, count: int) -> None:
        if self.truth:
            self.put(self.rng.choice(sorted(self.truth), min(count, len(self.truth)), replace=False))

    def put(self, chosen: ChunkIds) -> None:
        vectors = unit(len(chosen), int(self.rng.integers(1 << 30)))
        self.truth.update(zip(chosen.tolist(), vectors, strict=True))
        self.index.add(chosen, vectors)

    @rule(share=st.sampled_from([0.0, 0.1, 0.5, 0.95, 1.0]))
    def remove(self, share: float) -> None:
        chosen = [key for key in self.truth if self.rng.random() < share]
        for key in chosen:
            del self.truth[key]
        assert self.index.remove(np.array([*chosen, self.next_id + 1], dtype=np.int64)) == len(chosen)

    @rule(top_k=st.integers(1, 30), share=st.sampled_from([None, 0.02, 0.3, 1.0]))
    def search(self, top_k: int, share: float | None) -> None:
        allowed = None if share is None else [key for key in self.truth if self.rng.random() < share]
        query = unit(1, int(self.rng.integers(1 << 30)))
        hits = self.index.search(query, top_k, None if allowed is None else np.array(allowed, dtype=np.int64))[0]
        candidates = sorted(self.truth if allowed is None else allowed)
        kept = self.index.scores(query[0], np.array(candidates, dtype=np.int64))  # from the codes once inverted
        exact = [float(self.truth[key] @ query[0]) for key in candidates]
        assert kept == pytest.approx(exact, abs=1e-5 if self.index.exact else CODE_ERROR)
        score_of = dict(zip(candidates, kept.tolist(), strict=True))
        best = sorted(score_of.values(), reverse=True)[:top_k]
        assert set(hits.ids.tolist()) <= score_of.keys()
        assert len(set(hits.ids.tolist())) == len(hits.ids) == len(best)
        assert hits.scores == pytest.approx(best, abs=1e-4)
        assert hits.scores == pytest.approx([score_of[key] for key in hits.ids.tolist()], abs=1e-4)
        assert (np.diff(hits.scores) <= 0).all()

    @invariant()
    def holds_the_same_ids_in_the_form_for_its_size(self) -> None:
        assert self.index.ids.tolist() == sorted(self.truth)
        if len(self.truth) > EVERY_LIST.exact_limit:
            assert not self.index.exact
        if len(self.truth) < EVERY_LIST.exact_limit // 2:
            assert self.index.exact


TestAgreesWithBruteForce = AgreesWithBruteForce.TestCase
TestAgreesWithBruteForce.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("count", [80, 400])
def test_a_closer_forbidden_vector_neither_appears_nor_takes_a_place(count: int) -> None:
    index, vectors = filled(count, IndexSettings(exact_limit=100, nprobe=1))
    near = index.search(vectors[:1], 20)[0].ids
    allowed = np.setdiff1d(index.ids, near[:15])
    hits = index.search(vectors[:1], 20, allowed)[0]
    assert not np.isin(hits.ids, near[:15]).any()
    assert len(hits.ids) == 20


@pytest.mark.parametrize("count", [80, 400])
def test_few_allowed_vectors_are_all_found_wherever_they_lie(count: int) -> None:
    index, vectors = filled(count, IndexSettings(exact_limit=100, nprobe=1))
    allowed = np.random.default_rng(3).choice(index.ids, 7, replace=False)
    for query in vectors[:20]:
        assert set(index.search(query[np.newaxis], 50, allowed)[0].ids.tolist()) == set(allowed.tolist())


def test_ids_far_apart_are_tested_as_well() -> None:
    index = VectorIndex(DIMENSION)
    far = ids(3, 10**12, 10**15)
    index.add(far, unit(3))
    assert index.search(unit(1), 3, far[1:])[0].ids.tolist() == [
        key for key in index.search(unit(1), 3)[0].ids.tolist() if key != 3
    ]


def test_several_queries_each_get_their_own_hits() -> None:
    index, vectors = filled(50)
    assert [hits.ids[0] for hits in index.search(vectors[:5], 1)] == [0, 10, 20, 30, 40]


def test_nothing_is_found_where_nothing_is_asked_for_or_there() -> None:
    empty = VectorIndex(DIMENSION)
    index, vectors = filled(5)
    for hits in (
        empty.search(vectors[:1], 5)[0],
        index.search(vectors[:1], 0)[0],
        index.search(vectors[:1], 5, ids())[0],
        index.search(vectors[:1], 5, ids(77))[0],
    ):
        assert (hits.ids.tolist(), hits.scores.tolist()) == ([], [])
    assert index.search(np.zeros((0, DIMENSION), dtype=np.float32), 5) == ()


def test_scores_are_exact_cosines_in_the_order_asked_and_nan_for_strangers() -> None:
    index, vectors = filled(50)
    scores = index.scores(3 * vectors[7], ids(70, 5, 0))
    assert scores[[0, 2]] == pytest.approx([1.0, float(vectors[7] @ vectors[0])], abs=1e-6)
    assert np.isnan(scores[1])


def test_scores_of_the_inverted_form_stay_within_what_is_promised() -> None:
    index, vectors = filled(400, EVERY_LIST)
    assert not index.exact
    truth = vectors @ vectors[3]
    np.testing.assert_allclose(index.scores(vectors[3], index.ids), truth, atol=CODE_ERROR)


@pytest.mark.parametrize("count", [80, 400])
def test_the_mean_is_of_the_vectors_that_are_there(count: int) -> None:
    index, vectors = filled(count, EVERY_LIST)
    np.testing.assert_allclose(index.mean(ids(10, 30, 77)), (vectors[1] + vectors[3]) / 2, atol=CODE_ERROR)
    assert index.mean(ids(77)).tolist() == [0.0] * DIMENSION


def test_the_form_moves_over_above_the_limit_and_back_only_far_below_it() -> None:
    index, _ = filled(100, EVERY_LIST)
    forms = [index.exact]
    index.add(ids(5), unit(1, 9))
    forms.append(index.exact)
    index.remove(ids(5, *range(0, 500, 10)))
    forms.append(index.exact)
    index.remove(ids(500))
    forms.append(index.exact)
    assert forms == [True, False, False, True]
    assert len(index) == 49


def test_back_in_the_exact_form_the_vectors_have_their_full_precision_again() -> None:
    index, vectors = filled(150, EVERY_LIST)
    index.remove(np.arange(40, 150, dtype=np.int64) * 10)
    assert index.exact
    np.testing.assert_allclose(index.scores(vectors[0], index.ids), vectors[:40] @ vectors[0], atol=1e-6)


def test_without_the_originals_the_form_stays() -> None:
    index = VectorIndex(DIMENSION, settings=EVERY_LIST)
    index.add(np.arange(150, dtype=np.int64), unit(150))
    index.remove(np.arange(140, dtype=np.int64))
    assert (index.exact, len(index)) == (False, 10)


def test_an_index_that_has_grown_gets_new_lists() -> None:
    index, vectors = filled(1000, IndexSettings(exact_limit=100_000))
    grown = VectorIndex(DIMENSION, settings=EVERY_LIST, originals=originals_of(vectors))
    for start in range(0, 1000, 110):
        grown.add(np.arange(start, min(1000, start + 110), dtype=np.int64) * 10, vectors[start : start + 110])
    assert grown._trained_on > 110
    assert grown.ids.tolist() == index.ids.tolist()


@pytest.mark.parametrize("count", [80, 400])
def test_a_written_index_reads_back_equal_and_can_still_change(count: int, tmp_path: Path) -> None:
    index, vectors = filled(count, EVERY_LIST)
    index.write(tmp_path / "index")
    read = VectorIndex.read(tmp_path / "index", settings=EVERY_LIST)
    assert (read.exact, read.dimension, read.ids.tolist()) == (index.exact, DIMENSION, index.ids.tolist())
    np.testing.assert_array_equal(read.scores(vectors[1], read.ids), index.scores(vectors[1], index.ids))
    assert read.remove(ids(10)) == 1
    read.add(ids(7), vectors[1:2])
    assert read.search(vectors[1:2], 1)[0].ids.tolist() == [7]


def test_an_inverted_index_with_the_8_bit_codes_of_an_older_version_is_refused(tmp_path: Path) -> None:
    older = faiss.index_factory(DIMENSION, "IVF4,SQ8", faiss.METRIC_INNER_PRODUCT)
    older.train(unit(400))
    older.add(unit(400))
    faiss.write_index(older, str(tmp_path / "index"))
    with pytest.raises(KnowledgeError, match="another kind of index; it will be rebuilt"):
        VectorIndex.read(tmp_path / "index")


def test_vectors_of_another_width_are_refused_with_both_widths() -> None:
    index, _ = filled(3)
    with pytest.raises(DimensionMismatchError, match=r"vectors of 16 numbers but got one of 8") as refused:
        index.search(unit(1, dimension=8), 1)
    assert (refused.value.expected, refused.value.got) == (16, 8)
    with pytest.raises(DimensionMismatchError):
        index.add(ids(1), unit(1, dimension=8))


@pytest.mark.parametrize("wrong", [ids(1), ids(1, 1), ids(-1, 2), ids(1, 2, 3)])
def test_vectors_without_an_id_of_their_own_are_refused(wrong: ChunkIds) -> None:
    with pytest.raises(KnowledgeError, match="one id of its own"):
        VectorIndex(DIMENSION).add(wrong, unit(2))


def test_a_vector_that_is_not_finite_is_refused() -> None:
    broken = unit(2)
    broken[1, 3] = np.nan
    index = VectorIndex(DIMENSION)
    with pytest.raises(KnowledgeError, match="not finite"):
        index.add(ids(1, 2), broken)
    assert len(index) == 0


@given(st.floats(0.01, 1000))
@settings(max_examples=20, deadline=None)
def test_only_the_direction_of_a_vector_counts(length: float) -> None:
    index = VectorIndex(DIMENSION)
    vectors = unit(5)
    index.add(np.arange(5, dtype=np.int64), vectors * np.float32(length))
    hits = index.search(vectors[2:3] * np.float32(length), 1)[0]
    assert (hits.ids.tolist(), hits.scores.tolist()) == ([2], pytest.approx([1.0], abs=1e-5))


def test_searches_during_updates_and_moves_find_what_is_always_there() -> None:
    index, vectors = filled(60, EVERY_LIST)
    stop = threading.Event()

    def search() -> int:
        count = 0
        while not stop.is_set() or count == 0:
            hits = index.search(vectors[4:5], 3)[0]
            assert hits.ids[0] == 40
            assert hits.scores[0] == pytest.approx(1.0, abs=CODE_ERROR)
            assert index.scores(vectors[4], ids(40))[0] == pytest.approx(1.0, abs=CODE_ERROR)
            count += 1
        return count

    with ThreadPoolExecutor(3) as pool:
        searching = [pool.submit(search) for _ in range(2)]
        try:
            for _ in range(20):  # over the limit and back each time
                index.add(np.arange(1000, 1080, dtype=np.int64), unit(80, 5))
                index.remove(np.arange(1000, 1080, dtype=np.int64))
        finally:
            stop.set()
        assert all(future.result() > 0 for future in searching)
