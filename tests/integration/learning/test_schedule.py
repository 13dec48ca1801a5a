"""Training by itself: the real scheduler over a real store; runs are only begun, never carried out."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from adapters.errors import AdapterError
from adapters.examples import Examples
from adapters.generator.shipped import FOLDER
from adapters.registry import Lineage, Registry
from adapters.types import Task
from bot.learning.errors import CancelledRunError
from bot.learning.loop import LearningLoop, Parts
from bot.learning.schedule import REGULAR, Clockwork, Schedule
from bot.learning.settings import LearningSettings
from bot.learning.types import ALL_TASKS, Cause, Job, TaskResult
from bot.store.crypto import Keyring
from bot.store.errors import StoreError
from bot.store.runs import Asker
from bot.store.schema import RunState
from bot.store.store import Store
from bot.types import Rating, RatingValue
from tests.stores import answered

SECONDS = 30.0
DAILY = LearningSettings(schedule="daily 03:00", timezone="Asia/Shanghai")


class Clock:
    """The store's and the schedule's; APScheduler has its own."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


class Team:
    """Programs on one store, each with a schedule, and what they began."""

    def __init__(self, store: Store, folder: Path, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.begun: list[tuple[Task, ...]] = []
        self.besides = AsyncMock()
        self.registry = Registry(folder / "versions", clock=clock)
        self.useless = 0  # of the ratings
        self.fault: Exception | None = None  # of the next runs
        self._folder = folder
        self._schedules: list[Schedule] = []

    def program(self, settings: LearningSettings = DAILY) -> Schedule:
        """One more."""

        async def work(job: Job, **_: object) -> tuple[TaskResult, ...]:
            self.begun.append(job.tasks)
            if self.fault is not None:
                raise self.fault
            return ()

        loop = LearningLoop(
            Parts(
                store=self.store,
                registry=self.registry,
                settings=settings,
                folder=self._folder / "training",
                trainable=lambda: ALL_TASKS,
                gather=Examples,
                work=work,
                code="",
                tell=lambda *_: None,
                speak=AsyncMock(),
            )
        )
        parts = Clockwork(
            store=self.store,
            loop=loop,
            settings=settings,
            now=self.clock,
            usable=lambda since: self.store.feedback.count(since) - self.useless,
            besides=self.besides,
        )
        schedule = Schedule(parts, tick_seconds=0.05)
        self._schedules.append(schedule)
        self.loop = loop
        return schedule

    async def stop(self) -> None:
        """All of them."""
        for schedule in self._schedules:
            await schedule.stop()

    def overdue(self) -> None:
        """Let the planned job be due since yesterday, as after a downtime."""
        jobs = self.store.jobs.job_store()
        jobs.start(BackgroundScheduler(timezone="UTC"), "default")
        job = jobs.lookup_job(REGULAR)
        job._modify(next_run_time=datetime.now(UTC) - timedelta(days=1))
        jobs.update_job(job)

    def rate(self, number: int = 1) -> None:
        """Somebody rates so many answers."""
        for _ in range(number):
            stored = answered(self.store)
            user = self.store.people.list()[0].id
            self.store.ratings.rate(Rating(answer_id=stored.id, user_id=user, value=RatingValue.UP))

    async def until(self, done: Callable[[], object]) -> None:
        """Wait for something."""
        async with asyncio.timeout(SECONDS):
            while not done():  # noqa: ASYNC110 - another thread brings it about
                await asyncio.sleep(0.02)


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    clock = Clock()
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", Keyring.generate(), clock=clock) as store:
        store.migrate()
        made = Team(store, tmp_path, clock)
        yield made
        await made.stop()


async def test_the_plan_becomes_a_job_in_the_team_s_own_zone(team: Team) -> None:
    one = team.program()
    await one.tick()
    found = team.store.jobs.next_run()
    assert found is not None
    assert (found.hour, found.minute) == (19, 0), "three in the morning in Shanghai, said in UTC"
    assert found > datetime.now(UTC)
    await team.loop.schedule("weekly wed 12:30")
    await one.tick()
    found = team.store.jobs.next_run()
    assert found is not None
    assert (found.weekday(), found.hour, found.minute) == (2, 4, 30)
    await team.loop.schedule("off")
    await one.tick()
    assert team.store.jobs.next_run() is None


async def test_what_was_missed_while_no_program_ran_is_made_up_for_once(team: Team) -> None:
    one = team.program()
    await one.tick()
    await one.stop()
    team.rate()
    team.overdue()
    again = team.program()
    await again.start()
    await team.until(lambda: team.begun)
    assert team.begun == [ALL_TASKS]
    await team.until(lambda: (team.store.jobs.next_run() or team.clock.now) > datetime.now(UTC))
    assert len(team.begun) == 1


async def test_without_anything_new_nothing_is_trained(team: Team) -> None:
    one = team.program()
    await one.tick()
    await one.stop()
    team.overdue()
    again = team.program()
    await again.start()
    await team.until(lambda: (team.store.jobs.next_run() or team.clock.now) > datetime.now(UTC))
    await team.until(lambda: team.besides.await_count > 3)
    assert team.begun == []


async def test_after_so_many_new_ratings_a_run_begins(team: Team) -> None:
    one = team.program(LearningSettings(schedule="after 3 ratings"))
    await one.tick()
    earlier = team.store.runs.begin([Task.INTENT], cause="asked", asker=Asker())
    team.store.runs.finish(earlier.id, RunState.DONE, "")
    team.clock.now += timedelta(hours=1)
    team.rate(2)
    assert not one._is_due()
    team.rate(1)
    assert one._is_due()
    team.store.settings.set("learning_paused", "yes")
    assert not one._is_due()


async def test_ratings_that_nothing_can_be_learned_from_begin_no_run(team: Team) -> None:
    one = team.program(LearningSettings(schedule="after 3 ratings"))
    team.rate(5)
    team.useless = 3
    assert not one._is_due()
    team.useless = 2
    assert one._is_due()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it is killed on purpose
async def test_a_scheduler_whose_thread_has_died_is_noticed_and_replaced(
    team: Team, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_: datetime) -> None:
        raise SystemExit  # APScheduler survives any ordinary fault of its job store

    one = team.program()
    await one.tick()
    dead = one._scheduler
    assert dead is not None
    monkeypatch.setattr(dead._lookup_jobstore("default"), "get_due_jobs", dies)
    dead.wakeup()
    await team.until(lambda: not dead.runs)
    await one.tick()
    assert one._scheduler is not dead
    assert one._scheduler is not None
    assert one._scheduler.runs
    assert "schedule-restarted" in [getattr(record, "action", "") for record in caplog.records]
    planned = team.store.jobs.next_run()
    assert planned is not None
    assert planned > team.clock.now, "the plan is still there"


@pytest.mark.parametrize("state", [RunState.CANCELLED, RunState.FAILED])
async def test_a_run_that_was_cancelled_or_failed_does_not_begin_again_at_once(team: Team, state: RunState) -> None:
    one = team.program(LearningSettings(schedule="after 3 ratings"))
    team.rate(3)
    assert one._is_due()
    ended(team, state)
    assert not one._is_due(), "an admin who stopped it would have to stop it every five minutes"
    team.rate(3)
    assert one._is_due()


async def test_what_a_failed_run_did_not_learn_is_learned_on_the_next_day_without_a_new_rating(team: Team) -> None:
    one = team.program(LearningSettings(schedule="daily 03:00"))
    team.rate(3)
    ended(team, RunState.FAILED)
    assert not one._is_due()
    team.clock.now += timedelta(days=1)
    assert one._is_due()


async def test_a_run_that_was_interrupted_is_made_up_for_once(team: Team) -> None:
    one = team.program(LearningSettings(schedule="after 3 ratings"))
    team.rate(3)
    ended(team, RunState.INTERRUPTED)
    assert one._is_due()
    ended(team, RunState.INTERRUPTED)
    assert not one._is_due(), "what has no memory to run in would run for ever"


@pytest.mark.parametrize("fault", [AdapterError("torn"), StoreError("busy"), OSError("full")])
async def test_a_fault_of_the_registry_or_the_store_does_not_end_the_schedule(team: Team, fault: Exception) -> None:
    team.besides.side_effect = itertools.chain([fault], itertools.repeat(None))
    await team.program().start()
    await team.until(lambda: team.besides.await_count > 1)


async def test_what_goes_wrong_with_the_jobs_is_an_error_of_the_store(team: Team, tmp_path: Path) -> None:
    one = team.program()
    await one.tick()
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("ALTER TABLE schedule_jobs RENAME TO elsewhere")
    with pytest.raises(StoreError, match="tables"):
        await one.tick()
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("ALTER TABLE elsewhere RENAME TO schedule_jobs")
    await one.tick()


async def test_a_job_that_fires_as_the_lease_is_lost_keeps_nobody_busy(team: Team) -> None:
    one, two = team.program(), team.program()
    await one.tick()
    team.clock.now += timedelta(seconds=61)
    await two.tick()
    one._fired.set()
    await one.tick()
    assert not one._fired.is_set(), "it would be looked at without a pause for as long as another one leads"


def ended(team: Team, state: RunState) -> None:
    """A run of a minute ago that ended so, after every rating that there is."""
    team.clock.now += timedelta(minutes=1)
    run = team.store.runs.begin([Task.INTENT], cause="schedule", asker=Asker())
    team.store.runs.finish(run.id, state, "")
    team.clock.now += timedelta(minutes=1)


def forgotten(team: Team, rating: str = "1:1") -> None:
    """A version serves that learned from somebody who is forgotten now."""
    lineage = Lineage(ratings=(rating,), examples_digest="", parent="", base="b", code="", seed=0)
    team.registry.promote(Task.GENERATOR, team.registry.add_candidate(Task.GENERATOR, FOLDER, lineage=lineage).name)
    team.registry.mark_stale([rating])
    team.clock.now += timedelta(minutes=1)


OFF = LearningSettings(schedule="off")


async def test_whoever_wants_to_be_forgotten_waits_for_no_plan_and_no_new_rating(team: Team) -> None:
    one = team.program(OFF)
    await one.tick()
    assert team.begun == []
    forgotten(team)
    await one.tick()
    await team.until(lambda: team.begun)
    assert team.begun == [(Task.GENERATOR,)], "the part that learned from them, and no other"
    [run] = team.store.runs.recent(1)
    assert run.cause == Cause.FORGETTING


async def test_what_must_go_waits_for_the_end_of_quiet_hours_and_of_a_pause(team: Team) -> None:
    forgotten(team)
    now = team.clock.now
    quiet = f"{now - timedelta(hours=1):%H:%M}-{now + timedelta(hours=2):%H:%M}"
    one = team.program(LearningSettings(schedule="off", quiet_hours=quiet))
    assert one._to_forget() == ()
    team.clock.now += timedelta(hours=3)
    assert one._to_forget() == (Task.GENERATOR,)
    await team.loop.pause()
    assert one._to_forget() == ()
    await team.loop.resume()
    assert one._to_forget() == (Task.GENERATOR,)


async def test_a_run_for_somebody_s_sake_that_an_admin_stops_is_tried_again_after_hours(team: Team) -> None:
    one = team.program(OFF)
    forgotten(team)
    team.fault = CancelledRunError("stopped")
    await one.tick()
    run = team.store.runs.recent(1)[0]
    assert await team.loop.wait(run.id)
    assert one._to_forget() == ()
    team.clock.now += timedelta(hours=7)
    assert one._to_forget() == (Task.GENERATOR,)


async def test_a_run_for_somebody_s_sake_that_is_interrupted_begins_again_at_once(team: Team) -> None:
    one = team.program(OFF)
    forgotten(team)
    run = team.store.runs.begin([Task.GENERATOR], cause=Cause.FORGETTING, asker=Asker())
    assert one._to_forget() == (), "it goes on"
    team.store.runs.finish(run.id, RunState.INTERRUPTED, "")
    assert one._to_forget() == (Task.GENERATOR,)


async def test_the_next_one_who_wants_to_be_forgotten_does_not_wait_for_the_last(team: Team) -> None:
    one = team.program(OFF)
    team.store.runs.finish(
        team.store.runs.begin([Task.GENERATOR], cause=Cause.FORGETTING, asker=Asker()).id, RunState.CANCELLED, ""
    )
    team.clock.now += timedelta(minutes=1)
    forgotten(team)
    assert one._to_forget() == (Task.GENERATOR,), "what serves now came later than that run"


async def test_what_is_due_in_quiet_hours_waits_for_their_end(team: Team) -> None:
    now = team.clock.now
    begin, end = now - timedelta(hours=1), now + timedelta(hours=2)
    quiet = f"{begin:%H:%M}-{end:%H:%M}"
    one = team.program(LearningSettings(schedule=f"daily {now - timedelta(minutes=1):%H:%M}", quiet_hours=quiet))
    await one.tick()
    team.rate()
    assert not one._is_due()
    found = team.store.jobs.next_run()
    assert found is not None
    assert abs(found - end) < timedelta(minutes=1)
    team.clock.now = end + timedelta(minutes=1)
    assert one._is_due()


async def test_one_of_several_programs_carries_the_jobs_out_and_another_takes_over_when_it_dies(team: Team) -> None:
    one, two = team.program(), team.program()
    await one.tick()
    await two.tick()
    assert (one.leads, two.leads) == (True, False)
    team.clock.now += timedelta(seconds=61)
    await two.tick()
    await one.tick()
    assert (one.leads, two.leads) == (False, True)
    await two.stop()
    await one.tick()
    assert one.leads, "whoever stops lets go at once"


async def test_a_job_that_is_planned_already_keeps_its_time_over_a_restart(team: Team) -> None:
    one = team.program()
    await one.tick()
    before = team.store.jobs.next_run()
    await one.stop()
    assert team.store.jobs.next_run() == before
    again = team.program()
    await again.tick()
    assert team.store.jobs.next_run() == before
    assert again._scheduler is not None
    assert again._scheduler.get_job(REGULAR).misfire_grace_time is None
