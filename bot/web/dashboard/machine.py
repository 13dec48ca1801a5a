"""The dashboard's pages about learning, people and settings, as one router."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from bot.web.dashboard import audit, keys, people, runs, settings, versions

PAGES: Final = (versions, runs, people, keys, audit, settings)

router = APIRouter(include_in_schema=False)
for one in PAGES:
    router.include_router(one.router)
