"""The learning loop as commands, buttons, the command line and the schedule see it.

A run: examples gathered -> the training process trains and judges in a folder of its own -> what it made goes into the
registry as candidates -> the result is stored -> stages change -> the admins are told. Killed at any instant before
the result is stored, the run counts as interrupted, its candidates are rejected, and what served goes on serving;
killed after it, the next start does the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from adapters.errors import AdapterError
from adapters.examples import Examples
from adapters.registry import Registry
from adapters.types import AdapterVersion, Task
from bot.blocking import run_blocking, uncut
from bot.errors import BotError
from bot.learning.errors import (
    CancelledRunError,
    DiedError,
    LearningError,
    PausedError,
    PlanError,
    RunningError,
)
from bot.learning.settings import LearningSettings
from bot.learning.settling import RUN, Settling
from bot.learning.types import (
    Cause,
    Job,
    RunDetail,
    Step,
    TaskResult,
    detail_of,
    detail_text,
    task_of,
)
from bot.store.runs import CANCEL, Asker, Run
from bot.store.schema import RunState
from bot.store.store import Store
from knowledge.errors import KnowledgeError
from training.errors import TrainingError
from training.schedule import NoPlanError, PlanKind, plan_of

PAUSED = "learning_paused"  # setting: "yes" while nothing is to be trained
PLAN = "learning_plan"  # setting: when to train, where somebody said so
REMEMBERED = 8  # runs of this program whose questions and answers can still be shown
TIDY_SECONDS = 10.0  # for a run that has ended to let the next one begin
STOPPED = "The program was stopped while the training ran; nothing was changed. Start it again when you like."

log = logging.getLogger(__name__)


class Work(Protocol):
    """Has a job done elsewhere; bot.learning.supervisor."""

    async def __call__(
        self, job: Job, *, on_step: Callable[[Step], None], cancelled: Callable[[], Awaitable[bool]]
    ) -> tuple[TaskResult, ...]:
        """See bot.learning.supervisor.Supervisor.run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopState:
    """How the loop stands."""

    running: Run | None  # in this program or another one on the same store
    step: Step | None  # of a run in this program
    paused: bool
    plan: str  # as training.schedule.Plan.text says it
    next_run: datetime | None  # aware, UTC
    last: Run | None  # that ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the loop works with."""

    store: Store
    registry: Registry
    settings: LearningSettings
    folder: Path  # for its lock, work in progress and pictures
    trainable: Callable[[], Collection[Task]]  # the tasks whose models run here; blocks
    gather: Callable[[], Examples]  # blocks
    work: Work
    code: str  # version of the program
    tell: Callable[[Run, RunDetail], None]  # keeps what is to be said of a run that ended; blocks, may be called again
    speak: Callable[[], Awaitable[None]]  # has what was kept said now


class LearningLoop:
    """One a program; several programs on one store take turns."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store
        self._registry = parts.registry
        self._settling = Settling(
            registry=parts.registry,
            settings=parts.settings,
            folder=parts.folder,
            trainable=parts.trainable,
            code=parts.code,
        )
        self._task: asyncio.Task[None] | None = None
        self._run: Run | None = None
        self._step: Step | None = None
        self._began: OrderedDict[int, asyncio.Task[None]] = OrderedDict()  # the last runs of this program
        self._details: dict[int, RunDetail] = {}  # of those that ended, with the answers that the store does not keep
        self._moved = asyncio.Event()

    # -- life

    async def start(self) -> None:
        """Finish what the last run left, if no other program is at it."""
        await run_blocking(self._take_up)
        await self._parts.speak()

    async def stop(self) -> None:
        """End a run of this program; it counts as interrupted."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    # -- runs

    async def retrain(self, tasks: Sequence[Task], *, cause: Cause, asker: Asker | None = None) -> Run:
        """Begin a run.

        Raises:
            RunningError: One is going on, here or in another program.
            LearningError: Learning is paused, or the run cannot begin.
        """
        if await run_blocking(self._is_paused):
            raise PausedError("Learning is paused; `burnish schedule resume` or /resume lets it go on.")
        lock = self._lock()
        run = await uncut(run_blocking(self._begin, lock, tuple(tasks), cause, asker or Asker()))
        self._run, self._step = run, None
        self._task = self._began[run.id] = asyncio.create_task(self._carry_out(run, lock))
        self._task.add_done_callback(lambda _: self._moved.set())
        while len(self._began) > REMEMBERED:
            self._details.pop(self._began.popitem(last=False)[0], None)
        return run

    async def wait(self, run_id: int) -> tuple[Run, RunDetail] | None:
        """Wait for the end of a run of this program, and give what came of it.

        Args:
            run_id: Of one of the last runs; of an older one, or one of another program, what the store holds is given.

        Returns:
            The run, and what it left; None if there is no such run, or it goes on elsewhere.
        """
        if (task := self._began.get(run_id)) is not None:
            await asyncio.wait([task])
            task.result()
        ended = await run_blocking(self._store.runs.get, run_id)
        if ended is None or ended.state is RunState.RUNNING:
            return None
        return ended, self._details.get(run_id) or detail_of(ended.detail)

    async def moved(self, run_id: int) -> Step | None:
        """Wait until a run of this program has come further; None once it has ended."""
        if not self.has(run_id):
            return None
        self._moved.clear()
        await self._moved.wait()
        return self._step if self.has(run_id) else None

    def has(self, run_id: int) -> bool:
        """Whether a run goes on in this program."""
        running = self._task is not None and not self._task.done()
        return running and self._run is not None and self._run.id == run_id

    async def cancel(self, run_id: int | None = None) -> Run | None:
        """Have the run that goes on stopped, or only this one, in whatever program; None if it does not go on."""
        return await run_blocking(self._store.runs.cancel, run_id)

    def must_go(self) -> tuple[AdapterVersion, ...]:
        """What serves everybody and learned from somebody who is forgotten since. Blocks."""
        return self._settling.must_go()

    async def state(self) -> LoopState:
        """How the loop stands."""
        return await run_blocking(self._state)

    # -- versions

    async def promote(self, name: str) -> AdapterVersion:
        """Let a version serve.

        Raises:
            AdapterError: There is no such version, or it is damaged.
        """
        return await run_blocking(self._registry.promote, task_of(name), name)

    async def keep_old(self, name: str) -> AdapterVersion:
        """Turn a candidate or canary down; what served goes on serving."""
        return await run_blocking(self._registry.reject, task_of(name), name, "an admin kept the version before")

    async def rollback(self, task: Task) -> AdapterVersion | None:
        """Go back to the version before; None where none served before and the built-in one serves now."""
        return await run_blocking(self._registry.rollback, task)

    # -- when

    async def pause(self) -> None:
        """Train nothing until `resume`; a run that goes on is not touched."""
        await run_blocking(self._store.settings.set, PAUSED, "yes")

    async def resume(self) -> None:
        """Train again."""
        await run_blocking(self._store.settings.set, PAUSED, "")

    async def schedule(self, text: str) -> str:
        """Set when training begins by itself; gives it in the form in which it is kept.

        Raises:
            PlanError: It is no plan.
        """
        try:
            plan = plan_of(text).text
        except NoPlanError as error:
            raise PlanError(str(error), fault=error.fault, given=error.given) from error
        await run_blocking(self._store.settings.set, PLAN, plan)
        return plan

    # -- a run

    def _lock(self) -> FileLock:
        self._parts.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return FileLock(self._parts.folder / "run.lock", thread_local=False)

    def _begin(self, lock: FileLock, tasks: tuple[Task, ...], cause: Cause, asker: Asker) -> Run:
        """Take the lock, which a dead program does not hold, and note the run. Blocks."""
        if not (tasks := tuple(task for task in tasks if task in self._parts.trainable())):
            raise LearningError("That cannot be trained here: with these settings its model runs elsewhere.")
        # a run that has ended for everybody else may still be tidying up
        is_over = not self._store.runs.running()
        try:
            lock.acquire(timeout=TIDY_SECONDS if is_over else 0)
        except Timeout:
            raise RunningError(
                "A training run is going on already; wait for its end, or stop it with `burnish train cancel` or "
                "/retrain cancel."
            ) from None
        try:
            self._recover()
            # now, not at the end: an admin may want to look at what was turned down
            self._settling.prune(tasks, self._store.runs.recent(self._parts.settings.keep_runs))
            return self._store.runs.begin(tasks, cause=cause.value, asker=asker)
        except BaseException:
            lock.release()
            raise

    async def _carry_out(self, run: Run, lock: FileLock) -> None:
        state, detail = RunState.INTERRUPTED, RunDetail(sentence=STOPPED)
        try:
            results = await self._results(run)
            state, detail = RunState.DONE, RunDetail(results=results)
        except CancelledRunError as error:
            state, detail = RunState.CANCELLED, RunDetail(sentence=str(error), step=self._step)
        except DiedError as error:
            detail = await self._failed(run, error, died=True)
        except (BotError, AdapterError, KnowledgeError, TrainingError, OSError) as error:
            state, detail = RunState.FAILED, await self._failed(run, error)
        finally:
            log.info("run ended", extra={"action": "run-ended", "run": run.id, "state": state.value})
            try:
                await uncut(run_blocking(self._end, run, state, detail))
            finally:
                lock.release()
        await self._parts.speak()

    async def _failed(self, run: Run, error: Exception, *, died: bool = False) -> RunDetail:
        """Why a run came to nothing; what must go goes all the same where that was what it was for."""
        results: tuple[TaskResult, ...] = ()
        if run.cause == Cause.FORGETTING:
            with contextlib.suppress(AdapterError):  # the registry cannot be read: nothing can be changed in it either
                results = await run_blocking(self._settling.left_behind, run)
        return RunDetail(results=results, sentence=str(error), step=self._step, died=died)

    async def _results(self, run: Run) -> tuple[TaskResult, ...]:
        to_replace = await run_blocking(self._settling.must_go)  # who is forgotten from now on is in what is trained
        examples = await run_blocking(self._parts.gather)
        folder = self._work_folder(run)
        await run_blocking(folder.mkdir, mode=0o700, parents=True)
        job = Job(run=run.id, tasks=run.tasks, folder=str(folder), seed=self._parts.settings.seed, examples=examples)
        results = await self._parts.work(job, on_step=self._at, cancelled=partial(self._is_cancelled, run.id))
        return await uncut(run_blocking(self._settling.registered, run, results, examples, to_replace))

    def _at(self, step: Step) -> None:
        self._step = step
        self._moved.set()

    async def _is_cancelled(self, run_id: int) -> bool:
        return await run_blocking(self._store.settings.get, CANCEL) == str(run_id)

    def _end(self, run: Run, state: RunState, detail: RunDetail) -> None:
        """Store how a run ended, and do what follows from it. Blocks."""
        if run.id in self._began:
            self._details[run.id] = detail
        if state is not RunState.DONE:
            self._settling.reject_all_of(run.id)
        self._store.runs.finish(run.id, state, detail_text(detail))
        self._follow_up(run.id)
        self._sweep()

    def _follow_up(self, run_id: int) -> None:
        """Change the stages that a run decided about, and keep what is to be said; done before, it changes nothing."""
        run = self._store.runs.get(run_id)
        detail = None if run is None else detail_of(run.detail)
        if run is None or detail is None or detail.settled:
            return
        detail = replace(detail, results=tuple(self._settling.settled(result) for result in detail.results))
        if run_id in self._details:
            self._details[run_id] = detail
        self._parts.tell(run, detail)
        self._store.runs.amend(run.id, detail_text(detail.without_words))

    # -- what dead programs left

    def _take_up(self) -> None:
        lock = self._lock()
        with contextlib.suppress(Timeout), lock.acquire(timeout=0):
            self._recover()

    def _recover(self) -> None:
        """Note what was interrupted, and finish what was decided. Blocks; the lock is held."""
        for run in self._store.runs.running():
            self._end(run, RunState.INTERRUPTED, RunDetail(sentence=STOPPED))
        if (last := self._store.runs.last_done()) is not None:
            self._follow_up(last.id)
        self._sweep()

    def _work_folder(self, run: Run) -> Path:
        return self._parts.folder / "work" / f"{RUN}{run.id}"

    def _sweep(self) -> None:
        shutil.rmtree(self._parts.folder / "work", ignore_errors=True)

    # -- state

    def _is_paused(self) -> bool:
        return bool(self._store.settings.get(PAUSED))

    def _state(self) -> LoopState:
        running = self._store.runs.running()
        recent = (run for run in self._store.runs.recent(2) if run.state is not RunState.RUNNING)
        current = running[-1] if running else None
        return LoopState(
            running=current,
            step=self._step if current is not None and self.has(current.id) else None,
            paused=self._is_paused(),
            plan=self._store.settings.get(PLAN) or plan_of(self._parts.settings.schedule).text,
            next_run=self._store.jobs.next_run(),
            last=next(recent, None),
        )


def of_the_clock(plan: str) -> bool:
    """Whether a plan is one of times, in the team's zone; others count ratings, or there is none."""
    return plan_of(plan).kind in {PlanKind.DAILY, PlanKind.WEEKLY}
