from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from adapters.types import Task
from bot.store.runs import Asker
from bot.store.schema import RunState
from bot.store.store import Store
from tests.stores import NOON, FakeClock, accepted


def nothing() -> None:
    """What a planned job does here."""


@pytest.fixture
def asker(store: Store) -> Asker:
    return Asker(user_id=accepted(store).user_id, platform="slack", channel="C1", thread="t1")


def test_a_run_is_read_as_it_was_begun_and_as_it_ended(store: Store, clock: FakeClock, asker: Asker) -> None:
    run = store.runs.begin([Task.INTENT, Task.GENERATOR], cause="asked", asker=asker)
    assert (run.tasks, run.cause, run.asker, run.started_at) == ((Task.INTENT, Task.GENERATOR), "asked", asker, NOON)
    assert (run.state, run.detail, run.ended_at) == (RunState.RUNNING, "", None)
    assert store.runs.running() == (run,)
    clock.move(minutes=4)
    assert store.runs.finish(run.id, RunState.DONE, '{"results": []}')
    ended = store.runs.get(run.id)
    assert ended is not None
    assert (ended.state, ended.detail, ended.ended_at) == (RunState.DONE, '{"results": []}', clock.now)
    assert store.runs.running() == ()
    assert store.runs.get(99) is None


def test_a_run_ends_once(store: Store, asker: Asker) -> None:
    run = store.runs.begin([Task.RETRIEVAL], cause="schedule", asker=Asker())
    assert store.runs.finish(run.id, RunState.CANCELLED, "")
    assert not store.runs.finish(run.id, RunState.DONE, "late")
    [kept] = store.runs.recent(5)
    assert (kept.state, kept.detail) == (RunState.CANCELLED, "")
    assert asker.user_id


def test_the_last_run_that_came_to_a_decision_is_found_behind_later_ones(store: Store) -> None:
    assert store.runs.last_done() is None
    for state in (RunState.DONE, RunState.FAILED, RunState.INTERRUPTED):
        run = store.runs.begin([Task.INTENT], cause="asked", asker=Asker())
        store.runs.finish(run.id, state, state.value)
    found = store.runs.last_done()
    assert found is not None
    assert found.detail == "done"
    assert [one.state for one in store.runs.recent(2)] == [RunState.INTERRUPTED, RunState.FAILED]


def test_whoever_asked_is_forgotten_and_the_run_stays(store: Store, asker: Asker) -> None:
    run = store.runs.begin([Task.INTENT], cause="asked", asker=asker)
    assert asker.user_id is not None
    store.people.forget(asker.user_id)
    kept = store.runs.get(run.id)
    assert kept is not None
    assert kept.asker.user_id is None


def test_one_process_leads_until_its_lease_runs_out_or_it_resigns(store: Store, clock: FakeClock) -> None:
    assert store.jobs.lead("a", seconds=60)
    assert not store.jobs.lead("b", seconds=60)
    clock.move(minutes=0.9)
    assert store.jobs.lead("a", seconds=60), "its own lease is renewed"
    clock.move(minutes=0.9)
    assert not store.jobs.lead("b", seconds=60)
    clock.move(minutes=0.2)
    assert store.jobs.lead("b", seconds=60), "a dead leader's lease runs out"
    assert not store.jobs.lead("a", seconds=60)
    store.jobs.resign("a")
    assert not store.jobs.lead("a", seconds=60), "only the holder can resign"
    store.jobs.resign("b")
    assert store.jobs.lead("a", seconds=60)


def test_planned_jobs_lie_in_the_store_and_outlive_the_scheduler(store: Store) -> None:
    assert store.jobs.next_run() is None
    later = datetime.now(tz=NOON.tzinfo) + timedelta(days=1)
    for _ in range(2):
        scheduler = BackgroundScheduler(timezone="UTC")
        scheduler.add_jobstore(store.jobs.job_store())
        scheduler.add_job(nothing, DateTrigger(later), id="one", replace_existing=True)
        scheduler.start(paused=True)
        assert [job.id for job in scheduler.get_jobs()] == ["one"]
        scheduler.shutdown()
    found = store.jobs.next_run()
    assert found is not None
    assert abs(found - later) < timedelta(milliseconds=1)
    assert store.runs.recent(1) == (), "the store is still open"
