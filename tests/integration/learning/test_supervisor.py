"""The training process and who watches over it: real processes, scripted learning."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from adapters.examples import Examples, IntentExample
from adapters.generator.shipped import FOLDER
from adapters.types import Task
from bot.learning.errors import CancelledRunError, DiedError, LearningError, LimitError
from bot.learning.supervisor import Limits, Supervisor
from bot.learning.types import Job, Phase, Step, TaskResult, Verdict
from bot.learning.yielding import POSSIBLE, give_way

GENEROUS = Limits(seconds=120, memory_megabytes=100_000, free_megabytes=0)
EXAMPLES = Examples(
    intents=(IntentExample(question="Wie lange?\n退款", label="question", weight=0.5, ratings=("7:1", "9:2")),)
)
SECONDS = 60.0
LeftRunning = Callable[[], list[psutil.Process]]


def supervisor(mode: str, limits: Limits = GENEROUS) -> Supervisor:
    command = [sys.executable, "-m", "tests.learning_child", mode, str(FOLDER)]
    return Supervisor(command=command, environ={}, limits=limits, look_seconds=0.05)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(run=1, tasks=(Task.INTENT, Task.GENERATOR), folder=str(tmp_path), seed=5, examples=EXAMPLES)


@pytest.fixture
def left_running() -> LeftRunning:
    """What was started since; other tests of this process may have left children of their own."""
    before = {one.pid for one in psutil.Process().children()}
    return lambda: [one for one in psutil.Process().children() if one.pid not in before]


async def done(one: Supervisor, job: Job, steps: list[Step] | None = None) -> tuple[TaskResult, ...]:
    async def never() -> bool:
        return False

    async with asyncio.timeout(SECONDS):
        return await one.run(job, on_step=(steps if steps is not None else []).append, cancelled=never)


async def test_a_job_comes_back_with_a_result_for_each_task_and_the_steps_on_the_way(job: Job) -> None:
    steps: list[Step] = []
    results = await done(supervisor("better"), job, steps)
    assert [(one.task, one.verdict, one.examples) for one in results] == [
        (Task.INTENT, Verdict.BETTER, 1),
        (Task.GENERATOR, Verdict.BETTER, 1),
    ]
    assert results[0].digest == EXAMPLES.digest, "the examples arrive as they were sent"
    assert results[0].ratings == ("7:1", "9:2")
    assert results[0].reasons[0].values["seed"] == 5
    assert results[0].reasons[0].values["priority"] == 19, "it works at the lowest priority"
    assert [(one.task, one.phase) for one in steps][:3] == [
        (Task.INTENT, Phase.LOAD),
        (Task.INTENT, Phase.TRAIN),
        (Task.INTENT, Phase.TRAIN),
    ]
    assert (Path(job.folder) / "generator").is_dir()


async def test_too_few_examples_are_a_result_that_says_how_many_are_missing(job: Job) -> None:
    [result] = await done(supervisor("few"), replace(job, tasks=(Task.INTENT,)))
    assert (result.verdict, result.have, result.need, result.folder) == (Verdict.TOO_FEW, 1, 20, "")


@pytest.mark.parametrize(
    ("mode", "error", "sentence"),
    [
        ("fails", LearningError, "The examples do not fit"),
        ("breaks", LearningError, r"broke \(ZeroDivisionError at learning_child.py:\d+\)"),
        ("killed", DiedError, "exit code -9"),
        ("babbles", DiedError, "not understood"),
        ("unknown-module", DiedError, "exit code"),
    ],
)
async def test_what_ends_the_process_is_one_sentence(
    job: Job, left_running: LeftRunning, mode: str, error: type[LearningError], sentence: str
) -> None:
    one = supervisor(mode)
    if mode == "unknown-module":
        one = replace(one, command=[sys.executable, "-m", "no_such_module"])
    with pytest.raises(error, match=sentence):
        await done(one, job)
    assert not left_running(), "nothing is left running"


@pytest.mark.parametrize(
    ("mode", "limits", "sentence"),
    [
        ("slow", replace(GENEROUS, seconds=1), "learning.max_minutes"),
        ("greedy", replace(GENEROUS, memory_megabytes=300), "learning.max_memory_megabytes"),
        ("slow", replace(GENEROUS, free_megabytes=10**12), "learning.min_free_megabytes"),
    ],
)
async def test_each_limit_ends_a_run_with_the_setting_to_change(
    job: Job, left_running: LeftRunning, mode: str, limits: Limits, sentence: str
) -> None:
    with pytest.raises(LimitError, match=sentence):
        await done(supervisor(mode, limits), job)
    assert not left_running()


async def test_a_cancelled_run_ends_at_once(job: Job, left_running: LeftRunning) -> None:
    steps: list[Step] = []

    async def once_it_trains() -> bool:
        return any(step.phase is Phase.TRAIN for step in steps)

    began = time.monotonic()
    with pytest.raises(CancelledRunError):
        await supervisor("slow").run(job, on_step=steps.append, cancelled=once_it_trains)
    assert time.monotonic() - began < SECONDS, "the learner would have slept that long"
    assert not left_running()


async def test_the_process_ends_when_the_program_that_wanted_the_job_is_gone(job: Job, tmp_path: Path) -> None:
    """A program between this test and the training process is killed; the training process must not outlive it."""
    script = tmp_path / "between.py"
    script.write_text(
        "import asyncio, os, sys, pathlib\n"
        "from tests.integration.learning.test_supervisor import supervisor\n"
        "from bot.learning.types import JOB, Phase\n"
        "async def never():\n    return False\n"
        "def step(one):\n"
        "    if one.phase is Phase.TRAIN:\n"
        "        print('trains', flush=True)\n"
        "job = JOB.validate_json(sys.argv[1])\n"
        "asyncio.run(supervisor('slow').run(job, on_step=step, cancelled=never))\n",
        encoding="utf-8",
    )
    from bot.learning.types import JOB

    between = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        JOB.dump_json(job).decode(),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.getcwd()},  # noqa: PTH109 - the root of the checkout
    )
    assert between.stdout is not None
    async with asyncio.timeout(SECONDS):
        assert await between.stdout.readline() == b"trains\n"
        [child] = psutil.Process(between.pid).children()
        between.kill()
        await between.wait()
        await asyncio.to_thread(psutil.wait_procs, [child], timeout=SECONDS)
    assert not child.is_running()


@pytest.mark.skipif(not POSSIBLE, reason="elsewhere a process that stands still would outlive a killed program")
async def test_the_process_stands_still_while_somebody_is_busy_and_goes_on_afterwards(
    job: Job, left_running: LeftRunning
) -> None:
    busy = True
    running = asyncio.create_task(done(replace(supervisor("steady"), busy=lambda: busy), job))
    await until(lambda: [one.status() for one in left_running()] == [psutil.STATUS_STOPPED])
    assert not running.done()
    busy = False
    assert [one.verdict for one in await running] == [Verdict.BETTER, Verdict.BETTER]


async def test_however_busy_everybody_is_the_process_has_its_turn() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
    seen = psutil.Process(process.pid)
    yielding = asyncio.create_task(give_way(process.pid, lambda: True, most_seconds=0.2, turn_seconds=0.2))
    for _ in range(2):
        await until(lambda: seen.status() == psutil.STATUS_STOPPED)
        await until(lambda: seen.status() != psutil.STATUS_STOPPED)
    await until(lambda: seen.status() == psutil.STATUS_STOPPED)
    yielding.cancel()
    await asyncio.wait([yielding])
    assert seen.status() != psutil.STATUS_STOPPED, "nobody is left behind standing still"
    process.kill()
    await process.wait()


async def test_who_gives_way_to_a_process_that_is_gone_is_through() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await process.wait()
    async with asyncio.timeout(SECONDS):
        await give_way(process.pid, lambda: True)


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not done():  # noqa: ASYNC110 - another process brings it about
            await asyncio.sleep(0.01)
