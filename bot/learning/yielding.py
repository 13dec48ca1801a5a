"""Chat comes before training: the training process stands still while an answer is being written.

The lowest priority alone does not do: caches and memory are shared, and what is in the middle of a step goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import psutil

from bot.middleware import Handler, Request
from bot.pipeline import Event

# Only there does a process that stands still end with the program that wants its work; see bot.learning.worker.
POSSIBLE = sys.platform == "linux"
LOOK_SECONDS = 0.02  # an answer takes a second or more
MOST_SECONDS = 10.0  # at a stretch: whoever waits for a lock that the process holds does not wait for ever
TURN_SECONDS = 5.0  # that training then has, however much is asked


class Answering:
    """Knows whether an answer is being written."""

    def __init__(self) -> None:
        self._answers = 0

    def busy(self) -> bool:
        """Whether one is."""
        return self._answers > 0

    def around(self, handler: Handler) -> Handler:
        """What answers, counted."""

        async def answer(request: Request) -> AsyncGenerator[Event, None]:
            self._answers += 1
            try:
                async with aclosing(handler(request)) as events:
                    async for event in events:
                        yield event
            finally:
                self._answers -= 1

        return answer


async def give_way(
    pid: int,
    busy: Callable[[], bool],
    *,
    most_seconds: float = MOST_SECONDS,
    turn_seconds: float = TURN_SECONDS,
) -> None:
    """Let a process stand still whenever somebody is busy, until this is cancelled or the process is gone.

    Args:
        pid: Of a process that ends with this one even while it stands still.
        busy: Asked every few hundredths of a second.
        most_seconds: At a stretch.
        turn_seconds: That the process has after so long a stretch.
    """
    loop = asyncio.get_running_loop()
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        while True:
            if busy():
                end = loop.time() + most_seconds
                try:
                    process.suspend()
                    while busy() and loop.time() < end:  # noqa: ASYNC110 - asked from outside, it has no event
                        await asyncio.sleep(LOOK_SECONDS)
                finally:
                    process.resume()
                if busy():
                    await asyncio.sleep(turn_seconds)
            await asyncio.sleep(LOOK_SECONDS)
