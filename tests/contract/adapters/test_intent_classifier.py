"""Every IntentClassifier keeps to these: zero-shot, few-shot, trained, and read back from disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from adapters.intent.config import IntentDefinition, parse_definitions
from adapters.intent.model import IntentHead
from adapters.intent.persist import load, save
from adapters.testing import FakeEncoder
from adapters.types import IntentClassifier
from tests.unit.training.corpus import SUBJECTS, rows
from training.few_shot import few_shot
from training.train_intent import train_intent
from training.types import TrainConfig

ENCODER = FakeEncoder()
MESSAGES = {"where is the refund": "refund", "password please": "login", "the parcel is late": "delivery"}


def definitions() -> tuple[IntentDefinition, ...]:
    return parse_definitions(
        "\n".join(
            f'[[intent]]\nname = "{label}"\ndescription = "about {words}"\nexamples = ["{words} please"]'
            for label, words in ((label, ", ".join(subjects)) for label, subjects in SUBJECTS.items())
        ),
        origin="contract",
    )


@pytest.fixture(params=["zero-shot", "few-shot", "trained", "from disk"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> IntentClassifier:
    if request.param == "zero-shot":
        return IntentHead.from_prototypes(definitions(), ENCODER)
    if request.param == "few-shot":
        return few_shot(definitions(), ENCODER)
    head = train_intent(
        rows(),
        ENCODER.encode([row.text for row in rows()]),
        encoder=ENCODER.name,
        config=TrainConfig(epochs=30, batch_size=16),
        now=datetime(2026, 11, 24, tzinfo=UTC),
    ).head
    if request.param == "trained":
        return head
    save(head, tmp_path)
    back = load(tmp_path, encoder=ENCODER.name)
    assert back is not None
    return back


def test_clear_messages_get_their_label(subject: IntentClassifier) -> None:
    found = subject.predict(ENCODER.encode(list(MESSAGES)))
    assert [intent.label for intent in found] == list(MESSAGES.values())
    assert sorted(subject.labels) == ["delivery", "login", "refund"]
    assert subject.name.startswith("intent-")


def test_scores_are_in_their_ranges_whatever_is_said(subject: IntentClassifier) -> None:
    for intent in subject.predict(ENCODER.encode(["", "?", "xylophone", "您好", *MESSAGES])):
        assert intent.label in subject.labels
        assert 1 / len(subject.labels) <= intent.confidence <= 1
        assert 0 <= intent.in_scope <= 1


def test_a_message_of_its_field_is_more_in_scope_than_a_strange_one(subject: IntentClassifier) -> None:
    inside, outside = subject.predict(ENCODER.encode(["password please", "xylophone quartet tonight"]))
    assert inside.in_scope > outside.in_scope
    assert inside.confidence > outside.confidence


def test_no_embeddings_give_no_intents(subject: IntentClassifier) -> None:
    assert subject.predict(np.zeros((0, ENCODER.dimension), dtype=np.float32)) == ()


def test_threads_get_their_own_results(subject: IntentClassifier) -> None:
    embeddings = ENCODER.encode(list(MESSAGES))
    expected = subject.predict(embeddings)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(subject.predict, [embeddings] * 40):
            assert found == expected
