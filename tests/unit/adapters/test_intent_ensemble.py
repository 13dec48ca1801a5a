"""Heads and words decide together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adapters.errors import AdapterError
from adapters.intent.classifier import EnsembleClassifier
from adapters.intent.ensemble import IntentEnsemble
from adapters.intent.lexical import FEATURES, LexicalLayer, features
from adapters.intent.model import IntentHead, ScopeModel

ACROSS = np.array([[1.0, 0.0]], dtype=np.float32)
UP = np.array([[0.0, 1.0]], dtype=np.float32)
SCOPE = ScopeModel(coefficients=np.array([0.0, 1.0]), intercept=0.0, quantiles=None)
HEAD = IntentHead(
    name="intent-test",
    encoder="e",
    labels=("login", "refund"),
    weight=np.eye(2, dtype=np.float32),
    bias=np.zeros(2, dtype=np.float32),
    temperature=0.5,
    examples=np.eye(2, dtype=np.float32),
    starts=np.array([0, 1]),
    neighbour_weight=0.0,
    neighbour_sharpness=2.0,
    scope=SCOPE,
)
PAIR = IntentEnsemble(
    heads=(HEAD, HEAD), weights=(1.0, 3.0), words=None, words_weight=0.0, temperature=1.0, scope=SCOPE
)


def words(**votes: tuple[float, float]) -> LexicalLayer:
    """A layer in which the features of a word vote."""
    weight = np.zeros((FEATURES, 2), dtype=np.float16)
    for word, vote in votes.items():
        weight[list(features(word))] += vote
    return LexicalLayer(rarity=np.ones(FEATURES, dtype=np.float32), weight=weight, bias=np.zeros(2, dtype=np.float32))


def test_the_heavier_head_decides() -> None:
    (intent,) = PAIR.predict(["?"], [ACROSS, UP])
    assert intent.label == "refund"
    # log-odds of each head are 2: -1 * 2 + 3 * 2 = 4
    assert intent.confidence == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-6)


def test_a_higher_temperature_makes_it_less_sure() -> None:
    (sure,), (unsure,) = (one.predict(["?"], [UP, UP]) for one in (PAIR, replace(PAIR, temperature=4.0)))
    assert sure.confidence > unsure.confidence > 0.5


def test_words_turn_the_scales() -> None:
    alone = IntentEnsemble(
        heads=(HEAD,),
        weights=(1.0,),
        words=words(refund=(-1.0, 1.0)),
        words_weight=5.0,
        temperature=1.0,
        scope=SCOPE,
    )
    between = np.array([[0.75, 0.66]], dtype=np.float32)
    assert alone.predict(["my money"], [between])[0].label == "login"
    assert alone.predict(["refund"], [between])[0].label == "refund"


def test_the_in_scope_score_reads_the_evidence_of_the_heads_in_turn() -> None:
    second = replace(PAIR, scope=ScopeModel(coefficients=np.eye(10)[6], intercept=0.0, quantiles=None))
    (intent,) = second.predict(["?"], [ACROSS, np.array([[0.6, 0.8]], dtype=np.float32)])
    assert intent.in_scope == pytest.approx(1 / (1 + np.exp(-0.8)))


def test_no_texts_give_no_intents() -> None:
    empty = np.zeros((0, 2), dtype=np.float32)
    assert PAIR.predict([], [empty, empty]) == ()


def test_heads_of_different_labels_are_refused() -> None:
    with pytest.raises(AdapterError, match="same labels"):
        replace(PAIR, heads=(HEAD, replace(HEAD, labels=("login", "bill"))))


def test_embeddings_of_one_encoder_only_are_refused() -> None:
    with pytest.raises(AdapterError, match="2 heads, but embeddings of 1"):
        PAIR.predict(["?"], [ACROSS])


def test_words_of_other_labels_and_a_score_of_more_heads_are_refused() -> None:
    three = LexicalLayer(
        rarity=np.ones(FEATURES, dtype=np.float32),
        weight=np.zeros((FEATURES, 3), dtype=np.float16),
        bias=np.zeros(3, dtype=np.float32),
    )
    many = ScopeModel(coefficients=np.zeros(11), intercept=0.0, quantiles=None)
    for broken in ({"words": three}, {"scope": many}, {"temperature": 0.0}):
        with pytest.raises(AdapterError, match="do not fit together"):
            replace(PAIR, **broken)


def test_a_classifier_without_its_heads_tuned_encoder_is_refused() -> None:
    with pytest.raises(AdapterError, match=r'"intent-x" read the tuned encoders e, not none; train it again'):
        EnsembleClassifier(name="intent-x", ensemble=PAIR, tuned=())
