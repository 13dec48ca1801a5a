"""Documents: what is known, how it is used, what is out of date, each with its chunks; and search as the bot has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from markupsafe import Markup
from starlette.responses import Response

from bot.blocking import run_blocking
from bot.cards import safe
from bot.commands.knowledge import short
from bot.store.document_tasks import DocumentTask
from bot.store.store import Store
from bot.teaching import SOURCE
from bot.texts import say
from bot.types import Role
from bot.web.access import Access, Visitor, at_least, the_access
from bot.web.dashboard.explained import explained
from bot.web.dashboard.frame import changing, done, framed, parts_of
from bot.web.dashboard.questions import page_number
from bot.web.dashboard.taking_in import ingests_of
from bot.web.errors import NotThereError
from bot.web.ids import RowId
from bot.web.markdown import render
from knowledge.types import Passage, StoredChunk, StoredDocument

PAGE = 50  # documents in the list
CHUNKS = 40  # of a document on a page
PASSAGES = 10  # of a search
USED_DAYS = 30  # in which answers are counted
OLD_DAYS = 180  # since a document was last taken in with other content: a guess at when somebody should look at it
MAX_WORDS = 500  # characters of a search
HERE: Final = "/dashboard/knowledge"

router = APIRouter(prefix=HERE)

_Admin = Annotated[Visitor, Depends(at_least(Role.ADMIN))]
_Changer = Annotated[Visitor, Depends(changing(Role.ADMIN))]
_Access = Annotated[Access, Depends(the_access)]
_Words = Annotated[str, Query(max_length=MAX_WORDS)]
_Show = Literal["all", "outdated", "unused", "old"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A document in the list."""

    document: StoredDocument
    name: str  # of its file, or its web address
    used: int  # answers of the last days
    task: DocumentTask | None  # that somebody called it out of date
    unused: bool  # though there long enough to be used
    old: bool


@router.get("")
async def documents(
    request: Request, visitor: _Admin, show: _Show = "all", words: _Words = "", page: str = "1"
) -> Response:
    """List them."""
    store = parts_of(request).store
    every = await run_blocking(_documents, store, store.clock())
    groups: dict[str, Sequence[_Shown]] = {
        "all": every,
        "outdated": [one for one in every if one.task is not None],
        "unused": [one for one in every if one.unused],
        "old": [one for one in every if one.old],
    }
    wanted = words.strip().casefold()
    found = [one for one in groups[show] if wanted in one.document.title.casefold() or wanted in one.name.casefold()]
    number = min(page_number(page), max(1, -(-len(found) // PAGE)))
    return await framed(
        request,
        visitor,
        "dashboard/knowledge.html",
        here="knowledge",
        show=show,
        words=words,
        counts={key: len(group) for key, group in groups.items()},
        chunks=sum(one.document.chunks for one in every),
        rows=found[(number - 1) * PAGE : number * PAGE],
        running=ingests_of(request).running(),
        max_megabytes=f"{parts_of(request).documents.max_megabytes:g}",
        max_words=MAX_WORDS,
        used_days=USED_DAYS,
        old_days=OLD_DAYS,
        newer=_address(show, words, number - 1) if number > 1 else "",
        older=_address(show, words, number + 1) if number * PAGE < len(found) else "",
    )


@router.get("/search")
async def search(request: Request, visitor: _Admin, words: _Words = "") -> Response:
    """Search as the bot does."""
    found: Sequence[Passage] = ()
    if words.strip():
        found = (await run_blocking(parts_of(request).documents.search, words.strip()))[:PASSAGES]
    return await framed(
        request,
        visitor,
        "dashboard/search.html",
        here="knowledge",
        words=words,
        asked=bool(words.strip()),
        passages=[(one, short(one.stored.uri), _text(one.stored)) for one in found],
        max_words=MAX_WORDS,
    )


@router.get("/rehearsal")
async def rehearsal(request: Request, visitor: _Admin, words: _Words = "") -> Response:
    """What would be answered, and why; nothing of it is kept."""
    shown = None
    if words.strip():
        shown = explained(await parts_of(request).rehearse(words.strip()), words.strip(), visitor.language)
    return await framed(request, visitor, "dashboard/rehearsal.html", here="knowledge", words=words, shown=shown)


@router.get("/{document_id}")
async def document(request: Request, visitor: _Admin, document_id: RowId, page: str = "1") -> Response:
    """Show one with its chunks."""
    store = parts_of(request).store
    shown = await _document(request, visitor, document_id)
    chunks = await run_blocking(store.knowledge.chunks_of, document_id)
    number = min(page_number(page), max(1, -(-len(chunks) // CHUNKS)))
    return await framed(
        request,
        visitor,
        "dashboard/document.html",
        here="knowledge",
        shown=shown,
        link=shown.document.uri if shown.document.uri.startswith(("http://", "https://")) else "",
        characters=sum(len(one.chunk.text) for one in chunks),
        chunks=[(one, _text(one)) for one in chunks[(number - 1) * CHUNKS : number * CHUNKS]],
        used_days=USED_DAYS,
        newer=f"{HERE}/{document_id}?page={number - 1}" if number > 1 else "",
        older=f"{HERE}/{document_id}?page={number + 1}" if number * CHUNKS < len(chunks) else "",
    )


@router.post("/{document_id}/remove")
async def remove(request: Request, visitor: _Changer, access: _Access, document_id: RowId) -> Response:
    """Remove one with its chunks."""
    document = (await _document(request, visitor, document_id)).document
    await run_blocking(parts_of(request).store.knowledge.remove_document, document_id)
    await access.note(visitor.person, "knowledge", f"remove document {document_id}: {short(document.uri)}")
    return done(request, visitor, say("knowledge-removed", visitor.language, title=document.title), then=HERE)


@router.post("/{document_id}/settle")
async def settle(request: Request, visitor: _Changer, access: _Access, document_id: RowId) -> Response:
    """Take one off the list of those that are called out of date."""
    shown, then = await _document(request, visitor, document_id), f"{HERE}?show=outdated"
    title = shown.document.title
    if not await run_blocking(parts_of(request).store.document_tasks.settle, shown.document.uri):
        return done(request, visitor, say("outdated-settled-before", visitor.language), then=then, good=False)
    await access.note(visitor.person, "knowledge", f"document {document_id} is up to date: {short(shown.document.uri)}")
    return done(request, visitor, say("outdated-settled", visitor.language, title=title), then=then)


def _documents(store: Store, now: datetime) -> tuple[_Shown, ...]:
    """Blocks. Written answers have a page of their own."""
    since = now - timedelta(days=USED_DAYS)
    used = store.reviews.used(since)
    tasks = {one.document_id: one for one in store.document_tasks.open()}
    old = now - timedelta(days=OLD_DAYS)
    return tuple(
        _Shown(
            document=one,
            name=short(one.uri),
            used=used.get(one.uri, 0),
            task=tasks.get(one.id),
            unused=one.uri not in used and datetime.fromisoformat(one.ingested_at) < since,
            old=datetime.fromisoformat(one.ingested_at) < old,
        )
        for one in store.knowledge.documents()
        if one.source != SOURCE
    )


async def _document(request: Request, visitor: Visitor, document_id: int) -> _Shown:
    store = parts_of(request).store
    every = await run_blocking(_documents, store, store.clock())
    found = next((one for one in every if one.document.id == document_id), None)
    if found is None:
        raise NotThereError(say("knowledge-no-document", visitor.language))
    return found


def _text(stored: StoredChunk) -> Markup:
    return render(safe(stored.chunk.text))


def _address(show: str, words: str, number: int) -> str:
    return f"{HERE}?{urlencode({'show': show, 'words': words, 'page': number})}"
