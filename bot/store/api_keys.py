"""Keys by which programs use the API; a key is shown when it is made, and only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, insert, select, update

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.schema import ApiKeyRow
from bot.types import Scope

PREFIX: Final = "bk-"
NOTED_EVERY: Final = timedelta(minutes=1)  # a use is written down no more often than this

_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key without its secret."""

    id: int
    name: str
    scopes: frozenset[Scope]
    requests_per_minute: int | None  # None: what the settings say
    created_at: datetime  # aware, UTC
    used_at: datetime | None
    revoked_at: datetime | None


_KEY = (
    ApiKeyRow.id,
    ApiKeyRow.name,
    ApiKeyRow.scopes,
    ApiKeyRow.requests_per_minute,
    ApiKeyRow.created_at,
    ApiKeyRow.used_at,
    ApiKeyRow.revoked_at,
)


class ApiKeys:
    """Who may use the API."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def issue(
        self, name: str, scopes: Iterable[Scope], *, requests_per_minute: int | None = None
    ) -> tuple[ApiKey, str]:
        """Make a key.

        Returns:
            The key, and its secret, which is shown now and never again.
        """
        secret = PREFIX + secrets.token_urlsafe(_BYTES)
        row = insert(ApiKeyRow).values(
            name=name,
            digest=_digest(secret),
            scopes=" ".join(sorted(scopes)),
            requests_per_minute=requests_per_minute,
            created_at=self._clock(),
        )
        with self._database.write() as connection:
            return _key(connection.execute(row.returning(*_KEY)).one()), secret

    def find(self, secret: str) -> ApiKey | None:
        """The key with this secret, and note that it was used; None if there is none, or it was revoked."""
        query = select(*_KEY).where(ApiKeyRow.digest == _digest(secret), ApiKeyRow.revoked_at.is_(None))
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        now = self._clock()
        if row.used_at is None or now - row.used_at >= NOTED_EVERY:
            with self._database.write() as connection:
                connection.execute(update(ApiKeyRow).where(ApiKeyRow.id == row.id).values(used_at=now))
        return _key(row)

    def revoke(self, key_id: int) -> bool:
        """End a key at once; False if there is no such key, or it was revoked before."""
        change = (
            update(ApiKeyRow)
            .where(ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None))
            .values(revoked_at=self._clock())
        )
        with self._database.write() as connection:
            return connection.execute(change).rowcount > 0

    def list(self) -> tuple[ApiKey, ...]:
        """All keys, revoked ones too, oldest first."""
        with self._database.read() as connection:
            return tuple(_key(row) for row in connection.execute(select(*_KEY).order_by(ApiKeyRow.id)))


def _digest(secret: str) -> str:
    """A key is random and long, so one round is enough: guessing it is hopeless however fast the hash is."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: Row[*tuple[Any, ...]]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        scopes=frozenset(Scope(scope) for scope in row.scopes.split()),
        requests_per_minute=row.requests_per_minute,
        created_at=row.created_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
