"""The dashboard: one router, to which each page's module adds its own."""

from __future__ import annotations

from fastapi import APIRouter

from bot.web.dashboard import answers, corrections, curated, knowledge, questions, taking_in, today

router = APIRouter(include_in_schema=False)
for one in (today, questions, answers, corrections, curated, taking_in, knowledge):
    router.include_router(one.router)
