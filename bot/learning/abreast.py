"""Questions asked side by side, each in a slot that it keeps to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

SLOT: Final[ContextVar[int]] = ContextVar("slot", default=0)  # in which a question is asked, from 0


async def abreast(
    work: Callable[[Item], Awaitable[Result]],
    items: Sequence[Item],
    *,
    together: int,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> tuple[Result, ...]:
    """Do the same with every item, so many at a time; the first failure ends it.

    Args:
        work: What is done; it finds its slot in SLOT.
        items: With what.
        together: How many slots there are, >= 1.
        progress: Told after each: done, of how many.

    Returns:
        What came of each, in the order of the items.
    """
    free: asyncio.Queue[int] = asyncio.Queue()
    for slot in range(together):
        free.put_nowait(slot)
    done = 0

    async def one(item: Item) -> Result:
        nonlocal done
        slot = await free.get()
        SLOT.set(slot)  # each item has a task of its own, and so a context of its own
        try:
            result = await work(item)
        finally:
            free.put_nowait(slot)
        done += 1
        progress(done, len(items))
        return result

    tasks = [asyncio.ensure_future(one(item)) for item in items]
    try:
        return tuple(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # what one failure or a cancellation left behind
