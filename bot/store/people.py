"""People: who wrote to the bot, what they may do, and what is erased when one of them wants to be forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
from bot.store.statements import Upsert, made_once
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
        return None if row is None else _person(row)

    def by_platform(self, platform: str, platform_user_id: str) -> Person | None:
        """Find a person by the platform's id."""
        query = select(*_PERSON).where(UserRow.platform == platform, UserRow.platform_user_id == platform_user_id)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _person(row)

    def meet(self, platform: str, platform_user_id: str, name: str = "") -> Person:
        """Find a person by the platform's id; somebody new is kept, as a user."""
        with self._database.write() as connection:
            user_id, _ = keep_person(connection, platform, platform_user_id, name, now=self._clock())
            return _person(connection.execute(select(*_PERSON).where(UserRow.id == user_id)).one())

    def set_role(self, user_id: int, role: Role) -> bool:
        """Give a person a role; False if there is no such person.

        Raises:
            LastOwnerError: The person is the last owner and would be one no more.
        """
        owners = select(UserRow.id).where(UserRow.role == Role.OWNER).order_by(UserRow.id).with_for_update()
        change = update(UserRow).where(UserRow.id == user_id).values(role=role).returning(UserRow.id)
        with self._database.write() as connection:
            if role is not Role.OWNER and connection.execute(owners).scalars().all() == [user_id]:
                raise LastOwnerError("The last owner stays one; let somebody else become owner first.")
            return connection.execute(change).first() is not None

    def set_language(self, user_id: int, language: str) -> bool:
        """Speak a language to a person from now on, "" for that of their messages; False if there is no such person."""
        return self._set(user_id, language=language)

    def list(self) -> tuple[Person, ...]:
        """Everybody, in the order in which they first wrote."""
        with self._database.read() as connection:
            rows = connection.execute(select(*_PERSON).order_by(UserRow.id)).all()
        return tuple(_person(row) for row in rows)

    def footprint(self, user_id: int) -> Mapping[str, int]:
        """Count what is kept of a person: what `forget` erases.

        Returns:
            {"messages": ..., "answers": ..., "ratings": ..., "corrections": ..., "handoffs": ...}
        """
        with self._database.read() as connection:
            return {name: connection.execute(query).scalar_one() for name, query in _counts(user_id).items()}

    def is_last_owner(self, user_id: int) -> bool:
        """Whether nobody else is owner."""
        others = select(UserRow.id).where(UserRow.role == Role.OWNER, UserRow.id != user_id).limit(1)
        with self._database.read() as connection:
            return connection.execute(others).first() is None

    def forget(self, user_id: int) -> Mapping[str, int]:
        """Erase a person with all that they wrote, what was answered them, and what they said of answers.

        What the audit trail says an admin did stays, under the platform's id. Conversations that nobody else spoke in
        go too. Posts that are not sent yet quote nobody from here on: whom they quote is not told from them.

        Returns:
            What was erased, as `footprint` counts it; zeros if there is no such person.
        """
        with self._database.write() as connection:
            erased = {name: connection.execute(query).scalar_one() for name, query in _counts(user_id).items()}
            theirs = set(
                connection.execute(select(MessageRow.conversation_id).where(MessageRow.user_id == user_id)).scalars()
            )
            connection.execute(delete(UserRow).where(UserRow.id == user_id))  # the rest goes with it
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


def _counts(user_id: int) -> dict[str, Select[int]]:
    def of(model: type[Any]) -> Select[int]:
        return select(func.count()).select_from(model).where(model.user_id == user_id)

    answers = select(func.count()).select_from(AnswerRow).join(MessageRow).where(MessageRow.user_id == user_id)
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
