"""Blocking work (disk, SQL, models) leaves the event loop through here alone; and work that is never cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
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
        if not task.cancelled():
            task.exception()  # looked at, or asyncio logs it, with whatever its text quotes
        raise
