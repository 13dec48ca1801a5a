"""Tuning the real small encoder on a few rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from adapters.bases import fingerprint
from adapters.encoder.adapter import DELTA_FILE, EncoderDelta, load_delta, save_delta
from adapters.encoder.config import EncoderSettings
from adapters.encoder.model import SentenceEncoder
from adapters.errors import AdapterError
from adapters.types import LabelledText
from tests.unit.training.corpus import rows
from training.errors import TrainingError
from training.tune_encoder import TuneConfig, tune_intent, tune_intent_encoder
from training.types import TrainConfig

pytestmark = pytest.mark.models

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SHARES = TrainConfig(dev_share=0.2, test_share=0.0)
CONFIG = TuneConfig(epochs=3, batch_size=8)
# Two labels that the words cannot tell apart and the base encoder does not either: who pays whom.
EIGHT = tuple(
    LabelledText(text=text, label=label)
    for text, label in (
        ("my friend owes me money", "in"),
        ("I owe my friend money", "out"),
        ("the shop sent me the sum", "in"),
        ("I sent the shop the sum", "out"),
        ("Anna paid me back", "in"),
        ("I paid Anna back", "out"),
        ("they refund me", "in"),
        ("I refund them", "out"),
    )
)


def test_a_tuned_encoder_learns_eight_examples_by_heart(encoder_folder: Path) -> None:
    layer = tune_intent_encoder(
        EIGHT,
        encoder_folder,
        config=TuneConfig(epochs=25, batch_size=8, dropout=0.0),
        shares=replace(SHARES, dev_share=1e-9),
    )
    assert layer.epochs[-1].train_loss < 0.05 < layer.epochs[0].train_loss
    encoder = SentenceEncoder(encoder_folder, delta=layer.delta)
    logits = encoder.encode([row.text for row in EIGHT]) @ layer.weight.T + layer.bias
    assert [("in", "out")[column] for column in logits.argmax(axis=1)] == [row.label for row in EIGHT]


def test_the_same_seed_gives_the_same_encoder_and_head(encoder_folder: Path) -> None:
    first, again, other = (
        tune_intent_encoder(rows()[:40], encoder_folder, config=replace(CONFIG, epochs=1, seed=seed), shares=SHARES)
        for seed in (0, 0, 1)
    )
    assert first.delta.digest == again.delta.digest != other.delta.digest
    np.testing.assert_array_equal(first.weight, again.weight)


def test_tuning_gives_a_calibrated_head_on_an_encoder_of_another_name(
    encoder: SentenceEncoder, encoder_folder: Path, tmp_path: Path
) -> None:
    tuning = tune_intent(rows(), encoder_folder, config=CONFIG, shares=SHARES, now=NOW)
    assert tuning.training.dev_accuracy == 1.0
    assert tuning.training.head.encoder == tuning.encoder.name != encoder.name
    (sure,) = tuning.training.head.classify(tuning.encoder.encode(["where is my parcel"]))
    assert (sure.label, sure.confidence > 0.8) == ("delivery", True)

    save_delta(tuning.delta, tmp_path / "tuned", source="test", created_at=NOW)
    loaded = load_delta(tmp_path / "tuned", base=fingerprint(encoder_folder))
    again = SentenceEncoder(encoder_folder, delta=loaded)
    assert again.name == tuning.encoder.name
    np.testing.assert_array_equal(again.encode(["refund"]), tuning.encoder.encode(["refund"]))


def test_only_the_upper_layers_are_kept_in_the_delta(encoder_folder: Path) -> None:
    config = replace(CONFIG, epochs=1, frozen_layers=5)
    delta = tune_intent_encoder(EIGHT, encoder_folder, config=config, shares=SHARES).delta
    assert delta.tensors
    assert all(name.startswith("encoder.layer.5.") for name in delta.tensors)


def test_freezing_every_layer_is_refused(encoder_folder: Path) -> None:
    with pytest.raises(TrainingError, match="6 layers"):
        tune_intent_encoder(EIGHT, encoder_folder, config=replace(CONFIG, frozen_layers=6), shares=SHARES)


def test_one_intent_is_refused(encoder_folder: Path) -> None:
    with pytest.raises(TrainingError, match="at least two intents"):
        tune_intent_encoder(EIGHT[::2], encoder_folder, config=CONFIG, shares=SHARES)


def test_a_delta_of_another_base_is_refused(encoder_folder: Path, tmp_path: Path) -> None:
    delta = EncoderDelta(base="f" * 64, tensors={})
    with pytest.raises(AdapterError, match="belongs to the model ffffffffffff"):
        SentenceEncoder(encoder_folder, EncoderSettings(), delta=delta)
    save_delta(delta, tmp_path / "tuned", source="test", created_at=NOW)
    with pytest.raises(AdapterError, match="belongs to the model ffffffffffff"):
        load_delta(tmp_path / "tuned", base=fingerprint(encoder_folder))


def test_a_damaged_delta_is_refused(tmp_path: Path) -> None:
    delta = EncoderDelta(base="f" * 64, tensors={"a": np.ones((2, 2), dtype=np.float16)})
    save_delta(delta, tmp_path, source="test", created_at=NOW)
    assert load_delta(tmp_path, base="f" * 64).digest == delta.digest
    content = bytearray((tmp_path / DELTA_FILE).read_bytes())
    content[-1] ^= 1
    (tmp_path / DELTA_FILE).write_bytes(content)
    with pytest.raises(AdapterError, match="has changed"):
        load_delta(tmp_path, base="f" * 64)


def test_a_delta_is_not_written_over_another(tmp_path: Path) -> None:
    delta = EncoderDelta(base="f" * 64, tensors={"a": np.ones(2, dtype=np.float16)})
    save_delta(delta, tmp_path, source="test", created_at=NOW)
    with pytest.raises(AdapterError, match="not empty"):
        save_delta(delta, tmp_path, source="test", created_at=NOW)
