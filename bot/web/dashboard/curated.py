"""Written answers: what is given word for word, to be added, changed and taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from markupsafe import Markup
from pydantic import BaseModel, Field
from starlette.responses import Response

from bot.blocking import run_blocking
from bot.cards import safe
from bot.commands.knowledge import short
from bot.teaching import SOURCE
from bot.texts import say
from bot.types import Role
from bot.web.access import Access, Visitor, at_least, the_access
from bot.web.dashboard.frame import changing, done, framed
from bot.web.dashboard.questions import MAX_ANSWER, curation_of, page_number
from bot.web.ids import RowId
from bot.web.markdown import render
from knowledge.types import StoredChunk

PAGE = 25
MAX_QUESTION: Final = 1_000  # characters
MAX_WORDS: Final = 200
HERE: Final = "/dashboard/curated"

router = APIRouter(prefix=HERE)

_Writer = Annotated[Visitor, Depends(changing(Role.TRAINER))]
_Access = Annotated[Access, Depends(the_access)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A written answer in the list."""

    chunk_id: int
    document_id: int
    question: str
    answer: str
    body: Markup
    file: str  # in which it stands; "" for one that was taught


@router.get("")
async def curated(
    request: Request,
    visitor: Annotated[Visitor, Depends(at_least(Role.TRAINER))],
    words: Annotated[str, Query(max_length=MAX_WORDS)] = "",
    page: str = "1",
) -> Response:
    """List them, the newest first."""
    wanted = words.strip().casefold()
    written = await run_blocking(curation_of(request).written)
    found = [
        one
        for one in reversed(written)
        if wanted in one.chunk.question.casefold() or wanted in one.chunk.text.casefold()
    ]
    number = min(page_number(page), max(1, -(-len(found) // PAGE)))
    return await framed(
        request,
        visitor,
        "dashboard/curated.html",
        here="curated",
        rows=[_shown(one) for one in found[(number - 1) * PAGE : number * PAGE]],
        total=len(written),
        words=words,
        newer=_address(words, number - 1) if number > 1 else "",
        older=_address(words, number + 1) if number * PAGE < len(found) else "",
        max_question=MAX_QUESTION,
        max_answer=MAX_ANSWER,
        max_words=MAX_WORDS,
    )


class _Pair(BaseModel):
    question: str = Field("", max_length=MAX_QUESTION, repr=False)
    answer: str = Field("", max_length=MAX_ANSWER, repr=False)


@router.post("")
async def write(request: Request, visitor: _Writer, access: _Access, form: Annotated[_Pair, Form()]) -> Response:
    """Write one, or another in the place of one."""
    question, text = form.question.strip(), form.answer.strip()
    if not question or not text:
        return done(request, visitor, say("curated-both", visitor.language), then=HERE, good=False)
    kept = await run_blocking(curation_of(request).keep, question, text)
    await access.note(visitor.person, "teach", f"written answer {kept.document_id}")
    told = say("taught-now", visitor.language, question=kept.question)
    if kept.before:
        told = f"{told}\n{say('taught-instead', visitor.language)}\n{kept.before}"
    return done(request, visitor, told, then=HERE)


@router.post("/{document_id}/remove")
async def remove(request: Request, visitor: _Writer, access: _Access, document_id: RowId) -> Response:
    """Take one back."""
    taken = await run_blocking(curation_of(request).take_back, document_id)
    if taken is None:
        return done(request, visitor, say("unteach-nothing", visitor.language), then=HERE, good=False)
    await access.note(visitor.person, "unteach", f"written answer {document_id}")
    told = say("untaught", visitor.language, question=taken.question)
    if taken.again:
        told = f"{told}\n{say('untaught-again', visitor.language)}\n{taken.again}"
    return done(request, visitor, told, then=HERE)


def _shown(stored: StoredChunk) -> _Shown:
    return _Shown(
        chunk_id=stored.id,
        document_id=stored.document_id,
        question=stored.chunk.question,
        answer=stored.chunk.text,
        body=render(safe(stored.chunk.text)),
        file="" if stored.source == SOURCE else short(stored.uri),
    )


def _address(words: str, number: int) -> str:
    return f"{HERE}?{urlencode({'words': words, 'page': number})}"
