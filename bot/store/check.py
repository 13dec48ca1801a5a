"""A look at everything in a store that could be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, ForeignKeyConstraint, Select, Table, and_, func, or_, select
from sqlalchemy.exc import DatabaseError

from bot.store.crypto import Keyring
from bot.store.errors import StoreError
from bot.store.migrate import current_revision, head_revision, schema_differences
from bot.store.raw import all_raw_rows, raw_tables
from bot.store.schema import (
    AnswerRow,
    Base,
    ChunkRow,
    DeliveryRow,
    DocumentRow,
    MessageRow,
    MessageState,
)
from bot.store.store import Store

_BATCH = 1_000
_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong."""

    check: str  # "integrity", "schema", "encryption", "references", "inbox", "knowledge"
    sentence: str  # for the admin; holds nobody's words


def check(store: Store) -> tuple[Finding, ...]:
    """Examine a whole store; every encrypted value is decrypted once.

    Returns:
        What is wrong; nothing for a sound store.

    Raises:
        StoreError: The store cannot be read at all.
    """
    with store.database.snapshot() as connection:
        for name, examine in (("integrity", _integrity), ("schema", _schema)):
            found = tuple(Finding(check=name, sentence=one) for one in examine(connection))
            if found:
                return found  # whatever else is asked would only fail at this
        checks = (
            ("encryption", _encryption(connection, store.keyring)),
            ("references", _references(connection)),
            ("inbox", _inbox(connection)),
            ("knowledge", _knowledge(connection)),
        )
        return tuple(Finding(check=name, sentence=one) for name, lines in checks for one in lines)


def _integrity(connection: Connection) -> Iterator[str]:
    if connection.dialect.name != "sqlite":
        return  # PostgreSQL checks its pages itself when it reads them
    try:
        said = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
    except DatabaseError as error:  # some damage stops the examination itself
        said = [str(error.orig)]
    for damage in said:
        if damage != "ok":
            yield f"SQLite finds its file damaged: {damage}; restore a backup with `burnish store restore`."


def _schema(connection: Connection) -> Iterator[str]:
    revision = current_revision(connection)
    if revision != head_revision():
        yield (
            f"The schema is at revision {revision or 'none'} and should be at {head_revision()}; "
            "run `burnish store migrate`."
        )
        return
    for difference in schema_differences(connection):
        yield f"The tables are not as revision {revision} makes them ({difference}); somebody changed them by hand."


def _encryption(connection: Connection, keyring: Keyring) -> Iterator[str]:
    for raw in raw_tables():
        unreadable: dict[str, list[str]] = {}
        for row in all_raw_rows(connection, raw, size=_BATCH):
            key = "/".join(str(part) for part in row[: len(raw.key)])
            for value, (_, place) in zip(row[len(raw.key) :], raw.places, strict=True):
                try:
                    keyring.decrypt(bytes(value), place=place)
                except (StoreError, UnicodeDecodeError):
                    unreadable.setdefault(place, []).append(key)
        for place, keys in unreadable.items():
            yield (
                f"{len(keys)} values of {place} cannot be decrypted (the first in row {keys[0]}): "
                "they were changed, or their key is missing."
            )


def _references(connection: Connection) -> Iterator[str]:
    for child in Base.metadata.sorted_tables:
        for constraint in child.foreign_key_constraints:
            count = connection.execute(_orphans(child, constraint)).scalar_one()
            if count:
                parent = constraint.referred_table.name
                yield f"{count} rows of {child.name} refer to rows of {parent} that do not exist."


def _orphans(child: Table, constraint: ForeignKeyConstraint) -> Select[int]:
    element = constraint.elements[0]  # every key of ours has one column
    parent = element.column
    query = select(func.count()).select_from(child).outerjoin(parent.table, element.parent == parent)
    return query.where(parent.is_(None))


def _inbox(connection: Connection) -> Iterator[str]:
    missing = or_(
        and_(MessageRow.state == MessageState.ANSWERED, AnswerRow.id.is_(None)),
        and_(MessageRow.state != MessageState.ANSWERED, AnswerRow.id.is_not(None)),
    )
    query = (
        select(MessageRow.state, func.count(), func.min(MessageRow.id))
        .outerjoin(AnswerRow, AnswerRow.message_id == MessageRow.id)
        .where(missing)
        .group_by(MessageRow.state)
    )
    for state, count, first in connection.execute(query):
        what = "have no answer" if state is MessageState.ANSWERED else "have an answer nevertheless"
        yield f"{count} messages are marked {state} and {what} (the first is message {first})."
    unsent = (
        select(func.count(), func.min(AnswerRow.id))
        .outerjoin(DeliveryRow, DeliveryRow.answer_id == AnswerRow.id)
        .where(DeliveryRow.answer_id.is_(None))
    )
    count, first = connection.execute(unsent).one()
    if count:
        yield f"{count} answers have no delivery and would never be sent (the first is answer {first})."


def _knowledge(connection: Connection) -> Iterator[str]:
    real = func.count(ChunkRow.id)
    counts = (
        select(DocumentRow.id, DocumentRow.chunk_count, real)
        .outerjoin(ChunkRow, ChunkRow.document_id == DocumentRow.id)
        .group_by(DocumentRow.id, DocumentRow.chunk_count)
        .having(real != DocumentRow.chunk_count)
        .order_by(DocumentRow.id)
    )
    for document_id, expected, found in connection.execute(counts):
        yield f"Document {document_id} was stored with {expected} chunks and has {found}; ingest it again."
    width = func.length(ChunkRow.embedding)
    widths = select(ChunkRow.encoder, width, func.count(), func.min(ChunkRow.id)).group_by(ChunkRow.encoder, width)
    by_encoder: dict[str, list[tuple[int, int, int]]] = {}
    for encoder, size, count, first in connection.execute(widths):
        by_encoder.setdefault(encoder, []).append((count, size, first))
    for encoder, groups in by_encoder.items():
        yield from _wrong_widths(encoder, groups)


def _wrong_widths(encoder: str, groups: list[tuple[int, int, int]]) -> Iterator[str]:
    """Say which vectors of one encoder are of another width than most; groups are (count, bytes, first id)."""
    most = max(groups)
    for count, size, first in groups:
        if size % _FLOAT_BYTES or size == 0 or size != most[1]:
            yield (
                f"{count} vectors of encoder {encoder} are {size} bytes long (the first is that of chunk {first}), "
                f"where {most[1]} are expected; ingest their documents again."
            )
