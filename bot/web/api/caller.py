"""Which program asks, for whom, and what its key allows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field, StrictInt

from bot.blocking import run_blocking
from bot.store.api_keys import ApiKey
from bot.store.people import Person
from bot.store.store import Store
from bot.types import Scope
from bot.web.api.door import KEY
from bot.web.api.errors import ApiError

PLATFORM: Final = "api"
MAX_ID: Final = 2**53 - 1  # the largest that every JSON reader gets right; the databases take more

EndUser = Annotated[
    str | None,
    Field(
        max_length=300,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="The program's own id of whoever asks, best one that means nothing to others. Ratings are counted "
        "by it; without one the program itself counts as one person.",
        examples=["customer-42"],
    ),
]
Id = Annotated[StrictInt, Field(ge=1, le=MAX_ID)]

# the door has looked at the key already; this is for the documentation
_BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="A key: `burnish keys create NAME` makes one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A program with its key."""

    key: ApiKey

    def sender(self, end_user: str | None) -> str:
        """The platform's id of whoever asks through the program."""
        name = (end_user or "").strip()
        return f"{self.key.id}:{name}" if name else str(self.key.id)

    def speaks_for(self, sender: str) -> bool:
        """Whether somebody is one of the program's own."""
        return sender.partition(":")[0] == str(self.key.id)

    async def person(self, store: Store, end_user: str | None) -> Person:
        """Whoever acts through the program; kept if new."""
        return await run_blocking(store.people.meet, PLATFORM, self.sender(end_user))

    async def note(self, store: Store, action: str, detail: str) -> None:
        """Keep in the audit log what the program did."""
        await run_blocking(
            store.audit.record, actor=f"{PLATFORM}:{self.key.id}", action=action, place=PLATFORM, detail=detail
        )


def needs(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """A dependency: a key with a scope."""

    async def check(
        request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)] = None
    ) -> Caller:
        key = getattr(request.state, KEY)
        if scope not in key.scopes:
            raise ApiError(
                f"This key lacks the scope {scope.value}; `burnish keys create NAME --scope {scope.value}` makes one.",
                status=403,
                kind="permission_error",
                code="missing_scope",
            )
        return Caller(key=key)

    return check
