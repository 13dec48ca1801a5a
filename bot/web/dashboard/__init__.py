"""The dashboard: one router, to which each page's module adds its own."""

from __future__ import annotations

from fastapi import APIRouter

from bot.web.dashboard import today

router = APIRouter(include_in_schema=False)
for one in (today,):
    router.include_router(one.router)
