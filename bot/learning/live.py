"""Answers with whichever adapter versions serve: follows the registry, and no request notices a swap.

An arm is a whole message path, built for one set of versions and never changed. A request takes its arm once and keeps
it to its end; an arm that is not wanted any more is closed when its last request has ended. While a version is tried
out as a canary, a conversation keeps to the canary or to what serves, by its id.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
import math
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, TypeAlias

from adapters.errors import AdapterError
from adapters.registry import Registry
from adapters.types import AdapterVersion, Generator, Task
from bot.blocking import run_blocking, uncut
from bot.pipeline import Done, Event
from bot.types import Turn

POLL_SECONDS: Final = 2.0  # in which a change of the registry is noticed, whoever made it
AGAIN_SECONDS: Final = 300.0  # after which a version that could not be loaded is tried again
MOST_GENERATORS: Final = 2  # in memory at a time

Versions: TypeAlias = Mapping[Task, AdapterVersion | None]  # None: as the program came

log = logging.getLogger(__name__)


class Path(Protocol):
    """What an arm answers with; bot.pipeline.Pipeline is one."""

    def answer(
        self,
        text: str,
        *,
        history: Sequence[Turn] = (),
        collections: Sequence[str] | None = None,
        avoid: Collection[int] = (),
    ) -> AsyncGenerator[Event, None]:
        """Answer one message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A whole message path for one set of versions."""

    path: Path
    versions: Versions
    generator: Generator  # that the path asks
    aclose: Callable[[], Coroutine[Any, Any, None]]  # lets go of what the path holds


Build: TypeAlias = Callable[[Versions], Arm]  # blocks; raises AdapterError where a version cannot be loaded
Notice: TypeAlias = Callable[[str], None]
_Key: TypeAlias = tuple[str, ...]


@dataclass(slots=True, kw_only=True, eq=False)
class _Open:
    """An arm that is not closed yet."""

    arm: Arm
    requests: int = 0  # that it answers now
    retired: bool = False  # takes no more
    closing: asyncio.Task[None] | None = field(default=None)


class LivePath:
    """The message path whose versions change while it answers; used from one event loop."""

    def __init__(
        self,
        first: Arm,
        build: Build,
        registry: Registry,
        *,
        canary_share: float,
        again_seconds: float = AGAIN_SECONDS,
        notice: Notice = lambda _: None,
        tasks: Collection[Task] = tuple(Task),
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin with an arm.

        Args:
            first: What answers until `follow` has looked into the registry.
            build: Makes the others.
            registry: Says which versions are wanted.
            canary_share: Of the conversations that a canary answers, [0, 1].
            again_seconds: After which a version that could not be loaded is tried again.
            notice: Told in one sentence of a version that cannot be loaded, once.
            tasks: Whose versions are followed; the others stay as they are in the first arm.
            stop: Breaks off a `build` that is going on; called once, at the end.
        """
        self._build = build
        self._registry = registry
        self._share = canary_share
        self._notice = notice
        self._tasks = tuple(tasks)
        self._stop = stop
        self._active = _Open(arm=first)
        self._arms = {_key(first.versions): self._active}
        self._canaries: Mapping[Task, AdapterVersion] = {}
        self._open = [self._active]  # those that still have requests included
        self._seen: tuple[str, ...] | None = None
        self._again_seconds = again_seconds
        self._again_at = math.inf  # on the loop's clock
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()
        self._ending = asyncio.Event()
        self._poll: asyncio.Task[None] | None = None
        self._told: set[str] = set()

    @property
    def versions(self) -> Versions:
        """What answers conversations that no canary has."""
        return self._active.arm.versions

    @property
    def canaries(self) -> Mapping[Task, AdapterVersion]:
        """What is being tried out."""
        return self._canaries

    @property
    def open_arms(self) -> int:
        """How many arms are in memory, those included that finish their last requests."""
        return len(self._open)

    async def answer(
        self,
        text: str,
        *,
        conversation_id: int,
        history: Sequence[Turn] = (),
        collections: Sequence[str] | None = None,
        avoid: Collection[int] = (),
    ) -> AsyncGenerator[Event, None]:
        """Answer one message with the arm of its conversation, from the first event to the last.

        Args:
            text: What was said.
            conversation_id: Decides between a canary and what serves.
            history: The conversation's last turns, oldest first.
            collections: The collections that this person may see; None for all.
            avoid: Ids of chunks that were shown already.

        Yields:
            What the arm's path yields; its answer's trace names the versions.
        """
        opened = self._arm_of(conversation_id)
        opened.requests += 1
        try:
            path = opened.arm.path
            async with aclosing(path.answer(text, history=history, collections=collections, avoid=avoid)) as events:
                async for event in events:
                    yield _named(event, opened.arm.versions)
        finally:
            opened.requests -= 1
            self._close_if_done(opened)

    async def follow(self) -> None:
        """Bring the arms in line with the registry; nothing is done when it has not changed and all of it is loaded."""
        async with self._turn:
            now = asyncio.get_running_loop().time()
            try:
                stamps = await run_blocking(self._stamps)
                if stamps == self._seen and now < self._again_at:
                    return
                active, canaries = await run_blocking(self._wanted)
            except AdapterError as error:
                self._tell(str(error))
                return
            self._again_at = math.inf
            await self._serve(active, canaries)
            self._seen = stamps

    def start(self, *, every: float = POLL_SECONDS) -> None:
        """Follow the registry from now on; again does nothing.

        Args:
            every: Seconds between two looks.
        """
        if self._poll is None:
            self._poll = asyncio.create_task(self._follow_on(every))

    async def aclose(self) -> None:
        """Close every arm; requests in flight end as they do when their generator is stopped."""
        self._ending.set()
        self._stop()
        self._freed.set()
        if self._poll is not None:
            await self._poll
        async with self._turn:
            for opened in tuple(self._open):
                self._retire(opened, at_once=True)
            await asyncio.gather(*(opened.closing for opened in tuple(self._open) if opened.closing is not None))

    # -- which arm

    def _arm_of(self, conversation_id: int) -> _Open:
        chosen = {
            task: canary
            for task, canary in self._canaries.items()
            if _place(canary.name, conversation_id) < self._share
        }
        versions = {**self._active.arm.versions, **chosen}
        return self._arms.get(_key(versions), self._active)

    # -- following

    async def _follow_on(self, every: float) -> None:
        while not self._ending.is_set():
            await self.follow()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), every)

    def _stamps(self) -> tuple[str, ...]:
        return tuple(self._registry.stamp(task) for task in self._tasks)

    def _wanted(self) -> tuple[Versions, Mapping[Task, AdapterVersion]]:
        active = {**self._active.arm.versions, **{task: self._registry.active(task) for task in self._tasks}}
        canaries = {task: canary for task in self._tasks if (canary := self._registry.canary_of(task)) is not None}
        return active, canaries if self._share else {}

    async def _serve(self, active: Versions, canaries: Mapping[Task, AdapterVersion]) -> None:
        """Open what is wanted and retire what is not, in an order that needs two generators at most."""
        sets = _combinations(active, canaries)
        wanted = {_key(versions) for versions in sets}
        self._canaries = {task: one for task, one in self._canaries.items() if _name(canaries.get(task)) == one.name}
        mine = _generator(self._active)
        self._retire_all_but(wanted, lambda opened: _generator(opened) != mine)
        serving = await self._opened(active)
        if serving is None:  # what served before goes on
            return
        if serving is not self._active:
            self._active = serving
            log.info("versions changed", extra={"action": "versions-changed", "versions": _names(active)})
        self._retire_all_but(wanted, lambda opened: opened is not serving)
        for versions in sets:
            await self._opened(versions)
        there = {name for key in self._arms for name in key}
        self._canaries = {task: canary for task, canary in canaries.items() if canary.name in there}

    def _retire_all_but(self, wanted: Collection[_Key], chosen: Callable[[_Open], bool]) -> None:
        for key, opened in tuple(self._arms.items()):
            if key not in wanted and chosen(opened):
                self._retire(opened)

    async def _opened(self, versions: Versions) -> _Open | None:
        """The arm of a set of versions, built if need be; None where that cannot be done."""
        if (known := self._arms.get(_key(versions))) is not None:
            return known
        await self._room_for(versions)
        if self._ending.is_set():
            return None
        try:
            arm = await uncut(run_blocking(self._build, versions))
        except Exception as error:  # noqa: BLE001 - whatever keeps a version from loading, those before serve on
            if self._ending.is_set():  # it was broken off
                return None
            reason = str(error) if isinstance(error, AdapterError) else type(error).__name__
            self._tell(f"{_names(versions)} cannot be loaded, and what served before goes on: {reason}")
            self._again_at = asyncio.get_running_loop().time() + self._again_seconds  # its disk may be mended by then
            return None
        opened = self._arms[_key(versions)] = _Open(arm=arm)
        self._open.append(opened)
        return opened

    async def _room_for(self, versions: Versions) -> None:
        """Wait until one more generator fits beside those in memory."""
        while not self._ending.is_set():
            held = {_generator(opened) for opened in self._open}
            if len(held | {_name(versions[Task.GENERATOR])}) <= MOST_GENERATORS:
                return
            self._freed.clear()
            await self._freed.wait()

    # -- closing

    def _retire(self, opened: _Open, *, at_once: bool = False) -> None:
        opened.retired = True
        self._arms.pop(_key(opened.arm.versions), None)
        self._close_if_done(opened, at_once=at_once)

    def _close_if_done(self, opened: _Open, *, at_once: bool = False) -> None:
        if opened.retired and opened.closing is None and (at_once or not opened.requests):
            opened.closing = asyncio.create_task(self._close(opened))

    async def _close(self, opened: _Open) -> None:
        try:
            await opened.arm.aclose()
        finally:
            self._open.remove(opened)
            self._freed.set()

    def _tell(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            log.warning("version refused", extra={"action": "version-refused", "reason": sentence})
            self._notice(sentence)


def _combinations(active: Versions, canaries: Mapping[Task, AdapterVersion]) -> list[Versions]:
    """Every set of versions that some conversation gets, that without canaries first."""
    choices = [[active[task], canaries[task]] if task in canaries else [active[task]] for task in Task]
    return [dict(zip(Task, chosen, strict=True)) for chosen in itertools.product(*choices)]


def _place(name: str, conversation_id: int) -> float:
    """Where a conversation stands in [0, 1) for a canary: the same as long as both have their names."""
    digest = hashlib.sha256(f"{name}\n{conversation_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _key(versions: Versions) -> _Key:
    return tuple(_name(versions[task]) for task in Task)


def _name(version: AdapterVersion | None) -> str:
    return "" if version is None else version.name


def _generator(opened: _Open) -> str:
    return _name(opened.arm.versions[Task.GENERATOR])


def _names(versions: Versions) -> str:
    return ", ".join(version.name for version in versions.values() if version) or "the program as it came"


def _named(event: Event, versions: Versions) -> Event:
    """An answer whose trace names the versions that had a say in it."""
    if not isinstance(event, Done):
        return event
    trace = event.answer.trace
    names = {
        task.value: version.name
        for task, version in versions.items()
        if version is not None and (task is Task.RETRIEVAL or task.value in trace.versions)
    }
    return Done(answer=replace(event.answer, trace=replace(trace, versions={**trace.versions, **names})))
