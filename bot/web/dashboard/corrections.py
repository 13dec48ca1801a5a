"""Corrections that wait for a decision, answers that people disagree about, and what was called not good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Request
from markupsafe import Markup
from pydantic import BaseModel, Field
from starlette.responses import Response

from bot.blocking import run_blocking
from bot.cards import text_of
from bot.commands.base import number_of
from bot.curation import Curation, Subject
from bot.store.ratings import Proposal
from bot.store.reviews import Rated, Wish
from bot.store.store import Store
from bot.texts import say
from bot.types import RatingReason, Role
from bot.web.access import Access, Visitor, at_least, the_access
from bot.web.dashboard.answers import taught_text
from bot.web.dashboard.frame import changing, done, framed, parts_of
from bot.web.dashboard.questions import MAX_ANSWER, curation_of, page_number
from bot.web.ids import RowId
from bot.web.markdown import render

PAGE = 20
REASON_DAYS = 30  # of which the reasons are counted
HERE = "/dashboard/corrections"

router = APIRouter(prefix=HERE)

_Trainer = Annotated[Visitor, Depends(at_least(Role.TRAINER))]
_Writer = Annotated[Visitor, Depends(changing(Role.TRAINER))]
_Access = Annotated[Access, Depends(the_access)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A correction beside what it would replace."""

    proposal: Proposal
    reasons: tuple[RatingReason, ...]  # that people gave who did not like what the bot had said
    subject: Subject
    given: Markup  # what the bot had said
    in_force: Markup  # the written answer that would give way, where that is another; "" for none


@router.get("")
async def corrections(
    request: Request,
    visitor: _Trainer,
    show: Literal["waiting", "disputed", "complaints"] = "waiting",
    page: str = "1",
    before: str = "",
) -> Response:
    """Show one of the three lists."""
    store, number = parts_of(request).store, page_number(page)
    values: dict[str, Any] = {"newer": "", "older": ""}
    if show == "waiting":
        values["waits"] = await run_blocking(_waiting, store, curation_of(request))
    elif show == "disputed":
        wish = Wish(rated=Rated.DISPUTED, before=number_of(before))
        listing = await run_blocking(store.reviews.answers, wish, PAGE)
        values |= {"listing": listing, "newer": f"{HERE}?show=disputed" if wish.before else ""}
        values["older"] = f"{HERE}?show=disputed&before={listing.older}" if listing.older else ""
    else:
        found = await run_blocking(store.reviews.complaints, PAGE + 1, skip=(number - 1) * PAGE)
        reasons = await run_blocking(store.ratings.reasons, store.clock() - timedelta(days=REASON_DAYS))
        values |= {"complaints": found[:PAGE], "reasons": sorted(reasons.items(), key=lambda one: -one[1])}
        values["newer"] = f"{HERE}?show=complaints&page={number - 1}" if number > 1 else ""
        values["older"] = f"{HERE}?show=complaints&page={number + 1}" if len(found) > PAGE else ""
    return await framed(
        request,
        visitor,
        "dashboard/corrections.html",
        here="corrections",
        show=show,
        max_answer=MAX_ANSWER,
        reason_days=REASON_DAYS,
        **values,
    )


class _Approved(BaseModel):
    text: str = Field("", max_length=MAX_ANSWER, repr=False)  # as it was changed


@router.post("/{correction_id}/approve")
async def approve(
    request: Request, visitor: _Writer, access: _Access, correction_id: RowId, form: Annotated[_Approved, Form()]
) -> Response:
    """Put a correction in force, as it is or changed."""
    proposal = await run_blocking(parts_of(request).store.ratings.proposal, correction_id)
    text = form.text.strip().replace("\r\n", "\n")
    changed = "" if proposal is None or text == proposal.text.strip().replace("\r\n", "\n") else text
    kept = await run_blocking(curation_of(request).approve, correction_id, changed)
    if kept is None:
        return done(request, visitor, say("correction-decided-before", visitor.language), then=HERE, good=False)
    how = "approve changed correction" if changed else "approve correction"
    await access.note(visitor.person, "report", f"{how} {correction_id}: written answer {kept.document_id}")
    return done(request, visitor, taught_text(kept, visitor.language), then=HERE)


@router.post("/{correction_id}/reject")
async def reject(request: Request, visitor: _Writer, access: _Access, correction_id: RowId) -> Response:
    """Turn a correction down."""
    if not await run_blocking(curation_of(request).reject, correction_id):
        return done(request, visitor, say("correction-decided-before", visitor.language), then=HERE, good=False)
    await access.note(visitor.person, "report", f"reject correction {correction_id}")
    return done(request, visitor, say("correction-rejected", visitor.language), then=HERE)


def _waiting(store: Store, curation: Curation) -> tuple[_Waiting, ...]:
    """Blocks."""
    written, found = curation.written(), list[_Waiting]()
    for proposal in store.ratings.proposed(PAGE):
        opinions = store.reviews.opinions(proposal.answer_id)
        about, subject = store.answers.get(proposal.answer_id), curation.subject_of(proposal)
        given = "" if about is None else about.answer.text
        in_force = curation.in_force(subject.question, written)
        found.append(
            _Waiting(
                proposal=proposal,
                reasons=tuple(dict.fromkeys(one.reason for one in opinions if one.reason is not None)),
                subject=subject,
                given=Markup() if about is None else render(text_of(about.answer)),
                in_force=render(in_force) if in_force and in_force not in {given, proposal.text} else Markup(),
            )
        )
    return tuple(found)
