"""The encrypted columns as they lie in the database, for what must see the values without opening them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Table,
    TableClause,
    column,
    literal,
    select,
    table,
    tuple_,
)

from bot.store.columns import EncryptedText
from bot.store.schema import Base


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """A table whose encrypted columns are plain bytes."""

    clause: TableClause
    key: tuple[ColumnElement[Any], ...]  # primary key
    places: tuple[tuple[str, str], ...]  # (column, "table.column") of the encrypted columns


def raw_tables() -> tuple[RawTable, ...]:
    """Every table that has an encrypted column."""
    return tuple(raw for raw in map(_raw_table, Base.metadata.sorted_tables) if raw.places)


def raw_batches(
    connection: Connection, raw: RawTable, *, after: tuple[Any, ...] | None, size: int, lock: bool
) -> tuple[Row[*tuple[Any, ...]], ...]:
    """Read some rows' keys and encrypted values, by key; with a lock, nobody changes them meanwhile."""
    query = select(*raw.key, *(raw.clause.c[name] for name, _ in raw.places)).order_by(*raw.key).limit(size)
    if after is not None:
        query = query.where(tuple_(*raw.key) > tuple_(*map(literal, after)))
    return tuple(connection.execute(query.with_for_update() if lock else query).all())


def all_raw_rows(connection: Connection, raw: RawTable, *, size: int) -> Iterator[Row[*tuple[Any, ...]]]:
    """Read all rows of a table, in batches, within one transaction."""
    after: tuple[Any, ...] | None = None
    while True:
        rows = raw_batches(connection, raw, after=after, size=size, lock=False)
        yield from rows
        if len(rows) < size:
            return
        after = tuple(rows[-1][: len(raw.key)])


def _raw_table(model: Table) -> RawTable:
    places = tuple((one.name, one.type.place) for one in model.columns if isinstance(one.type, EncryptedText))
    encrypted = dict(places)
    clause = table(
        model.name,
        *(column(one.name, LargeBinary() if one.name in encrypted else one.type) for one in model.columns),
    )
    return RawTable(clause=clause, key=tuple(clause.c[one.name] for one in model.primary_key), places=places)
