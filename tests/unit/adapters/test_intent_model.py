"""The arithmetic of the intent head."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adapters.errors import AdapterError
from adapters.intent.config import IntentDefinition, IntentRoute
from adapters.intent.model import BATCH, UNFITTED_SCOPE, IntentHead, ScopeModel, mix, nearest_of_each
from adapters.testing import FakeEncoder

HEAD = IntentHead(
    name="intent-test",
    encoder="e",
    labels=("question", "out_of_scope"),
    weight=np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32),
    bias=np.zeros(2, dtype=np.float32),
    temperature=0.5,
    examples=np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], dtype=np.float32),
    starts=np.array([0, 2]),
    neighbour_weight=0.0,
    neighbour_sharpness=2.0,
    scope=ScopeModel(coefficients=np.array([0.0, 1.0, -1.0]), intercept=0.0, quantiles=None),
)


def test_confidence_is_the_softmax_of_the_logits_over_the_temperature() -> None:
    (intent,) = HEAD.classify(np.array([[1.0, 0.0]], dtype=np.float32))
    assert intent.label == "question"
    assert intent.confidence == pytest.approx(1 / (1 + np.exp(-2)))


def test_the_in_scope_score_weighs_near_examples_in_scope_against_those_out_of_it() -> None:
    inside, outside = HEAD.classify(np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32))
    assert inside.in_scope == pytest.approx(1 / (1 + np.exp(-1.0)))
    assert outside.in_scope == pytest.approx(1 / (1 + np.exp(0.2)))


def test_the_in_scope_score_weighs_the_logit_and_the_centre_of_the_likeliest_label_in_scope() -> None:
    embeddings = np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)
    logit, centre = (
        replace(HEAD, scope=ScopeModel(coefficients=np.eye(5)[part], intercept=0.0, quantiles=None)).classify(
            embeddings
        )
        for part in (3, 4)
    )
    assert logit[0].in_scope == pytest.approx(1 / (1 + np.exp(-1.0)))
    assert logit[1].in_scope == pytest.approx(0.5)
    # the centre of (1, 0) and (.6, .8) is (2, 1) / sqrt(5)
    assert centre[0].in_scope == pytest.approx(1 / (1 + np.exp(-2 / np.sqrt(5))))
    assert centre[1].in_scope == pytest.approx(1 / (1 + np.exp(-1 / np.sqrt(5))))


def test_near_examples_make_a_label_likelier() -> None:
    sure = replace(HEAD, neighbour_weight=4.0)
    (before,), (after,) = (head.classify(np.array([[0.8, 0.6]], dtype=np.float32)) for head in (HEAD, sure))
    assert before.label == after.label == "question"
    # cosines to the nearest examples: .96 and .6
    expected = (0.2 + 4 * (np.exp(-2 * 0.04) - np.exp(-2 * 0.4))) / 0.5
    assert after.confidence == pytest.approx(1 / (1 + np.exp(-expected)), rel=1e-5)
    assert after.confidence > before.confidence


def test_the_nearest_example_of_each_label_counts() -> None:
    cosines = np.array([[0.1, 0.9, 0.3, 0.2, 0.4]])
    np.testing.assert_allclose(nearest_of_each(cosines, np.array([0, 2, 3])), [[0.9, 0.3, 0.4]])


def test_probabilities_sum_to_one_even_where_logits_are_huge() -> None:
    probabilities = mix(np.array([[1e5, 0.0]]), np.zeros((1, 2)), weight=1.0, sharpness=1.0, temperature=0.01)
    np.testing.assert_allclose(probabilities, [[1.0, 0.0]])


def test_with_quantiles_the_in_scope_score_is_the_share_of_rows_below() -> None:
    scope = ScopeModel(coefficients=np.array([1.0, 0.0, 0.0]), intercept=0.0, quantiles=np.array([0.1, 0.2, 0.3, 0.4]))
    evidence = np.array([[0.05, 0, 0], [0.2, 0, 0], [0.9, 0, 0]])
    np.testing.assert_allclose(scope.score(evidence), [0.0, 0.5, 1.0])


def test_many_rows_give_what_each_gives_alone() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(BATCH + 7, 2)).astype(np.float32)
    together = HEAD.classify(rows)
    assert len(together) == BATCH + 7
    for index in (0, BATCH - 1, BATCH, BATCH + 6):
        (alone,) = HEAD.classify(rows[index : index + 1])
        assert together[index].label == alone.label
        assert together[index].confidence == pytest.approx(alone.confidence, rel=1e-5)


def test_no_rows_give_no_intents() -> None:
    assert HEAD.classify(np.zeros((0, 2), dtype=np.float32)) == ()


def test_embeddings_of_another_width_are_refused() -> None:
    with pytest.raises(AdapterError, match=r"reads embeddings of shape \(n, 2\), not \(1, 3\)"):
        HEAD.classify(np.zeros((1, 3), dtype=np.float32))


@pytest.mark.parametrize(
    "broken",
    [
        {"labels": ("a",)},
        {"bias": np.zeros(3, dtype=np.float32)},
        {"starts": np.array([0, 3])},
        {"starts": np.array([1, 2])},
        {"examples": np.zeros((3, 5), dtype=np.float32)},
        {"temperature": 0.0},
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(broken: dict[str, object]) -> None:
    with pytest.raises(AdapterError, match=r'"intent-test" does not fit together; train it again'):
        replace(HEAD, **broken)  # type: ignore[arg-type]  # one field at a time


def test_prototypes_come_from_descriptions_and_examples() -> None:
    def definition(name: str, description: str, *examples: str) -> IntentDefinition:
        return IntentDefinition(
            name=name, description=description, examples=examples, route=IntentRoute.QUESTION, reply={}
        )

    encoder = FakeEncoder()
    head = IntentHead.from_prototypes(
        [
            definition("refund", "asks about a refund"),
            definition("shipping", "", "where is my parcel", "parcel late"),
            definition("both", "says goodbye", "see you later"),
        ],
        encoder,
    )
    assert head.name == "intent-zero-shot"
    assert head.labels == ("refund", "shipping", "both")
    assert head.scope is UNFITTED_SCOPE
    texts = ["a refund please", "my parcel", "goodbye", "see you"]
    assert [intent.label for intent in head.classify(encoder.encode(texts))] == ["refund", "shipping", "both", "both"]


def test_prototypes_of_nothing_are_refused() -> None:
    with pytest.raises(AdapterError, match="needs at least one intent"):
        IntentHead.from_prototypes([], FakeEncoder())
