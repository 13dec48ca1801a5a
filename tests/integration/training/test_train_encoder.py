"""Tuning the real encoder on a handful of links; a few seconds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from adapters.bases import fingerprint
from adapters.encoder.adapter import load_delta, save_delta
from adapters.encoder.config import EncoderSettings
from adapters.encoder.model import SentenceEncoder
from training.errors import TrainingError
from training.links import Link, LinkEpoch, LinkTrainConfig, LinkTraining
from training.splits import position
from training.train_encoder import train_encoder

pytestmark = pytest.mark.models

PASSAGES = (
    "The refund takes five working days.",
    "Parking is free for one hour.",
    "Our office is in Berlin.",
    "Passwords are reset by mail.",
    "Invoices are sent at the start of the month.",
    "The warranty covers two years.",
    "Deliveries arrive before noon.",
    "A contract ends after twelve months.",
)
# The house's own words, which no pretrained encoder can know.
QUESTIONS = (
    "when does a blorp come back",
    "how long may the zunk stand here",
    "where does the frabble sit",
    "I lost my grumkey",
    "when do I get the vatslip",
    "until when is a snarf mended",
    "what time does the plumbox come",
    "how long am I bound by the oathpaper",
)
LINKS = tuple(Link(question=question, passage=number) for number, question in enumerate(QUESTIONS))
QUICK = LinkTrainConfig(epochs=8, rank=0, learning_rate=2e-4, dev_share=0.0, warm_up=0.0, passages_per_step=8)
FLOAT = EncoderSettings(dtype="float32")


@pytest.fixture(scope="module")
def tuned(encoder_folder: Path) -> LinkTraining:
    return train_encoder(encoder_folder, LINKS, PASSAGES, QUICK)


def ranks(encoder: SentenceEncoder) -> list[int]:
    """Place of each question's passage, from 1."""
    scores = encoder.encode(QUESTIONS) @ encoder.encode(PASSAGES).T
    own = np.diagonal(scores)
    return (1 + (scores > own[:, np.newaxis]).sum(axis=1)).tolist()  # type: ignore[no-any-return]  # untyped in numpy


def test_links_that_were_learned_rank_first(encoder_folder: Path, tuned: LinkTraining) -> None:
    before = ranks(SentenceEncoder(encoder_folder, FLOAT))
    after = ranks(SentenceEncoder(encoder_folder, FLOAT, delta=tuned.delta))
    assert sum(before) > 14
    assert after == [1] * 8
    assert (tuned.links, tuned.best_epoch, len(tuned.epochs)) == (8, 8, 9)
    assert tuned.epochs[-1].train_loss < 0.1 < tuned.epochs[1].train_loss


def test_a_lora_is_merged_into_an_ordinary_delta_of_the_linear_layers(encoder_folder: Path) -> None:
    config = replace(QUICK, rank=8, learning_rate=2e-3, epochs=12)
    delta = train_encoder(encoder_folder, LINKS, PASSAGES, config).delta
    assert all(name.endswith(".weight") and "lora" not in name for name in delta.tensors)
    assert len(delta.tensors) == 3 * 6  # query, key, value and three dense layers in each of the upper three
    assert sum(ranks(SentenceEncoder(encoder_folder, FLOAT, delta=delta))) <= 9


def test_the_same_links_and_seed_give_the_same_delta(encoder_folder: Path) -> None:
    config = replace(QUICK, epochs=1)
    first, second = (train_encoder(encoder_folder, LINKS, PASSAGES, config).delta for _ in range(2))
    assert first.digest == second.digest
    assert first.digest != train_encoder(encoder_folder, LINKS, PASSAGES, replace(config, seed=1)).delta.digest


def test_a_saved_delta_loads_to_equal_vectors_under_a_name_of_its_own(
    encoder_folder: Path, tuned: LinkTraining, tmp_path: Path
) -> None:
    base = fingerprint(encoder_folder)
    save_delta(tuned.delta, tmp_path / "tuned", source="a test", created_at=datetime(2026, 11, 24, tzinfo=UTC))
    loaded = SentenceEncoder(encoder_folder, FLOAT, delta=load_delta(tmp_path / "tuned", base=base))
    direct = SentenceEncoder(encoder_folder, FLOAT, delta=tuned.delta)
    np.testing.assert_array_equal(loaded.encode(QUESTIONS), direct.encode(QUESTIONS))
    assert loaded.name == direct.name != SentenceEncoder(encoder_folder, FLOAT).name


def test_an_encoder_that_already_answers_every_dev_question_stays_as_it_is(encoder_folder: Path) -> None:
    asked = ("When are invoices sent?", "Where is the office?", "Is parking free?", "How are passwords reset?")
    right = dict(zip(asked, (4, 2, 1, 3), strict=True))
    dev = [Link(question=text, passage=number) for text, number in right.items() if position(text) < 0.5]
    learned = [link for link in LINKS if position(link.question) >= 0.5]
    assert dev
    assert learned
    seen: list[LinkEpoch] = []
    done = train_encoder(
        encoder_folder,
        [*learned, *dev],
        PASSAGES,
        replace(QUICK, dev_share=0.5, least_dev=1, patience=2),
        on_epoch=lambda report, _delta: seen.append(report),
    )
    assert (done.best_epoch, done.delta.tensors, done.epochs[0].dev_accuracy) == (0, {}, 1.0)
    assert [report.epoch for report in seen] == [0, 1, 2]  # two without a better one


def test_too_few_dev_questions_decide_nothing(encoder_folder: Path) -> None:
    done = train_encoder(encoder_folder, LINKS, PASSAGES, replace(QUICK, epochs=1, dev_share=0.5))
    assert (done.links, done.best_epoch) == (8, 1)


@pytest.mark.parametrize("links", [(), (Link(question="?", passage=8),)])
def test_links_to_nothing_are_refused(encoder_folder: Path, links: tuple[Link, ...]) -> None:
    with pytest.raises(TrainingError, match="link"):
        train_encoder(encoder_folder, links, PASSAGES)


def test_a_setting_outside_its_range_is_refused() -> None:
    with pytest.raises(TrainingError, match="epochs must be 1 or more, not 0"):
        LinkTrainConfig(epochs=0)
