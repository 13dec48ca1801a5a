"""Training by itself: APScheduler with its jobs in the store, in one of the programs that serve it.

Every few seconds each program asks for the lease. Whoever has it runs the scheduler; when it dies, the lease runs out
and another one takes over. What was missed while none ran is made up for once. A job only says that it is time to look;
`training.schedule.due` decides.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.events import EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from adapters.errors import AdapterError
from adapters.types import AdapterVersion, Task
from bot.blocking import run_blocking
from bot.errors import BotError
from bot.learning.errors import LearningError
from bot.learning.loop import PAUSED, PLAN, LearningLoop
from bot.learning.settings import LearningSettings
from bot.learning.types import ALL_TASKS, Cause, detail_of
from bot.store.runs import Run
from bot.store.schema import RunState
from bot.store.store import Store
from training.errors import TrainingError
from training.schedule import DAYS, Plan, PlanKind, Quiet, due, plan_of, quiet_of

LEASE_SECONDS = 60.0
TICK_SECONDS = 10.0
COUNT_MINUTES = 5  # between two counts of new ratings
AGAIN_HOURS = 6  # after which a run that was to replace a version, and was stopped or failed, is tried again
REGULAR, LATER = "learning", "learning after quiet hours"  # ids of the jobs

log = logging.getLogger(__name__)


def time_to_look() -> None:
    """What a job calls. A job in the store can hold no running program: the scheduler's listener does the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clockwork:
    """What the schedule works with."""

    store: Store
    loop: LearningLoop
    settings: LearningSettings
    now: Callable[[], datetime]  # aware
    usable: Callable[[datetime | None], int]  # how many ratings since then can be learned from; blocks
    besides: Callable[[], Awaitable[None]]  # what one program is to do every few seconds, such as watching a canary


class _Scheduler(BackgroundScheduler):  # type: ignore[misc]  # APScheduler ships no types
    """APScheduler's own, which can be asked whether its thread is still there."""

    @property
    def runs(self) -> bool:
        """Whether it is."""
        return bool(self._thread.is_alive())


class Schedule:
    """Begins runs when it is time; `start` and `stop` belong to the program that serves."""

    def __init__(self, parts: Clockwork, *, tick_seconds: float = TICK_SECONDS) -> None:
        self._parts = parts
        self._tick_seconds = tick_seconds
        self._holder = secrets.token_hex(8)
        self._zone = ZoneInfo(parts.settings.timezone)
        self._quiet = quiet_of(parts.settings.quiet_hours)
        self._scheduler: _Scheduler | None = None
        self._fired = asyncio.Event()
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to ask for the lease."""
        self._ticking = asyncio.create_task(self._tick_on())

    async def stop(self) -> None:
        """Let another program take over at once."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.wait([self._ticking])
        await run_blocking(self._stand_down)
        await run_blocking(self._parts.store.jobs.resign, self._holder)

    @property
    def leads(self) -> bool:
        """Whether this program carries the jobs out."""
        return self._scheduler is not None

    async def _tick_on(self) -> None:
        while True:
            try:
                await self.tick()
            except (BotError, AdapterError, TrainingError, OSError) as error:
                # the store cannot be reached, or a version's folder is torn; the next look may find it mended
                log.warning("no look", extra={"action": "schedule-failed", "error": type(error).__name__})
                await asyncio.sleep(self._tick_seconds)  # even where a job has fired: that look is still to come
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._fired.wait(), self._tick_seconds)

    @property
    def is_alive(self) -> bool:
        """Whether it is still looked whether a run is due."""
        return self._ticking is not None and not self._ticking.done()

    async def tick(self) -> None:
        """Renew the lease, follow a plan that somebody changed, and begin a run if a job said that it is time."""
        if not await run_blocking(self._parts.store.jobs.lead, self._holder, seconds=LEASE_SECONDS):
            await run_blocking(self._stand_down)
            self._fired.clear()  # whoever leads now is told by jobs of its own
            return
        await run_blocking(self._follow_plan, asyncio.get_running_loop())
        if self._fired.is_set():
            if await run_blocking(self._is_due):
                await self._begin(ALL_TASKS, Cause.SCHEDULE)
            self._fired.clear()
        if tasks := await run_blocking(self._to_forget):
            await self._begin(tasks, Cause.FORGETTING)
        await self._parts.besides()

    # -- the scheduler

    def _follow_plan(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run the scheduler with the plan in force. Blocks."""
        plan = self._plan()
        if self._scheduler is not None and not self._scheduler.runs:
            log.error("the schedule's thread has ended", extra={"action": "schedule-restarted"})
            self._stand_down()
        if self._scheduler is None:
            self._scheduler = self._started(loop)
        name = f"{plan.text}, {self._zone.key}"
        with self._parts.store.jobs.translated():
            known = self._scheduler.get_job(REGULAR)
            if known is not None and known.name == name:
                return  # with its time of the next run, which may lie in the past: it is made up for
            for job in self._scheduler.get_jobs():
                job.remove()
        if (trigger := trigger_of(plan, self._zone)) is not None:
            self._add(REGULAR, trigger, name)

    def _started(self, loop: asyncio.AbstractEventLoop) -> _Scheduler:
        scheduler = _Scheduler(
            jobstores={"default": self._parts.store.jobs.job_store()},
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
            timezone=self._zone,
        )

        def fired(_: JobExecutionEvent) -> None:  # in a thread of the scheduler's
            with suppress(RuntimeError):  # the event loop has ended meanwhile
                loop.call_soon_threadsafe(self._fired.set)

        scheduler.add_listener(fired, EVENT_JOB_EXECUTED)
        scheduler.start()
        return scheduler

    def _add(self, job_id: str, trigger: BaseTrigger, name: str) -> None:
        assert self._scheduler is not None  # noqa: S101 - only a leader adds jobs
        with self._parts.store.jobs.translated():
            self._scheduler.add_job(time_to_look, trigger, id=job_id, name=name, replace_existing=True)

    def _stand_down(self) -> None:
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None

    # -- what it decides

    async def _begin(self, tasks: Sequence[Task], cause: Cause) -> None:
        try:
            await self._parts.loop.retrain(tasks, cause=cause)
        except LearningError as error:  # one is going on already, say
            log.info("not now", extra={"action": "run-not-begun", "error": type(error).__name__})

    def _to_forget(self) -> tuple[Task, ...]:
        """The tasks that are to be trained anew now because what serves learned from somebody who is forgotten.

        Whoever wants to be forgotten waits for no plan, even where none is followed; only for the end of quiet hours
        and of a pause.
        """
        store, now = self._parts.store, self._parts.now()
        if store.settings.get(PAUSED) or store.runs.running():
            return ()
        if self._quiet is not None and self._quiet.holds(now.astimezone(self._zone)):
            return ()
        last = store.runs.last_because(Cause.FORGETTING)
        return tuple(one.task for one in self._parts.loop.must_go() if last is None or not _was_tried(last, one, now))

    def _is_due(self) -> bool:
        store, now = self._parts.store, self._parts.now().astimezone(self._zone)
        plan, last, tried = self._plan(), store.runs.last_done(), store.runs.last_tried()
        if store.settings.get(PAUSED):
            return False
        since = None if tried is None else tried.started_at
        # What a run failed to learn is still to be learned, but not at once again where ratings are counted.
        learned = tried if plan.kind is PlanKind.AFTER else last
        new = self._new(plan, None if learned is None else learned.started_at)
        if self._quiet is not None and self._quiet.holds(now):
            later = end_of(self._quiet, now)
            if due(plan, now=later, since=since, new_ratings=new, quiet=None):
                self._add(LATER, DateTrigger(later), LATER)
            return False
        return due(plan, now=now, since=since, new_ratings=new, quiet=None)

    def _new(self, plan: Plan, since: datetime | None) -> int:
        """How much there is to be learned: where it is counted, what can be learned from, else whatever was said."""
        said = self._parts.store.feedback.count(since)
        if plan.kind is not PlanKind.AFTER or said < plan.ratings:
            return said
        return self._parts.usable(since)

    def _plan(self) -> Plan:
        return plan_of(self._parts.store.settings.get(PLAN) or self._parts.settings.schedule)


def _was_tried(run: Run, version: AdapterVersion, now: datetime) -> bool:
    """Whether a run was to replace a version, came to nothing, and is too young to be tried again."""
    before = version.since is not None and version.since > run.started_at
    interrupted = run.state is RunState.INTERRUPTED and not detail_of(run.detail).died
    if before or interrupted or version.task not in run.tasks:
        return False
    return now - run.started_at < timedelta(hours=AGAIN_HOURS)


def trigger_of(plan: Plan, zone: ZoneInfo) -> BaseTrigger | None:
    """When to look; None for never."""
    if plan.kind is PlanKind.OFF:
        return None
    if plan.kind is PlanKind.AFTER:
        return IntervalTrigger(minutes=COUNT_MINUTES, timezone=zone)
    day = DAYS[plan.day] if plan.kind is PlanKind.WEEKLY else "*"
    return CronTrigger(day_of_week=day, hour=plan.at.hour, minute=plan.at.minute, timezone=zone)


def end_of(quiet: Quiet, now: datetime) -> datetime:
    """The next end of quiet hours."""
    end = now.replace(hour=quiet.end.hour, minute=quiet.end.minute, second=0, microsecond=0)
    return end if end > now else end + timedelta(days=1)
