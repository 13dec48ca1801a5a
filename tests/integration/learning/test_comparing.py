"""A version that was made worse on purpose, and one that is the same, beside what serves: the real models decide."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from adapters.generator.shipped import FOLDER
from adapters.layout import MANIFEST_NAME, read_manifest, seal_adapter
from adapters.types import Task
from bot.config import Settings, folders
from bot.learning.comparing import Questions
from bot.wiring import Wiring, example_folder
from bot.wiring_eval import Report, evaluate_versions, questions_from
from knowledge.types import DEFAULT_COLLECTION
from training.gate import ReasonCode

pytestmark = [pytest.mark.models, pytest.mark.slow]

WEIGHTS = "adapter_model.safetensors"
ASKED = 18


def spoilt(folder: Path) -> Path:
    """The shipped adapter with its updates turned round: what a training run that went wrong could leave."""
    shutil.copytree(FOLDER, folder)
    manifest = read_manifest(folder)
    assert manifest is not None
    (folder / MANIFEST_NAME).unlink()
    tensors = load_file(folder / WEIGHTS)
    save_file({name: -tensor if "lora_B" in name else tensor for name, tensor in tensors.items()}, folder / WEIGHTS)
    seal_adapter(folder, source="spoilt", base=manifest.base, created_at=datetime.now(UTC))
    return folder


@pytest.fixture(scope="module")
def wiring(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Wiring:
    """The help centre without its curated questions, which are what is asked."""
    home = tmp_path_factory.mktemp("home")
    found = folders({"BURNISH_HOME": str(home), "BURNISH_CACHE": str(model_cache)})
    made = Wiring(Settings(), found, lambda *_: None)
    made.ingest([str(example_folder() / "help-centre")], collection=DEFAULT_COLLECTION)
    for folder in (FOLDER, FOLDER, spoilt(home / "spoilt")):
        made.registry.add_candidate(Task.GENERATOR, folder)
    made.registry.promote(Task.GENERATOR, "generator-1")
    return made


@pytest.fixture(scope="module")
def questions() -> Questions:
    items, faults = questions_from(example_folder() / "faq.csv")
    assert faults == ()
    return Questions(test=items[:ASKED])


def compared(wiring: Wiring, questions: Questions, candidate: str) -> Report:
    found = evaluate_versions(wiring, questions, task=Task.GENERATOR, candidate=candidate, against="")
    assert isinstance(found, Report)
    return found


def test_a_version_that_was_made_worse_on_purpose_is_turned_down(wiring: Wiring, questions: Questions) -> None:
    report = compared(wiring, questions, "generator-3")
    assert (report.against, report.candidate) == ("generator-1", "generator-3")
    assert not report.decision.promote
    # what it cannot write is quoted, so it is worse by some points only, and at 18 questions not always surely so
    assert report.decision.reasons[0].code in (ReasonCode.WORSE, ReasonCode.NOT_SHOWN)
    assert report.decision.gain is not None
    assert report.decision.gain.value < 0
    assert report.examples[-1].gain < 0


def test_the_same_version_again_is_no_gain(wiring: Wiring, questions: Questions) -> None:
    report = compared(wiring, questions, "generator-2")
    assert report.decision.gain is not None
    assert (report.decision.gain.low, report.decision.gain.value, report.decision.gain.high) == (0, 0, 0)
    assert not report.decision.promote
    assert report.examples == ()
