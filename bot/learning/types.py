"""What a training run is asked to do, says while it goes on, and leaves; with its forms as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from adapters.examples import Examples, RatingId
from adapters.types import Stage, Task
from bot.learning.errors import LearningError
from training.gate import Reason

ALL_TASKS = (Task.INTENT, Task.RETRIEVAL, Task.GENERATOR)  # the quickest first


class Cause(StrEnum):
    """Why a run was started."""

    ASKED = "asked"  # from chat
    SERVER = "server"  # at the server's command line
    SCHEDULE = "schedule"
    FORGETTING = "forgetting"  # what serves learned from somebody who is forgotten


class Phase(StrEnum):
    """What a run is doing."""

    LOAD = "load"  # the models
    TRAIN = "train"
    REPLAY = "replay"  # asks the held-out questions
    DRAW = "draw"  # writes the report


class Verdict(StrEnum):
    """What came of one task."""

    TOO_FEW = "too few"  # examples
    NOTHING = "nothing"  # was found in them that helps: what was trained would change no answer
    BETTER = "better"
    NO_WORSE = "no worse"  # which is enough where what serves must go
    NOT_BETTER = "not better"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the training process is given."""

    run: int
    tasks: tuple[Task, ...]
    folder: str  # its own, to work in
    seed: int
    examples: Examples = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How far a run is."""

    task: Task
    phase: Phase
    done: int
    total: int  # 0: unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A held-out question with the answers of both versions."""

    question: str = field(repr=False)
    before: str = field(repr=False)
    after: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What came of one task of a run."""

    task: Task
    verdict: Verdict
    have: int = 0  # examples, where there were too few
    need: int = 0
    examples: int = 0  # that were learned from
    people: int = 0  # from whom
    must_canary: bool = False  # there were too few held-out questions to decide without live ratings
    reasons: tuple[Reason, ...] = ()  # what decided, first what decided most
    samples: tuple[Sample, ...] = ()
    seconds: float = 0.0
    # of what was trained, on its way into the registry
    folder: str = ""
    picture: str = ""  # a PNG file
    parent: str = ""  # name of the version that it went on from
    base: str = ""
    ratings: tuple[RatingId, ...] = field(default=(), repr=False)
    digest: str = ""  # of the examples
    report: Mapping[str, Any] = field(default_factory=dict, repr=False)
    # once it is in the registry
    version: str = ""
    stage: Stage | None = None  # that it is to have
    unfit: bool = False  # it could not be given that stage: its files are damaged
    stale: bool = False  # somebody that it learned from had themselves forgotten while it was trained
    must_go: bool = False  # what served had learned from somebody who is forgotten
    instead: str = ""  # where it went and nothing new took its place: the version that serves now, "" for none


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """What a run leaves in the store."""

    results: tuple[TaskResult, ...] = ()
    sentence: str = ""  # why it did not come to an end
    step: Step | None = None  # where it was then
    died: bool = False  # its process ended by itself, as when memory ran out
    settled: bool = False  # whether the stages of its versions are as it decided, and everybody is told

    @property
    def without_words(self) -> RunDetail:
        """What is kept once it is settled: no question or answer of anybody, who may want to be forgotten one day."""
        return replace(self, results=tuple(replace(one, samples=()) for one in self.results), settled=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """A line of the training process: how far it is."""

    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultLine:
    """A line of the training process: one task is through."""

    result: TaskResult


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureLine:
    """A line of the training process: it cannot go on, for a reason that is known."""

    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndLine:
    """The last line of a training process that came to its end."""

    end: bool


Line: TypeAlias = StepLine | ResultLine | FailureLine | EndLine

JOB: TypeAdapter[Job] = TypeAdapter(Job)
LINE: TypeAdapter[Line] = TypeAdapter(Line)
DETAIL: TypeAdapter[RunDetail] = TypeAdapter(RunDetail)


def detail_of(text: str) -> RunDetail:
    """What a run left; nothing where it left nothing yet."""
    return DETAIL.validate_json(text) if text else RunDetail()


def detail_text(detail: RunDetail) -> str:
    """As `detail_of` reads it."""
    return DETAIL.dump_json(detail).decode()


def task_of(name: str) -> Task:
    """The task of a version, by its name.

    Raises:
        LearningError: No version is called so.
    """
    task, _, number = name.strip().lower().rpartition("-")
    if task not in set(Task) or not number.isdecimal():
        raise LearningError("A version is called such as generator-3; `versions` lists them.")
    return Task(task)
