"""What is set, what it means, and whether the set-up is sound."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from bot.blocking import run_blocking
from bot.frontends.base import Check
from bot.origins import section_meaning, settings_shown
from bot.types import Role
from bot.web.access import Visitor, access_of, at_least
from bot.web.dashboard.frame import changing, framed, parts_of
from bot.web.markdown import render

HERE: Final = "/dashboard/settings"

router = APIRouter()


@router.get(HERE)
async def settings(request: Request, visitor: Annotated[Visitor, Depends(at_least(Role.ADMIN))]) -> Response:
    """Show the settings in force."""
    return await _shown(request, visitor)


@router.post(f"{HERE}/doctor")
async def doctor(request: Request, visitor: Annotated[Visitor, Depends(changing(Role.ADMIN))]) -> Response:
    """Check the set-up as `burnish doctor` does."""
    checks = await parts_of(request).installation.examine()
    await access_of(request).note(visitor.person, "doctor")
    return await _shown(request, visitor, checks=checks)


async def _shown(request: Request, visitor: Visitor, *, checks: Sequence[Check] = ()) -> Response:
    parts = parts_of(request)
    file = parts.installation.file
    found = await run_blocking(settings_shown, parts.settings, file)
    sections = {name: list(members) for name, members in groupby(found, key=lambda one: one.section)}
    return await framed(
        request,
        visitor,
        "dashboard/settings.html",
        here="settings",
        sections=[(name, section_meaning(name), members) for name, members in sections.items()],
        changed=[one for one in found if one.changed],
        checks=checks,
        file=str(file),
        is_there=await run_blocking(file.is_file),
        said=render,
        written=lambda value: json.dumps(value, ensure_ascii=False),
    )
