"""Rated questions to a version of the intent classifier."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.examples import Examples, IntentExample
from adapters.intent import persist
from adapters.intent.classifier import CLASSIFIER_FOLDER
from adapters.intent.config import load_definitions
from adapters.layout import verify
from adapters.testing import FakeEncoder
from adapters.types import Task
from tests.unit.training.corpus import rows
from training.errors import TooFewError, TrainingError
from training.feedback_intent import IntentGround, train_intent_on_feedback
from training.few_shot import few_shot
from training.splits import feedback_side
from training.types import Split, TrainConfig, TrainStep

NOW = datetime(2026, 11, 26, tzinfo=UTC)
ENCODER = FakeEncoder()
DEFINITIONS = load_definitions()
SAID = tuple(f"pretty please zebra {number}" for number in range(40))
LEARNED = tuple(text for text in SAID if feedback_side(text) is not Split.TEST)


def example(text: str, label: str = "human", weight: float = 1.0) -> IntentExample:
    return IntentExample(question=text, label=label, weight=weight, ratings=(f"{text}:ada",))


EXAMPLES = Examples(intents=tuple(example(text) for text in LEARNED[:8]))


def label_of(folder: Path, text: str) -> str:
    classifier = persist.load(folder / CLASSIFIER_FOLDER, encoder=ENCODER.name)
    assert classifier is not None
    return classifier.predict([text], ENCODER.encode([text]))[0].label


def test_questions_that_people_call_otherwise_are_learned(tmp_path: Path) -> None:
    text = "zebra please pretty now"
    before = few_shot(DEFINITIONS, ENCODER).predict([text], ENCODER.encode([text]))[0].label
    made = train_intent_on_feedback(
        EXAMPLES, IntentGround(definitions=DEFINITIONS), ENCODER, tmp_path / "a", TrainConfig(), now=NOW
    )
    assert before != "human"
    assert label_of(made.folder, text) == "human"
    assert verify(made.folder, full=True) is None
    assert (made.task, made.examples) == (Task.INTENT, 8)


def test_what_people_say_takes_the_place_of_a_definitions_example(tmp_path: Path) -> None:
    taken = next(text for text in DEFINITIONS[0].examples if feedback_side(text) is not Split.TEST)
    other = "human" if DEFINITIONS[0].name != "human" else DEFINITIONS[1].name
    examples = Examples(intents=(*EXAMPLES.intents, example(taken, other)))
    made = train_intent_on_feedback(
        examples, IntentGround(definitions=DEFINITIONS), ENCODER, tmp_path / "a", TrainConfig(), now=NOW
    )
    assert label_of(made.folder, taken) == other


def test_rows_that_it_was_trained_on_stay_beside_what_is_learned(tmp_path: Path) -> None:
    told: list[TrainStep] = []
    ground = IntentGround(definitions=DEFINITIONS, rows=rows())
    made = train_intent_on_feedback(
        EXAMPLES, ground, ENCODER, tmp_path / "a", TrainConfig(), now=NOW, on_step=told.append
    )
    assert label_of(made.folder, "zebra please pretty now") == "human"
    assert label_of(made.folder, "where is my parcel") == "delivery"
    assert made.curve == tuple(told)


@pytest.mark.parametrize("trained", [(), rows()], ids=["definitions", "rows"])
def test_a_rerun_gives_the_same_classifier_and_trust_another(tmp_path: Path, trained: tuple[()]) -> None:
    ground = IntentGround(definitions=DEFINITIONS, rows=trained)
    doubted = Examples(intents=tuple(replace(one, weight=0.05) for one in EXAMPLES.intents))
    for name, examples in (("a", EXAMPLES), ("b", EXAMPLES), ("c", doubted)):
        train_intent_on_feedback(examples, ground, ENCODER, tmp_path / name, TrainConfig(), now=NOW)
    files = {
        name: {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*") if path.is_file()}
        for name in ("a", "b", "c")
    }
    assert files["a"] == files["b"]
    assert files["a"].keys() != files["c"].keys()  # the tensors' file is named by its content


def test_questions_of_the_side_that_decides_and_of_unknown_intents_are_not_learned(tmp_path: Path) -> None:
    held = tuple(example(text) for text in SAID if feedback_side(text) is Split.TEST)
    unknown = tuple(example(text, "gone") for text in LEARNED)
    with pytest.raises(TooFewError) as caught:
        train_intent_on_feedback(
            Examples(intents=(*held, *unknown, example(LEARNED[0]))), IntentGround(definitions=DEFINITIONS), ENCODER,
            tmp_path / "a", TrainConfig(), now=NOW,
        )  # fmt: skip
    assert (caught.value.have, caught.value.need) == (1, 5)
    assert not (tmp_path / "a").exists()


def test_a_folder_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is taken"):
        train_intent_on_feedback(
            EXAMPLES, IntentGround(definitions=DEFINITIONS), ENCODER, tmp_path, TrainConfig(), now=NOW
        )
