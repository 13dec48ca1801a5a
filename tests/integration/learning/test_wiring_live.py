"""Message paths built for sets of versions, with the real models: what is shared, refused, and begun with."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.errors import AdapterError
from adapters.generator.shipped import FOLDER
from adapters.intent import persist
from adapters.intent.classifier import CLASSIFIER_FOLDER
from adapters.intent.model import IntentHead
from adapters.layout import seal_adapter
from adapters.registry import Lineage
from adapters.testing import ScriptedGenerator
from adapters.types import AdapterVersion, Generator, Task
from bot.config import Folders, Settings
from bot.learning.live import Versions
from bot.store.store import Store
from bot.wiring import Wiring
from bot.wiring_live import Arms, Generators, ask, live_path

pytestmark = [pytest.mark.models, pytest.mark.slow]

NOTHING: Versions = dict.fromkeys(Task, None)
LINEAGE = Lineage(ratings=(), examples_digest="", parent="", base="", code="", seed=0)


@pytest.fixture
def wiring(tmp_path: Path, model_cache: Path) -> Wiring:
    folders = Folders(home=tmp_path / "home", cache=model_cache, file=tmp_path / "burnish.toml")
    folders.home.mkdir()
    return Wiring(Settings(), folders, lambda *_: None)


@pytest.fixture
def store(wiring: Wiring) -> Iterator[Store]:
    with wiring.open_store() as opened:
        yield opened


@pytest.fixture
async def generators() -> AsyncIterator[Generators]:
    made = Generators()
    yield made
    assert made.loaded == 0, "every arm of a test lets go of its generator"


def add_generator(wiring: Wiring) -> AdapterVersion:
    return wiring.registry.add_candidate(Task.GENERATOR, FOLDER)


def add_intent(wiring: Wiring, folder: Path, *, name: str) -> AdapterVersion:
    """A version of the classifier: the head that comes with the program, under another name."""
    head = wiring.classifier()
    assert isinstance(head, IntentHead)
    folder.mkdir()
    persist.save(head, folder / CLASSIFIER_FOLDER)
    manifest = folder / CLASSIFIER_FOLDER / persist.MANIFEST
    manifest.write_text(manifest.read_text().replace(head.name, name))
    (folder / CLASSIFIER_FOLDER / ".lock").unlink(missing_ok=True)
    seal_adapter(folder, source="test", base=wiring.encoder.name, created_at=datetime.now(UTC))
    return wiring.registry.add_candidate(Task.INTENT, folder, lineage=LINEAGE)


async def test_a_generator_is_loaded_once_and_stopped_with_its_last_arm() -> None:
    held, made = Generators(), list[ScriptedGenerator]()

    def load() -> Generator:
        made.append(ScriptedGenerator(["hello"]))
        return made[-1]

    assert held.take(None, load) is held.take(None, load)
    await held.release(None)
    assert (len(made), made[0]._closed, held.loaded) == (1, False, 1)
    await held.release(None)
    assert (made[0]._closed, held.loaded) == (True, 0)
    held.take(None, load)
    assert len(made) == 2
    await held.release(None)


async def test_swapping_the_classifier_leaves_the_generator_where_it_is(
    wiring: Wiring, store: Store, generators: Generators, tmp_path: Path
) -> None:
    arms = Arms(wiring, store, generators)
    first = arms.first()
    serving = first.versions[Task.GENERATOR]
    assert serving is not None
    assert (serving.name, first.versions[Task.INTENT]) == ("generator-1", None)
    version = add_intent(wiring, tmp_path / "intent", name="another")
    second = arms.build({**first.versions, Task.INTENT: version})
    assert second.generator is first.generator
    await first.aclose()
    await second.aclose()


async def test_what_cannot_be_loaded_is_refused_with_one_sentence(
    wiring: Wiring, store: Store, generators: Generators, tmp_path: Path
) -> None:
    arms = Arms(wiring, store, generators)
    other = tmp_path / "other"
    other.mkdir()
    (other / "adapter_model.safetensors").write_text("x")
    seal_adapter(other, source="test", base="f" * 64, created_at=datetime.now(UTC))
    foreign = wiring.registry.add_candidate(Task.GENERATOR, other)
    with pytest.raises(AdapterError, match="generator-1 was not trained on the generator in the settings"):
        arms.build({**NOTHING, Task.GENERATOR: foreign})
    torn = add_generator(wiring)
    (torn.folder / "answerability.safetensors").unlink()
    with pytest.raises(AdapterError, match=r"answerability\.safetensors is missing"):
        arms.build({**NOTHING, Task.GENERATOR: torn})
    headless = wiring.registry.add_candidate(Task.INTENT, other)
    with pytest.raises(AdapterError, match="holds no intent classifier"):
        arms.build({**NOTHING, Task.INTENT: headless, Task.GENERATOR: None})


@pytest.mark.parametrize("damage", ["torn", "gone"])
async def test_a_start_with_a_damaged_version_goes_back_to_the_one_before(
    wiring: Wiring, store: Store, damage: str
) -> None:
    live = live_path(wiring, store)
    await live.aclose()
    broken = add_generator(wiring)
    wiring.registry.promote(Task.GENERATOR, broken.name)
    if damage == "torn":
        (broken.folder / "adapter_model.safetensors").write_bytes(b"x")
    else:
        shutil.rmtree(broken.folder)
    notices: list[str] = []
    live = live_path(wiring, store, notice=notices.append)
    await live.follow()
    serving = live.versions[Task.GENERATOR]
    assert serving is not None
    assert serving.name == "generator-1"
    assert len(notices) == 1
    assert "generator-2" in notices[0]
    await live.aclose()


async def test_another_generator_in_the_settings_answers_bare_and_says_why(wiring: Wiring, store: Store) -> None:
    foreign = wiring.folders.home / "foreign"
    shutil.copytree(FOLDER, foreign)
    (foreign / "manifest.json").unlink()
    seal_adapter(foreign, source="test", base="f" * 64, created_at=datetime.now(UTC))
    wiring.registry.promote(Task.GENERATOR, wiring.registry.add_candidate(Task.GENERATOR, foreign).name)
    notices: list[str] = []
    live = live_path(wiring, store, notice=notices.append)
    await live.follow()
    assert live.versions[Task.GENERATOR] is None
    assert len(notices) == 1
    assert "was not trained on the generator in the settings" in notices[0]
    await live.aclose()


def test_one_question_is_answered_with_what_serves(wiring: Wiring) -> None:
    wiring.ingest_example()
    answer = ask(wiring, "What am I charged for each Bancontact payment?")
    assert "€0.39" in answer.text
    assert answer.trace.versions.get("generator", "generator-1") == "generator-1"


async def test_training_the_classifier_by_hand_takes_what_was_learned_from_ratings_out_of_service(
    wiring: Wiring, store: Store, tmp_path: Path
) -> None:
    version = add_intent(wiring, tmp_path / "intent", name="learned")
    wiring.registry.promote(Task.INTENT, version.name)
    file = tmp_path / "rows.csv"
    rows = [f"{text} {number},{label}" for number in range(12) for text, label in
            (("where is my refund", "question"), ("hello there", "greeting"))]  # fmt: skip
    file.write_text("\n".join(["text,label", *rows]))
    wiring.train_intents(file, {"epochs": 2}, builtin=False, plot=None, on_epoch=lambda _: None)
    assert wiring.registry.active(Task.INTENT) is None
    arm = Arms(wiring, store).first()
    assert arm.versions[Task.INTENT] is None
    await arm.aclose()
