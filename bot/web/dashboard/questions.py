"""What nobody could answer: the questions, those that mean the same together, to be answered or dropped."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from bot.blocking import run_blocking
from bot.curation import Curation, question_of
from bot.store.inbox import NOT_DIALOGUE
from bot.texts import say
from bot.types import Role, StoredAnswer
from bot.web.access import Access, Visitor, at_least, the_access
from bot.web.dashboard.frame import changing, done, framed, parts_of
from bot.web.errors import NotThereError
from bot.web.ids import RowId

PAGE = 15  # groups on a page
WORDINGS = 5  # of a group that are shown
MAX_ANSWER = 20_000  # characters
HERE = "/dashboard/questions"

router = APIRouter(prefix=HERE)

_Trainer = Annotated[Visitor, Depends(at_least(Role.TRAINER))]
_Writer = Annotated[Visitor, Depends(changing(Role.TRAINER))]
_Access = Annotated[Access, Depends(the_access)]


def curation_of(request: Request) -> Curation:
    """What decides about answers."""
    curation = request.app.state.curation
    if not isinstance(curation, Curation):
        raise TypeError(curation)
    return curation


def page_number(text: str) -> int:
    """A page's number in an address; 1 for whatever is none."""
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 7 else 1  # noqa: PLR2004 - a million pages


@router.get("")
async def questions(request: Request, visitor: _Trainer, page: str = "1") -> Response:
    """List the groups, the largest first."""
    groups = await run_blocking(curation_of(request).groups)
    pages = max(1, -(-len(groups) // PAGE))
    number = min(page_number(page), pages)
    return await framed(
        request,
        visitor,
        "dashboard/questions.html",
        here="questions",
        groups=groups[(number - 1) * PAGE : number * PAGE],
        wordings=[_wordings(one.answers) for one in groups[(number - 1) * PAGE : number * PAGE]],
        total=len(groups),
        newer=f"{HERE}?page={number - 1}" if number > 1 else "",
        older=f"{HERE}?page={number + 1}" if number < pages else "",
        question_of=question_of,
        max_answer=MAX_ANSWER,
    )


class _Written(BaseModel):
    answer: str = Field("", max_length=MAX_ANSWER, repr=False)


@router.post("/{answer_id}/answer")
async def write(
    request: Request, visitor: _Writer, access: _Access, answer_id: RowId, form: Annotated[_Written, Form()]
) -> Response:
    """Put an answer in force, and take the question with all like it off the list."""
    about, text = await _question(request, visitor, answer_id), form.answer.strip()
    if not text:
        return done(request, visitor, say("curated-of-nothing", visitor.language), then=HERE, good=False)
    kept = await run_blocking(curation_of(request).answer, about, text)
    await access.note(visitor.person, "curated", f"answer {about.id}: written answer {kept.document_id}")
    return done(request, visitor, say("taught-now", visitor.language, question=kept.question), then=HERE)


@router.post("/{answer_id}/drop")
async def drop(request: Request, visitor: _Writer, access: _Access, answer_id: RowId) -> Response:
    """Take a question with all like it off the list."""
    about = await _question(request, visitor, answer_id)
    alike = await run_blocking(curation_of(request).settle, about.id)
    await access.note(visitor.person, "unanswered", f"drop answers {', '.join(map(str, alike))}")
    return done(request, visitor, say("unanswered-dropped", visitor.language, questions=len(alike)), then=HERE)


async def _question(request: Request, visitor: Visitor, answer_id: int) -> StoredAnswer:
    about = await run_blocking(parts_of(request).store.answers.get, answer_id)
    if about is None or about.answer.kind in NOT_DIALOGUE:
        raise NotThereError(say("unanswered-gone", visitor.language))
    return about


def _wordings(answers: tuple[StoredAnswer, ...]) -> tuple[str, ...]:
    """The other ways in which a group's question was put, each once."""
    return tuple(dict.fromkeys(one.question for one in answers if one.question != answers[0].question))[:WORDINGS]
