"""Every IntentClassifier keeps to these: heads, ensembles, read back from disk, and the fake."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from adapters.encoder.adapter import EncoderDelta
from adapters.intent.classifier import EnsembleClassifier, TunedEncoder
from adapters.intent.config import IntentDefinition, parse_definitions
from adapters.intent.model import IntentHead
from adapters.intent.persist import load, save, save_ensemble
from adapters.testing import FakeEncoder
from adapters.types import Intent, IntentClassifier
from bot.testing import FixedClassifier
from tests.unit.training.corpus import SUBJECTS, rows
from training.combine_intents import combine, fit_words
from training.few_shot import few_shot
from training.splits import split_of
from training.train_intent import train_intent
from training.types import Split, TrainConfig

ENCODER, TUNED = FakeEncoder(), FakeEncoder(dimension=256)
NOW = datetime(2026, 11, 24, tzinfo=UTC)
CONFIG = TrainConfig(epochs=30, batch_size=16)
DELTA = EncoderDelta(base="f" * 64, tensors={"a": np.ones(2, dtype=np.float16)})
MESSAGES = {"where is the refund": "refund", "password please": "login", "the parcel is late": "delivery"}


def definitions() -> tuple[IntentDefinition, ...]:
    return parse_definitions(
        "\n".join(
            f'[[intent]]\nname = "{label}"\ndescription = "about {words}"\nexamples = ["{words} please"]'
            for label, words in ((label, ", ".join(subjects)) for label, subjects in SUBJECTS.items())
        ),
        origin="contract",
    )


def trained(encoder: FakeEncoder) -> IntentHead:
    embeddings = encoder.encode([row.text for row in rows()])
    return train_intent(rows(), embeddings, encoder=encoder.name, config=CONFIG, now=NOW).head


def ensemble(*encoders: FakeEncoder) -> EnsembleClassifier:
    """Heads on some encoders, the first of which searches, with words beside them."""
    sides = [split_of(row.text, dev_share=CONFIG.dev_share, test_share=CONFIG.test_share) for row in rows()]
    train, dev = ([row for row, side in zip(rows(), sides, strict=True) if side is kept] for kept in list(Split)[:2])
    heads = [trained(encoder) for encoder in encoders]
    words = fit_words(train, heads[0].labels)
    made = combine(heads, words, dev, [encoder.encode([row.text for row in dev]) for encoder in encoders])
    made = replace(made, words=words, words_weight=1.0)
    tuned = tuple(TunedEncoder(encoder=encoder, delta=DELTA) for encoder in encoders[1:])
    return EnsembleClassifier(name="intent-test+words", ensemble=made, tuned=tuned)


def from_disk(classifier: IntentHead | EnsembleClassifier, folder: Path) -> IntentClassifier:
    if isinstance(classifier, IntentHead):
        save(classifier, folder)
    else:
        save_ensemble(classifier, folder, created_at=NOW)
    back = load(folder, encoder=ENCODER.name, tuned=lambda _: TunedEncoder(encoder=TUNED, delta=DELTA))
    assert back is not None
    return back


@pytest.fixture(
    params=[
        "zero-shot",
        "few-shot",
        "trained",
        "trained from disk",
        "with words",
        "with words from disk",
        "with words and a tuned encoder",
        "with words and a tuned encoder from disk",
    ]
)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> IntentClassifier:
    if request.param == "zero-shot":
        return IntentHead.from_prototypes(definitions(), ENCODER)
    if request.param == "few-shot":
        return few_shot(definitions(), ENCODER)
    made = (
        trained(ENCODER)
        if request.param.startswith("trained")
        else ensemble(*([ENCODER, TUNED] if "tuned" in request.param else [ENCODER]))
    )
    return from_disk(made, tmp_path) if request.param.endswith("from disk") else made


def predicted(subject: IntentClassifier, *texts: str) -> tuple[Intent, ...]:
    return subject.predict(texts, ENCODER.encode(texts))


def test_clear_messages_get_their_label(subject: IntentClassifier) -> None:
    found = predicted(subject, *MESSAGES)
    assert [intent.label for intent in found] == list(MESSAGES.values())
    assert sorted(subject.labels) == ["delivery", "login", "refund"]
    assert subject.name.startswith("intent-")


def test_scores_are_in_their_ranges_whatever_is_said(subject: IntentClassifier) -> None:
    for intent in predicted(subject, "", "?", "xylophone", "您好", *MESSAGES):
        assert intent.label in subject.labels
        assert 1 / len(subject.labels) <= intent.confidence <= 1
        assert 0 <= intent.in_scope <= 1


def test_a_message_of_its_field_is_more_in_scope_than_a_strange_one(subject: IntentClassifier) -> None:
    inside, outside = predicted(subject, "password please", "xylophone quartet tonight")
    assert inside.in_scope > outside.in_scope
    assert inside.confidence > outside.confidence


def test_no_texts_give_no_intents(subject: IntentClassifier) -> None:
    assert predicted(subject) == ()


def test_threads_get_their_own_results(subject: IntentClassifier) -> None:
    expected = predicted(subject, *MESSAGES)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: predicted(subject, *MESSAGES), range(40)):
            assert found == expected


def test_each_text_is_told_as_it_is_told_alone(subject: IntentClassifier) -> None:
    together = predicted(subject, *MESSAGES)
    alone = [predicted(subject, message)[0] for message in MESSAGES]
    assert [intent.label for intent in together] == [intent.label for intent in alone]
    np.testing.assert_allclose([one.confidence for one in together], [one.confidence for one in alone], rtol=1e-5)


def test_the_fake_gives_its_intent_once_a_text() -> None:
    fake: IntentClassifier = FixedClassifier("refund", confidence=0.9)
    found = predicted(fake, *MESSAGES)
    assert found == (Intent(label="refund", confidence=0.9, in_scope=1.0),) * len(MESSAGES)
    assert fake.labels == ("refund",)
    assert predicted(fake) == ()
