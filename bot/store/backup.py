"""Backup of a store in use, and its restoration.

A backup is a folder with `store.sqlite3`, which holds one consistent state of the store whatever database it lives
in, and `manifest.json`, written last. A backup of PostgreSQL can be restored to SQLite and the other way round. Values
stay encrypted in it, and the keys are not in it unless asked for: keep a copy of the key file apart.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, select

from bot.store.clock import Clock, utc_now
from bot.store.crypto import Keyring, missing_key_error, sync_folder
from bot.store.engine import Database, open_database, read_only_sqlite, seal_sqlite
from bot.store.errors import StoreError
from bot.store.knowledge import REVISION_KEY
from bot.store.migrate import current_revision, refuse_newer, upgrade
from bot.store.records import Audit
from bot.store.statements import read_setting, write_setting
from bot.store.store import Store, key_ids, write_key_ids
from bot.store.transfer import copy_rows, drop_own_tables, own_tables, raise_sequences, read_sequences

_FORMAT = 1
_DATA = "store.sqlite3"
_MANIFEST = "manifest.json"
_KEY = "store.key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds."""

    format: int
    created_at: datetime  # aware, UTC
    revision: str  # of the schema
    key_ids: tuple[str, ...]  # the keys needed to read it
    key_included: bool
    sha256: str  # of store.sqlite3, hexadecimal
    rows: Mapping[str, int]  # by table


_MANIFEST_JSON = TypeAdapter(Manifest)


def backup(store: Store, destination: Path, *, key_file: Path | None = None, clock: Clock = utc_now) -> Manifest:
    """Write a backup of a store that others go on using.

    Args:
        store: What to back up, of any schema revision.
        destination: A folder that does not exist yet; it appears complete or not at all.
        key_file: Put a copy of this key file into the backup. Whoever gets the folder can then read everything; without
            it the backup is of no use to a thief, nor to you without your own copy of the keys.
        clock: Gives the manifest's time.

    Raises:
        StoreError: The destination exists or cannot be written, or the store has no tables yet.
    """
    destination = destination.absolute()
    if destination.exists():
        raise StoreError(f"{destination} exists already; name a folder for the backup that does not.")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=destination.parent, prefix=f".{destination.name}."))  # mode 0700
        try:
            manifest = _write_backup(store, folder, key_file, clock)
            folder.rename(destination)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except OSError as error:
        raise StoreError(f"The backup to {destination} failed: {error}.") from error
    sync_folder(destination.parent)
    with suppress(StoreError):  # the backup is there all the same
        store.census.note_backup(manifest.created_at)
    return manifest


def verify(source: Path) -> Manifest:
    """Check that a backup is complete and unchanged.

    Raises:
        StoreError: It is not; the sentence says what is wrong.
    """
    try:
        manifest = _MANIFEST_JSON.validate_json((source / _MANIFEST).read_bytes())
        digest = _sha256(source / _DATA)
    except FileNotFoundError as error:
        raise StoreError(f"{source} is no complete backup: {Path(str(error.filename)).name} is missing.") from error
    except ValidationError as error:
        raise StoreError(f"{source} is no backup that this version of Burnish can read: bad {_MANIFEST}.") from error
    except OSError as error:
        raise StoreError(f"The backup {source} cannot be read: {error}.") from error
    if manifest.format != _FORMAT:
        raise StoreError(f"The backup {source} was made by a newer version of Burnish; update Burnish.")
    if digest != manifest.sha256:
        raise StoreError(f"The backup {source} is damaged: {_DATA} is not what {_MANIFEST} was written for.")
    refuse_newer(manifest.revision, f"The backup {source}")
    return manifest


def restore(source: Path, url: str, keyring: Keyring, *, force: bool = False, clock: Clock = utc_now) -> Manifest:
    """Put a backup in the place of a store's contents, and migrate it to the newest schema; one transaction.

    The knowledge revision afterwards is higher than any that the store or the backup had, so that a search index of
    other days is not taken for this one's; and no id is given again that either of them gave.

    Args:
        source: The backup's folder.
        url: The store to fill; see `Store.open`.
        keyring: Must hold every key that the backup needs.
        force: Replace what is in the store.
        clock: Gives the time, from which the knowledge revision is made.

    Raises:
        StoreError: The backup is damaged, a key is missing, or the store is not empty and force is not set; the store
            is as it was then.
    """
    manifest = verify(source)
    missing = [key_id for key_id in manifest.key_ids if key_id not in keyring.ids]
    if missing:
        raise missing_key_error(missing, keyring)
    database = open_database(url, keyring)
    try:
        with read_only_sqlite(source / _DATA) as old, database.rebuild() as new:
            refuse_newer(current_revision(new), database.name)
            if not force:
                _refuse_filled(new, database)
            _replace_contents(old, new, manifest, clock)
        Audit(database, clock).drop_words()
    finally:
        database.close()
    return manifest


def _write_backup(store: Store, folder: Path, key_file: Path | None, clock: Clock) -> Manifest:
    data = folder / _DATA
    with store.database.snapshot() as source:
        revision = current_revision(source)
        if revision is None:
            raise StoreError(f"{store.database.name} is empty; there is nothing to back up.")
        refuse_newer(revision, store.database.name)
        needed = key_ids(source)
        target = open_database(str(data), store.keyring)
        try:
            with target.rebuild() as copy:
                upgrade(copy, to=revision)
                rows = copy_rows(source, copy)
                raise_sequences(copy, read_sequences(source))
        finally:
            target.close()
    seal_sqlite(data)
    if key_file is not None:
        shutil.copy(key_file, folder / _KEY)
        _sync_file(folder / _KEY)
    manifest = Manifest(
        format=_FORMAT,
        created_at=clock(),
        revision=revision,
        key_ids=needed,
        key_included=key_file is not None,
        sha256=_sha256(data),
        rows=rows,
    )
    (folder / _MANIFEST).write_bytes(_MANIFEST_JSON.dump_json(manifest, indent=2))
    for file in (data, folder / _MANIFEST):
        _sync_file(file)
    sync_folder(folder)
    return manifest


def _replace_contents(old: Connection, new: Connection, manifest: Manifest, clock: Clock) -> None:
    given = read_sequences(new)
    known_revision = _knowledge_revision(new)
    drop_own_tables(new)
    upgrade(new, to=manifest.revision)
    rows = copy_rows(old, new)
    if rows != manifest.rows:
        raise StoreError("The backup does not hold the rows that its manifest counts; nothing was restored.")
    raise_sequences(new, read_sequences(old))
    raise_sequences(new, given)
    upgrade(new)
    # Seconds since 1970 lie above any count of changes, also that of a store that is lost.
    past = max(known_revision, _knowledge_revision(new))
    write_setting(new, REVISION_KEY, str(max(past + 1, int(clock().timestamp()))))
    write_key_ids(new, manifest.key_ids)


def _knowledge_revision(connection: Connection) -> int:
    if "settings" not in {table.name for table in own_tables(connection)}:
        return 0
    return int(read_setting(connection, REVISION_KEY) or 0)


def _refuse_filled(connection: Connection, database: Database) -> None:
    for table in own_tables(connection):
        if table.name != "settings" and connection.execute(select(table).limit(1)).first() is not None:
            raise StoreError(f"{database.name} is not empty; restore with --force to replace what is in it.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
