"""What the API's routes work with."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from bot.web.api.asking import Asking
from bot.web.parts import WebParts


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiState:
    """The program as the API sees it."""

    parts: WebParts
    asking: Asking


async def state_of(request: Request) -> ApiState:
    """The program's ApiState."""
    state = request.app.state.api
    if not isinstance(state, ApiState):
        raise TypeError(state)
    return state
