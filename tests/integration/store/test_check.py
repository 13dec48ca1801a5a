from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.store.check import Finding, check
from bot.store.crypto import Keyring
from bot.store.store import Store
from tests.stores import filled

# what is done to a filled store, which check finds it, and what it says
FAULTS = [
    (
        "UPDATE messages SET text = (SELECT name FROM users LIMIT 1) WHERE id = 2",
        "encryption",
        "1 values of messages.text cannot be decrypted (the first in row 2)",
    ),
    (
        "UPDATE ratings SET comment = substr(comment, 1, 20)",
        "encryption",
        "1 values of ratings.comment cannot be decrypted (the first in row 1/1)",
    ),
    ("DELETE FROM answers WHERE id = 2", "inbox", "1 messages are marked answered and have no answer"),
    (
        "UPDATE messages SET state = 'pending' WHERE id = 1",
        "inbox",
        "1 messages are marked pending and have an answer nevertheless (the first is message 1)",
    ),
    ("DELETE FROM deliveries WHERE answer_id = 2", "inbox", "1 answers have no delivery"),
    (
        "UPDATE chunks SET embedding = substr(embedding, 1, 7) WHERE ordinal = 1",
        "knowledge",
        "1 vectors of encoder mini are 7 bytes long (the first is that of chunk 2), where 16 are expected",
    ),
    (
        "DELETE FROM chunks WHERE ordinal = 2",
        "knowledge",
        "Document 1 was stored with 3 chunks and has 2; ingest it again",
    ),
    ("DROP INDEX ix_chunks_encoder", "schema", "add index: ix_chunks_encoder"),
    ("ALTER TABLE audit DROP COLUMN place", "schema", "add column: audit"),
    ("UPDATE alembic_version SET version_num = '0001'", "schema", "revision 0001 and should be at 0006"),
]


def test_a_sound_store_has_no_findings(store: Store) -> None:
    assert check(store) == ()
    filled(store)
    assert check(store) == ()


@pytest.mark.parametrize(("fault", "name", "sentence"), FAULTS)
def test_a_planted_fault_is_found_and_no_other(store: Store, fault: str, name: str, sentence: str) -> None:
    filled(store)
    with store.database.write() as connection:
        connection.exec_driver_sql(fault)
    (finding,) = check(store)
    assert finding.check == name
    assert sentence in finding.sentence


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("documents", "3 rows of chunks refer to rows of documents that do not exist."),
        ("conversations", "3 rows of messages refer to rows of conversations that do not exist."),
    ],
)
def test_rows_that_refer_to_nothing_are_found(store: Store, table: str, sentence: str) -> None:
    filled(store)
    faults = [f"DELETE FROM {table}"]  # noqa: S608 - a name from the list above
    if store.database.is_sqlite:
        with closing(sqlite3.connect(store.database.url.database or "")) as connection:  # knows no foreign keys
            connection.execute(faults[0])
            connection.commit()
    else:
        with store.database.write() as connection_to_server:
            for fault in (f"ALTER TABLE {table} DISABLE TRIGGER ALL", *faults):
                connection_to_server.exec_driver_sql(fault)
    assert Finding(check="references", sentence=sentence) in check(store)


def test_a_damaged_page_is_found(tmp_path: Path, keyring: Keyring) -> None:
    path = tmp_path / "store.sqlite3"
    with Store.open(str(path), keyring) as store:
        store.migrate()
        filled(store)
        with store.database.read() as connection:
            root = connection.exec_driver_sql("SELECT rootpage FROM sqlite_master WHERE name = 'chunks'").scalar_one()
            size = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    data = bytearray(path.read_bytes())
    start = (root - 1) * size
    data[start + 8 : start + 40] = b"\x7f" * 32  # the page's cell pointers
    path.write_bytes(data)
    with Store.open(str(path), keyring) as store:
        findings = check(store)
    assert findings
    assert findings[0].check == "integrity"
    assert "SQLite finds its file damaged" in findings[0].sentence
