"""A training process for tests: the real worker with a learner that does as its mode says.

python -m tests.learning_child MODE [ADAPTER FOLDER]
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

from adapters.examples import Examples
from adapters.types import Task
from bot.learning.types import Phase, Sample, TaskResult, Verdict
from bot.learning.worker import Learner, Tell, own_pipes, step_aside, work
from training.errors import TooFewError, TrainingError
from training.gate import Reason, ReasonCode

NUMBERS = {"gain": 0.12, "low": 0.04, "high": 0.2, "sure": 0.98, "questions": 31.0}


class Scripted(Learner):
    """Behaves as it is told."""

    def __init__(self, mode: str, adapter: Path) -> None:
        self._mode = mode
        self._adapter = adapter

    def learn(self, task: Task, examples: Examples, folder: Path, *, seed: int, tell: Tell) -> TaskResult:
        """See bot.learning.worker.Learner."""
        tell(Phase.TRAIN, 0, 2)
        self._misbehave(len(examples))
        shutil.copytree(self._adapter, folder)
        tell(Phase.TRAIN, 2, 2)
        print("a library says something")  # noqa: T201 - must not get among the lines
        if self._mode == "steady":
            time.sleep(0.2)
        tell(Phase.REPLAY, 1, 1)
        return TaskResult(
            task=task,
            verdict={"worse": Verdict.NOT_BETTER, "as-good": Verdict.NO_WORSE}.get(self._mode, Verdict.BETTER),
            examples=len(examples),
            people=2,
            reasons=(Reason(code=ReasonCode.BETTER, values={**NUMBERS, "seed": seed, "priority": os.nice(0)}),),
            samples=(Sample(question="How long?", before="I do not know.", after="Five days."),),
            folder=str(folder),
            ratings=examples.ratings,
            digest=examples.digest,
            report={"gain": 0.12},
        )

    def _misbehave(self, examples: int) -> None:
        if self._mode == "few":
            raise TooFewError(have=examples, need=20)
        if self._mode == "fails":
            raise TrainingError("The examples do not fit.")
        if self._mode == "breaks":
            raise ZeroDivisionError("the password is swordfish")
        if self._mode == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._mode == "greedy":
            held = bytearray(os.urandom(1)) * 400_000_000
            time.sleep(60)
            assert held
        if self._mode == "slow":
            time.sleep(60)


def main() -> None:
    """Do one job."""
    mode, adapter = sys.argv[1], Path(sys.argv[2])
    pipes = own_pipes()
    step_aside()
    if mode == "babbles":
        pipes.lines.write(b"good morning\n")
        pipes.lines.flush()
        time.sleep(60)
    work(pipes, lambda _: Scripted(mode, adapter))


if __name__ == "__main__":
    main()
