"""Runs over a real store, a real registry and real training processes; the learning alone is scripted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from filelock import FileLock

from adapters.examples import Examples, IntentExample
from adapters.generator.shipped import FOLDER
from adapters.registry import Lineage, Registry
from adapters.types import Stage, Task
from bot.learning.errors import LearningError, RunningError
from bot.learning.loop import LearningLoop, Parts
from bot.learning.settings import LearningSettings
from bot.learning.supervisor import Limits, Supervisor
from bot.learning.types import ALL_TASKS, Cause, RunDetail, TaskResult, Verdict, detail_text
from bot.store.crypto import Keyring
from bot.store.runs import Asker, Run
from bot.store.schema import RunState
from bot.store.store import Store

EXAMPLES = Examples(intents=(IntentExample(question="Hi?", label="greeting", weight=1.0, ratings=("7:1",)),))
ASK = LearningSettings(promote="ask")
AT_ONCE = LearningSettings(canary="off")
SECONDS = 60.0


@dataclass
class School:
    """A loop with all that it works with."""

    loop: LearningLoop
    store: Store
    registry: Registry
    folder: Path
    told: list[tuple[Run, RunDetail]] = field(default_factory=list)

    async def run(self, *tasks: Task) -> tuple[RunState, RunDetail]:
        """One run to its end."""
        await self.loop.retrain(tasks or (Task.GENERATOR,), cause=Cause.ASKED)
        async with asyncio.timeout(SECONDS):
            ended = await self.loop.wait()
        assert ended is not None
        return ended[0].state, ended[1]

    def stages(self, task: Task = Task.GENERATOR) -> dict[str, Stage]:
        """Of all versions."""
        return {version.name: version.stage for version in self.registry.versions(task)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = Store.open(f"sqlite:///{tmp_path / 'store.db'}", Keyring.generate())
    opened.migrate()
    return opened


Made = Callable[..., School]


@pytest.fixture
async def school(tmp_path: Path, store: Store) -> AsyncIterator[Made]:
    """Makes loops on one home folder; the shipped adapter serves there."""
    registry = Registry(tmp_path / "versions")
    registry.promote(Task.GENERATOR, registry.add_candidate(Task.GENERATOR, FOLDER).name)
    loops: list[LearningLoop] = []

    def made(mode: str = "better", settings: LearningSettings = AT_ONCE) -> School:
        told: list[tuple[Run, RunDetail]] = []

        async def speak() -> None:
            await asyncio.sleep(0)

        supervisor = Supervisor(
            command=[sys.executable, "-m", "tests.learning_child", mode, str(FOLDER)],
            environ={},
            limits=Limits(seconds=SECONDS, memory_megabytes=100_000, free_megabytes=0),
            look_seconds=0.05,
        )
        loop = LearningLoop(
            Parts(
                store=store,
                registry=registry,
                settings=settings,
                folder=tmp_path / "training",
                trainable=lambda: ALL_TASKS,
                gather=lambda: EXAMPLES,
                work=supervisor.run,
                code="0.1.0",
                tell=lambda run, detail: told.append((run, detail)),
                speak=speak,
            )
        )
        loops.append(loop)
        return School(loop=loop, store=store, registry=registry, folder=tmp_path / "training", told=told)

    yield made
    for loop in loops:
        await loop.stop()
    store.close()


@asynccontextmanager
async def training(school: School) -> AsyncIterator[Run]:
    """A run that goes on, as far as the training itself."""
    run = await school.loop.retrain([Task.GENERATOR], cause=Cause.ASKED)
    async with asyncio.timeout(SECONDS):
        while (await school.loop.moved(run.id)) is None:
            assert school.loop.has(run.id)
        yield run


async def test_a_better_candidate_serves_with_its_lineage_and_report(school: Made) -> None:
    one = school()
    state, detail = await one.run()
    assert state is RunState.DONE
    [result] = detail.results
    assert (result.version, result.stage) == ("generator-2", Stage.ACTIVE)
    assert one.stages() == {"generator-1": Stage.RETIRED, "generator-2": Stage.ACTIVE}
    lineage = one.registry.lineage(Task.GENERATOR, "generator-2")
    assert lineage is not None
    assert (lineage.ratings, lineage.examples_digest, lineage.run) == (("7:1",), EXAMPLES.digest, 1)
    assert one.registry.report(Task.GENERATOR, "generator-2") == {"gain": 0.12}
    assert [run.id for run, _ in one.told] == [1]
    assert not (one.folder / "work").exists(), "nothing is left lying about"
    assert [sample.after for _, told in one.told for sample in told.results[0].samples] == ["Five days."]
    assert "Five days" not in (one.store.runs.recent(1)[0].detail), "the store keeps no answers beside the reports"


@pytest.mark.parametrize(
    ("mode", "settings", "stage"),
    [
        ("worse", AT_ONCE, Stage.REJECTED),
        ("better", ASK, Stage.CANDIDATE),
        ("better", LearningSettings(), Stage.CANARY),
    ],
)
async def test_the_settings_and_the_gate_say_what_becomes_of_a_candidate(
    school: Made, mode: str, settings: LearningSettings, stage: Stage
) -> None:
    one = school(mode, settings)
    await one.run()
    assert one.stages() == {"generator-1": Stage.ACTIVE, "generator-2": stage}


async def test_an_admin_promotes_keeps_the_old_one_and_goes_back(school: Made) -> None:
    one = school("better", ASK)
    await one.run()
    await one.run()
    await one.loop.keep_old("generator-2")
    await one.loop.promote("Generator-3 ".strip().lower())
    assert one.stages() == {
        "generator-1": Stage.RETIRED,
        "generator-2": Stage.REJECTED,
        "generator-3": Stage.ACTIVE,
    }
    back = await one.loop.rollback(Task.GENERATOR)
    assert back is not None
    assert back.name == "generator-1"
    with pytest.raises(LearningError, match="generator-3"):
        await one.loop.promote("nonsense")


async def test_a_report_quotes_nobody_where_somebody_was_forgotten_while_the_run_went_on(school: Made) -> None:
    one = school()
    one.registry.mark_stale(EXAMPLES.ratings)
    await one.run()
    [(_, told)] = one.told
    assert [result.samples for result in told.results] == [()]
    assert one.registry.version(Task.GENERATOR, "generator-2").stale


async def test_too_few_examples_change_nothing_and_say_how_many_are_missing(school: Made) -> None:
    one = school("few")
    state, detail = await one.run()
    assert state is RunState.DONE
    assert [(r.verdict, r.have, r.need) for r in detail.results] == [(Verdict.TOO_FEW, 1, 20)]
    assert one.stages() == {"generator-1": Stage.ACTIVE}


@pytest.mark.parametrize(
    ("mode", "state", "words"),
    [("fails", RunState.FAILED, "do not fit"), ("killed", RunState.INTERRUPTED, "exit code -9")],
)
async def test_a_run_that_breaks_leaves_what_served_and_the_next_one_starts_clean(
    school: Made, mode: str, state: RunState, words: str
) -> None:
    broken = school(mode)
    ended, detail = await broken.run()
    assert ended is state
    assert words in detail.sentence
    assert broken.stages() == {"generator-1": Stage.ACTIVE}
    assert len(broken.told) == 1
    again, _ = await school("better").run()
    assert again is RunState.DONE


async def test_there_is_one_run_at_a_time_whoever_starts_it(school: Made, tmp_path: Path) -> None:
    one, other = school("slow"), school("better")
    async with training(one):
        with pytest.raises(RunningError):
            await other.loop.retrain([Task.INTENT], cause=Cause.SERVER)
        assert (await other.loop.state()).running is not None, "the other program sees it"
    await one.loop.stop()
    with FileLock(tmp_path / "training" / "run.lock"), pytest.raises(RunningError):
        await other.loop.retrain([Task.INTENT], cause=Cause.SERVER)


async def test_a_run_is_cancelled_from_another_program(school: Made) -> None:
    one, other = school("slow"), school()
    assert await other.loop.cancel() is None
    async with training(one) as run:
        asked = await other.loop.cancel()
        assert asked is not None
        assert asked.id == run.id
        ended = await one.loop.wait()
    assert ended is not None
    assert ended[0].state is RunState.CANCELLED
    assert one.stages() == {"generator-1": Stage.ACTIVE}
    state, _ = await other.run()
    assert state is RunState.DONE, "an old wish to cancel does not touch a new run"


async def test_a_program_that_stops_interrupts_its_run(school: Made) -> None:
    one = school("slow")
    async with training(one):
        await one.loop.stop()
    [run] = one.store.runs.recent(1)
    assert run.state is RunState.INTERRUPTED
    assert (await one.loop.state()).running is None


async def test_a_pause_keeps_runs_from_beginning(school: Made) -> None:
    one = school()
    await one.loop.pause()
    assert (await one.loop.state()).paused
    with pytest.raises(LearningError, match="paused"):
        await one.loop.retrain([Task.INTENT], cause=Cause.SCHEDULE)
    await one.loop.resume()
    state, _ = await one.run()
    assert state is RunState.DONE


async def test_a_plan_is_kept_in_its_own_words_and_nonsense_is_refused(school: Made) -> None:
    one = school()
    assert (await one.loop.state()).plan == "weekly sun 03:00"
    assert await one.loop.schedule("Daily  4:05") == "daily 04:05"
    with pytest.raises(LearningError, match="is no plan"):
        await one.loop.schedule("now and then")
    assert (await one.loop.state()).plan == "daily 04:05"


async def test_what_a_dead_program_left_is_cleared_away_at_the_next_start(school: Made) -> None:
    """Its run is interrupted, its candidate rejected, its work folder gone, and its asker told."""
    one = school()
    run = one.store.runs.begin([Task.GENERATOR], cause="asked", asker=Asker())
    added = one.registry.add_candidate(Task.GENERATOR, FOLDER, lineage=lineage(run.id))
    (one.folder / "work" / "run-1").mkdir(parents=True)
    await one.loop.start()
    ended = one.store.runs.get(run.id)
    assert ended is not None
    assert ended.state is RunState.INTERRUPTED
    assert one.stages()[added.name] is Stage.REJECTED
    assert not (one.folder / "work").exists()
    assert [told.id for told, _ in one.told] == [run.id]
    await one.loop.start()
    assert len(one.told) == 1, "once"


async def test_what_was_decided_before_a_kill_is_done_at_the_next_start_and_only_once(school: Made) -> None:
    one = school()
    run = one.store.runs.begin([Task.GENERATOR], cause="asked", asker=Asker())
    added = one.registry.add_candidate(Task.GENERATOR, FOLDER, lineage=lineage(run.id))
    result = TaskResult(task=Task.GENERATOR, verdict=Verdict.BETTER, version=added.name, stage=Stage.ACTIVE)
    one.store.runs.finish(run.id, RunState.DONE, detail_text(RunDetail(results=(result,))))
    await one.loop.start()
    assert one.stages() == {"generator-1": Stage.RETIRED, added.name: Stage.ACTIVE}
    one.registry.rollback(Task.GENERATOR)
    await one.loop.start()
    assert one.stages()["generator-1"] is Stage.ACTIVE, "an admin's later word counts"


async def test_a_version_that_is_damaged_before_it_takes_its_place_is_told_of_and_holds_up_nothing(
    school: Made,
) -> None:
    one = school()
    run = one.store.runs.begin([Task.GENERATOR], cause="asked", asker=Asker())
    added = one.registry.add_candidate(Task.GENERATOR, FOLDER, lineage=lineage(run.id))
    (added.folder / "adapter_model.safetensors").write_bytes(b"torn")
    result = TaskResult(task=Task.GENERATOR, verdict=Verdict.BETTER, version=added.name, stage=Stage.ACTIVE)
    one.store.runs.finish(run.id, RunState.DONE, detail_text(RunDetail(results=(result,))))
    await one.loop.start()
    [(_, told)] = one.told
    assert [(each.stage, each.unfit) for each in told.results] == [(None, True)]
    assert one.stages()["generator-1"] is Stage.ACTIVE
    assert (await one.run())[0] is RunState.DONE, "the next run begins"


async def test_a_start_beside_a_program_that_trains_touches_nothing(school: Made) -> None:
    one, other = school("slow"), school()
    async with training(one) as run:
        await other.loop.start()
        running = one.store.runs.get(run.id)
        assert running is not None
        assert running.state is RunState.RUNNING


def lineage(run: int) -> Lineage:
    return replace(
        Lineage(ratings=(), examples_digest="", parent="", base="", code="", seed=0),
        run=run,
    )
