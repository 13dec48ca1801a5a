"""Work in lanes: one thing after the other within a lane, several lanes side by side, a limit to what may wait."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)


class Turn:
    """A job's turn to work; given back early by a job that only waits from then on."""

    def __init__(self, width: asyncio.Semaphore, *, held: bool) -> None:
        self._width = width
        self._held = held

    def give_back(self) -> None:
        """Let another lane work; again does nothing."""
        if self._held:
            self._held = False
            self._width.release()


Job = Callable[[Turn], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    key: Hashable  # names the job within its lane
    job: Job
    waits: bool  # for the platform alone: it needs no turn
    dropped: Callable[[], object]  # called if it never runs because nothing more does
    context: Context  # of whoever put it there: what is logged of the job is about the same request


class Lanes:
    """Runs jobs in order within a lane.

    A lane that has much to do holds up nobody but itself: a lane takes one turn at a time, and turns go round. Nor does
    one whose platform is slow: it gives its turn back while it waits.
    """

    def __init__(self, *, width: int, capacity: int) -> None:
        """Start empty.

        Args:
            width: How many lanes work at the same time at most, those that only wait not counted.
            capacity: How many jobs may wait in all.
        """
        self._width = asyncio.Semaphore(width)
        self._capacity = capacity
        self._waiting: dict[Hashable, deque[_Waiting]] = {}
        self._running: dict[Hashable, tuple[Hashable, asyncio.Task[None]]] = {}  # lane -> (job's key, its task)
        self._lanes: dict[Hashable, asyncio.Task[None]] = {}
        self._line: dict[Hashable, None] = {}  # lanes that wait for their turn, in order
        self._closed = False
        self.failures = 0  # jobs that ended with an exception

    def __len__(self) -> int:
        """How many jobs wait."""
        return sum(len(jobs) for jobs in self._waiting.values())

    @property
    def closed(self) -> bool:
        """Whether nothing is taken any more."""
        return self._closed

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        return bool(self._lanes)

    def put(
        self,
        lane: Hashable,
        key: Hashable,
        job: Job,
        *,
        always: bool = False,
        waits: bool = False,
        dropped: Callable[[], object] = lambda: None,
    ) -> bool:
        """Add a job at the end of a lane.

        Args:
            lane: Which; made if it is new.
            key: Names the job, for `cancel`.
            job: What to do. An exception of its own ends only it.
            always: Take it however many wait.
            waits: It only waits for others, and does so without a turn.
            dropped: Called if `close` drops it.

        Returns:
            False if too many wait already, or nothing is taken any more; the job is not taken then.
        """
        if self._closed or (len(self) >= self._capacity and not always):
            return False
        self._waiting.setdefault(lane, deque()).append(_Waiting(key, job, waits, dropped, copy_context()))
        if lane not in self._lanes:
            self._lanes[lane] = asyncio.create_task(self._drive(lane))
        return True

    def has(self, lane: Hashable, key: Hashable) -> bool:
        """Whether a job waits or runs."""
        running, _ = self._running.get(lane, (None, None))
        return running == key or any(job.key == key for job in self._waiting.get(lane, ()))

    def place_of(self, lane: Hashable, key: Hashable) -> int:
        """Which in line a job is, from 1: how many turns are taken until it has its own; 0 if it waits for none.

        Turns go round: of another lane's jobs no more come first than there are of this one's own before it, or one
        more where that lane stands before this one.
        """
        own = [job.key for job in self._waiting.get(lane, ()) if not job.waits]
        if key not in own:
            return 0
        before = own.index(key)
        line = [*self._line, *(one for one in self._lanes if one not in self._line)]  # whoever works comes last
        place = line.index(lane)
        others = (
            min(len(self._waiting.get(other, ())), before + (number < place))
            for number, other in enumerate(line)
            if number != place
        )
        return 1 + before + sum(others)

    def cancel(self, lane: Hashable, key: Hashable) -> bool:
        """Take a job out of its lane, or stop it if it runs; what follows in the lane comes after it has stopped.

        Returns:
            False if there is no such job.
        """
        jobs = self._waiting.get(lane)
        if jobs is not None:
            kept = deque(job for job in jobs if job.key != key)
            if len(kept) != len(jobs):
                self._waiting[lane] = kept
                return True
        running, task = self._running.get(lane, (None, None))
        if task is None or running != key:
            return False
        task.cancel()
        return True

    async def close(self, *, seconds: float) -> None:
        """Take nothing more, drop what waits, and let what runs finish; after so many seconds it is stopped."""
        self._closed = True
        for jobs in self._waiting.values():
            while jobs:
                jobs.popleft().dropped()
        if self._lanes:
            await asyncio.wait(list(self._lanes.values()), timeout=seconds)
        rest = [*(task for _, task in self._running.values()), *self._lanes.values()]
        for task in rest:
            task.cancel()
        if rest:
            await asyncio.wait(rest)

    async def idle(self) -> None:
        """Wait until nothing runs and nothing waits."""
        while self._lanes:
            await asyncio.wait(list(self._lanes.values()))

    async def _drive(self, lane: Hashable) -> None:
        try:
            while jobs := self._waiting.get(lane):
                turn = Turn(self._width, held=not jobs[0].waits)
                if not jobs[0].waits:
                    await self._acquire(lane)
                try:
                    if not (jobs := self._waiting.get(lane)):  # cancelled while it waited for its turn
                        break
                    await self._run(lane, jobs.popleft(), turn)
                finally:
                    turn.give_back()
        finally:
            self._waiting.pop(lane, None)
            self._lanes.pop(lane, None)

    async def _acquire(self, lane: Hashable) -> None:
        self._line[lane] = None
        try:
            await self._width.acquire()
        finally:
            del self._line[lane]

    async def _run(self, lane: Hashable, waiting: _Waiting, turn: Turn) -> None:
        task = asyncio.create_task(waiting.job(turn), context=waiting.context)
        self._running[lane] = (waiting.key, task)
        try:
            await asyncio.wait([task])
        finally:
            self._running.pop(lane, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures += 1
            # by type only: an exception's text may quote what a person wrote
            extra = {"action": "job-failed", "error": type(error).__name__, "job": waiting.key}
            waiting.context.run(log.error, "a job failed", extra=extra)
