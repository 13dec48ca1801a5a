"""What an admin did on the dashboard, or wanted to do: into the audit log, and said on the next page."""

from __future__ import annotations

from fastapi import Request
from starlette.responses import Response

from bot.store.records import REFUSED
from bot.web.access import Visitor, access_of
from bot.web.dashboard.frame import done


async def acted(request: Request, visitor: Visitor, *, did: tuple[str, str], said: str, then: str) -> Response:
    """Say what was done.

    Args:
        request: What is answered.
        visitor: Who did it.
        did: The command that does the same, and what exactly, for the audit log.
        said: A sentence.
        then: Path of the page that says it.
    """
    await access_of(request).note(visitor.person, *did)
    return done(request, visitor, said, then=then)


async def refused(request: Request, visitor: Visitor, *, did: tuple[str, str], why: str, then: str) -> Response:
    """Say why something was not done.

    Args:
        request: What is answered.
        visitor: Who wanted it.
        did: The command that does the same, and what exactly, for the audit log.
        why: A sentence.
        then: Path of the page that says it.
    """
    command, detail = did
    await access_of(request).note(visitor.person, f"{REFUSED}{command}", detail)
    return done(request, visitor, why, then=then, good=False)
