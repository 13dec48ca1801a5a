"""Versions that are asked for by name: loaded once, kept while they are used, and let go of."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.errors import AdapterError
from adapters.examples import RatingId
from adapters.layout import seal_adapter
from adapters.registry import Lineage, Registry
from adapters.testing import ScriptedGenerator
from adapters.types import AdapterVersion, Task
from bot.learning.live import Arm, LivePath, Versions
from bot.learning.pinned import Pinned
from bot.pipeline import Done, Event
from bot.types import Answer, AnswerKind, Outcome, Trace, Turn
from tests.stores import NOON


class Named:
    """Answers with the names of its versions."""

    def __init__(self, versions: Versions) -> None:
        self._names = "+".join(one.name for one in versions.values() if one)

    async def answer(
        self,
        text: str,  # noqa: ARG002 - the Protocol's
        *,
        history: Sequence[Turn] = (),  # noqa: ARG002 - as above
        collections: Sequence[str] | None = None,  # noqa: ARG002 - as above
        avoid: Collection[int] = (),  # noqa: ARG002 - as above
    ) -> AsyncGenerator[Event, None]:
        trace = Trace(intent=None, passages=(), reason="", query="", draft="", versions={}, timings_ms={})
        yield Done(
            answer=Answer(
                text=self._names,
                kind=AnswerKind.CANNED,
                outcome=Outcome.ANSWERED,
                sources=(),
                suggestions=(),
                trace=replace(trace, versions={"generator": "some weights"}),
            )
        )


class World:
    """A registry, what serves, and what was built and closed."""

    def __init__(self, folder: Path, *, most: int) -> None:
        self._folder = folder
        self.registry = Registry(folder / "versions")
        self.serving: dict[Task, AdapterVersion | None] = dict.fromkeys(Task)
        self.built: list[str] = []
        self.closed: list[str] = []
        self.go = threading.Event()
        self.go.set()
        self.pinned = Pinned(
            self._build, self.registry, serving=lambda: self.serving, fits=lambda one: one.base == "fits", most=most
        )

    def add(
        self, task: Task = Task.GENERATOR, *, base: str = "fits", ratings: tuple[RatingId, ...] = ()
    ) -> AdapterVersion:
        """A new version."""
        count = len([one for task in Task for one in self.registry.versions(task)])
        folder = self._folder / f"made-{count}"
        folder.mkdir()
        (folder / "weights").write_text(str(count), encoding="utf-8")
        lineage = Lineage(ratings=ratings, examples_digest="", parent="", base=base, code="", seed=0, run=1)
        seal_adapter(folder, source="a run", base=base, created_at=NOON)
        return self.registry.add_candidate(task, folder, lineage=lineage)

    async def said(self, version: AdapterVersion) -> Answer:
        """What a version answers."""
        async with self.pinned.path(version) as path:
            return await answer_of(path)

    def _build(self, versions: Versions) -> Arm:
        assert self.go.wait(30)
        name = "+".join(one.name for one in versions.values() if one)
        self.built.append(name)
        if "intent" in name and self.serving[Task.RETRIEVAL] is None:
            raise AdapterError("It is torn.")

        async def close() -> None:
            self.closed.append(name)

        return Arm(path=Named(versions), versions=versions, generator=ScriptedGenerator([]), aclose=close)


async def answer_of(path: LivePath) -> Answer:
    [event] = [event async for event in path.answer("?", conversation_id=1)]
    assert isinstance(event, Done)
    return event.answer


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, most=1)


async def test_a_version_answers_beside_what_serves_and_the_answer_names_it(world: World) -> None:
    world.serving[Task.RETRIEVAL] = world.add(Task.RETRIEVAL)
    generator = world.add()
    said = await world.said(generator)
    assert said.text == "retrieval-1+generator-1"
    assert said.trace.versions == {"retrieval": "retrieval-1", "generator": "generator-1"}


async def test_it_is_loaded_once_and_gives_way_to_the_next(world: World) -> None:
    first, second = world.add(), world.add()
    for version in (first, first, second, first):
        await world.said(version)
    assert world.built == ["generator-1", "generator-2", "generator-1"]
    assert world.closed == ["generator-1", "generator-2"]
    await world.pinned.aclose()
    assert world.closed == ["generator-1", "generator-2", "generator-1"]


async def test_when_something_else_serves_it_is_put_beside_that(world: World) -> None:
    generator = world.add()
    await world.said(generator)
    world.serving[Task.RETRIEVAL] = world.add(Task.RETRIEVAL)
    assert (await world.said(generator)).text == "retrieval-1+generator-1"


async def test_one_that_is_used_is_not_taken_away_and_the_next_waits(world: World) -> None:
    first, second = world.add(), world.add()
    async with world.pinned.path(first) as path:
        waiting = asyncio.create_task(world.said(second))
        also = await answer_of(path)
        for _ in range(20):
            await asyncio.sleep(0)
        assert world.built == ["generator-1"]
        assert world.closed == []
    assert also.text == "generator-1"
    assert (await waiting).text == "generator-2"


async def test_asked_for_by_two_at_once_it_is_loaded_once(world: World) -> None:
    version = world.add()
    said = await asyncio.gather(*(world.said(version) for _ in range(5)))
    assert [one.text for one in said] == ["generator-1"] * 5
    assert world.built == ["generator-1"]


async def test_whoever_gives_up_while_it_is_loaded_leaves_it_to_be_used_or_closed(world: World) -> None:
    version = world.add()
    world.go.clear()
    waiting = asyncio.create_task(world.said(version))
    await asyncio.sleep(0)
    waiting.cancel()
    world.go.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await world.said(version)).text == "generator-1"
    assert world.built == ["generator-1"]
    await world.pinned.aclose()
    assert world.closed == ["generator-1"]


async def test_one_that_cannot_be_loaded_is_said_to_be_and_holds_up_nobody(world: World) -> None:
    torn, sound = world.add(Task.INTENT), world.add()
    for _ in range(2):
        with pytest.raises(AdapterError, match="torn"):
            await world.said(torn)
    assert (await world.said(sound)).text == "generator-1"


def test_what_learned_from_somebody_who_is_forgotten_or_fits_no_model_is_not_offered(world: World) -> None:
    world.add(base="another model")
    world.add(ratings=("1:2",))
    kept = world.add()
    assert [one.name for one in world.pinned.versions()] == ["generator-2", "generator-3"]
    world.registry.mark_stale(["1:2"])
    assert [one.name for one in world.pinned.versions()] == ["generator-3"]
    found = [world.pinned.version(name) for name in ("generator-1", "generator-2", "generator-3", "generator-4", "x")]
    assert [one.name if one else None for one in found] == [None, None, kept.name, None, None]
