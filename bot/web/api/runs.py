"""/v1/runs: training from what people said of answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from adapters.types import Task
from bot.blocking import run_blocking
from bot.learning.errors import LearningError
from bot.learning.types import ALL_TASKS, Cause, Phase, TaskResult, Verdict, detail_of
from bot.store.runs import Run
from bot.store.schema import RunState
from bot.types import Scope
from bot.web.api.caller import MAX_ID, Caller, needs
from bot.web.api.errors import ApiError, not_there, told
from bot.web.api.state import ApiState, state_of

MOST = 100  # runs in one reply

router = APIRouter()

_State = Annotated[ApiState, Depends(state_of)]
_Caller = Annotated[Caller, Depends(needs(Scope.TRAIN))]
_RunId = Annotated[int, Path(ge=1, le=MAX_ID, description="A run's id.")]


class StepBody(BaseModel):
    """How far a run is."""

    task: Task
    phase: Phase
    done: int
    total: int = Field(description="0 where it is not known.")


class ResultBody(BaseModel):
    """What came of one task."""

    task: Task
    verdict: Verdict
    version: str | None = Field(description="That was made.")
    stage: str | None = Field(description="That it was given: candidate, canary, active or rejected.")
    examples: int = Field(description="That were learned from, or that there were where they are too few.")
    needed: int | None = Field(description="Examples, where there were too few.")
    seconds: float


class RunBody(BaseModel):
    """A training run."""

    object: Literal["run"] = "run"
    id: int
    state: RunState
    tasks: list[Task]
    cause: str
    started_at: datetime
    ended_at: datetime | None
    step: StepBody | None = Field(description="Where it is, if it goes on in this program.")
    results: list[ResultBody]
    sentence: str | None = Field(description="Why it did not come to its end.")


class RunList(BaseModel):
    """The last runs, the newest first."""

    object: Literal["list"] = "list"
    data: list[RunBody]


class RunRequest(BaseModel):
    """What to train."""

    tasks: Annotated[list[Task], Field(min_length=1, max_length=len(ALL_TASKS))] = list(ALL_TASKS)


@router.get("/runs", summary="List training runs", responses=told(), operation_id="listRuns")
async def runs(_: _Caller, state: _State, limit: Annotated[int, Query(ge=1, le=MOST)] = 20) -> RunList:
    """List the last runs, the newest first."""
    found = await run_blocking(state.parts.store.runs.recent, limit)
    return RunList(data=[await _body(state, one) for one in found])


@router.get("/runs/{run_id:int}", summary="Look at a training run", responses=told(404), operation_id="getRun")
async def run(run_id: _RunId, _: _Caller, state: _State) -> RunBody:
    """How far a run is, and what came of it."""
    return await _body(state, await _known(state, run_id))


@router.post("/runs", summary="Start a training run", status_code=201, responses=told(409), operation_id="createRun")
async def start(body: RunRequest, caller: _Caller, state: _State) -> RunBody:
    """Begin to train; look at the run to see how far it is. There is one at a time."""
    tasks = [task for task in ALL_TASKS if task in body.tasks]
    try:
        begun = await state.parts.learning.loop.retrain(tasks, cause=Cause.ASKED)
    except LearningError as error:  # one goes on already, or learning is paused
        raise ApiError(str(error), status=409, code="not_now") from error
    await caller.note(state.parts.store, "retrain", f"run {begun.id}: {' '.join(tasks)}")
    return await _body(state, begun)


@router.post(
    "/runs/{run_id:int}/cancel", summary="Cancel a training run", responses=told(404, 409), operation_id="cancelRun"
)
async def cancel(run_id: _RunId, caller: _Caller, state: _State) -> RunBody:
    """Have a run stopped; it ends within seconds, and nothing changes."""
    stopped = await state.parts.learning.loop.cancel(run_id)
    if stopped is None:
        known = await _known(state, run_id)
        raise ApiError(f"Run {run_id} has ended: {known.state.value}.", status=409, code="not_running")
    await caller.note(state.parts.store, "retrain", f"cancel run {run_id}")
    return await _body(state, stopped)


async def _known(state: ApiState, run_id: int) -> Run:
    found = await run_blocking(state.parts.store.runs.get, run_id)
    if found is None:
        raise not_there(f"There is no run {run_id}.", param="run_id")
    return found


async def _body(state: ApiState, found: Run) -> RunBody:
    now = await state.parts.learning.loop.state() if found.state is RunState.RUNNING else None
    step = now.step if now is not None and now.running is not None and now.running.id == found.id else None
    detail = detail_of(found.detail)
    return RunBody(
        id=found.id,
        state=found.state,
        tasks=list(found.tasks),
        cause=found.cause,
        started_at=found.started_at,
        ended_at=found.ended_at,
        step=None if step is None else StepBody(task=step.task, phase=step.phase, done=step.done, total=step.total),
        results=list(map(_result, detail.results)),
        sentence=detail.sentence or None,
    )


def _result(result: TaskResult) -> ResultBody:
    """Without samples: they are people's words."""
    few = result.verdict is Verdict.TOO_FEW
    return ResultBody(
        task=result.task,
        verdict=result.verdict,
        version=result.version or None,
        stage=None if result.stage is None else result.stage.value,
        examples=result.have if few else result.examples,
        needed=result.need if few else None,
        seconds=result.seconds,
    )
