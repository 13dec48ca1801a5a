"""Domain pre-training on a tiny model with the real tokenizer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.generator.config import GeneratorSettings
from adapters.generator.model import LocalGenerator
from adapters.layout import verify
from adapters.types import Task
from training.domain import DEV_SHARE, DomainConfig, train_domain
from training.errors import TooFewError
from training.ground import Ground
from training.splits import split_of
from training.types import Split, TrainStep

pytestmark = pytest.mark.models

NOW = datetime(2026, 11, 26, tzinfo=UTC)
DOCUMENTS = {
    f"guide-{number}.md": tuple(
        f"Turbine {number} is oiled every {part} weeks. The valve of turbine {number} is opened by hand." * 3
        for part in range(1, 4)
    )
    for number in range(24)
}
CONFIG = DomainConfig(block_tokens=64, max_steps=24, learning_rate=5e-3, evaluate_every=8)


def ground(base: Path) -> Ground:
    return Ground(base=base, source="package:x==1!y", parent=None)


def test_documents_that_were_held_out_become_likelier_and_the_adapter_loads(tiny: Path, tmp_path: Path) -> None:
    told: list[TrainStep] = []
    made = train_domain(DOCUMENTS, ground(tiny), tmp_path / "a", CONFIG, now=NOW, on_step=told.append)
    assert {split_of(uri, dev_share=DEV_SHARE, test_share=0.0) for uri in DOCUMENTS} == {Split.TRAIN, Split.DEV}
    assert made.metrics["perplexity after"] < made.metrics["perplexity before"] / 2
    assert made.curve == tuple(told)
    assert made.task is Task.GENERATOR
    assert verify(made.folder, full=True) is None
    LocalGenerator(tiny, GeneratorSettings(dtype="float32"), adapter=made.folder)


def test_a_rerun_gives_the_same_adapter_and_other_documents_another(tiny: Path, tmp_path: Path) -> None:
    short = replace(CONFIG, max_steps=3)
    others = {uri: tuple(text.upper() for text in chunks) for uri, chunks in DOCUMENTS.items()}
    files = []
    for name, documents in (("a", DOCUMENTS), ("b", DOCUMENTS), ("c", others)):
        made = train_domain(documents, ground(tiny), tmp_path / name, short, now=NOW)
        files.append((made.folder / "adapter_model.safetensors").read_bytes())
    assert files[0] == files[1] != files[2]


def test_documents_that_are_too_short_train_nothing(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(TooFewError):
        train_domain({"a.md": ("One line.",)}, ground(tiny), tmp_path / "a", CONFIG, now=NOW)
    assert not (tmp_path / "a").exists()
