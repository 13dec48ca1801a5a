"""The first page: how the bot is doing, and what waits for somebody."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from bot.types import Role
from bot.web.access import Visitor, at_least
from bot.web.dashboard.frame import framed

router = APIRouter(prefix="/dashboard")


@router.get("")
async def today(request: Request, visitor: Annotated[Visitor, Depends(at_least(Role.TRAINER))]) -> Response:
    """Show it."""
    return await framed(request, visitor, "dashboard/today.html", here="today")
