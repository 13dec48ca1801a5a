"""The training process: reads its job, works at the lowest priority, and says how far it is; see the supervisor."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol

import psutil

from adapters.errors import AdapterError
from adapters.examples import Examples
from adapters.types import Task
from bot.errors import BotError
from bot.learning.types import (
    JOB,
    LINE,
    EndLine,
    FailureLine,
    Job,
    Line,
    Phase,
    ResultLine,
    Step,
    StepLine,
    TaskResult,
    Verdict,
)
from knowledge.errors import KnowledgeError
from training.errors import TooFewError, TrainingError

ORPHANED = 3  # exit code where the program that wanted the job is gone
LOWEST = 19  # of the priorities
_PR_SET_PDEATHSIG = 1  # of prctl(2)

Tell = Callable[[Phase, int, int], None]


class Learner(Protocol):
    """Trains and judges; bot.wiring_learning makes the real one."""

    def learn(self, task: Task, examples: Examples, folder: Path, *, seed: int, tell: Tell) -> TaskResult:
        """Train one task's candidate into a new folder, and compare it with what serves.

        Raises:
            TooFewError: There is too little to learn from.
        """


@dataclass(frozen=True, slots=True)
class Pipes:
    """What connects the process with the program that wants the job."""

    job: BinaryIO
    lines: BinaryIO

    def say(self, line: Line) -> None:
        """Say something at once."""
        self.lines.write(LINE.dump_json(line) + b"\n")
        self.lines.flush()


def own_pipes() -> Pipes:
    """Standard input and output; what libraries print from now on goes to standard error."""
    lines = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Pipes(sys.stdin.buffer, lines)


def step_aside() -> None:
    """Leave processor and disk to everybody else, and end with the program that wants the job even while stopped."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    process = psutil.Process()
    with contextlib.suppress(psutil.Error, AttributeError, OSError):
        process.nice(LOWEST)
    with contextlib.suppress(psutil.Error, AttributeError, OSError):  # Linux and Windows know it
        process.ionice(psutil.IOPRIO_CLASS_IDLE)


def work(pipes: Pipes, learner: Callable[[Job], Learner]) -> None:
    """Do the job that comes in.

    Args:
        pipes: To the program that wants it.
        learner: Makes what trains and judges; loads the models.
    """
    sys.excepthook = partial(_break, pipes)
    job = JOB.validate_json(pipes.job.readline())
    threading.Thread(target=_end_with, args=[pipes.job], daemon=True).start()
    try:
        pipes.say(StepLine(step=Step(task=job.tasks[0], phase=Phase.LOAD, done=0, total=0)))
        made = learner(job)
        for task in job.tasks:
            pipes.say(ResultLine(result=_learned(made, job, task, pipes)))
    except (BotError, AdapterError, KnowledgeError, TrainingError) as error:
        pipes.say(FailureLine(failure=str(error)))
    else:
        pipes.say(EndLine(end=True))


def _learned(learner: Learner, job: Job, task: Task, pipes: Pipes) -> TaskResult:
    def tell(phase: Phase, done: int, total: int) -> None:
        pipes.say(StepLine(step=Step(task=task, phase=phase, done=done, total=total)))

    try:
        return learner.learn(task, job.examples, Path(job.folder) / task.value, seed=job.seed, tell=tell)
    except TooFewError as error:
        return TaskResult(task=task, verdict=Verdict.TOO_FEW, have=error.have, need=error.need)


def _break(pipes: Pipes, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:  # noqa: ARG001 - a hook's shape
    """Say what broke by its kind and place alone: an exception's text may quote what a person wrote."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else "?"
    pipes.say(FailureLine(failure=f"The training process broke ({kind.__name__} at {place})."))


def _end_with(job: BinaryIO) -> None:
    """End this process when the pipe from the program that wants the job ends: killed or not, that program is gone."""
    while job.read(1):
        pass
    os._exit(ORPHANED)
