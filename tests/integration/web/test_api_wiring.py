"""Who answers programs in the real program, put together without its models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.layout import seal_adapter
from adapters.testing import FakeEncoder, ScriptedGenerator
from adapters.types import Task
from bot.config import Settings, folders
from bot.learning.live import Arm, LivePath, Versions
from bot.learning.yielding import Answering
from bot.middleware import ErrorBoundary
from bot.routing import HUMAN
from bot.service import Answered, Bot
from bot.store.crypto import Keyring
from bot.store.store import Store
from bot.testing import FixedClassifier, fake_pipeline, teach
from bot.types import Answer, Outcome
from bot.web.api.bots import Bots
from bot.wiring import Wiring
from bot.wiring_api import api_bots
from bot.wiring_web import watching
from knowledge.testing import chunk
from tests.stores import NOON, accepted

SETTINGS = {
    "models": {"generator": "openai:http://127.0.0.1:9/v1#model"},  # so that no weights are looked for
    "serve": {"team": "slack:C9"},
    "answers": {"min_answerability": 0.0},
}


class World:
    """A store, what serves, and who answers programs from it."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.settings = Settings.model_validate(SETTINGS)
        self.wiring = Wiring(self.settings, folders({"BURNISH_HOME": str(folder)}), lambda *_: None)
        self.wiring.__dict__["encoder"] = FakeEncoder()  # where the cached property looks first
        self.store = store
        self.intent = "question"  # that every message has
        self._folder = folder
        self._built = 0

    def bots(self) -> Bots:
        """Put together."""
        live = LivePath(self._build(dict.fromkeys(Task)), self._build, self.wiring.registry, canary_share=0.0)
        return api_bots(
            self.wiring,
            self.store,
            live,
            self._build,
            boundary=ErrorBoundary(self.settings),
            answering=Answering(),
            watching=watching(self.settings, self.store),
        )

    def add(self, task: Task, *, base: str) -> None:
        """A version."""
        folder = self._folder / f"{task}-{base}"
        folder.mkdir()
        (folder / "weights").write_text(base, encoding="utf-8")
        seal_adapter(folder, source="a run", base=base, created_at=NOON)
        self.wiring.registry.add_candidate(task, folder)

    def _build(self, versions: Versions) -> Arm:
        self._built += 1
        generator = ScriptedGenerator(lambda _: "Refunds take five days.")
        path = fake_pipeline(
            self.store.knowledge,
            self._folder / f"index-{self._built}",
            generator=generator,
            classifier=FixedClassifier(self.intent),
            settings=self.settings,
        )
        return Arm(path=path, versions=versions, generator=generator, aclose=generator.aclose)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", Keyring.generate()) as store:
        store.migrate()
        teach(store.knowledge, chunk("Refunds take five days.", title="Refunds"))
        yield World(tmp_path, store)


async def answer(bot: Bot, store: Store) -> Answer:
    """What a program's question is answered."""
    async for event in bot.reply(accepted(store, "How long do refunds take?", platform="api", sender="1"), fresh=True):
        if isinstance(event, Answered):
            return event.stored.answer
    raise AssertionError


async def test_a_program_is_answered_with_what_serves_or_with_the_version_that_it_names(world: World) -> None:
    world.add(Task.INTENT, base=FakeEncoder().name)
    bots = world.bots()
    [version] = bots.pinned.versions()
    assert (await answer(bots.active, world.store)).trace.versions["intent"] == "fixed-classifier"
    async with bots.bot(version) as bot:
        named = await answer(bot, world.store)
    assert named.trace.versions["intent"] == "intent-1"
    assert named.text == "Refunds take five days. [1]"
    await bots.pinned.aclose()


async def test_who_asks_for_people_by_a_program_is_not_handed_over_to_where_no_reply_could_reach_them(
    world: World,
) -> None:
    world.intent = HUMAN
    said = await answer(world.bots().active, world.store)
    assert said.outcome is Outcome.ABSTAINED
    assert said.text
    assert world.store.handoffs.waiting() == ()


def test_what_a_program_asked_before_a_restart_waits_no_more_and_peoples_questions_do(world: World) -> None:
    accepted(world.store, platform="api", sender="1:ada")
    accepted(world.store, platform="slack")
    world.bots()
    assert world.store.inbox.pending(platform="api") == ()
    assert len(world.store.inbox.pending(platform="slack")) == 1


def test_versions_are_offered_that_were_made_for_the_models_in_the_settings(world: World) -> None:
    world.add(Task.INTENT, base="another encoder")
    world.add(Task.RETRIEVAL, base=FakeEncoder().name)
    world.add(Task.GENERATOR, base="b")  # the generator runs elsewhere, and takes none
    assert [one.name for one in world.bots().pinned.versions()] == ["retrieval-1"]
