"""Rows from one database to another, of either kind, as they lie there: ciphertext stays ciphertext.

Works by the tables that both have, not by the models, so a store of an older revision can be copied too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import Connection, DateTime, Integer, MetaData, RowMapping, Table, func, insert, inspect, select, text

from bot.store.schema import Base

_VERSION_TABLE = "alembic_version"
_BATCH = 1_000  # rows held in memory at once; a chunk row is a few kilobytes


def own_tables(connection: Connection) -> tuple[Table, ...]:
    """The store's tables as the database has them, parents before children; a database may hold others' too."""
    present = set(inspect(connection).get_table_names())
    metadata = MetaData()
    metadata.reflect(connection, only=sorted(present.intersection(Base.metadata.tables)))
    return tuple(metadata.sorted_tables)


def drop_own_tables(connection: Connection) -> None:
    """Drop the store's tables and the note of its revision."""
    for table in reversed(own_tables(connection)):
        table.drop(connection)
    connection.execute(text(f"DROP TABLE IF EXISTS {_VERSION_TABLE}"))


def copy_rows(source: Connection, target: Connection) -> dict[str, int]:
    """Copy every row; both databases have the same revision, and the target's rows are replaced.

    Returns:
        How many rows each table has.
    """
    targets = {table.name: table for table in own_tables(target)}
    for table in reversed(targets.values()):
        target.execute(table.delete())
    return {table.name: _copy_table(source, table, target, targets[table.name]) for table in own_tables(source)}


def read_sequences(connection: Connection) -> dict[str, int]:
    """The highest id that each table ever gave; 0 for one that gave none."""
    names = [table.name for table in own_tables(connection) if _counts_ids(table)]
    if connection.dialect.name == "sqlite":
        given: dict[str, int] = {}
        if inspect(connection).has_table("sqlite_sequence"):
            given = dict(connection.execute(text("SELECT name, seq FROM sqlite_sequence")).all())
        return {name: given.get(name, 0) for name in names}
    return {name: _read_sequence(connection, name) for name in names}


def raise_sequences(connection: Connection, sequences: Mapping[str, int]) -> None:
    """Let no table give an id again that was given before."""
    for name, current in read_sequences(connection).items():
        highest = max(current, sequences.get(name, 0))
        if highest == 0:
            continue
        if connection.dialect.name == "sqlite":
            values = {"name": name, "seq": highest}
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
            connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"), values)
        else:
            connection.execute(select(func.setval(func.pg_get_serial_sequence(name, "id"), highest)))


def _counts_ids(table: Table) -> bool:
    """Whether the database gives the table's ids; a planned job brings its own name."""
    return "id" in table.columns and isinstance(table.columns["id"].type, Integer)


def _read_sequence(connection: Connection, table: str) -> int:
    sequence = connection.execute(select(func.pg_get_serial_sequence(table, "id"))).scalar_one()
    # the name comes from PostgreSQL, quoted as it needs to be
    row = connection.exec_driver_sql(f"SELECT last_value, is_called FROM {sequence}").one()  # noqa: S608 - not a person's input
    return int(row.last_value) if row.is_called else 0


def _copy_table(source: Connection, table: Table, target: Connection, into: Table) -> int:
    zone = None if target.dialect.name == "sqlite" else UTC
    times = [column.name for column in table.columns if isinstance(column.type, DateTime)]
    query = select(table).order_by(*table.primary_key)
    count = 0
    with source.execute(query, execution_options={"yield_per": _BATCH}) as result:
        for rows in result.mappings().partitions():
            target.execute(insert(into), [_with_zone(row, times, zone) for row in rows])
            count += len(rows)
    return count


def _with_zone(row: RowMapping, times: list[str], zone: tzinfo | None) -> dict[str, Any]:
    values: dict[str, Any] = {str(name): value for name, value in row.items()}
    for name in times:
        moment: datetime | None = values[name]
        if moment is not None:
            utc = moment.astimezone(UTC) if moment.tzinfo else moment
            values[name] = utc.replace(tzinfo=zone)
    return values
