"""Training runs: what came of each, the one that goes on, what one would learn now, and when they begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from adapters.types import Task
from bot.blocking import run_blocking
from bot.commands.learning import Learning, plan_line, schedule_lines
from bot.learning.errors import LearningError, PausedError, RunningError
from bot.learning.loop import LoopState
from bot.learning.report import outcome_text, percent_of, progress_text, task_name
from bot.learning.types import ALL_TASKS, Cause, RunDetail, Step, TaskResult, detail_of
from bot.store.people import WEB
from bot.store.runs import Asker, Run
from bot.store.schema import RunState
from bot.store.store import Store
from bot.texts import say
from bot.types import Role
from bot.web.access import Visitor, at_least
from bot.web.dashboard.acts import acted, refused
from bot.web.dashboard.frame import changing, done, framed, parts_of
from bot.web.errors import NotThereError
from bot.web.ids import RowId
from bot.web.markdown import render
from bot.web.pages import page
from bot.web.parts import WebParts

HERE: Final = "/dashboard/runs"
A_PAGE: Final = 20
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  # as a plan names them

router = APIRouter()

_Admin = Annotated[Visitor, Depends(at_least(Role.ADMIN))]
_Changing = Annotated[Visitor, Depends(changing(Role.ADMIN))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A run in the list."""

    run: Run
    tasks: str
    asker: str  # the name of whoever asked for it; "" for nobody
    minutes: str  # how long it took; "" while it goes on
    results: Sequence[TaskResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A version that a run made."""

    result: TaskResult
    task: str  # in the reader's language
    drawn: bool  # whether there is a picture


@router.get(HERE)
async def runs(request: Request, visitor: _Admin, turn: int = 0) -> Response:
    """List the runs, and offer another."""
    parts = parts_of(request)
    turn = max(0, min(turn, 1_000))
    state = await parts.learning.loop.state()
    found = await run_blocking(parts.store.runs.recent, (turn + 1) * A_PAGE + 1)
    shown = found[turn * A_PAGE : (turn + 1) * A_PAGE]
    return await framed(
        request,
        visitor,
        "dashboard/runs.html",
        here="runs",
        rows=await run_blocking(lambda: [_row(parts.store, run, visitor.language) for run in shown]),
        newer="" if turn == 0 else f"{HERE}?turn={turn - 1}",
        older=f"{HERE}?turn={turn + 1}" if len(found) > (turn + 1) * A_PAGE else "",
        tasks=[(task.value, task_name(task, visitor.language)) for task in ALL_TASKS],
        state=state,
        plan=_Plan.of(state.plan),
        days=DAYS,
        schedule=render("\n\n".join(_plan_lines(state, parts.learning, visitor.language))),
        zone=parts.learning.settings.timezone,
        **(_progress(state.running, state.step, parts.learning, visitor.language) if state.running else {}),
    )


@router.get(f"{HERE}/preview")
async def preview(request: Request, visitor: _Admin) -> Response:
    """Say what a run would learn now, and from whom."""
    text = await run_blocking(parts_of(request).learning.preview, visitor.language, True)
    lines = [((len(line) - len(line.lstrip(" "))) // 2, line.strip()) for line in text.splitlines()]
    return await framed(request, visitor, "dashboard/preview.html", here="runs", lines=lines)


@router.get(f"{HERE}/{{run_id}}")
async def run(request: Request, visitor: _Admin, run_id: RowId) -> Response:
    """Show how far a run is, or what came of it."""
    parts = parts_of(request)
    loop = parts.learning.loop
    found = await _known(request, visitor, run_id)
    row = await run_blocking(_row, parts.store, found, visitor.language)
    if found.state is RunState.RUNNING:
        now = _progress(found, (await loop.state()).step, parts.learning, visitor.language)
        return await framed(request, visitor, "dashboard/run.html", here="runs", row=row, **now)
    ended = None if loop.has(run_id) else await loop.wait(run_id)
    detail = detail_of(found.detail) if ended is None else ended[1]
    if await run_blocking(parts.learning.registry.forgot_since, found.started_at):
        detail = detail.without_words  # whose they are is not told from them
    return await framed(
        request,
        visitor,
        "dashboard/run.html",
        here="runs",
        row=row,
        outcome=render(outcome_text(found, detail, visitor.language)),
        made=await run_blocking(_made, parts, detail, visitor.language),
    )


@router.get(f"{HERE}/{{run_id}}/progress")
async def progress(request: Request, visitor: _Admin, run_id: RowId) -> Response:
    """The part of a page that says how far a run is; once it has ended, the whole page is to be loaded again."""
    learning = parts_of(request).learning
    found = await _known(request, visitor, run_id)
    if found.state is not RunState.RUNNING:
        return Response(headers={"HX-Refresh": "true"})
    step = (await learning.loop.state()).step
    return page(
        request,
        "dashboard/progress.html",
        visitor=visitor,
        **_progress(found, step, learning, visitor.language),
    )


@router.post(HERE)
async def start(request: Request, visitor: _Changing, tasks: Annotated[list[Task] | None, Form()] = None) -> Response:
    """Begin a run."""
    loop, language = parts_of(request).learning.loop, visitor.language
    chosen = tuple(task for task in ALL_TASKS if task in (tasks or ()))
    if not chosen:
        return done(request, visitor, say("learn-choose-part", language), then=HERE, good=False)
    did = ("retrain", " ".join(chosen))
    try:
        begun = await loop.retrain(chosen, cause=Cause.ASKED, asker=Asker(user_id=visitor.person.id, platform=WEB))
    except RunningError:
        return await refused(request, visitor, did=did, why=say("learn-running", language), then=HERE)
    except PausedError:
        return await refused(request, visitor, did=did, why=say("learn-is-paused", language), then=HERE)
    except LearningError:
        return await refused(request, visitor, did=did, why=say("retrain-elsewhere", language), then=HERE)
    did = ("retrain", f"run {begun.id}: {' '.join(begun.tasks)}")
    said = say("learn-started", language, run=str(begun.id))
    return await acted(request, visitor, did=did, said=said, then=f"{HERE}/{begun.id}")


@router.post(f"{HERE}/{{run_id}}/cancel")
async def cancel(request: Request, visitor: _Changing, run_id: RowId) -> Response:
    """Stop this run, and no other that may have begun since the page was loaded."""
    run, then = await _known(request, visitor, run_id), f"{HERE}/{run_id}"
    did = ("retrain", f"cancel run {run.id}")
    if await parts_of(request).learning.loop.cancel(run.id) is None:
        why = say("learn-run-over", visitor.language, run=str(run.id))
        return await refused(request, visitor, did=did, why=why, then=then)
    said = say("retrain-cancelling", visitor.language, run=str(run.id))
    return await acted(request, visitor, did=did, said=said, then=then)


class _Plan(BaseModel):
    """When training begins by itself, as a form has it."""

    kind: str = Field("", max_length=20)
    daily: str = Field("", max_length=20)  # a time of day; what is left empty is no plan, rather than some default
    day: str = Field("", max_length=20)
    weekly: str = Field("", max_length=20)
    ratings: str = Field("", max_length=20)

    @classmethod
    def of(cls, text: str) -> _Plan:
        """A plan as it is kept, in the form's fields; the others have what is usual."""
        kind, *rest = text.split()
        fields: dict[str, tuple[str, ...]] = {"daily": ("daily",), "weekly": ("day", "weekly"), "after": ("ratings",)}
        usual = {"daily": "03:00", "day": "sun", "weekly": "03:00", "ratings": "50"}
        return cls(kind=kind, **usual | dict(zip(fields.get(kind, ()), rest, strict=False)))

    @property
    def text(self) -> str:
        """As the loop reads it."""
        return {
            "daily": f"daily {self.daily}",
            "weekly": f"weekly {self.day} {self.weekly}",
            "after": f"after {self.ratings} ratings",
        }.get(self.kind, self.kind)


@router.post("/dashboard/schedule")
async def schedule(request: Request, visitor: _Changing, form: Annotated[_Plan, Form()]) -> Response:
    """Set when training begins by itself."""
    learning, language = parts_of(request).learning, visitor.language
    try:
        plan = await learning.loop.schedule(form.text)
    except LearningError:
        why = say("learn-no-plan", language, plan=form.text)
        return await refused(request, visitor, did=("schedule", "no plan"), why=why, then=HERE)
    said = plan_line("schedule-set", plan, learning.settings, language)
    return await acted(request, visitor, did=("schedule", plan), said=said, then=HERE)


@router.post("/dashboard/pause")
async def pause(request: Request, visitor: _Changing) -> Response:
    """Train nothing until `resume`."""
    await parts_of(request).learning.loop.pause()
    return await acted(request, visitor, did=("pause", ""), said=say("learn-paused", visitor.language), then=HERE)


@router.post("/dashboard/resume")
async def resume(request: Request, visitor: _Changing) -> Response:
    """Train again."""
    await parts_of(request).learning.loop.resume()
    return await acted(request, visitor, did=("resume", ""), said=say("resumed", visitor.language), then=HERE)


async def _known(request: Request, visitor: Visitor, run_id: int) -> Run:
    found = await run_blocking(parts_of(request).store.runs.get, run_id)
    if found is None:
        raise NotThereError(say("learn-no-run", visitor.language))
    return found


def _plan_lines(state: LoopState, learning: Learning, language: str) -> Sequence[str]:
    return schedule_lines(state, learning.settings, language, resume=f"**{say('learn-resume', language)}**")


def _row(store: Store, run: Run, language: str) -> Row:
    person = None if run.asker.user_id is None else store.people.get(run.asker.user_id)
    return Row(
        run=run,
        tasks=", ".join(task_name(task, language) for task in run.tasks),
        asker="" if person is None else person.name or person.platform_user_id,
        minutes="" if run.ended_at is None else f"{(run.ended_at - run.started_at).total_seconds() / 60:.1f}",
        results=detail_of(run.detail).results,
    )


def _progress(run: Run, step: Step | None, learning: Learning, language: str) -> dict[str, Any]:
    """What the template of a run that goes on shows; a run of another program says no steps."""
    at = run.tasks.index(step.task) if step is not None and step.task in run.tasks else -1
    here = learning.loop.has(run.id)
    return {
        "running": run,
        "said": progress_text(run.id, step, language) if here else say("learn-elsewhere", language, run=str(run.id)),
        "percent": None if step is None or not step.total else percent_of(step),
        "steps": [
            (task_name(task, language), "past" if place < at else "now" if place == at else "next")
            for place, task in enumerate(run.tasks)
        ],
    }


def _made(parts: WebParts, detail: RunDetail, language: str) -> Sequence[Made]:
    """What a run made, without versions that were removed since."""
    registry, pictures = parts.learning.registry, parts.installation.pictures
    there = {one.name for task in Task for one in registry.versions(task)}
    return [
        Made(
            result=one,
            task=task_name(one.task, language),
            drawn=(pictures / f"{one.version}.png").is_file(),
        )
        for one in detail.results
        if one.version in there
    ]
