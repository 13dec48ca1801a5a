"""Statements that the repositories share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.store.schema import Base, SettingRow

_T = TypeVar("_T")

# The oldest SQLite that Python 3.11 meets allows 32,766 parameters in a statement; far fewer are as fast.
BATCH = 2_000


def upserting(connection: Connection, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say ON CONFLICT; both databases spell it alike, SQLAlchemy has one class for each."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def batches(items: Sequence[_T], size: int = BATCH) -> Iterator[Sequence[_T]]:
    """Cut a sequence into pieces of at most a size."""
    return (items[start : start + size] for start in range(0, len(items), size))


def read_setting(connection: Connection, key: str, *, lock: bool = False) -> str | None:
    """Read one setting; with a lock, nobody changes it before this transaction ends."""
    query = select(SettingRow.value).where(SettingRow.key == key)
    return connection.execute(query.with_for_update() if lock else query).scalar_one_or_none()


def write_setting(connection: Connection, key: str, value: str) -> None:
    """Write one setting, new or not."""
    insert = upserting(connection, SettingRow).values(key=key, value=value)
    connection.execute(
        insert.on_conflict_do_update(index_elements=[SettingRow.key], set_={"value": insert.excluded.value})
    )
