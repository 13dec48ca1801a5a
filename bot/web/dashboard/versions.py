"""What has been learned: every version, one in full, two side by side, and which of them serves."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import FileResponse, Response

from adapters.errors import AdapterError
from adapters.registry import Registry
from adapters.types import Stage, Task
from bot.blocking import run_blocking
from bot.commands.learning import Learning
from bot.learning.dossier import Dossier, can_go_back, dossier, dossiers, serves
from bot.learning.errors import LearningError
from bot.learning.report import task_name
from bot.learning.types import ALL_TASKS, Sample
from bot.texts import say
from bot.types import Role
from bot.web.access import Visitor, at_least
from bot.web.dashboard.acts import acted, refused
from bot.web.dashboard.drawing import Mark, gains_of
from bot.web.dashboard.frame import changing, done, framed, parts_of
from bot.web.errors import NotThereError

HERE: Final = "/dashboard/versions"
WAITING: Final = frozenset({Stage.CANDIDATE, Stage.CANARY})

log = logging.getLogger(__name__)

router = APIRouter()

_Admin = Annotated[Visitor, Depends(at_least(Role.ADMIN))]
_Changing = Annotated[Visitor, Depends(changing(Role.ADMIN))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The versions of one task."""

    task: Task
    name: str  # in the reader's language
    members: Sequence[Dossier]  # the newest first
    gains: Mapping[str, Mark]  # of those that were compared
    back: bool  # whether the service can go back
    goes_back_to: str  # name of the version that would serve then; "" for what came with the program


@router.get(HERE)
async def versions(request: Request, visitor: _Admin) -> Response:
    """List all versions."""
    learning = parts_of(request).learning
    families = await run_blocking(lambda: [_family(learning, task, visitor.language) for task in ALL_TASKS])
    return await framed(
        request,
        visitor,
        "dashboard/versions.html",
        here="versions",
        families=families,
        keep=learning.settings.keep_versions,
    )


@router.get(f"{HERE}/compare")
async def compare(request: Request, visitor: _Admin, first: str = "", second: str = "") -> Response:
    """Show two versions of a task side by side."""
    learning = parts_of(request).learning
    one, two = [await _known(request, visitor, name) for name in (first, second)]
    if one.version.task is not two.version.task or first == second:
        return done(request, visitor, say("learn-compare-two", visitor.language), then=HERE, good=False)
    torn = one.torn or two.torn
    found = () if torn else await run_blocking(learning.registry.diff, one.version.task, first, second)
    return await framed(
        request,
        visitor,
        "dashboard/compare.html",
        here="versions",
        one=one,
        two=two,
        task=task_name(one.version.task, visitor.language),
        differences=found,
        gains=gains_of([one, two]),
        samples={version.version.name: await _samples(learning, version) for version in (one, two)},
    )


@router.get(f"{HERE}/{{name}}")
async def version(request: Request, visitor: _Admin, name: str) -> Response:
    """Show one version in full."""
    parts = parts_of(request)
    found = await _known(request, visitor, name)
    family = await run_blocking(_family, parts.learning, found.version.task, visitor.language)
    return await framed(
        request,
        visitor,
        "dashboard/version.html",
        here="versions",
        found=found,
        family=family,
        gains=gains_of([found]),
        waits=found.version.stage in WAITING,
        reasons=found.reasons(visitor.language),
        picture=await run_blocking((parts.installation.pictures / f"{found.version.name}.png").is_file),
        samples=await _samples(parts.learning, found),
    )


@router.get(f"{HERE}/{{name}}/picture")
async def picture(request: Request, visitor: _Admin, name: str) -> Response:
    """The picture of a version's report; its name is one that the registry knows, so it leads nowhere else."""
    found = await _known(request, visitor, name)
    file = parts_of(request).installation.pictures / f"{found.version.name}.png"
    if not await run_blocking(file.is_file):
        raise NotThereError(say("learn-no-picture", visitor.language))
    return FileResponse(file, media_type="image/png")


@router.post(f"{HERE}/{{name}}/promote")
async def promote(request: Request, visitor: _Changing, name: str) -> Response:
    """Let a version serve."""
    learning, language = parts_of(request).learning, visitor.language
    found = await _known(request, visitor, name)
    if await run_blocking(serves, learning.registry, name):
        why = say("promoted-before", language, version=name)
        return await refused(request, visitor, did=("promote", name), why=why, then=f"{HERE}/{name}")
    try:
        await learning.loop.promote(name)
    except AdapterError as error:
        return await _unfit(request, visitor, "promote", found, error)
    said = say("promoted", language, version=name)
    return await acted(request, visitor, did=("promote", name), said=said, then=f"{HERE}/{name}")


@router.post(f"{HERE}/{{name}}/keep-old")
async def keep_old(request: Request, visitor: _Changing, name: str) -> Response:
    """Turn a version down that waits or is tried out."""
    did = ("versions", f"turn {name} down")
    found = await _known(request, visitor, name)
    if found.version.stage not in WAITING:
        why = say("learn-waits-for-nothing", visitor.language, version=name)
        return await refused(request, visitor, did=did, why=why, then=f"{HERE}/{name}")
    try:
        await parts_of(request).learning.loop.keep_old(name)
    except AdapterError as error:
        return await _unfit(request, visitor, "versions", found, error)
    said = say("kept-old", visitor.language, version=name)
    return await acted(request, visitor, did=did, said=said, then=f"{HERE}/{name}")


@router.post("/dashboard/rollback")
async def rollback(
    request: Request, visitor: _Changing, task: Annotated[Task, Form()], to: Annotated[str, Form()] = ""
) -> Response:
    """Give the service back to the version before, if it is still the one that the page named.

    Pressed twice, or by two admins at once, it goes back once.
    """
    learning, language = parts_of(request).learning, visitor.language
    if not await run_blocking(can_go_back, learning.registry, task):
        why = say("rollback-nothing", language)
        return await refused(request, visitor, did=("rollback", task.value), why=why, then=HERE)
    if await run_blocking(_goes_back_to, learning.registry, task) != to:
        why = say("learn-moved", language)
        return await refused(request, visitor, did=("rollback", task.value), why=why, then=HERE)
    try:
        now = await learning.loop.rollback(task)
    except AdapterError as error:
        _log_refusal(task.value, error)
        why = say("learn-no-way-back", language)
        return await refused(request, visitor, did=("rollback", task.value), why=why, then=HERE)
    did = f"roll {task.value} back" if now is None else f"roll back to {now.name}"
    said = say("rolled-back-to-first", language) if now is None else say("rolled-back", language, version=now.name)
    return await acted(request, visitor, did=("rollback", did), said=said, then=HERE)


@router.post("/dashboard/prune")
async def prune(request: Request, visitor: _Changing, task: Annotated[Task, Form()]) -> Response:
    """Remove versions that nobody will want back."""
    learning, language = parts_of(request).learning, visitor.language
    try:
        gone = await run_blocking(learning.registry.prune, task, learning.settings.keep_versions)
    except AdapterError as error:
        _log_refusal(task.value, error)
        why = say("learn-not-pruned", language)
        return await refused(request, visitor, did=("prune", task.value), why=why, then=HERE)
    said = say("learn-pruned", language, versions=", ".join(gone)) if gone else say("learn-pruned-none", language)
    return await acted(request, visitor, did=("prune", " ".join(gone) or task.value), said=said, then=HERE)


def _family(learning: Learning, task: Task, language: str) -> Family:
    registry = learning.registry
    members = dossiers(registry, task)
    return Family(
        task=task,
        name=task_name(task, language),
        members=members,
        gains=gains_of(members),
        back=can_go_back(registry, task),
        goes_back_to=_goes_back_to(registry, task),
    )


def _goes_back_to(registry: Registry, task: Task) -> str:
    """Name of the version that would serve after a rollback; "" for what came with the program."""
    return next((version.name for version in registry.served(task)), "")


async def _known(request: Request, visitor: Visitor, name: str) -> Dossier:
    """All about a version.

    Raises:
        NotThereError: There is none of this name.
    """
    try:
        return await run_blocking(dossier, parts_of(request).learning.registry, name)
    except (AdapterError, LearningError) as error:
        raise NotThereError(say("learn-no-version", visitor.language)) from error


async def _samples(learning: Learning, found: Dossier) -> Sequence[Sample]:
    """Held-out questions with both answers, while the program remembers the run, and nobody is forgotten since."""
    run = 0 if found.lineage is None else found.lineage.run
    if not run or learning.loop.has(run):
        return ()
    ended = await learning.loop.wait(run)
    if ended is None or await run_blocking(learning.registry.forgot_since, ended[0].started_at):
        return ()
    named = [one for one in ended[1].results if one.version == found.version.name]
    return named[0].samples if named else ()


async def _unfit(request: Request, visitor: Visitor, command: str, found: Dossier, error: Exception) -> Response:
    """Say why a version cannot have its way; the log has the reason with its paths."""
    name = found.version.name
    _log_refusal(name, error)
    key = "learn-refused-stale" if found.version.stale else "learn-refused-unfit"
    why = say(key, visitor.language, version=name)
    return await refused(request, visitor, did=(command, name), why=why, then=f"{HERE}/{name}")


def _log_refusal(name: str, error: Exception) -> None:
    log.warning("version refused", extra={"action": "version-refused", "version": name, "reason": str(error)})
