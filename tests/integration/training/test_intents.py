"""From a file to a head to a report; the built-in head with the real encoder."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from adapters.intent.config import QUESTION, load_definitions
from adapters.intent.match import ExampleMatcher, has_cjk
from adapters.testing import FakeEncoder
from adapters.types import Encoder
from tests.unit.training.corpus import rows
from training.dataset import load_rows
from training.errors import TrainingError
from training.few_shot import few_shot
from training.intents import evaluate_from_file, train_from_file
from training.types import EpochReport, Split, TrainConfig

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HELD_OUT = Path(__file__).parents[2] / "data" / "builtin_intents_heldout.csv"
DEFAULT_THRESHOLD = 0.85  # intents.small_talk_confidence
ENCODER = FakeEncoder()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "intents.csv"
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["text", "label"])
        writer.writerows((row.text, row.label) for row in rows())
    return path


def test_a_file_trains_a_head_that_the_test_side_measures(file: Path) -> None:
    epochs: list[EpochReport] = []
    encoded: list[tuple[int, int]] = []
    training = train_from_file(
        file,
        ENCODER,
        config=TrainConfig(),
        now=NOW,
        on_epoch=epochs.append,
        progress=lambda done, total, _: encoded.append((done, total)),
        builtin=False,
    )
    report = evaluate_from_file(file, training.head, ENCODER, config=TrainConfig(), rng=np.random.default_rng(0))
    assert training.head.labels == ("delivery", "login", "refund")
    assert epochs
    assert encoded == [(120, 120)]
    assert report.rows == training.rows[Split.TEST]
    assert report.accuracy.value >= 0.9
    everything = evaluate_from_file(
        file, training.head, ENCODER, config=TrainConfig(), rng=np.random.default_rng(0), every_row=True
    )
    assert everything.rows == 120


def test_a_team_file_trains_beside_the_built_in_intents(file: Path) -> None:
    training = train_from_file(file, ENCODER, config=TrainConfig(), now=NOW)
    found = training.head.predict(ENCODER.encode(["thanks a lot for your help", "where is my parcel"]))
    assert [intent.label for intent in found] == ["thanks", "delivery"]
    assert {definition.name for definition in load_definitions()} < set(training.head.labels)


def test_a_file_without_rows_on_the_test_side_says_so(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("text,label\nHow do I reset my password?,a\n", encoding="utf-8")
    head = few_shot(load_definitions(), ENCODER)
    with pytest.raises(TrainingError, match=r"No row of .* falls on the test side"):
        evaluate_from_file(path, head, ENCODER, config=TrainConfig(), rng=np.random.default_rng(0))


@pytest.mark.models
def test_the_built_in_head_sorts_held_out_messages(encoder: Encoder) -> None:
    definitions = load_definitions()
    head, matcher = few_shot(definitions, encoder), ExampleMatcher(definitions)
    held_out = load_rows(HELD_OUT)
    found = [
        matcher.match(row.text) or intent
        for row, intent in zip(held_out, head.predict(encoder.encode([row.text for row in held_out])), strict=True)
    ]
    surely = [intent.label if intent.confidence >= DEFAULT_THRESHOLD else QUESTION for intent in found]
    pairs = list(zip(held_out, surely, strict=True))
    diverted = [row.text for row, label in pairs if row.label == QUESTION and label != QUESTION]
    assert diverted == []
    for chinese, least in ((False, 0.75), (True, 0.7)):
        hits = [label == row.label for row, label in pairs if row.label != QUESTION and has_cjk(row.text) is chinese]
        assert np.mean(hits) >= least
    wrong = [row.text for row, label in pairs if label not in (row.label, QUESTION)]
    assert len(wrong) <= 2
