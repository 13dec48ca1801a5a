"""Every Encoder, real or fake, keeps to these."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from adapters.testing import FakeEncoder
from adapters.types import Encoder

TEXTS = ("How do I reset my password?", "", "The invoice is sent monthly.", "word " * 900, "我的账户为何被冻结？")


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.models)])
def subject(request: pytest.FixtureRequest) -> Encoder:
    chosen: Encoder = FakeEncoder() if request.param == "fake" else request.getfixturevalue("encoder")
    return chosen


def test_vectors_are_unit_float32_of_the_stated_width(subject: Encoder) -> None:
    vectors = subject.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), subject.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_no_texts_give_no_vectors(subject: Encoder) -> None:
    assert subject.encode([]).shape == (0, subject.dimension)


def test_rows_stand_in_the_order_of_the_texts(subject: Encoder) -> None:
    together = subject.encode(TEXTS)
    alone = np.vstack([subject.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(np.sum(together * alone, axis=1), 1.0, atol=2e-4)


def test_related_texts_are_nearer_than_unrelated_ones(subject: Encoder) -> None:
    question, near, far = subject.encode(
        ["how do I reset my password", "reset my password", "the weather will be sunny and warm tomorrow"]
    )
    assert question @ near > 0.7
    assert question @ far < 0.3


def test_it_is_deterministic_and_has_one_name(subject: Encoder) -> None:
    np.testing.assert_array_equal(subject.encode(TEXTS), subject.encode(TEXTS))
    assert subject.name == subject.name != ""


def test_tokens_are_counted_without_special_ones_and_without_a_limit(subject: Encoder) -> None:
    assert subject.count_tokens("") == 0
    assert subject.count_tokens("reset the password") == 3
    assert subject.count_tokens("word " * 900) == 900


def test_it_reads_english(subject: Encoder) -> None:
    assert all(map(subject.reads, ("How do I reset my password?", "naïve café №5 👍👍👍", "API 429", "👍", "")))


def test_threads_get_their_own_results(subject: Encoder) -> None:
    expected = subject.encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda text: subject.encode([text])[0], TEXTS * 3))
        counts = list(pool.map(subject.count_tokens, TEXTS * 3))
    np.testing.assert_allclose(np.sum(np.vstack(rows) * np.tile(expected, (3, 1)), axis=1), 1.0, atol=2e-4)
    assert counts == [subject.count_tokens(text) for text in TEXTS] * 3
