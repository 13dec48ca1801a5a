"""Swapping versions while requests are answered: over a real registry, with paths that say who they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.errors import AdapterError
from adapters.layout import seal_adapter
from adapters.registry import Lineage, Registry
from adapters.testing import ScriptedGenerator
from adapters.types import Task
from bot.learning.live import Arm, LivePath, Versions
from bot.middleware import plain_answer
from bot.pipeline import Delta, Done, Event, Searching
from bot.types import AnswerKind, Turn

SECONDS = 30.0
LINEAGE = Lineage(ratings=(), examples_digest="", parent="", base="b", code="", seed=0)


async def turns(count: int = 5) -> None:
    """Let everything else have some turns."""
    for _ in range(count):
        await asyncio.sleep(0)


class Says:
    """A path that says which versions it was built for, at its beginning and at its end."""

    def __init__(self, names: str, gate: asyncio.Event) -> None:
        self.names = names
        self.closed = False
        self._gate = gate

    async def answer(
        self,
        text: str,
        *,
        history: Sequence[Turn] = (),  # noqa: ARG002 - the Protocol's
        collections: Sequence[str] | None = None,  # noqa: ARG002 - the Protocol's
        avoid: Collection[int] = (),  # noqa: ARG002 - the Protocol's
    ) -> AsyncGenerator[Event, None]:
        yield Searching()
        yield Delta(text=self.names)
        if text == "wait":
            await self._gate.wait()
        await turns()
        assert not self.closed, "closed under a request"
        answer = plain_answer(self.names, AnswerKind.GENERATED, "")
        versions = {"encoder": "e", "intent": "few-shot", "generator": "0123"}
        yield Done(answer=replace(answer, trace=replace(answer.trace, versions=versions)))


class World:
    """A registry with versions to swap, and what was built and closed."""

    def __init__(self, root: Path) -> None:
        self.registry = Registry(root / "versions")
        self.source = root / "source"
        self.source.mkdir()
        (self.source / "weights.bin").write_text("w")
        seal_adapter(self.source, source="run", base="b", created_at=datetime(2026, 11, 26, tzinfo=UTC))
        self.gate = asyncio.Event()
        self.broken: set[str] = set()
        self.built: list[str] = []
        self.closed: list[str] = []
        self.most_generators = 0
        self.notices: list[str] = []
        self.again_seconds = 300.0
        self._generators: list[str] = []

    def add(self, task: Task) -> str:
        return self.registry.add_candidate(task, self.source, lineage=LINEAGE).name

    def build(self, versions: Versions) -> Arm:
        names = " ".join(version.name for version in versions.values() if version)
        self.built.append(names)
        if any(version and version.name in self.broken for version in versions.values()):
            raise AdapterError("The adapter is not usable: weights.bin is missing.")
        chosen = versions[Task.GENERATOR]
        generator = chosen.name if chosen else ""
        self._generators.append(generator)
        self.most_generators = max(self.most_generators, len(set(self._generators)))
        path = Says(names, self.gate)

        async def aclose() -> None:
            await asyncio.sleep(0)
            path.closed = True
            self._generators.remove(generator)
            self.closed.append(names)

        return Arm(path=path, versions=versions, generator=ScriptedGenerator([]), aclose=aclose)

    def live(self, *, share: float = 0.5) -> LivePath:
        first = self.build(dict.fromkeys(Task, None))
        return LivePath(
            first,
            self.build,
            self.registry,
            canary_share=share,
            again_seconds=self.again_seconds,
            notice=self.notices.append,
        )


@pytest.fixture
async def world(tmp_path: Path) -> World:
    return World(tmp_path)


@asynccontextmanager
async def following(world: World, *, share: float = 0.5) -> AsyncIterator[LivePath]:
    live = world.live(share=share)
    try:
        await live.follow()
        yield live
    finally:
        world.gate.set()
        await live.aclose()
    assert live.open_arms == 0


async def asked(live: LivePath, conversation: int = 1, text: str = "hello") -> str:
    """The versions that the answer came from; the pieces of one answer never come from two."""
    said = [event async for event in live.answer(text, conversation_id=conversation)]
    assert isinstance(said[1], Delta)
    assert isinstance(said[-1], Done)
    assert said[1].text == said[-1].answer.text
    return said[1].text


async def until(done: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not done():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


async def test_a_promotion_by_anybody_is_followed_and_a_rollback_too(world: World) -> None:
    async with following(world) as live:
        assert await asked(live) == ""
        for name in (world.add(Task.INTENT), world.add(Task.INTENT)):
            Registry(world.registry._root).promote(Task.INTENT, name)  # another process
            await live.follow()
            assert await asked(live) == name
        world.registry.rollback(Task.INTENT)
        await live.follow()
        assert await asked(live) == "intent-1"
        await until(lambda: live.open_arms == 1)
    assert world.notices == []


async def test_nothing_is_built_while_nothing_changes(world: World) -> None:
    async with following(world) as live:
        world.add(Task.INTENT)  # a candidate serves nobody
        for _ in range(3):
            await live.follow()
        assert world.built == [""]


async def test_the_registry_is_followed_by_itself(world: World) -> None:
    async with following(world) as live:
        live.start(every=0.01)
        world.registry.promote(Task.RETRIEVAL, world.add(Task.RETRIEVAL))
        await until(lambda: live.versions[Task.RETRIEVAL])
        assert await asked(live) == "retrieval-1"


async def test_a_request_ends_with_the_versions_that_it_began_with(world: World) -> None:
    async with following(world) as live:
        async with aclosing(live.answer("wait", conversation_id=1)) as events:
            pieces = [await anext(events), await anext(events)]
            world.registry.promote(Task.GENERATOR, world.add(Task.GENERATOR))
            await live.follow()
            assert await asked(live) == "generator-1"
            await turns()
            assert (world.closed, live.open_arms) == ([], 2)
            world.gate.set()
            pieces += [event async for event in events]
        assert pieces[1] == Delta(text="")
        await until(lambda: live.open_arms == 1)
        assert world.closed == [""]


async def test_a_reader_who_leaves_frees_the_arm(world: World) -> None:
    async with following(world) as live:
        async with aclosing(live.answer("wait", conversation_id=1)) as events:
            await anext(events)
            world.registry.promote(Task.GENERATOR, world.add(Task.GENERATOR))
            await live.follow()
        await until(lambda: live.open_arms == 1)
        assert world.closed == [""]


async def test_an_answers_trace_names_the_versions_that_had_a_say(world: World) -> None:
    async with following(world) as live:
        world.registry.promote(Task.RETRIEVAL, world.add(Task.RETRIEVAL))
        world.registry.promote(Task.GENERATOR, world.add(Task.GENERATOR))
        await live.follow()
        done = [event async for event in live.answer("hello", conversation_id=1)][-1]
        assert isinstance(done, Done)
        assert done.answer.trace.versions == {
            "encoder": "e",
            "intent": "few-shot",
            "generator": "generator-1",
            "retrieval": "retrieval-1",
        }


async def test_a_conversation_keeps_its_version_while_a_canary_runs(world: World) -> None:
    async with following(world, share=0.3) as live:
        world.registry.promote(Task.INTENT, world.add(Task.INTENT))
        world.registry.canary(Task.INTENT, world.add(Task.INTENT))
        await live.follow()
        first = [await asked(live, number) for number in range(300)]
        assert 0.2 < first.count("intent-2") / 300 < 0.4
        world.registry.promote(Task.RETRIEVAL, world.add(Task.RETRIEVAL))
        await live.follow()
        again = [await asked(live, number) for number in range(300)]
        assert again == [f"{names} retrieval-1" for names in first]
        world.registry.promote(Task.INTENT, "intent-2")
        await live.follow()
        assert {await asked(live, number) for number in range(300)} == {"intent-2 retrieval-1"}


async def test_two_canaries_are_tried_out_apart_from_each_other(world: World) -> None:
    async with following(world) as live:
        for task in (Task.INTENT, Task.RETRIEVAL):
            world.registry.canary(task, world.add(task))
        await live.follow()
        found = {await asked(live, number) for number in range(100)}
        assert found == {"", "intent-1", "retrieval-1", "intent-1 retrieval-1"}


async def test_a_version_that_cannot_be_loaded_leaves_the_old_one_and_is_told_of_once(world: World) -> None:
    async with following(world) as live:
        world.registry.promote(Task.GENERATOR, world.add(Task.GENERATOR))
        await live.follow()
        world.broken.add(world.add(Task.GENERATOR))
        world.registry.promote(Task.GENERATOR, "generator-2")
        for _ in range(2):
            await live.follow()
        assert await asked(live) == "generator-1"
        [notice] = world.notices
        assert notice.startswith(
            "generator-2 cannot be loaded, and what served before goes on: The adapter is not usable"
        )
        world.registry.rollback(Task.GENERATOR)
        await live.follow()
        assert await asked(live) == "generator-1"


async def test_a_canary_that_cannot_be_loaded_leaves_everybody_with_what_serves(world: World) -> None:
    async with following(world) as live:
        world.broken.add(world.add(Task.INTENT))
        world.registry.canary(Task.INTENT, "intent-1")
        await live.follow()
        assert {await asked(live, number) for number in range(50)} == {""}
        assert (len(world.notices), live.canaries) == (1, {})


async def test_an_unreadable_registry_leaves_what_serves(world: World, tmp_path: Path) -> None:
    async with following(world) as live:
        world.registry.promote(Task.INTENT, world.add(Task.INTENT))
        await live.follow()
        (tmp_path / "versions" / "intent" / "state.json").write_text("{")
        await live.follow()
        assert await asked(live) == "intent-1"
        assert len(world.notices) == 1
        assert "cannot be read" in world.notices[0]


async def test_a_third_generator_waits_until_one_is_closed(world: World) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers=1))
    async with following(world) as live:
        world.registry.promote(Task.GENERATOR, world.add(Task.GENERATOR))
        async with aclosing(live.answer("wait", conversation_id=1)) as old:
            await anext(old)
            await live.follow()  # the first generator finishes its request
            world.registry.canary(Task.GENERATOR, world.add(Task.GENERATOR))
            swap = asyncio.create_task(live.follow())
            for _ in range(10):
                await asyncio.to_thread(int)  # behind whatever the swap wants of the one thread
            assert world.most_generators == 2
            assert {await asked(live, number) for number in range(50)} == {"generator-1"}
            assert not swap.done()
            world.gate.set()
            _ = [event async for event in old]
            await swap
        assert {await asked(live, number) for number in range(50)} == {"generator-1", "generator-2"}
        assert world.most_generators == 2


async def test_the_event_loop_is_free_while_a_version_is_built(world: World) -> None:
    async with following(world) as live:
        waiting, go_on = asyncio.Event(), asyncio.Event()
        loop, build = asyncio.get_running_loop(), live._build

        def slowly(versions: Versions) -> Arm:
            loop.call_soon_threadsafe(waiting.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(SECONDS)
            return build(versions)

        live._build = slowly
        world.registry.promote(Task.INTENT, world.add(Task.INTENT))
        swap = asyncio.create_task(live.follow())
        await waiting.wait()
        assert await asked(live) == ""
        go_on.set()
        await swap
        assert await asked(live) == "intent-1"


async def test_closing_while_a_version_waits_for_room_ends_at_once(world: World) -> None:
    live = world.live()
    async with aclosing(live.answer("wait", conversation_id=1)) as old:
        await anext(old)
        world.registry.promote(Task.GENERATOR, world.add(Task.GENERATOR))
        await live.follow()
        world.registry.promote(Task.GENERATOR, world.add(Task.GENERATOR))
        live.start()
        await asyncio.sleep(0.01)
        async with asyncio.timeout(SECONDS):
            await live.aclose()
    assert live.open_arms == 0


async def test_hundreds_of_swaps_under_load_mix_nothing_and_fail_nothing(world: World) -> None:
    async with following(world) as live:
        names = {task: [world.add(task), world.add(task)] for task in Task}
        over = False

        async def asking(conversation: int) -> int:
            count = 0
            while not over:
                await asked(live, conversation)
                count += 1
                await asyncio.sleep(0)
            return count

        people = [asyncio.create_task(asking(number)) for number in range(8)]
        for number in range(300):
            task = tuple(Task)[number % 3]
            if number % 5:
                world.registry.promote(task, names[task][(number // 3) % 2])
            elif (active := world.registry.active(task)) is not None:
                other = next(name for name in names[task] if name != active.name)
                world.registry.canary(task, other)
            await live.follow()
        over = True
        counts = await asyncio.gather(*people)
        assert min(counts) > 10
    assert world.most_generators == 2
    assert sorted(world.closed) == sorted(world.built)
    assert world.notices == []


async def test_a_version_that_could_not_be_loaded_is_tried_again_later(world: World) -> None:
    world.broken = {"retrieval-1"}
    world.registry.promote(Task.RETRIEVAL, world.add(Task.RETRIEVAL))
    async with following(world) as live:
        await live.follow()
        assert world.built.count("retrieval-1") == 1, "not at each look"
    world.again_seconds = 0.0
    async with following(world) as live:
        world.broken.clear()
        await live.follow()
        world.gate.set()
        assert await asked(live) == "retrieval-1"
        await live.follow()
        assert world.built.count("retrieval-1") == 3, "and no more once it is loaded"
