"""Somebody has themselves forgotten: what learned from them goes, with real training in the program's own process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.types import Stage, Task
from bot.config import folders, load_settings
from bot.learning.schedule import Schedule
from bot.learning.types import Cause, Verdict
from bot.store.runs import Run
from bot.store.store import Store
from bot.types import Rating, RatingReason, RatingValue, Role
from bot.wiring import Wiring, example_folder
from bot.wiring_learning import LearningSide, learning_side, searching
from knowledge.types import DEFAULT_COLLECTION
from tests.acceptance.learning_team import Clock, no_model
from tests.stores import answer, answered
from training.splits import feedback_side
from training.types import Split

pytestmark = [pytest.mark.models, pytest.mark.long]

SECONDS = 300.0
LEARNED = 8  # questions of each that may be learned from
HELD_OUT = 10
SAID = replace(answer(), trace=replace(answer().trace, query=""))


@pytest.fixture
def wiring(tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wiring]:
    """A home with the help centre, whose answers are quoted; nothing is trained by a plan."""
    with no_model() as generator:
        for name, value in {
            "BURNISH_HOME": str(tmp_path / "home"),
            "BURNISH_CACHE": str(model_cache),
            "BURNISH_MODELS__GENERATOR": generator,
            "BURNISH_LEARNING__SCHEDULE": "off",
            "BURNISH_LEARNING__PROMOTE": "ask",
        }.items():
            monkeypatch.setenv(name, value)  # the training process is another one
        found = folders(os.environ)
        made = Wiring(load_settings(os.environ, found.file), found, lambda *_: None)
        made.ingest([str(example_folder() / "help-centre")], collection=DEFAULT_COLLECTION)
        yield made


def questions(name: str) -> list[str]:
    """Questions that somebody taught the topic of, of both sides."""
    asked = [f"zebra {name} number {number}" for number in range(200)]
    held_out = [one for one in asked if feedback_side(one) is Split.TEST]
    return [*(one for one in asked if one not in held_out)][:LEARNED] + held_out[:HELD_OUT]


def teach(store: Store, clock: Clock, name: str) -> int:
    """A trainer says of questions that they call for a person; gives who it is."""
    person = store.people.meet("slack", f"U{name}", name)
    store.people.set_role(person.id, Role.TRAINER)
    for text in questions(name):
        clock.now += timedelta(hours=1)
        given = answered(store, text, SAID)
        store.ratings.rate(
            Rating(
                answer_id=given.id,
                user_id=person.id,
                value=RatingValue.DOWN,
                reason=RatingReason.WRONG_TOPIC,
                comment="human",
            )
        )
    return person.id


def forget(side: LearningSide, store: Store, person: int) -> None:
    """As /forget_me does."""
    side.commands.registry.mark_stale(store.ratings.ids_of(person))
    store.people.forget(person)


async def over(side: LearningSide, store: Store) -> Run:
    """The run that goes on, at its end."""
    async with asyncio.timeout(SECONDS):
        while not (running := store.runs.running()):  # noqa: ASYNC110 - the store has no event for it
            await asyncio.sleep(0.1)
        ended = await side.loop.wait(running[-1].id)
    assert ended is not None
    return ended[0]


async def test_weights_that_learned_from_somebody_who_is_forgotten_are_replaced_without_them(wiring: Wiring) -> None:
    registry = wiring.registry
    clock = Clock(datetime.now(UTC) - timedelta(days=9))
    with Store.open(wiring.store_url, wiring.keyring, clock=clock) as past:
        past.migrate()
        ada, ben = teach(past, clock, "Ada"), teach(past, clock, "Ben")
        admin = past.people.meet("slack", "UADMIN", "Root")
        past.people.set_role(admin.id, Role.ADMIN)
    with wiring.open_store() as store:
        side = learning_side(wiring, store, search=searching(wiring, store))
        schedule: Schedule = side.schedule
        run = await side.loop.retrain([Task.INTENT], cause=Cause.ASKED)
        async with asyncio.timeout(SECONDS):
            first = await side.loop.wait(run.id)
        assert first is not None
        assert first[1].results[0].verdict is Verdict.BETTER, first[1].sentence
        registry.promote(Task.INTENT, "intent-1")
        bens = store.ratings.ids_of(ben)
        lineage = registry.lineage(Task.INTENT, "intent-1")
        assert lineage is not None
        assert set(bens) & set(lineage.ratings)

        forget(side, store, ben)
        await schedule.tick()
        assert (await over(side, store)).cause == Cause.FORGETTING
        active = registry.active(Task.INTENT)
        assert active is not None
        assert (active.name, active.stale) == ("intent-2", False)
        lineage = registry.lineage(Task.INTENT, "intent-2")
        assert lineage is not None
        assert lineage.ratings, "Ada's are still in it"
        assert not set(bens) & set(lineage.ratings)
        assert [one.name for one in registry.versions(Task.INTENT)] == ["intent-2"], "the weights themselves are gone"

        forget(side, store, ada)
        await schedule.tick()
        await over(side, store)
        assert registry.active(Task.INTENT) is None, "too few are left, so the base serves, which learned from nobody"
        assert not [one for one in registry.versions(Task.INTENT) if one.stage is not Stage.REJECTED]
        await side.stop()
