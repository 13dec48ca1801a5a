"""A document that an admin drops into the chat: kept until `/ingest`, which it stands for, has fetched it."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import JSONResponse, Response

from bot.blocking import run_blocking
from bot.store.people import WEB
from bot.texts import say
from bot.types import Attachment, AttachmentKind, Message, Origin, Place, Role
from bot.web.access import at_least, unforged
from bot.web.chat import ID, Here, here_of
from bot.web.errors import TooLargeError

MEGABYTE: Final = 1_000_000  # bytes
KEPT_FOR: Final = timedelta(days=1)  # a file that was never fetched: its message waits no longer than that
MAX_NAME: Final = 200  # characters

router = APIRouter(prefix="/c/{talk}", include_in_schema=False)


@router.post("/file", dependencies=[Depends(at_least(Role.ADMIN)), Depends(unforged)])
async def drop(
    request: Request,
    here: Annotated[Here, Depends(here_of)],
    given: Annotated[str, Query(alias="id", pattern=ID)],
    name: Annotated[str, Query(min_length=1, max_length=MAX_NAME)],
) -> Response:
    """Take one file, the request's body, as the document of an `/ingest`; it is stored when this returns."""
    parts, who = here.parts, here.who
    limit = parts.documents.max_megabytes
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > limit * MEGABYTE:
            raise TooLargeError(say("ingest-too-large", who.language, name=name, limit=f"{limit:g}"))
    file_id = await run_blocking(_keep, parts.chat.files, bytes(content))
    message = Message(
        platform=WEB,
        event_id=here.event(given),
        channel=here.channel,
        thread="",
        sender=who.person.platform_user_id,
        sender_name=who.person.name,
        text="",
        received_at=datetime.now(UTC),
        origin=Origin(
            place=Place.DIRECT,
            command="ingest",
            language=who.language,
            message_id=given,
            attachments=(
                Attachment(kind=AttachmentKind.DOCUMENT, file_id=file_id, name=name, size=max(1, len(content))),
            ),
        ),
    )
    await parts.desk.said(message)
    parts.chat.hub.changed(here.channel)
    return JSONResponse({}, status_code=202)


def _keep(folder: Path, content: bytes) -> str:
    """Write a file under an id of its own, and remove those that lie there too long."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file_id = secrets.token_hex(16)
    (folder / file_id).write_bytes(content)
    oldest = (datetime.now(UTC) - KEPT_FOR).timestamp()
    for file in folder.iterdir():
        with suppress(OSError):  # another request was faster
            if file.stat().st_mtime < oldest:
                file.unlink()
    return file_id
