"""Runs over a real store, a real registry and real training processes; the learning alone is scripted."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

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

    async def run(self, *tasks: Task, cause: Cause = Cause.ASKED) -> tuple[RunState, RunDetail]:
        """One run to its end."""
        run = await self.loop.retrain(tasks or (Task.GENERATOR,), cause=cause)
        async with asyncio.timeout(SECONDS):
            ended = await self.loop.wait(run.id)
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
        ended = await one.loop.wait(run.id)
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


async def test_what_came_of_a_run_can_be_asked_for_after_the_next_one_too(school: Made) -> None:
    one = school()
    first = await one.loop.retrain([Task.GENERATOR], cause=Cause.ASKED)
    async with asyncio.timeout(SECONDS):
        await one.loop.wait(first.id)
        second = await one.loop.retrain([Task.INTENT], cause=Cause.ASKED)
        for run, task in ((first, Task.GENERATOR), (second, Task.INTENT)):
            ended = await one.loop.wait(run.id)
            assert ended is not None
            assert [result.task for result in ended[1].results] == [task]
            assert ended[1].results[0].samples, "with the answers that the store does not keep"
    assert await one.loop.wait(99) is None


def forgotten(one: School) -> str:
    """Let a version serve that learned from somebody who is forgotten then; gives its name."""
    lineage = Lineage(ratings=("9:9",), examples_digest="", parent="generator-1", base="b", code="", seed=0)
    name = one.registry.add_candidate(Task.GENERATOR, FOLDER, lineage=lineage).name
    one.registry.promote(Task.GENERATOR, name)
    one.registry.mark_stale(["9:9"])
    return name


async def test_as_good_is_enough_in_the_place_of_what_learned_from_somebody_who_is_forgotten(school: Made) -> None:
    one = school("as-good", ASK)
    gone = forgotten(one)
    state, detail = await one.run(cause=Cause.FORGETTING)
    [result] = detail.results
    assert (state, result.must_go, result.stage, result.version) == (RunState.DONE, True, Stage.ACTIVE, "generator-3")
    assert one.stages() == {"generator-1": Stage.RETIRED, "generator-3": Stage.ACTIVE}, f"{gone} is removed"
    before = one.registry.served(Task.GENERATOR)
    assert [version.name for version in before] == ["generator-1"], "there is no way back to it"
    assert one.loop.must_go() == ()


@pytest.mark.parametrize("mode", ["few", "worse", "fails", "killed"])
async def test_where_nothing_new_comes_of_a_run_the_version_before_the_forgotten_one_serves_again(
    school: Made, mode: str
) -> None:
    one = school(mode)
    gone = forgotten(one)
    _, detail = await one.run(cause=Cause.FORGETTING)
    [result] = detail.results
    assert (result.must_go, result.instead) == (True, "generator-1")
    active = one.registry.active(Task.GENERATOR)
    assert active is not None
    assert active.name == "generator-1"
    assert gone not in one.stages(), "its weights are removed"
    assert one.told[-1][1].results[0].instead == "generator-1"


async def test_a_version_whose_teacher_is_forgotten_meanwhile_never_serves(school: Made) -> None:
    one = school("steady")
    async with training(one) as run:
        one.registry.mark_stale(EXAMPLES.ratings)
        ended = await one.loop.wait(run.id)
    assert ended is not None
    [result] = ended[1].results
    assert (result.stale, result.stage) == (True, Stage.REJECTED)
    assert "forgotten" in one.registry.version(Task.GENERATOR, result.version).reason
    assert one.stages()["generator-1"] is Stage.ACTIVE


async def test_logs_and_pictures_of_old_runs_go_when_a_run_begins(school: Made) -> None:
    one = school(settings=LearningSettings(canary="off", keep_runs=1))
    _, detail = await one.run()
    [result] = detail.results
    for name in ("run-1", "run-0", "elsewhere"):
        (one.folder / "logs" / name).mkdir(parents=True)
    pictures = one.folder / "pictures"
    pictures.mkdir(exist_ok=True)
    for name in (result.version, "generator-99"):
        (pictures / f"{name}.png").touch()
    await one.run()
    assert {path.name for path in (one.folder / "logs").iterdir()} == {"run-1", "elsewhere"}
    assert {path.name for path in pictures.iterdir()} == {f"{result.version}.png"}


async def test_a_torn_version_keeps_no_run_from_beginning(school: Made) -> None:
    one = school()
    (one.registry.version(Task.GENERATOR, "generator-1").folder / "manifest.json").unlink()
    state, detail = await one.run()
    assert (state, detail.results[0].stage) == (RunState.DONE, Stage.ACTIVE)


async def test_a_run_begins_though_the_one_before_is_still_tidying_up(
    school: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = school()
    tidying, go_on = Event(), Event()
    sweep = LearningLoop._sweep

    def slow(loop: LearningLoop) -> None:
        if one.store.runs.last_done() is not None:
            tidying.set()
            go_on.wait(SECONDS)
        sweep(loop)

    monkeypatch.setattr(LearningLoop, "_sweep", slow)
    first = await one.loop.retrain([Task.GENERATOR], cause=Cause.ASKED)
    await asyncio.to_thread(tidying.wait, SECONDS)
    ended = one.store.runs.get(first.id)
    assert ended is not None
    assert ended.state is RunState.DONE, "it has ended for everybody else"
    second = asyncio.create_task(one.loop.retrain([Task.GENERATOR], cause=Cause.ASKED))
    await asyncio.sleep(0.1)
    go_on.set()
    run = await second
    assert run.id > first.id
    assert await one.loop.wait(run.id) is not None
