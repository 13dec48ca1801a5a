"""The one place through which blocking work (disk, SQL, models) leaves the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def run_blocking(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a blocking function in a thread and await its result.

    A cancelled wait leaves the function running to its end: a transaction is finished, never torn.
    """
    return await asyncio.to_thread(function, *args, **kwargs)
