"""The dashboard: one router, to which each page's module adds its own."""

from __future__ import annotations

from fastapi import APIRouter

from bot.web.dashboard import answers, corrections, questions, today

router = APIRouter(include_in_schema=False)
for one in (today, questions, answers, corrections):
    router.include_router(one.router)
