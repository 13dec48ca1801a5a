"""Keys to the API: which there are, a new one, and the end of one."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from bot.blocking import run_blocking
from bot.commands.base import number_of
from bot.texts import say
from bot.types import Role, Scope
from bot.web.access import Visitor, access_of, at_least
from bot.web.dashboard.acts import acted, refused
from bot.web.dashboard.frame import changing, done, framed, parts_of
from bot.web.ids import RowId

HERE: Final = "/dashboard/keys"
MOST_A_MINUTE: Final = 100_000

router = APIRouter()

_Admin = Annotated[Visitor, Depends(at_least(Role.ADMIN))]
_Changing = Annotated[Visitor, Depends(changing(Role.ADMIN))]


@router.get(HERE)
async def keys(request: Request, visitor: _Admin) -> Response:
    """List the keys."""
    parts = parts_of(request)
    return await framed(
        request,
        visitor,
        "dashboard/keys.html",
        here="people",
        keys=await run_blocking(parts.store.api_keys.list),
        scopes=tuple(Scope),
        usual=parts.settings.web.api_requests_per_minute,
    )


class _New(BaseModel):
    """A key to be made."""

    name: str = Field("", max_length=60)
    scopes: list[Scope] = Field(default_factory=list)
    requests_per_minute: str = Field("", max_length=10)  # "" for what the settings say


@router.post(HERE)
async def create(request: Request, visitor: _Changing, form: Annotated[_New, Form()]) -> Response:
    """Make a key, and show it on the next page alone."""
    name, language, given = form.name.strip(), visitor.language, form.requests_per_minute.strip()
    if not name or not name.isprintable() or not form.scopes:
        return done(request, visitor, say("keys-incomplete", language), then=HERE, good=False)
    if given and not 1 <= (limit := number_of(given)) <= MOST_A_MINUTE:
        return done(request, visitor, say("keys-limit", language, most=MOST_A_MINUTE), then=HERE, good=False)
    key, secret = await run_blocking(
        parts_of(request).store.api_keys.issue, name, form.scopes, requests_per_minute=limit if given else None
    )
    detail = f"{key.id} {key.name}: {' '.join(sorted(key.scopes))}"
    await access_of(request).note(visitor.person, "create key", detail)
    return done(request, visitor, say("keys-made", language, name=key.name), then=HERE, secret=secret)


@router.post(f"{HERE}/{{key_id}}/revoke")
async def revoke(request: Request, visitor: _Changing, key_id: RowId) -> Response:
    """End a key at once."""
    did = ("revoke key", str(key_id))
    if not await run_blocking(parts_of(request).store.api_keys.revoke, key_id):
        return await refused(request, visitor, did=did, why=say("keys-none-such", visitor.language), then=HERE)
    return await acted(request, visitor, did=did, said=say("keys-revoked", visitor.language), then=HERE)
