"""A run is killed at random instants, its program or its training process: what served serves on."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from adapters.generator.shipped import FOLDER
from adapters.layout import verify
from adapters.registry import Registry
from adapters.types import Stage, Task
from bot.learning.yielding import POSSIBLE
from bot.store.schema import RunState
from bot.types import Role
from tests.acceptance.conftest import ROOT
from tests.learning_program import opened

pytestmark = pytest.mark.slow

SEED = 20261126
SECONDS = 120


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """With an admin in the store, and the shipped adapter serving."""
    with opened(tmp_path) as store:
        store.migrate()
        store.people.set_role(store.people.meet("slack", "UADMIN", "Ada").id, Role.ADMIN)
    registry = Registry(tmp_path / "versions")
    registry.promote(Task.GENERATOR, registry.add_candidate(Task.GENERATOR, FOLDER).name)
    return tmp_path


def start(home: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.learning_program", str(home), str(FOLDER), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def whole(home: Path) -> tuple[str, float]:
    """One run that nobody disturbs: the version that serves then, and how long the run took."""
    with start(home) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdecimal()
        began = time.monotonic()
        out, err = process.communicate(timeout=SECONDS)
        assert "over" in out, err
    active = Registry(home / "versions").active(Task.GENERATOR)
    assert active is not None
    return active.name, time.monotonic() - began


def struck(home: Path, *, child: bool, after: float) -> int:
    """Begin a run, and kill its program or its training process after a while; gives the run's number."""
    with start(home) as process:
        assert process.stdout is not None
        run = int(process.stdout.readline())
        time.sleep(after)
        victims = psutil.Process(process.pid).children() if child else [psutil.Process(process.pid)]
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.send_signal(signal.SIGKILL)
        process.communicate(timeout=SECONDS)
    return run


@pytest.mark.parametrize("kills", [8, pytest.param(30, marks=pytest.mark.long)])
def test_a_killed_run_leaves_the_old_version_serving_and_no_half_one(home: Path, kills: int) -> None:
    rng = random.Random(SEED)  # noqa: S311 - instants to kill at, not a secret
    registry = Registry(home / "versions")
    serving, seconds = whole(home)
    ended: list[RunState] = []
    for number in range(kills):
        run = struck(home, child=number % 2 == 1, after=rng.uniform(0, 1.1 * seconds))
        active = registry.active(Task.GENERATOR)
        assert active is not None
        assert verify(active.folder, full=True) is None, "what serves is whole at any instant"
        with opened(home) as store:
            found = store.runs.get(run)
        assert found is not None
        if found.state is not RunState.DONE:
            assert active.name == serving, "nothing serves that was not decided"
        ended.append(found.state)
        serving = active.name
    assert {RunState.RUNNING, RunState.INTERRUPTED, RunState.DONE} & set(ended) != {RunState.DONE}
    last, _ = whole(home)
    with opened(home) as store:
        states = [run.state for run in store.runs.recent(kills + 2)]
        assert set(states) <= {RunState.DONE, RunState.INTERRUPTED}, "what was left running is known to be interrupted"
        told = [post.key.split(":")[1] for post in store.posts.pending("slack") if ":report:" in post.key]
        assert len(told) == len(set(told)), "a run is reported once"
    versions = registry.versions(Task.GENERATOR)
    assert [one.name for one in versions if one.stage is Stage.ACTIVE] == [last]
    assert not [one for one in versions if one.stage is Stage.CANDIDATE]
    assert all(verify(one.folder, full=True) is None for one in versions)
    assert {path.name for path in (home / "training").iterdir()} <= {"run.lock", "pictures"}, "no work is left over"


@pytest.mark.skipif(not POSSIBLE, reason="elsewhere it never stands still")
def test_a_training_process_that_stands_still_ends_with_the_program_that_wanted_its_work(home: Path) -> None:
    with start(home, "busy") as program:
        seen, end = psutil.Process(program.pid), time.monotonic() + SECONDS
        while not (child := [one for one in seen.children() if one.status() == psutil.STATUS_STOPPED]):
            assert time.monotonic() < end
            time.sleep(0.02)
        program.kill()
    gone, left = psutil.wait_procs(child, timeout=SECONDS)
    assert (len(gone), left) == (1, [])
