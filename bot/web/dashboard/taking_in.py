"""Documents taken in from the dashboard: uploaded files and web addresses, with progress."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, Field
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from bot.blocking import run_blocking
from bot.commands.base import number_of
from bot.commands.knowledge import WEB, Documents, older_uploads, save, short
from bot.texts import say
from bot.types import Role
from bot.web.access import Access, Visitor, at_least, the_access, unforged
from bot.web.dashboard.frame import SEE_OTHER, changing, done, framed, parts_of
from bot.web.dashboard.ingests import Ingest, Ingests
from bot.web.errors import NotThereError, TooLargeError
from knowledge.ingest import IngestOutcome

FILES: Final = 20  # of the largest size that are taken at once
BESIDES: Final = 1_000_000  # bytes of a form besides its files
MAX_ADDRESSES: Final = 10_000  # characters
HERE: Final = "/dashboard/knowledge"

router = APIRouter(prefix=HERE)

_Admin = Annotated[Visitor, Depends(at_least(Role.ADMIN))]
_Changer = Annotated[Visitor, Depends(changing(Role.ADMIN))]
_Access = Annotated[Access, Depends(the_access)]


def ingests_of(request: Request) -> Ingests:
    """What is being taken in."""
    ingests = request.app.state.ingests
    if not isinstance(ingests, Ingests):
        raise TypeError(ingests)
    return ingests


async def uploading(request: Request, visitor: _Admin) -> AsyncIterator[Visitor]:
    """A dependency of uploads: an admin on a page of ours, and not more than is taken at once.

    Raises:
        TooLargeError: It is more, or it is not said how much it is.
    """
    length = number_of(request.headers.get("content-length", ""))
    if not 0 < length <= FILES * _limit(parts_of(request).documents) + BESIDES:
        raise TooLargeError(say("web-too-large", visitor.language))
    try:
        await unforged(request, visitor)
        yield visitor
    finally:
        await request.close()  # what lies in temporary files


@router.post("/upload")
async def upload(request: Request, visitor: Annotated[Visitor, Depends(uploading)], access: _Access) -> Response:
    """Keep files and take them in."""
    documents = parts_of(request).documents
    files = [one for one in (await request.form()).getlist("files") if isinstance(one, UploadFile) and one.filename]
    saved: list[Path] = []
    refused: list[str] = []
    for file in files:
        name = file.filename or "?"
        content = await file.read(_limit(documents) + 1)
        if len(content) > _limit(documents):
            limit = f"{documents.max_megabytes:g}"
            refused.append(say("ingest-too-large", visitor.language, name=name, limit=limit))
        else:
            saved.append(await run_blocking(save, documents.uploads, name, content))
    if not saved:
        sentence = "\n".join(refused) or say("knowledge-no-file", visitor.language)
        return done(request, visitor, sentence, then=HERE, good=False)
    return await _start(request, visitor, access, [one.name for one in saved], saved=saved, refused=refused)


class _Addresses(BaseModel):
    addresses: str = Field("", max_length=MAX_ADDRESSES)  # by white space


@router.post("/address")
async def address(
    request: Request, visitor: _Changer, access: _Access, form: Annotated[_Addresses, Form()]
) -> Response:
    """Take web pages in."""
    named = form.addresses.split()
    # never a path: what lies on the server is for those who sit there to take in
    if not named or not all(WEB.fullmatch(one) for one in named):
        return done(request, visitor, say("knowledge-no-address", visitor.language), then=HERE, good=False)
    return await _start(request, visitor, access, named)


@router.get("/ingests/{number}")
async def ingest(request: Request, visitor: _Admin, number: int) -> Response:
    """How far it is, and what came of it."""
    found = replace(_known(request, visitor, number))  # as it is now; it goes on while the page is made
    parts = parts_of(request)
    report = found.report
    older = await run_blocking(older_uploads, parts.store, parts.documents.uploads, found.saved) if report else ()
    rows = [] if report is None else [row for row in report.rows if row.outcome is not IngestOutcome.PROBLEM]
    problems = [] if report is None else [problem for row in report.rows for problem in row.problems]
    return await framed(
        request,
        visitor,
        "dashboard/ingest.html",
        here="knowledge",
        ingest=found,
        rows=[(short(row.uri), row) for row in rows],
        problems=[(short(one.uri), one.reason) for one in problems],
        older=older,
    )


@router.post("/ingests/{number}/stop")
async def stop(request: Request, visitor: _Changer, access: _Access, number: int) -> Response:
    """Stop after the document that is being read."""
    found = _known(request, visitor, number)
    if not found.ended:
        found.stopping = True
        await access.note(visitor.person, "ingest", f"{', '.join(found.names)} stopped")
    return RedirectResponse(f"{HERE}/ingests/{number}", status_code=SEE_OTHER)


async def _start(
    request: Request,
    visitor: Visitor,
    access: Access,
    names: Sequence[str],
    *,
    saved: Sequence[Path] = (),
    refused: Sequence[str] = (),
) -> Response:
    sources = [str(one) for one in saved] or list(names)
    work = partial(parts_of(request).documents.ingest, sources)
    begun = ingests_of(request).start(work, names=names, saved=saved, refused=refused)
    await access.note(visitor.person, "ingest", ", ".join(names))
    return RedirectResponse(f"{HERE}/ingests/{begun.id}", status_code=SEE_OTHER)


def _known(request: Request, visitor: Visitor, number: int) -> Ingest:
    found = ingests_of(request).get(number)
    if found is None:
        raise NotThereError(say("knowledge-ingest-gone", visitor.language))
    return found


def _limit(documents: Documents) -> int:
    """Bytes of one file."""
    return int(documents.max_megabytes * 1_000_000)
