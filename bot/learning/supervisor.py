"""Runs the training process and watches over it: its limits, its cancellation, what it says.

    the job, one line of JSON -> its standard input, which then stays open: at its end the process ends, too
    its standard output, a line of JSON each -> steps and results

Whatever ends the process, nothing that serves has changed: it writes to its own folder alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from pydantic import ValidationError

from bot.learning.errors import CancelledRunError, DiedError, LearningError, LimitError
from bot.learning.types import JOB, LINE, EndLine, FailureLine, Job, ResultLine, Step, StepLine, TaskResult
from bot.learning.yielding import POSSIBLE, give_way

LOOK_SECONDS = 0.5  # between two looks at memory, disk, the clock and the wish to cancel
LINE_BYTES = 16 * 1024 * 1024  # a result with its report is far shorter
END_SECONDS = 10.0  # for a process that has said its last line
MEGABYTE = 1_000_000

OnStep = Callable[[Step], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a run ends at the latest."""

    seconds: float
    memory_megabytes: int  # resident, of the process with its children; MB of 10^6 bytes
    free_megabytes: int  # of the disk, that must be left


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """Starts training processes, one for each job."""

    command: Sequence[str]
    environ: Mapping[str, str] = field(repr=False)  # variables besides those of this program
    limits: Limits
    look_seconds: float = LOOK_SECONDS
    busy: Callable[[], bool] = lambda: False  # whether the process is to stand still

    async def run(
        self, job: Job, *, on_step: OnStep, cancelled: Callable[[], Awaitable[bool]]
    ) -> tuple[TaskResult, ...]:
        """Have a job done.

        Args:
            job: Its folder exists.
            on_step: Told how far it is.
            cancelled: Asked now and then whether somebody wants it to stop.

        Returns:
            A result for each task.

        Raises:
            LimitError: It took too long, too much memory or disk.
            CancelledRunError: It was cancelled.
            DiedError: The process ended without a word.
            LearningError: It said why it cannot go on.
        """
        refuse_full_disk(Path(job.folder), self.limits)
        process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, **self.environ},
            limit=LINE_BYTES,
            start_new_session=True,  # Ctrl-C at a terminal is for us: we end it
        )
        try:
            return await self._attended(process, job, on_step, cancelled)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _attended(
        self,
        process: asyncio.subprocess.Process,
        job: Job,
        on_step: OnStep,
        cancelled: Callable[[], Awaitable[bool]],
    ) -> tuple[TaskResult, ...]:
        yielding: list[asyncio.Future[None]] = []

        def at(step: Step) -> None:
            if POSSIBLE and not yielding:  # it has spoken, so by now it ends with this program
                yielding.append(asyncio.ensure_future(give_way(process.pid, self.busy)))
            on_step(step)

        reading = asyncio.ensure_future(_read(process, job, at))
        watching = asyncio.ensure_future(self._watch(process.pid, Path(job.folder), cancelled))
        try:
            await asyncio.wait([reading, watching], return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                watching.result()  # says why it is to end
            return await reading
        finally:
            tasks: list[asyncio.Future[Any]] = [reading, watching, *yielding]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, pid: int, folder: Path, cancelled: Callable[[], Awaitable[bool]]) -> None:
        """Look until there is a reason to end."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.limits.seconds
        while True:
            if await cancelled():
                raise CancelledRunError("The training was cancelled; what served before goes on serving.")
            if loop.time() > end:
                raise LimitError(
                    f"The training took longer than {self.limits.seconds / 60:g} minutes and was ended; raise "
                    "learning.max_minutes, or train one task at a time."
                )
            needed = resident_megabytes(pid)
            if needed > self.limits.memory_megabytes:
                raise LimitError(
                    f"The training needed {needed:,} MB of memory and was ended at the limit of "
                    f"{self.limits.memory_megabytes:,} MB (learning.max_memory_megabytes)."
                )
            refuse_full_disk(folder, self.limits)
            await asyncio.sleep(self.look_seconds)


async def _read(process: asyncio.subprocess.Process, job: Job, on_step: OnStep) -> tuple[TaskResult, ...]:
    """Hand the job over, and read what the process says to its end."""
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101 - as above
    with contextlib.suppress(ConnectionError):  # it died at once: what it did not say tells
        process.stdin.write(JOB.dump_json(job) + b"\n")
        await process.stdin.drain()
    results: list[TaskResult] = []
    while line := await process.stdout.readline():
        try:
            said = LINE.validate_json(line)
        except ValidationError:
            raise DiedError("The training process said something that is not understood, and was ended.") from None
        if isinstance(said, StepLine):
            on_step(said.step)
        elif isinstance(said, ResultLine):
            results.append(said.result)
        elif isinstance(said, FailureLine):
            raise LearningError(said.failure)
        elif isinstance(said, EndLine):
            process.stdin.close()
            await _ended(process)
            return tuple(results)
    code = await process.wait()
    raise DiedError(f"The training process ended before it was through (exit code {code}); nothing was changed.")


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Give a process that is through a moment to leave by itself."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), END_SECONDS)


def resident_megabytes(pid: int) -> int:
    """What a process and its children hold of the memory, MB; 0 once it is gone."""
    try:
        process = psutil.Process(pid)
        held = [process, *process.children(recursive=True)]
        return sum(int(one.memory_info().rss) for one in held) // MEGABYTE
    except psutil.Error:
        return 0


def refuse_full_disk(folder: Path, limits: Limits) -> None:
    """Stop before the disk is full.

    Raises:
        LimitError: Less is free than must be left.
    """
    free = shutil.disk_usage(folder).free // MEGABYTE
    if free < limits.free_megabytes:
        raise LimitError(
            f"Only {free:,} MB of the disk are free, and training must leave {limits.free_megabytes:,} MB "
            "(learning.min_free_megabytes); free some space."
        )
