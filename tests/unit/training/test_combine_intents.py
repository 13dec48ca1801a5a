"""Held-out rows decide what weighs how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from adapters.encoder.adapter import EncoderDelta
from adapters.errors import AdapterError
from adapters.intent.classifier import EnsembleClassifier
from adapters.intent.config import OUT_OF_SCOPE
from adapters.intent.model import UNFITTED_SCOPE, IntentHead
from adapters.testing import FakeEncoder
from adapters.types import LabelledText, Matrix
from tests.unit.training.corpus import rows
from training.combine_intents import MIN_DEV_ROWS, Member, assemble, combine, fit_words
from training.splits import fold_order, split_of
from training.train_intent import train_intent
from training.types import Split, TrainConfig

ROWS = tuple(sorted(rows(), key=lambda row: fold_order(row.text)))
TRAIN, HELD_OUT = ROWS[:60], ROWS[60:]
LABELS = ("delivery", "login", "refund")
HEAD = IntentHead(
    name="intent-test",
    encoder="e",
    labels=LABELS,
    weight=5 * np.eye(3, dtype=np.float32),
    bias=np.zeros(3, dtype=np.float32),
    temperature=1.0,
    examples=np.eye(3, dtype=np.float32),
    starts=np.arange(3),
    neighbour_weight=0.0,
    neighbour_sharpness=2.0,
    scope=UNFITTED_SCOPE,
)


def unit(vectors: np.ndarray) -> Matrix:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def telling(held_out: tuple[LabelledText, ...], noise: float) -> Matrix:
    """Embeddings that say the label, more or less."""
    true = np.eye(3)[[LABELS.index(row.label) for row in held_out]]
    return unit(true + np.random.default_rng(0).normal(scale=noise, size=true.shape))


def test_words_tell_rows_apart_that_were_not_trained_on() -> None:
    layer = fit_words(TRAIN, LABELS)
    found = layer.logits([row.text for row in HELD_OUT]).argmax(axis=1)
    assert np.mean([LABELS[column] == row.label for column, row in zip(found, HELD_OUT, strict=True)]) > 0.9


def test_the_layer_over_words_is_deterministic() -> None:
    one, other = fit_words(TRAIN, LABELS), fit_words(TRAIN, LABELS)
    np.testing.assert_array_equal(one.weight, other.weight)


def test_a_head_that_knows_outweighs_one_that_guesses() -> None:
    guess, know = telling(HELD_OUT, noise=3.0), telling(HELD_OUT, noise=0.3)
    assert combine([HEAD, HEAD], None, HELD_OUT, [guess, know]).weights == (1.0, 2.0)
    assert combine([HEAD, HEAD], None, HELD_OUT, [know, guess]).weights == (1.0, 0.5)


def test_words_that_know_weigh_more_the_less_the_head_knows() -> None:
    words = fit_words(TRAIN, LABELS)
    guessed = combine([HEAD], words, HELD_OUT, [telling(HELD_OUT, noise=3.0)])
    assert guessed.words_weight == 5.0
    right = guessed.predict([row.text for row in HELD_OUT], [telling(HELD_OUT, noise=3.0)])
    assert np.mean([intent.label == row.label for intent, row in zip(right, HELD_OUT, strict=True)]) > 0.9


def test_held_out_rows_that_are_all_right_do_not_make_it_sure_without_end() -> None:
    ensemble = combine([HEAD], fit_words(TRAIN, LABELS), HELD_OUT, [telling(HELD_OUT, noise=0.01)])
    assert ensemble.temperature >= 1.0
    (strange,) = ensemble.predict(["xylophone quartet"], [unit(np.array([[1.0, 0.9, 0.9]]))])
    assert strange.confidence < 0.9


def test_out_of_scope_rows_teach_the_in_scope_score() -> None:
    outside = tuple(LabelledText(text=f"far {number}", label=OUT_OF_SCOPE) for number in range(20))
    vectors = np.concatenate([telling(HELD_OUT, noise=0.1), unit(np.tile([-1.0, -1.0, -0.9], (20, 1)))])
    ensemble = combine([replace(HEAD)], None, HELD_OUT + outside, [vectors])
    found = ensemble.predict([row.text for row in HELD_OUT + outside], [vectors])
    assert min(intent.in_scope for intent in found[: len(HELD_OUT)]) > 0.5
    assert max(intent.in_scope for intent in found[len(HELD_OUT) :]) < 0.5


NOW = datetime(2026, 11, 24, tzinfo=UTC)
CONFIG = TrainConfig(dev_share=0.4, test_share=0.0)
ENCODER, TUNED = FakeEncoder(), FakeEncoder(dimension=256)
DELTA = EncoderDelta(base="f" * 64, tensors={"a": np.ones(2, dtype=np.float16)})
# What a bag of words of few dimensions blurs, and the words do not: each label has a word of its own in odd company.
COMPANY = ("today", "please", "again", "now", "here", "maybe", "soon", "later", "still", "twice", "at last", "for once")
FOUR = tuple(
    LabelledText(text=f"{one} {word} {other}", label=label)
    for label, word in (("a", "alpha"), ("b", "beta"), ("c", "gamma"), ("d", "delta"))
    for one in COMPANY
    for other in COMPANY[:4]
)


def member(data: Sequence[LabelledText], encoder: FakeEncoder = ENCODER, delta: EncoderDelta | None = None) -> Member:
    embeddings = encoder.encode([row.text for row in data])
    training = train_intent(data, embeddings, encoder=encoder.name, config=CONFIG, now=NOW)
    return Member(training=training, encoder=encoder, embeddings=embeddings, delta=delta)


def blurred(data: Sequence[LabelledText]) -> Member:
    return member(data, FakeEncoder(dimension=4))


def test_words_serve_beside_a_head_that_blurs_them_and_the_report_says_what_they_are_worth() -> None:
    training = assemble(FOUR, [blurred(FOUR)], config=CONFIG, now=NOW)
    assert isinstance(training.classifier, EnsembleClassifier)
    assert training.classifier.name.startswith("intent-20261124-")
    assert training.classifier.name.endswith("+words")
    assert training.words_weight == training.classifier.ensemble.words_weight
    assert training.words_weight
    head, both = training.parts
    assert (head.parts, both.parts) == ("frozen encoder", "frozen encoder + words")
    assert head.dev_accuracy == training.head.dev_accuracy < both.dev_accuracy == 1.0
    assert min(head.milliseconds, both.milliseconds) > 0
    texts = ["alpha later", "gamma at last"]
    found = training.classifier.predict(texts, FakeEncoder(dimension=4).encode(texts))
    assert [intent.label for intent in found] == ["a", "c"]


def test_words_are_trained_on_the_train_side_alone() -> None:
    training = assemble(FOUR, [blurred(FOUR)], config=CONFIG, now=NOW)
    assert isinstance(training.classifier, EnsembleClassifier)
    train = [row for row in FOUR if split_of(row.text, dev_share=0.4, test_share=0.0) is Split.TRAIN]
    words = training.classifier.ensemble.words
    assert words is not None
    np.testing.assert_array_equal(words.weight, fit_words(train, ("a", "b", "c", "d")).weight)


def test_words_that_the_dev_rows_do_not_want_are_left_out() -> None:
    # The labels are dealt out: nothing in the words tells them, and the encoder knows them all the same.
    dealt = np.random.default_rng(0).permutation(["a", "b", "c", "d"] * (len(FOUR) // 4))
    data = [replace(row, label=str(label)) for row, label in zip(FOUR, dealt, strict=True)]
    knowing = np.eye(4, dtype=np.float32)[[("a", "b", "c", "d").index(row.label) for row in data]]
    training = train_intent(data, knowing, encoder=ENCODER.name, config=CONFIG, now=NOW)
    oracle = Member(training=training, encoder=FakeEncoder(dimension=4), embeddings=knowing, delta=None)
    found = assemble(data, [oracle], config=CONFIG, now=NOW)
    assert found.classifier is training.head
    assert found.words_weight == 0
    assert [part.parts for part in found.parts] == ["frozen encoder"]


def test_with_three_labels_or_few_dev_rows_words_are_not_tried() -> None:
    three = [row for row in FOUR if row.label != "d"]
    few = [row for number, row in enumerate(FOUR) if number % 4 == 0]
    assert sum(split_of(row.text, dev_share=0.4, test_share=0.0) is Split.DEV for row in few) < MIN_DEV_ROWS
    for data in (three, few):
        training = assemble(data, [blurred(data)], config=CONFIG, now=NOW)
        assert training.words_weight is None
        assert training.classifier is training.head.head


def test_a_tuned_encoder_serves_beside_the_frozen_one() -> None:
    members = [blurred(FOUR), member(FOUR, TUNED, DELTA)]
    training = assemble(FOUR, members, config=CONFIG, now=NOW)
    assert isinstance(training.classifier, EnsembleClassifier)
    assert "+tuned" in training.classifier.name
    assert training.tuned is members[1].training
    assert [part.parts.removesuffix(" + words") for part in training.parts] == [
        "frozen encoder",
        "frozen encoder",
        "tuned encoder alone",
        "frozen + tuned encoder",
    ]
    assert training.parts[-1].dev_accuracy == 1.0


def test_words_that_are_kept_are_not_trained_anew() -> None:
    kept = fit_words(FOUR[::2], ("a", "b", "c", "d"))
    training = assemble(FOUR, [blurred(FOUR)], config=CONFIG, now=NOW, words=kept)
    assert isinstance(training.classifier, EnsembleClassifier)
    assert training.classifier.ensemble.words is kept


def test_a_second_head_without_its_delta_is_refused() -> None:
    with pytest.raises(AdapterError, match="give its delta"):
        assemble(FOUR, [member(FOUR), member(FOUR, TUNED)], config=CONFIG, now=NOW)


def test_classifiers_of_other_parts_have_other_names() -> None:
    plain, tuned = [blurred(FOUR)], [blurred(FOUR), member(FOUR, TUNED, DELTA)]
    names = {assemble(FOUR, members, config=CONFIG, now=NOW).classifier.name for members in (plain, plain, tuned)}
    assert len(names) == 2
