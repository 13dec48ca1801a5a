from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from bot.store.crypto import Keyring
from bot.store.engine import store_name, translated
from bot.store.errors import StoreError
from bot.store.store import Store
from tests.stores import accepted, filled

OPEN = (
    "import sys; from bot.store.store import Store; from bot.store.crypto import Keyring;"
    "store = Store.open(sys.argv[1], Keyring.parse(sys.argv[2], origin='argv')); print(store.migrate())"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite3"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://host/name", 'asks for "mysql"'),
        ("nonsense://host", "cannot be read|asks for"),
        ("://", "cannot be read"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("postgresql://ada:secret@127.0.0.1:1/burnish", "cannot be reached; check that the server runs"),
    ],
)
def test_a_url_that_leads_nowhere_is_one_sentence_without_the_password(
    url: str, sentence: str, keyring: Keyring
) -> None:
    with pytest.raises(StoreError, match=sentence) as caught:
        Store.open(url, keyring)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_postgresql_driver_is_named_with_its_install_command(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as if it were not installed
    with pytest.raises(StoreError, match=r"pip install 'burnish\[postgres\]'"):
        Store.open("postgresql://ada@127.0.0.1/burnish", keyring)


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, keyring: Keyring) -> None:
    path.write_text("these are notes, not a store\n" * 100)
    with pytest.raises(StoreError, match="is not a Burnish store"):
        Store.open(str(path), keyring)
    assert path.read_text().startswith("these are notes")


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path, keyring: Keyring) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be created: (Not a directory|File exists)"):
        Store.open(str(tmp_path / "file" / "store.sqlite3"), keyring)


def test_a_torn_file_is_called_damaged(path: Path, keyring: Keyring) -> None:
    with Store.open(str(path), keyring) as store:
        store.migrate()
        accepted(store)
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(StoreError, match=r"is damaged; .* restore a backup"):
        Store.open(str(path), keyring)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("attempt to write a readonly database", "cannot be written; check who owns"),
        ("database or disk is full", "the disk is full"),
        ("disk I/O error", "the disk reports an error"),
        ("database is locked", "kept busy by another program for 30 seconds"),
        ("something new", "failed: something new"),
    ],
)
def test_what_sqlite_complains_about_is_said_in_our_words(words: str, sentence: str) -> None:
    with pytest.raises(StoreError, match=sentence), translated(make_url("sqlite:////srv/store.sqlite3")):
        raise OperationalError("INSERT", {"text": "private"}, sqlite3.OperationalError(words))


def test_a_read_only_file_can_be_read_and_not_written(path: Path, keyring: Keyring) -> None:
    with Store.open(str(path), keyring) as store:
        store.migrate()
        waiting = accepted(store)
        with store.database.read() as connection:
            connection.exec_driver_sql("PRAGMA query_only=ON")
        assert store.inbox.pending(platform="slack") == (waiting,)
        with pytest.raises(StoreError, match="cannot be written"):
            store.inbox.fail(waiting.id)


def test_a_store_without_tables_says_how_to_make_them(store_url: str, keyring: Keyring) -> None:
    with Store.open(store_url, keyring) as store:
        assert store.revision() is None
        with pytest.raises(StoreError, match="burnish store migrate"):
            store.inbox.pending(platform="slack")


def test_a_store_opened_with_another_key_is_refused_before_anything_is_written(
    store_url: str, keyring: Keyring
) -> None:
    with Store.open(store_url, keyring) as store:
        store.migrate()
    other = Keyring.generate()
    with pytest.raises(StoreError, match=f"encrypted with key {keyring.primary_id}"):
        Store.open(store_url, other)


def test_nothing_of_a_message_gets_into_an_error(store: Store) -> None:
    with store.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE users RENAME COLUMN name TO was_name")
    with pytest.raises(StoreError) as caught:
        accepted(store, "my password is hunter2", sender="U-private", sender_name="Ada Lovelace")
    shown = "".join(map(str, _chain(caught.value)))
    assert "INSERT INTO users" in shown, "the failed statement must be in the chain for this test to mean anything"
    assert "U-private" not in shown
    assert "hunter2" not in shown
    assert "Lovelace" not in shown


def test_a_sqlite_file_is_private_logs_ahead_and_keeps_references(path: Path, keyring: Keyring) -> None:
    with Store.open(str(path), keyring) as store:
        store.migrate()
        accepted(store)
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
        assert modes == {f"store.sqlite3{end}": 0o600 for end in ("", "-wal", "-shm")}
        with store.database.write() as connection:
            pragmas = ("journal_mode", "foreign_keys", "synchronous")
            assert [connection.exec_driver_sql(f"PRAGMA {one}").scalar() for one in pragmas] == ["wal", 1, 2]


def test_a_reader_is_not_held_up_by_a_writer_in_another_connection(path: Path, keyring: Keyring) -> None:
    with Store.open(str(path), keyring) as store, Store.open(str(path), keyring) as other:
        store.migrate()
        waiting = accepted(store)
        with store.database.write() as connection:
            connection.exec_driver_sql("DELETE FROM messages")
            assert other.inbox.pending(platform="slack") == (waiting,)
        assert other.inbox.pending(platform="slack") == ()


def test_four_processes_that_open_a_new_store_at_once_all_succeed(path: Path, keyring: Keyring) -> None:
    command = [sys.executable, "-c", OPEN, str(path), keyring.dump()]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate(timeout=120) for process in running]
    assert [errors for _, errors in said] == [""] * 4
    assert sorted(output for output, _ in said) == [
        "('0001', '0002', '0003', '0004', '0005', '0006')\n",
        "()\n",
        "()\n",
        "()\n",
    ]


def test_no_text_of_a_person_lies_readable_in_the_files(path: Path, keyring: Keyring) -> None:
    with Store.open(str(path), keyring) as store:
        store.migrate()
        filled(store)
        bytes_now = b"".join(one.read_bytes() for one in path.parent.iterdir())
    for text in (  # nothing so short that random bytes may spell it
        "How long",
        "Refunds",
        "Five working",
        "退款",
        "Grace",
        "Still waiting",
        "three days",
        "Because",
    ):
        assert text.encode() not in bytes_now, text
    assert b"slack" in bytes_now, "the files read must be those that hold the rows"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"Still waiting" not in path.read_bytes()


def test_a_postgresql_store_is_named_without_its_password() -> None:
    assert store_name(make_url("postgresql://ada:secret@db/burnish")) == "The store postgresql://ada:***@db/burnish"


def _chain(error: BaseException | None) -> list[BaseException]:
    return [] if error is None else [error, *_chain(error.__cause__)]


def test_what_is_erased_is_in_the_file_no_more_not_even_encrypted(path: Path, keyring: Keyring) -> None:
    with Store.open(str(path), keyring) as store:
        store.migrate()
        said = accepted(store, "How long does a refund take?")
        with store.database.read() as connection:
            [sealed] = connection.exec_driver_sql("SELECT text FROM messages").scalars()
    assert bytes(sealed) in path.read_bytes()
    with Store.open(str(path), keyring) as store:
        store.people.forget(said.user_id)
    assert bytes(sealed) not in path.read_bytes()
