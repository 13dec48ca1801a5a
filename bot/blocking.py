"""Blocking work (disk, SQL, models) leaves the event loop through here alone; and work that is never cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
A = TypeVar("A")
R = TypeVar("R")


async def run_blocking(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a blocking function in a thread and await its result.

    A cancelled wait leaves the function running to its end: a transaction is finished, never torn.
    """
    return await asyncio.to_thread(function, *args, **kwargs)


async def uncut(work: Coroutine[Any, Any, R]) -> R:
    """Await work that must not be cut off in the middle, such as a request whose result has to be written down.

    Cancelled, it goes on to its end, and only then is the cancellation passed on.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:  # cancelled once more: the end is waited for all the same
                continue
        _look_at(task)
        raise


@dataclass(frozen=True, slots=True)
class Failed:
    """What stands for the result of something that ended with an exception."""

    error: Exception


def tried(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | Failed:
    """Call a function whose exception must not keep others in the same batch from their results."""
    try:
        return function(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - handed on: `Together` raises it to whoever asked
        return Failed(error)


class _Batch(Generic[A, R]):
    def __init__(self) -> None:
        self.items: list[A] = []
        self.taken = False  # nothing can be added any more
        self.task: asyncio.Task[Sequence[R | Failed]]


class Together(Generic[A, R]):
    """Blocking work that costs little more for several than for one.

    One batch is worked on at a time; whatever is asked for meanwhile makes the next one. Nobody waits for others to
    come: what is asked for while nothing is at work begins at once.
    """

    def __init__(self, work: Callable[[Sequence[A]], Sequence[R | Failed]], *, most: int) -> None:
        """Begin with nothing to do.

        Args:
            work: Blocks; gives one result for each item, in order.
            most: Items in one batch.
        """
        self._work = work
        self._most = most
        self._newest: _Batch[A, R] | None = None

    async def __call__(self, item: A) -> R:
        """Await the result for one item. A cancelled wait leaves the work running to its end."""
        batch = self._open()
        number = len(batch.items)
        batch.items.append(item)
        found = (await asyncio.shield(batch.task))[number]
        if isinstance(found, Failed):
            raise found.error
        return found

    def _open(self) -> _Batch[A, R]:
        """The batch that still takes items."""
        newest = self._newest
        if newest is not None and not newest.taken and not newest.task.done() and len(newest.items) < self._most:
            return newest
        self._newest = batch = _Batch[A, R]()
        batch.task = asyncio.create_task(self._run(batch, after=newest))
        batch.task.add_done_callback(_look_at)
        return batch

    async def _run(self, batch: _Batch[A, R], *, after: _Batch[A, R] | None) -> Sequence[R | Failed]:
        if after is not None and not after.task.done():
            await asyncio.wait([after.task])
        batch.taken = True
        return await run_blocking(self._work, tuple(batch.items))


def _look_at(task: asyncio.Task[Any]) -> None:
    """Take note of a failure that nobody waits for any more, or asyncio logs it, with whatever its text quotes."""
    if not task.cancelled():
        task.exception()
