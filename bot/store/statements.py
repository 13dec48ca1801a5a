"""Statements that the repositories share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from bot.store.schema import AnswerRow, Base, MessageRow, SettingRow
from bot.types import AnswerKind, Outcome

_T = TypeVar("_T")
Upsert: TypeAlias = postgresql.Insert | sqlite.Insert

# The oldest SQLite that Python 3.11 meets allows 32,766 parameters in a statement; far fewer are as fast.
BATCH = 2_000


_SETTING = select(SettingRow.value).where(SettingRow.key == bindparam("key"))
_SETTING_LOCKED = _SETTING.with_for_update()


def upserting(connection: Connection, table: type[Base]) -> Upsert:
    """An INSERT that can say ON CONFLICT; both databases spell it alike, SQLAlchemy has one class for each."""
    return _inserting(connection.dialect.name, table)


def _inserting(dialect: str, table: type[Base]) -> Upsert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def made_once(table: type[Base], finish: Callable[[Upsert], _T]) -> Callable[[Connection], _T]:
    """A statement that begins with `upserting`, made once for each kind of database.

    To put a statement together takes SQLAlchemy five times as long as to carry it out, so those of the message path
    are made once, with parameters.
    """

    @cache
    def make(dialect: str) -> _T:
        return finish(_inserting(dialect, table))

    return lambda connection: make(connection.dialect.name)


def batches(items: Sequence[_T], size: int = BATCH) -> Iterator[Sequence[_T]]:
    """Cut a sequence into pieces of at most a size."""
    return (items[start : start + size] for start in range(0, len(items), size))


def read_setting(connection: Connection, key: str, *, lock: bool = False) -> str | None:
    """Read one setting; with a lock, nobody changes it before this transaction ends."""
    return connection.execute(_SETTING_LOCKED if lock else _SETTING, {"key": key}).scalar_one_or_none()


def write_setting(connection: Connection, key: str, value: str) -> None:
    """Write one setting, new or not."""
    insert = upserting(connection, SettingRow).values(key=key, value=value)
    connection.execute(
        insert.on_conflict_do_update(index_elements=[SettingRow.key], set_={"value": insert.excluded.value})
    )


def still_unanswered() -> ColumnElement[bool]:
    """Which answers, joined with their messages, are those in which the bot abstained and that nobody has seen to."""
    return and_(
        AnswerRow.outcome == Outcome.ABSTAINED,
        AnswerRow.settled.is_(False),
        AnswerRow.kind.in_((AnswerKind.REFUSAL, AnswerKind.ERROR)),  # "did you mean" offers answers that there are
        MessageRow.replaced.is_(False),
    )


def newest_version() -> ColumnElement[bool]:
    """Which answers are to the newest version of their question: reworded, or answered once more, it is asked once."""
    message = aliased(MessageRow)
    return ~exists().where(message.id == AnswerRow.message_id, message.replaced.is_(True))
