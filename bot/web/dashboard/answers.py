"""Recent answers: found by outcome, rating, version and words; each with its sources, its ratings and why."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Final, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from adapters.registry import Registry
from adapters.types import Task, original
from bot.blocking import run_blocking
from bot.commands.base import number_of
from bot.curation import Curation, Kept
from bot.store.inbox import NOT_DIALOGUE
from bot.store.reviews import Rated, Wish
from bot.texts import say
from bot.types import Correction, Outcome, Role, StoredAnswer
from bot.web.access import Access, Visitor, at_least, the_access
from bot.web.dashboard.explained import OUTCOMES, explained
from bot.web.dashboard.frame import changing, done, framed, parts_of
from bot.web.dashboard.questions import MAX_ANSWER, curation_of
from bot.web.errors import NotThereError
from bot.web.ids import RowId
from bot.web.parts import WebParts

PAGE = 25  # answers in the list
MAX_WORDS = 200  # characters
HERE = "/dashboard/answers"

_RATED: Final = {
    Rated.UP: "answers-rated-up",
    Rated.DOWN: "answers-rated-down",
    Rated.DISPUTED: "answers-rated-disputed",
    Rated.NONE: "answers-rated-none",
}
_VERSION = re.compile(rf"(?:{'|'.join(Task)})-\d+")
_CITED = re.compile(r"\s*\[\d{1,3}\]")
_Kind = TypeVar("_Kind", bound=StrEnum)

router = APIRouter(prefix=HERE)


async def wished(
    outcome: str = "",
    rated: str = "",
    version: str = "",
    words: Annotated[str, Query(max_length=MAX_WORDS)] = "",
    before: str = "",
) -> Wish:
    """Read an address; what says nothing is left out."""
    return Wish(
        outcome=_one_of(Outcome, outcome),
        rated=_one_of(Rated, rated),
        version=version if _VERSION.fullmatch(version) else "",
        words=words.strip(),
        before=number_of(before),
    )


@router.get("")
async def answers(
    request: Request,
    visitor: Annotated[Visitor, Depends(at_least(Role.TRAINER))],
    wish: Annotated[Wish, Depends(wished)],
) -> Response:
    """List them, newest first."""
    parts = parts_of(request)
    listing = await run_blocking(parts.store.reviews.answers, wish, PAGE)
    chosen = {"outcome": wish.outcome or "", "rated": wish.rated or "", "version": wish.version, "words": wish.words}
    return await framed(
        request,
        visitor,
        "dashboard/answers.html",
        here="answers",
        listing=listing,
        chosen=chosen,
        filtered=any(chosen.values()),
        outcomes=[(one.value, say(key, visitor.language)) for one, key in OUTCOMES.items()],
        ratings=[(one.value, say(key, visitor.language)) for one, key in _RATED.items()],
        versions=await run_blocking(_versions, parts.learning.registry),
        outcome_keys=OUTCOMES,
        newer=_address(chosen, 0) if wish.before else "",
        older=_address(chosen, listing.older) if listing.older else "",
        max_words=MAX_WORDS,
    )


@router.get("/{answer_id}")
async def answer(
    request: Request, visitor: Annotated[Visitor, Depends(at_least(Role.TRAINER))], answer_id: RowId
) -> Response:
    """Show one."""
    parts = parts_of(request)
    stored = await _answer(parts, visitor, answer_id)
    return await framed(
        request,
        visitor,
        "dashboard/answer.html",
        here="answers",
        stored=stored,
        shown=explained(stored.answer, stored.question, visitor.language),
        # what the numbers of sources would mean in a written answer nobody could tell
        draft=_CITED.sub("", stored.answer.text) if stored.answer.outcome is Outcome.ANSWERED else "",
        opinions=await run_blocking(parts.store.reviews.opinions, answer_id),
        corrections=await run_blocking(parts.store.reviews.corrections, answer_id),
        max_answer=MAX_ANSWER,
    )


class _Right(BaseModel):
    answer: str = Field("", max_length=MAX_ANSWER, repr=False)


@router.post("/{answer_id}/correct")
async def correct(
    request: Request,
    visitor: Annotated[Visitor, Depends(changing(Role.TRAINER))],
    access: Annotated[Access, Depends(the_access)],
    answer_id: RowId,
    form: Annotated[_Right, Form()],
) -> Response:
    """Say what the right answer is; whoever may approve it has done so by that."""
    parts, text, then = parts_of(request), form.answer.strip(), f"{HERE}/{answer_id}"
    await _answer(parts, visitor, answer_id)
    if not text:
        return done(request, visitor, say("curated-of-nothing", visitor.language), then=then, good=False)
    correction = Correction(answer_id=answer_id, user_id=visitor.person.id, text=text)
    kept = await run_blocking(_correct, parts, curation_of(request), correction)
    if kept is None:
        return done(request, visitor, say("correction-decided-before", visitor.language), then=then, good=False)
    await access.note(visitor.person, "correct", f"answer {answer_id}: written answer {kept.document_id}")
    return done(request, visitor, taught_text(kept, visitor.language), then=then)


def taught_text(kept: Kept, language: str) -> str:
    """That an answer is in force, and where a wrong one still stands."""
    lines = [say("taught-now", language, question=kept.question)]
    if kept.elsewhere:
        lines.append(say("correction-elsewhere", language, name=kept.elsewhere))
    return "\n".join(lines)


def _correct(parts: WebParts, curation: Curation, correction: Correction) -> Kept | None:
    """Blocks. The same again, as when a form is sent twice, is kept once."""
    known = parts.store.ratings.find(correction)
    correction_id = parts.store.ratings.correct(correction) if known is None else known
    return curation.approve(correction_id)


def _versions(registry: Registry) -> tuple[str, ...]:
    """By which answers can be found: what each task began with, and every version since."""
    return tuple(name for task in Task for name in (original(task), *(one.name for one in registry.versions(task))))


async def _answer(parts: WebParts, visitor: Visitor, answer_id: int) -> StoredAnswer:
    stored = await run_blocking(parts.store.answers.get, answer_id)
    if stored is None or stored.answer.kind in NOT_DIALOGUE:
        raise NotThereError(say("answers-gone", visitor.language))
    return stored


def _one_of(kind: type[_Kind], value: str) -> _Kind | None:
    """The member of that value; None for whatever is none."""
    return kind(value) if value in set(kind) else None


def _address(chosen: dict[str, str], before: int) -> str:
    given = {key: value for key, value in {**chosen, "before": str(before or "")}.items() if value}
    return f"{HERE}?{urlencode(given)}" if given else HERE
