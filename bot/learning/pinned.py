"""Answers with a version that was asked for by name, whichever serves; a few such message paths stay in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from adapters.errors import AdapterError
from adapters.registry import Registry
from adapters.types import AdapterVersion, Task
from bot.blocking import run_blocking, uncut
from bot.learning.errors import LearningError
from bot.learning.live import Build, LivePath, Versions
from bot.learning.types import task_of

MOST: Final = 1  # paths in memory beside what serves; each may hold a generator


@dataclass(slots=True, kw_only=True, eq=False)
class _Kept:
    """A message path in memory."""

    path: LivePath
    requests: int = 0  # that it answers now


class Pinned:
    """Message paths of what serves with one version put in; used from one event loop."""

    def __init__(
        self,
        build: Build,
        registry: Registry,
        *,
        serving: Callable[[], Versions],
        fits: Callable[[AdapterVersion], bool],
        most: int = MOST,
    ) -> None:
        """Load nothing yet.

        Args:
            build: Makes a path; blocks.
            registry: Knows the versions.
            serving: What serves now.
            fits: Whether a version was made for the models in the settings; blocks.
            most: Paths in memory at a time.
        """
        self._build = build
        self._registry = registry
        self._serving = serving
        self._fits = fits
        self._most = most
        self._kept: dict[tuple[str, ...], _Kept] = {}  # by the names of its versions, the longest unused first
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    def versions(self) -> Sequence[AdapterVersion]:
        """Those that can be asked for; blocks. None that learned from somebody who is forgotten since."""
        found = (version for task in Task for version in self._registry.versions(task))
        return tuple(version for version in found if not version.stale and self._fits(version))

    def version(self, name: str) -> AdapterVersion | None:
        """One that can be asked for, by its name; blocks."""
        try:
            version = self._registry.version(task_of(name), name)
        except (AdapterError, LearningError):
            return None
        return None if version.stale or not self._fits(version) else version

    @asynccontextmanager
    async def path(self, version: AdapterVersion) -> AsyncIterator[LivePath]:
        """The message path with a version, kept in memory while it is used.

        Raises:
            AdapterError: It cannot be loaded.
        """
        kept = await self._hold({**self._serving(), version.task: version})
        try:
            yield kept.path
        finally:
            kept.requests -= 1
            self._freed.set()

    async def aclose(self) -> None:
        """Let go of all of them."""
        async with self._turn:
            while self._kept:
                _, kept = self._kept.popitem()
                await kept.path.aclose()

    async def _hold(self, versions: Versions) -> _Kept:
        key = tuple(one.name if one else "" for one in versions.values())
        async with self._turn:
            if key not in self._kept:
                await self._make_room()
                await uncut(self._make(key, versions))  # cut off, what was loaded would be held by nobody
            kept = self._kept[key] = self._kept.pop(key)  # behind all others
            kept.requests += 1
            return kept

    async def _make(self, key: tuple[str, ...], versions: Versions) -> None:
        arm = await run_blocking(self._build, versions)
        self._kept[key] = _Kept(path=LivePath(arm, self._build, self._registry, canary_share=0.0, tasks=()))

    async def _make_room(self) -> None:
        while len(self._kept) >= self._most:
            idle = next((key for key, one in self._kept.items() if not one.requests), None)
            if idle is not None:
                await self._kept.pop(idle).path.aclose()
                continue
            self._freed.clear()
            await self._freed.wait()
