"""Key rotation: every value encrypted anew with the primary key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, bindparam, update

from bot.store.crypto import Keyring, encrypting_key_id
from bot.store.raw import RawTable, raw_batches, raw_tables
from bot.store.store import Store, write_key_ids

_BATCH = 500  # rows in one transaction: short enough for a chat that goes on meanwhile


def reencrypt(store: Store, *, batch: int = _BATCH, progress: Callable[[int], None] | None = None) -> int:
    """Encrypt every value that has an older key with the primary one, in batches.

    Interrupted, it goes on where it stopped when called again. Programs that have the store open with the old keys
    alone must be started again before, or they cannot read what is written here. The old keys must stay in the key
    file for as long as a backup needs them.

    Args:
        store: Opened with a ring that holds the old keys too.
        batch: Rows in one transaction.
        progress: Called with the number of rows looked at since the last call.

    Returns:
        How many rows were changed.

    Raises:
        StoreError: A value cannot be decrypted; the batches before stay changed.
    """
    changed = sum(_reencrypt_table(store, raw, batch, progress or _ignore) for raw in raw_tables())
    with store.database.write() as connection:
        write_key_ids(connection, (store.keyring.primary_id,))
    return changed


def _reencrypt_table(store: Store, raw: RawTable, batch: int, progress: Callable[[int], None]) -> int:
    changed = 0
    after: tuple[Any, ...] | None = None
    while True:
        with store.database.write() as connection:
            rows = raw_batches(connection, raw, after=after, size=batch, lock=True)
            changed += _reencrypt_rows(connection, raw, rows, store.keyring)
        progress(len(rows))
        if len(rows) < batch:
            return changed
        after = tuple(rows[-1][: len(raw.key)])


def _reencrypt_rows(
    connection: Connection, raw: RawTable, rows: tuple[Row[*tuple[Any, ...]], ...], keyring: Keyring
) -> int:
    changes = []
    for row in rows:
        values = row._mapping  # noqa: SLF001 - SQLAlchemy's documented public name for a row as a mapping
        stored = {name: (bytes(values[name]), place) for name, place in raw.places}
        if all(encrypting_key_id(value, place=place) == keyring.primary_id for value, place in stored.values()):
            continue
        change = {f"key_{one.name}": values[one.name] for one in raw.key}
        for name, (value, place) in stored.items():
            change[f"new_{name}"] = keyring.encrypt(keyring.decrypt(value, place=place), place=place)
        changes.append(change)
    if changes:
        statement = update(raw.clause).values({name: bindparam(f"new_{name}") for name, _ in raw.places})
        connection.execute(statement.where(*(one == bindparam(f"key_{one.name}") for one in raw.key)), changes)
    return len(changes)


def _ignore(_rows: int) -> None:
    """Show no progress."""
