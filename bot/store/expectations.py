"""What the bot waits to be told: after a 👎 the right answer, say. It survives a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.schema import ExpectationRow
from bot.store.statements import upserting
from bot.types import Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What somebody was asked for."""

    kind: Wanted
    subject: int  # id of the answer it is about, or of the handoff


_TAKE = (
    delete(ExpectationRow)
    .where(
        ExpectationRow.platform == bindparam("platform"),
        ExpectationRow.channel == bindparam("channel"),
        ExpectationRow.thread == bindparam("thread"),
        ExpectationRow.user_id == bindparam("user_id"),
    )
    .returning(ExpectationRow.kind, ExpectationRow.subject, ExpectationRow.expires_at)
)


class Expectations:
    """At most one for each person and place; a new one replaces it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def expect(
        self, platform: str, channel: str, thread: str, user_id: int, wanted: Expectation, *, minutes: int
    ) -> None:
        """Take the next text of this person in this place for what was asked, for so many minutes."""
        with self._database.write() as connection:
            row = upserting(connection, ExpectationRow).values(
                platform=platform,
                channel=channel,
                thread=thread,
                user_id=user_id,
                kind=wanted.kind.value,
                subject=wanted.subject,
                expires_at=self._clock() + timedelta(minutes=minutes),
            )
            keys = ("platform", "channel", "thread", "user_id")
            changed = {name: row.excluded[name] for name in ("kind", "subject", "expires_at")}
            connection.execute(row.on_conflict_do_update(index_elements=list(keys), set_=changed))

    def cancel(self, platform: str, channel: str, thread: str, user_id: int) -> bool:
        """Wait no more; False if nothing was awaited."""
        with self._database.write() as connection:
            return take(connection, platform, channel, thread, user_id, now=self._clock()) is not None


def take(
    connection: Connection, platform: str, channel: str, thread: str, user_id: int, *, now: datetime
) -> Expectation | None:
    """Remove and give what a person was asked for in a place, in a transaction; None if nothing, or too long ago."""
    place = {"platform": platform, "channel": channel, "thread": thread, "user_id": user_id}
    row = connection.execute(_TAKE, place).first()
    if row is None or row.expires_at < now:
        return None
    return Expectation(kind=Wanted(row.kind), subject=row.subject)
