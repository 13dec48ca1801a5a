"""/v1/ratings and /v1/corrections: what the bot learns from."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from bot.blocking import run_blocking
from bot.types import AnswerKind, Correction, Rating, RatingReason, RatingValue, Scope
from bot.web.api.caller import PLATFORM, Caller, EndUser, Id, needs
from bot.web.api.errors import not_there, told
from bot.web.api.state import ApiState, state_of

MAX_WORDS = 4_000  # characters of a comment or a correction

router = APIRouter()

_State = Annotated[ApiState, Depends(state_of)]
_Caller = Annotated[Caller, Depends(needs(Scope.CHAT))]


class RatingRequest(BaseModel):
    """What somebody says of an answer."""

    answer_id: Id = Field(description="As the answer's `burnish` field says it.")
    value: RatingValue
    reason: RatingReason | None = Field(None, description="Why it is not good; of `down` alone.")
    comment: Annotated[str, Field(max_length=MAX_WORDS)] = ""
    user: EndUser = None


class RatingBody(BaseModel):
    """A rating as it is kept."""

    object: Literal["rating"] = "rating"
    answer_id: int
    value: RatingValue
    reason: RatingReason | None


class CorrectionRequest(BaseModel):
    """What somebody says the right answer is."""

    answer_id: Id = Field(description="As the answer's `burnish` field says it.")
    text: Annotated[str, Field(min_length=1, max_length=MAX_WORDS, pattern=r"\S")] = Field(
        examples=["A refund takes three working days."]
    )
    user: EndUser = None


class CorrectionBody(BaseModel):
    """A correction as it is kept."""

    object: Literal["correction"] = "correction"
    id: int
    answer_id: int
    status: Literal["proposed"] = Field("proposed", description="An admin approves it before it is given as an answer.")


@router.post("/ratings", summary="Rate an answer", responses=told(404), operation_id="createRating")
async def rate(body: RatingRequest, caller: _Caller, state: _State) -> RatingBody:
    """Keep what somebody says of an answer that this key was given; rating again replaces it."""
    store = state.parts.store
    await _refuse_others(state, caller, body.answer_id)
    person = await caller.person(store, body.user)
    reason = body.reason if body.value is RatingValue.DOWN else None
    rating = Rating(answer_id=body.answer_id, user_id=person.id, value=body.value, reason=reason, comment=body.comment)
    if await run_blocking(store.ratings.rate, rating):
        await caller.note(store, "rate", f"answer {body.answer_id}: {body.value.value}")
    return RatingBody(answer_id=body.answer_id, value=body.value, reason=reason)


@router.post(
    "/corrections", summary="Correct an answer", status_code=201, responses=told(404), operation_id="createCorrection"
)
async def correct(body: CorrectionRequest, caller: _Caller, state: _State) -> CorrectionBody:
    """Keep what somebody says the right answer is; an admin looks at it."""
    store = state.parts.store
    await _refuse_others(state, caller, body.answer_id)
    person = await caller.person(store, body.user)
    correction = Correction(answer_id=body.answer_id, user_id=person.id, text=body.text.strip())
    # the same once more, as after a lost reply, is the same correction
    found = await run_blocking(store.ratings.find, correction)
    if found is None:
        found = await run_blocking(store.ratings.correct, correction)
        await caller.note(store, "correct", f"correction {found} of answer {body.answer_id}")
    return CorrectionBody(id=found, answer_id=body.answer_id)


async def _refuse_others(state: ApiState, caller: Caller, answer_id: int) -> None:
    """An answer that was given to somebody else is as if it were not there."""
    store = state.parts.store
    answer = await run_blocking(store.answers.get, answer_id)
    asked = None if answer is None else await run_blocking(store.inbox.get, answer.message_id)
    if (
        answer is None
        or asked is None
        or asked.message.platform != PLATFORM
        or not caller.speaks_for(asked.message.sender)
        or answer.answer.kind in {AnswerKind.COMMAND, AnswerKind.RELAYED}
    ):
        raise not_there(f"This key was given no answer {answer_id}.", param="answer_id")
