from __future__ import annotations

import json
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.store.backup import backup, restore, verify
from bot.store.check import check
from bot.store.crypto import Keyring, load_key_file
from bot.store.errors import StoreError
from bot.store.migrate import upgrade
from bot.store.schema import Base
from bot.store.store import Store
from bot.types import Turn
from tests.stores import NOON, FakeClock, accepted, answer, answered, chunks, document, filled, vectors


@pytest.fixture
def copy_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'restored' / 'store.sqlite3'}"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "monday"


def _contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, decrypted; without the knowledge revision, which a restore raises on purpose."""
    with store.database.read() as connection:
        rows = {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }
    rows["settings"] = [row for row in rows["settings"] if row[0] != "knowledge_revision"]
    return rows


def test_a_backup_of_either_database_restores_equal_to_either(
    store: Store, store_url: str, copy_url: str, target: Path, keyring: Keyring
) -> None:
    filled(store)
    before = _contents(store)
    assert all(before.values()), "a table without rows would test nothing"
    made = backup(store, target, clock=FakeClock())
    assert made == verify(target)
    assert made.created_at == NOON
    assert made.revision == store.revision()
    assert made.key_ids == (keyring.primary_id,)
    assert made.rows["messages"] == 3
    assert restore(target, copy_url, keyring) == made
    with Store.open(copy_url, keyring) as copy:
        assert _contents(copy) == before
        assert check(copy) == ()
    accepted(store, "said after the backup")
    store.close()
    restore(target, store_url, keyring, force=True)
    with Store.open(store_url, keyring) as again:
        assert _contents(again) == before
        assert check(again) == ()


def test_a_backup_of_a_store_in_use_holds_one_consistent_state(
    store: Store, copy_url: str, target: Path, keyring: Keyring
) -> None:
    for number in range(300):
        answered(store, f"before {number}")
    written: list[int] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            stored = answered(store, f"during {len(written)}", answer(f"answer {len(written)}"))
            store.answers.mark_delivered(stored.id, part=1, platform_message_id="ts")
            store.knowledge.replace_document(document(f"/{len(written)}"), chunks("a", "b"), vectors(2), encoder="e")
            written.append(stored.message_id)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(written) < 3:
            stop.wait(0.01)
        at_start = len(written)
        made = backup(store, target)
        at_end = len(written)
    finally:
        stop.set()
        writer.join()
    assert at_end > at_start, "the writer must have gone on during the backup"
    restore(target, copy_url, keyring)
    everything = _contents(store)
    with Store.open(copy_url, keyring) as copy:
        assert check(copy) == ()
        held = _contents(copy)
    assert 300 + at_start <= made.rows["messages"] <= 300 + at_end + 1
    whole = made.rows["messages"] - 1  # the last one may have been answered since
    assert held["messages"][:whole] == everything["messages"][:whole]
    assert held["chunks"] == everything["chunks"][: made.rows["chunks"]]


def test_no_id_is_given_again_after_a_restore(
    store: Store, store_url: str, copy_url: str, target: Path, keyring: Keyring
) -> None:
    store.knowledge.replace_document(document(), chunks("a", "b"), vectors(2), encoder="e")
    store.knowledge.remove_document(store.knowledge.documents()[0].id)
    backup(store, target)
    store.knowledge.replace_document(document(), chunks("c"), vectors(1), encoder="e")
    (highest, _), *_ = store.knowledge.chunk_ids()
    index_revision = store.knowledge.revision()
    store.close()
    restore(target, store_url, keyring, force=True)
    restore(target, copy_url, keyring)
    for url, above in ((store_url, highest), (copy_url, 2)):
        with Store.open(url, keyring) as again:
            assert again.knowledge.revision() > index_revision + 1000, "an index of the lost days must not fit again"
            again.knowledge.replace_document(document(), chunks("d"), vectors(1), encoder="e")
            assert again.knowledge.chunk_ids()[0][0] > above


def test_a_backup_of_an_older_schema_restores_and_migrates(
    store_url: str, copy_url: str, target: Path, keyring: Keyring
) -> None:
    with Store.open(store_url, keyring) as old:
        with old.database.rebuild() as connection:
            upgrade(connection, to="0001")
            connection.exec_driver_sql("INSERT INTO settings (key, value) VALUES ('kept', 'yes')")
        old.audit.record(actor="slack:U2", action="teach", detail="Why? | Because.")
        assert backup(old, target).revision == "0001"
    restore(target, copy_url, keyring)
    with Store.open(copy_url, keyring) as copy:
        assert copy.revision() == "0006"
        assert copy.settings.get("kept") == "yes"
        assert [(one.action, one.detail) for one in copy.audit.tail(9)] == [("teach", "")], "words are taken out"


def test_a_store_that_holds_something_is_replaced_only_by_force(
    store: Store, store_url: str, target: Path, keyring: Keyring
) -> None:
    backup(store, target)
    stored = answered(store, "kept?", answer("yes"))
    with pytest.raises(StoreError, match="is not empty; restore with --force"):
        restore(target, store_url, keyring)
    after = stored.message_id + 1
    assert store.inbox.history(stored.conversation_id, before_message_id=after, turns=1) == (
        Turn(question="kept?", answer="yes"),
    )
    restore(target, store_url, keyring, force=True)
    assert store.answers.count() == 0, "an open store sees what was restored"


@pytest.fixture
def made(store: Store, target: Path) -> Path:
    filled(store)
    backup(store, target)
    return target


def test_a_backup_lies_private_sealed_and_without_the_key(made: Path, keyring: Keyring) -> None:
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert sorted(one.name for one in made.iterdir()) == ["manifest.json", "store.sqlite3"]
    held = b"".join(one.read_bytes() for one in made.iterdir())
    assert keyring.dump().encode() not in held
    assert b"Still waiting" not in held
    assert [one.name for one in made.parent.iterdir()] == ["monday"]
    with closing(sqlite3.connect(made / "store.sqlite3")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_the_key_comes_along_only_when_asked_for(store: Store, tmp_path: Path, target: Path) -> None:
    key_file = tmp_path / "store.key"
    load_key_file(key_file)
    assert backup(store, target, key_file=key_file).key_included is True
    assert load_key_file(target / "store.key").ids == load_key_file(key_file).ids


def test_a_backup_never_overwrites(store: Store, made: Path) -> None:
    with pytest.raises(StoreError, match="exists already"):
        backup(store, made)


def test_an_empty_store_has_nothing_to_back_up(copy_url: str, target: Path, keyring: Keyring) -> None:
    with Store.open(copy_url, keyring) as empty, pytest.raises(StoreError, match="nothing to back up"):
        backup(empty, target)
    assert list(target.parent.iterdir()) == []


def _flip(made: Path) -> None:
    data = bytearray((made / "store.sqlite3").read_bytes())
    data[len(data) // 2] ^= 1
    (made / "store.sqlite3").write_bytes(data)


def _change(made: Path, **fields: object) -> None:
    manifest = json.loads((made / "manifest.json").read_text())
    (made / "manifest.json").write_text(json.dumps(manifest | fields))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_flip, "is damaged: store.sqlite3 is not what"),
        (lambda made: (made / "manifest.json").unlink(), "no complete backup: manifest.json is missing"),
        (lambda made: (made / "store.sqlite3").unlink(), "no complete backup: store.sqlite3 is missing"),
        (lambda made: (made / "manifest.json").write_text("{"), "no backup that this version"),
        (lambda made: _change(made, format=2), "newer version"),
        (lambda made: _change(made, revision="9999"), "newer version"),
        (lambda made: _change(made, rows={"users": 1}), "does not hold the rows"),
    ],
)
def test_a_spoilt_backup_is_refused_and_the_store_stays(
    store: Store, store_url: str, made: Path, *, spoil: Callable[[Path], object], sentence: str
) -> None:
    before = _contents(store)
    spoil(made)
    with pytest.raises(StoreError, match=sentence):
        restore(made, store_url, store.keyring, force=True)
    assert _contents(store) == before


def test_a_backup_whose_key_is_missing_is_refused(made: Path, copy_url: str, keyring: Keyring) -> None:
    with pytest.raises(StoreError, match=f"encrypted with key {keyring.primary_id}"):
        restore(made, copy_url, Keyring.generate())
