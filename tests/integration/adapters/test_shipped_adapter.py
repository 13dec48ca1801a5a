"""The adapter that ships: whole, for the default generator, with its card, and it does what it was trained for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.bases import DEFAULT_GENERATOR, fingerprint
from adapters.generator.config import GeneratorSettings
from adapters.generator.model import LocalGenerator
from adapters.generator.prompt import DEFAULT_SYSTEM, Evidence, Style, grounded_turns
from adapters.generator.shipped import FOLDER, shipped_adapter
from adapters.layout import verify
from adapters.types import GenerationLimits, Verdict
from bot.config import Folders, Settings
from bot.sentences import split_sentences
from bot.wiring import Wiring
from bot.wiring_live import Arms

pytestmark = pytest.mark.models

FEES = Evidence(
    title="Fees",
    text="A payment with iDEAL costs 32 cents. A payment with a credit card costs 1.8 percent. "
    "There is no monthly fee.",
)
TEAM = Evidence(
    title="Team", text="An owner can invite up to 25 colleagues. Each colleague gets a role, such as Seller or Reader."
)
LIMITS = GenerationLimits(max_new_tokens=48, seconds=120)


@pytest.fixture(scope="module")
def folder(generator_folder: Path) -> Path:
    found = shipped_adapter(fingerprint(generator_folder))
    assert found is not None, "the shipped adapter is not for the default generator"
    return found


@pytest.fixture
async def generator(generator_folder: Path, folder: Path) -> AsyncIterator[LocalGenerator]:
    made = LocalGenerator(generator_folder, GeneratorSettings(), adapter=folder)
    yield made
    await made.aclose()


def test_it_is_whole_and_its_card_says_what_it_is_made_of(folder: Path) -> None:
    assert verify(folder, full=True) is None
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert card["base"] == DEFAULT_GENERATOR
    assert [entry["licence"] for entry in card["data"]] == ["CC BY-SA 4.0"]
    assert "Rajpurkar" in card["data"][0]["attribution"]
    assert card["config"]["seed"] == 0
    assert 0.5 < card["held_out"]["answerability_auroc"] <= 1
    assert sum(file.stat().st_size for file in folder.iterdir()) < 8_000_000


def test_it_names_no_path_of_the_machine_that_trained_it() -> None:
    config = json.loads((FOLDER / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == DEFAULT_GENERATOR


async def first_is_grounded(wiring: Wiring) -> bool:
    with wiring.open_store() as store:
        arm = Arms(wiring, store).first()
        grounded = arm.generator.grounded
        await arm.aclose()
    return grounded


async def test_it_is_version_one_of_the_generator(tmp_path: Path, model_cache: Path) -> None:
    wiring = Wiring(
        Settings(), Folders(home=tmp_path, cache=model_cache, file=tmp_path / "burnish.toml"), lambda *_: None
    )
    assert wiring.versions() == ()
    assert await first_is_grounded(wiring)
    [version] = wiring.versions()
    assert (version.name, version.stage.value, version.source) == ("generator-1", "active", "base-adapter")
    assert await first_is_grounded(wiring)  # a second start adds no second version
    assert len(wiring.versions()) == 1


async def test_it_can_be_switched_off(tmp_path: Path, model_cache: Path) -> None:
    settings = Settings.model_validate({"models": {"adapter": "none"}})
    wiring = Wiring(
        settings, Folders(home=tmp_path, cache=model_cache, file=tmp_path / "burnish.toml"), lambda *_: None
    )
    assert not await first_is_grounded(wiring)
    assert wiring.versions() == ()


async def say(
    generator: LocalGenerator, question: str, passage: Evidence, style: Style, system: str = DEFAULT_SYSTEM
) -> str:
    """Ask as the message path does: one passage a prompt."""
    turns = grounded_turns(question, [passage], style=style, system=system)
    return "".join([piece async for piece in generator.stream(turns, LIMITS)]).strip()


async def test_it_answers_from_the_passage_word_for_word(generator: LocalGenerator) -> None:
    assert "32 cents" in await say(generator, "What does a payment with iDEAL cost?", FEES, Style.SHORT)
    assert "25 colleagues" in await say(generator, "How many colleagues can an owner invite?", TEAM, Style.SENTENCES)


@pytest.mark.parametrize(
    "system", ["You are Zorblax.", "You are a support assistant.", "Your name is Ada. Be brief and exact."]
)
async def test_it_does_not_babble_under_another_name(generator: LocalGenerator, system: str) -> None:
    text = await say(generator, "How many colleagues can an owner invite?", TEAM, Style.SENTENCES, system)
    sentences = split_sentences(text)
    assert "25 colleagues" in sentences[0]
    assert all(sentence.strip() in TEAM.text for sentence in sentences), text  # word for word, nothing made up


async def test_its_verdict_is_for_the_passage_that_tells(generator: LocalGenerator) -> None:
    verdicts: list[Verdict] = []
    for passage in (TEAM, FEES):
        turns = grounded_turns("How many colleagues can an owner invite?", [passage])
        async for _ in generator.stream(turns, LIMITS, judged=verdicts.append):
            break
    assert verdicts[0].answerable > verdicts[1].answerable
    found = [verdict.question for verdict in verdicts if verdict.question is not None]
    assert len(found) == 2
    assert found[0] > found[1]  # the passage that tells makes the question likelier
