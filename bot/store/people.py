"""People: who wrote to the bot, what they may do, and what is erased when one of them wants to be forgotten.

Somebody of a chat platform who logs in to the web is a second person there, `web` with the id `PLATFORM:ID`. Their role
is that of the first, and both are forgotten together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, select, update
from sqlalchemy.sql.dml import ReturningInsert

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.errors import LastOwnerError
from bot.store.posts import drop_quotes
from bot.store.schema import (
    AnswerRow,
    ConversationRow,
    CorrectionRow,
    HandoffRow,
    MessageRow,
    RatingRow,
    UserRow,
)
from bot.store.sessions import end_sessions
from bot.store.statements import Upsert, made_once, upserting
from bot.types import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who wrote to the bot."""

    id: int
    platform: str
    platform_user_id: str
    name: str = field(repr=False)  # "" if unknown
    role: Role
    language: str = ""  # that the person chose; "" for none


WEB = "web"  # the platform of browsers

_RANKS = tuple(Role)  # each may what those before it may
_PERSON = (UserRow.id, UserRow.platform, UserRow.platform_user_id, UserRow.name, UserRow.role, UserRow.language)


class People:
    """Who wrote to the bot, and what they may do."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def get(self, user_id: int) -> Person | None:
        """Find a person by the store's id."""
        with self._database.read() as connection:
            row = connection.execute(select(*_PERSON).where(UserRow.id == user_id)).first()
            return None if row is None else _with_role(connection, _person(row))

    def by_platform(self, platform: str, platform_user_id: str) -> Person | None:
        """Find a person by the platform's id."""
        query = select(*_PERSON).where(UserRow.platform == platform, UserRow.platform_user_id == platform_user_id)
        with self._database.read() as connection:
            row = connection.execute(query).first()
            return None if row is None else _with_role(connection, _person(row))

    def meet(self, platform: str, platform_user_id: str, name: str = "") -> Person:
        """Find a person by the platform's id; somebody new is kept, as a user."""
        with self._database.write() as connection:
            user_id, _ = keep_person(connection, platform, platform_user_id, name, now=self._clock())
            person = _person(connection.execute(select(*_PERSON).where(UserRow.id == user_id)).one())
            return _with_role(connection, person)

    def add(self, platform: str, platform_user_id: str, name: str, role: Role) -> Person | None:
        """Keep somebody new with a role; None if there is somebody with that id, whom it leaves as they are."""
        with self._database.write() as connection:
            row = (
                upserting(connection, UserRow)
                .values(
                    platform=platform,
                    platform_user_id=platform_user_id,
                    name=name,
                    role=role,
                    language="",
                    created_at=self._clock(),
                )
                .on_conflict_do_nothing(index_elements=[UserRow.platform, UserRow.platform_user_id])
                .returning(*_PERSON)
            )
            added = connection.execute(row).first()
            return None if added is None else _with_role(connection, _person(added))

    def on_web(self, user_id: int) -> Person | None:
        """The person as whom somebody uses the web; None if there is no such person."""
        person = self.get(user_id)
        if person is None or person.platform == WEB:
            return person
        return self.meet(WEB, f"{person.platform}:{person.platform_user_id}", person.name)

    def set_role(self, user_id: int, role: Role) -> bool:
        """Give a person a role; False if there is no such person.

        With a higher role they log in anew: a browser or a link from before, which somebody may have had of them, does
        not have it.

        Raises:
            LastOwnerError: The person is the last owner and would be one no more.
        """
        owners = select(UserRow.id).where(UserRow.role == Role.OWNER).order_by(UserRow.id).with_for_update()
        with self._database.write() as connection:
            first = _first_self(connection, user_id)
            if role is not Role.OWNER and connection.execute(owners).scalars().all() == [first]:
                raise LastOwnerError("The last owner stays one; let somebody else become owner first.")
            before = connection.execute(select(UserRow.role).where(UserRow.id == first)).scalar_one_or_none()
            if before is None:
                return False
            connection.execute(update(UserRow).where(UserRow.id == first).values(role=role))
            if _RANKS.index(role) > _RANKS.index(before):
                end_sessions(connection, _selves(connection, first))
            return True

    def set_language(self, user_id: int, language: str) -> bool:
        """Speak a language to a person from now on, "" for that of their messages; False if there is no such person."""
        return self._set(user_id, language=language)

    def list(self) -> tuple[Person, ...]:
        """Everybody, in the order in which they first wrote."""
        with self._database.read() as connection:
            rows = connection.execute(select(*_PERSON).order_by(UserRow.id)).all()
        people = [_person(row) for row in rows]
        roles = {f"{one.platform}:{one.platform_user_id}": one.role for one in people}
        return tuple(
            replace(one, role=roles.get(one.platform_user_id, one.role)) if one.platform == WEB else one
            for one in people
        )

    def selves(self, user_id: int) -> frozenset[int]:
        """The ids of everybody that a person is."""
        with self._database.read() as connection:
            return _selves(connection, user_id)

    def footprint(self, user_id: int) -> Mapping[str, int]:
        """Count what is kept of a person: what `forget` erases.

        Returns:
            {"messages": ..., "answers": ..., "ratings": ..., "corrections": ..., "handoffs": ...}
        """
        with self._database.read() as connection:
            selves = _selves(connection, user_id)
            return {name: connection.execute(query).scalar_one() for name, query in _counts(selves).items()}

    def is_last_owner(self, user_id: int) -> bool:
        """Whether nobody else is owner."""
        with self._database.read() as connection:
            first = _first_self(connection, user_id)
            others = select(UserRow.id).where(UserRow.role == Role.OWNER, UserRow.id != first).limit(1)
            return connection.execute(others).first() is None

    def forget(self, user_id: int) -> Mapping[str, int]:
        """Erase a person with all that they wrote, what was answered them, and what they said of answers.

        What the audit trail says an admin did stays, under the platform's id. Conversations that nobody else spoke in
        go too. Posts that are not sent yet quote nobody from here on: whom they quote is not told from them.

        Returns:
            What was erased, as `footprint` counts it; zeros if there is no such person.
        """
        with self._database.write() as connection:
            selves = _selves(connection, user_id)
            erased = {name: connection.execute(query).scalar_one() for name, query in _counts(selves).items()}
            theirs = set(
                connection.execute(select(MessageRow.conversation_id).where(MessageRow.user_id.in_(selves))).scalars()
            )
            connection.execute(delete(UserRow).where(UserRow.id.in_(selves)))  # the rest goes with it
            for conversation in theirs:
                others = select(MessageRow.id).where(MessageRow.conversation_id == conversation).limit(1)
                if connection.execute(others).first() is None:
                    connection.execute(delete(ConversationRow).where(ConversationRow.id == conversation))
            drop_quotes(connection)
        return erased

    def _set(self, user_id: int, **values: Any) -> bool:  # noqa: ANN401 - whatever the column takes
        change = update(UserRow).where(UserRow.id == user_id).values(**values).returning(UserRow.id)
        with self._database.write() as connection:
            return connection.execute(change).first() is not None


def _keeping(insert: Upsert, column: str) -> ReturningInsert[int, str]:
    kept = insert.on_conflict_do_update(
        index_elements=[UserRow.platform, UserRow.platform_user_id], set_={column: insert.excluded[column]}
    )
    return kept.returning(UserRow.id, UserRow.language)


_NAMED = made_once(UserRow, lambda insert: _keeping(insert, "name"))
# without a name the row is touched all the same, for RETURNING to give its id
_NAMELESS = made_once(UserRow, lambda insert: _keeping(insert, "platform"))


def keep_person(
    connection: Connection, platform: str, platform_user_id: str, name: str, *, now: datetime
) -> tuple[int, str]:
    """Find or make the row of a person within a transaction.

    An unknown name ("") does not replace a known one.

    Returns:
        Its id, and the language that the person chose.
    """
    upsert = _NAMED(connection) if name else _NAMELESS(connection)
    row = connection.execute(
        upsert,
        {
            "platform": platform,
            "platform_user_id": platform_user_id,
            "name": name,
            "role": Role.USER,
            "language": "",
            "created_at": now,
        },
    ).one()
    return row.id, row.language


def _with_role(connection: Connection, person: Person) -> Person:
    """On the web the role is that of the person's first self."""
    if person.platform != WEB or ":" not in person.platform_user_id:
        return person
    first = _first_self(connection, person.id)
    return replace(person, role=connection.execute(select(UserRow.role).where(UserRow.id == first)).scalar_one())


def _first_self(connection: Connection, user_id: int) -> int:
    """The id of who somebody on the web is on a chat platform; the same id for everybody else."""
    named = connection.execute(select(UserRow.platform, UserRow.platform_user_id).where(UserRow.id == user_id)).first()
    if named is None or named.platform != WEB:
        return user_id
    platform, _, platform_user_id = named.platform_user_id.partition(":")
    query = select(UserRow.id).where(UserRow.platform == platform, UserRow.platform_user_id == platform_user_id)
    return connection.execute(query).scalar_one_or_none() or user_id


def _selves(connection: Connection, user_id: int) -> frozenset[int]:
    """The ids of everybody that a person is."""
    first = _first_self(connection, user_id)
    named = connection.execute(select(UserRow.platform, UserRow.platform_user_id).where(UserRow.id == first)).first()
    if named is None:
        return frozenset({user_id})
    web = select(UserRow.id).where(
        UserRow.platform == WEB, UserRow.platform_user_id == f"{named.platform}:{named.platform_user_id}"
    )
    return frozenset({first, *connection.execute(web).scalars()})


def _counts(user_ids: Collection[int]) -> dict[str, Select[int]]:
    def of(model: type[Any]) -> Select[int]:
        return select(func.count()).select_from(model).where(model.user_id.in_(user_ids))

    answers = select(func.count()).select_from(AnswerRow).join(MessageRow).where(MessageRow.user_id.in_(user_ids))
    return {
        "messages": of(MessageRow),
        "answers": answers,
        "ratings": of(RatingRow),
        "corrections": of(CorrectionRow),
        "handoffs": of(HandoffRow),
    }


def _person(row: Row[int, str, str, str, Role, str]) -> Person:
    return Person(
        id=row.id,
        platform=row.platform,
        platform_user_id=row.platform_user_id,
        name=row.name,
        role=row.role,
        language=row.language,
    )
