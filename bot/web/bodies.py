"""How much a request may bring: what is sent is read before it is known who sends it."""

from __future__ import annotations

import re
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_FORM: Final = 1_000_000  # bytes; the longest text that a form takes, escaped in the worst way, is a quarter of it

_UPLOADS = re.compile(r"/v1/.*|/c/[^/]+/file|/dashboard/knowledge/upload")  # these look who sends it, and how much


class Bodies:
    """ASGI middleware: cuts off what is larger than any form of a page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http" and not _UPLOADS.fullmatch(scope["path"]):
            receive = measured(receive, MAX_FORM, f"A request has {MAX_FORM} bytes at most.")
        await self._app(scope, receive, send)


def measured(receive: Receive, limit: int, sentence: str) -> Receive:
    """The same request, cut off where it is larger than may be.

    Args:
        receive: Brings it.
        limit: Bytes.
        sentence: Of the error (413) that whoever reads on gets.
    """
    taken = 0

    async def cut() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise HTTPException(413, sentence)
        return message

    return cut
