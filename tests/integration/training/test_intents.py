"""From a file to a head to a report; the built-in head with the real encoder."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from adapters.errors import AdapterError
from adapters.intent.classifier import EnsembleClassifier
from adapters.intent.config import QUESTION, load_definitions
from adapters.intent.match import ExampleMatcher, has_cjk
from adapters.testing import FakeEncoder
from adapters.types import Encoder
from bot.cli.app import app
from bot.config import Settings, folders
from bot.wiring import Wiring
from tests.unit.training.corpus import rows
from training.dataset import load_rows
from training.errors import TrainingError
from training.few_shot import few_shot
from training.intents import evaluate_from_file, train_from_file
from training.types import ClassifierTraining, EpochReport, Split, TrainConfig

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HELD_OUT = Path(__file__).parents[2] / "data" / "builtin_intents_heldout.csv"
DEFAULT_THRESHOLD = 0.85  # intents.small_talk_confidence
ENCODER = FakeEncoder()


def labelled(path: Path, said: Iterable[tuple[str, str]]) -> Path:
    """Write texts with their labels into a file."""
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["text", "label"])
        writer.writerows(said)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return labelled(tmp_path / "intents.csv", ((row.text, row.label) for row in rows()))


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
    report = evaluate_from_file(file, training.classifier, ENCODER, config=TrainConfig(), rng=np.random.default_rng(0))
    assert training.classifier.labels == ("delivery", "login", "refund")
    assert epochs
    assert encoded == [(120, 120)]
    assert report.rows == training.head.rows[Split.TEST]
    assert report.accuracy.value >= 0.9
    everything = evaluate_from_file(
        file, training.classifier, ENCODER, config=TrainConfig(), rng=np.random.default_rng(0), every_row=True
    )
    assert everything.rows == 120


def test_a_team_file_trains_beside_the_built_in_intents(file: Path) -> None:
    training = train_from_file(file, ENCODER, config=TrainConfig(), now=NOW)
    said = ["thanks a lot for your help", "where is my parcel"]
    found = training.classifier.predict(said, ENCODER.encode(said))
    assert [intent.label for intent in found] == ["thanks", "delivery"]
    assert {definition.name for definition in load_definitions()} < set(training.classifier.labels)


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
        for row, intent in zip(held_out, head.classify(encoder.encode([row.text for row in held_out])), strict=True)
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


# -- with the real encoder: what `burnish intents train` makes, and what the bot makes of it


FOUR = ("refund", "delivery", "login", "invoice")
FRAMES = (
    "where is my {}",
    "a question on the {}",
    "the {} is late",
    "help me with the {} please",
    "any news of {} number 7?",
    "my {} never came",
    "{} does not work",
    "who can tell me about the {}",
    "is the {} free of charge",
    "I am waiting for my {}",
)
SYNONYMS = {
    "refund": ("refund", "money back", "reimbursement", "repayment", "chargeback", "return payment"),
    "delivery": ("parcel", "delivery", "package", "shipment", "courier", "tracking"),
    "login": ("password", "login", "account access", "sign in", "verification code", "user name"),
    "invoice": ("invoice", "bill", "receipt", "statement", "VAT number", "yearly summary"),
}


@pytest.fixture
def wiring(tmp_path: Path, model_cache: Path) -> Wiring:
    """The program's parts, with an empty home."""
    places = folders({"BURNISH_HOME": str(tmp_path / "home"), "BURNISH_CACHE": str(model_cache)})
    return Wiring(Settings(), places, lambda *_: None)


@pytest.fixture
def four(tmp_path: Path) -> Path:
    """A file of four intents, 240 rows."""
    said = ((frame.format(word), label) for frame in FRAMES for label in FOUR for word in SYNONYMS[label])
    return labelled(tmp_path / "four.csv", said)


def trained(wiring: Wiring, file: Path, *, tune: bool = False, refit: bool = False) -> ClassifierTraining:
    return wiring.train_intents(
        file,
        {},
        builtin=False,
        plot=None,
        on_epoch=lambda _: None,
        tune={"epochs": 2} if tune else None,
        refit=refit,
    )


@pytest.mark.models
def test_a_tuned_encoder_is_trained_served_measured_refitted_and_dropped(wiring: Wiring, four: Path) -> None:
    training = trained(wiring, four, tune=True)
    assert [part.parts.removesuffix(" + words") for part in training.parts[-2:]] == [
        "tuned encoder alone",
        "frozen + tuned encoder",
    ]
    assert training.parts[-1].dev_accuracy >= 0.9
    assert all(part.milliseconds > 0 for part in training.parts), "how they compare is for benchmarks.intent to say"
    assert wiring.has_tuned_intents

    served = wiring.classifier()
    assert isinstance(served, EnsembleClassifier)
    assert served.name == training.classifier.name
    texts = ["my parcel is late", "I want my money back"]
    embeddings = wiring.encoder.encode(texts)
    found = served.predict(texts, embeddings)
    assert [intent.label for intent in found] == ["delivery", "refund"]
    before = training.classifier.predict(texts, embeddings)
    np.testing.assert_allclose([one.confidence for one in found], [one.confidence for one in before], atol=1e-4)
    report = wiring.evaluate_intents(four, every_row=False, seed=0, picture=four.with_suffix(".png"))
    assert report.head == served.name
    assert report.accuracy.value >= 0.9

    with four.open("a", encoding="utf-8") as target:
        target.writelines(f"the {word} {number} again,login\n" for number, word in enumerate(SYNONYMS["login"]))
    refitted = trained(wiring, four, refit=True)
    assert isinstance(refitted.classifier, EnsembleClassifier)
    assert refitted.classifier.tuned[0].delta.digest == served.tuned[0].delta.digest
    assert refitted.tuned is not None
    assert refitted.tuned.rows[Split.TRAIN] > training.head.rows[Split.TRAIN]

    trained(wiring, four)
    assert not wiring.has_tuned_intents


@pytest.mark.models
def test_a_classifier_of_another_encoder_is_named_with_what_to_do(wiring: Wiring, four: Path) -> None:
    trained(wiring, four)
    (manifest,) = (wiring.folders.intents / "trained").glob("manifest.json")
    manifest.write_text(manifest.read_text().replace(wiring.encoder.name, "encoder-other"))
    with pytest.raises(AdapterError, match=r'was made for the encoder "encoder-other", .* train it again'):
        wiring.classifier()


@pytest.mark.models
def test_the_command_tells_what_each_part_is_worth(four: Path, tmp_path: Path, model_cache: Path) -> None:
    home = {"BURNISH_HOME": str(tmp_path / "home"), "BURNISH_CACHE": str(model_cache), "BURNISH_CONFIG": ""}

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["intents", *arguments], env=home, catch_exceptions=False)
        return " ".join(result.output.split())

    tuned = run("train", str(four), "--tune-encoder", "--tune-epochs", "1", "--epochs", "3")
    assert "dev accuracy calibration error ms a query frozen encoder 0." in tuned
    assert "tuning the encoder epoch train loss" in tuned
    assert "frozen + tuned encoder" in tuned
    assert "+tuned: best epoch" in tuned
    measured = run("eval", str(four), "--picture", str(tmp_path / "c.png"))
    assert "+tuned: accuracy" in measured
    assert "The tuned encoder that served before is left out" in run("train", str(four), "--epochs", "3")
    assert "give one" in run("train", str(four), "--tune-encoder", "--refit")
