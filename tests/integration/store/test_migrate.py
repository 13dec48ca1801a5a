from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store.crypto import Keyring
from bot.store.errors import StoreError
from bot.store.migrate import schema_differences, upgrade
from bot.store.schema import Base
from bot.store.store import Store
from tests.stores import NOON, accepted, message


@pytest.fixture
def empty(store_url: str, keyring: Keyring) -> Iterator[Store]:
    with Store.open(store_url, keyring) as opened:
        yield opened


def test_the_migrated_schema_equals_the_models(store: Store) -> None:
    with store.database.read() as connection:
        assert schema_differences(connection) == ()
        assert set(Base.metadata.tables) <= set(sa.inspect(connection).get_table_names())


def test_a_difference_between_schema_and_models_is_seen(store: Store) -> None:
    with store.database.write() as connection:
        connection.exec_driver_sql("DROP INDEX ix_messages_user_id")
    with store.database.read() as connection:
        assert schema_differences(connection) == ("add index: ix_messages_user_id",)


def test_migrating_says_what_it_applied_and_a_second_time_nothing(empty: Store) -> None:
    assert empty.migrate() == ("0001", "0002", "0003", "0004", "0005", "0006")
    assert empty.migrate() == ()
    assert empty.revision() == "0006"


def test_a_store_of_a_newer_version_is_refused(store: Store, store_url: str, keyring: Keyring) -> None:
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer version of Burnish \(schema 9999, this one knows up to 0006\)"):
        Store.open(store_url, keyring)
    with pytest.raises(StoreError, match="update Burnish"):
        store.migrate()


def test_a_filled_store_of_the_first_revision_migrates_with_its_data(empty: Store, keyring: Keyring) -> None:
    _fill_first_revision(empty, keyring)
    assert empty.migrate() == ("0002", "0003", "0004", "0005", "0006")
    texts = [one.message.text for one in empty.inbox.pending(platform="slack")]
    assert texts == ["early", "late", "elsewhere"], "rebuilding a table must not take along the rows that refer to it"
    with empty.database.read() as connection:
        rows = connection.execute(sa.text("SELECT id, closed FROM conversations ORDER BY id")).all()
        assert [(row.id, bool(row.closed)) for row in rows] == [(1, True), (2, False), (3, False), (4, True)]
    accepted = empty.inbox.accept(message(minutes=100), idle_minutes=30)
    assert accepted is not None
    assert accepted.conversation_id == 2, "last_at is the time of the newest message, 90 minutes after the start"


def test_an_interrupted_migration_leaves_the_store_as_it_was(empty: Store, keyring: Keyring) -> None:
    _fill_first_revision(empty, keyring)
    with empty.database.write() as connection:  # a name that the second revision wants
        connection.exec_driver_sql("CREATE INDEX uq_conversations_open ON messages (text)")
    with pytest.raises(StoreError):
        empty.migrate()
    assert empty.revision() == "0001"
    with empty.database.write() as connection:
        connection.exec_driver_sql("DROP INDEX uq_conversations_open")
    assert empty.migrate() == ("0002", "0003", "0004", "0005", "0006")
    assert len(empty.inbox.pending(platform="slack")) == 3


def test_a_rebuild_that_leaves_rows_referring_to_nothing_is_undone(store: Store) -> None:
    waiting = accepted(store)
    fault = "DELETE FROM conversations"  # foreign keys are off on SQLite here, and PostgreSQL removes the messages too
    if store.database.is_sqlite:
        with (
            pytest.raises(StoreError, match="left as it was: rows in messages"),
            store.database.rebuild() as connection,
        ):
            connection.exec_driver_sql(fault)
        assert store.inbox.pending(platform="slack") == (waiting,)
    else:
        with store.database.rebuild() as connection:
            connection.exec_driver_sql(fault)
        assert store.inbox.pending(platform="slack") == ()


def test_every_sqlite_table_with_ids_of_its_own_never_uses_one_again(tmp_path: Path, keyring: Keyring) -> None:
    with Store.open(str(tmp_path / "store.sqlite3"), keyring) as store:
        store.migrate()
        with store.database.read() as connection:
            made: dict[str, str] = dict(
                connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all()
            )
    for table in Base.metadata.sorted_tables:
        if "id" in table.columns and table.name != "schedule_jobs":  # its ids are names
            assert "AUTOINCREMENT" in made[table.name], table.name


def _fill_first_revision(store: Store, keyring: Keyring) -> None:
    """Put in what the first version would have: two open conversations in one place, one in another, one closed."""
    with store.database.rebuild() as connection:
        upgrade(connection, to="0001")
        tables = sa.MetaData()
        tables.reflect(connection)
        start = NOON if connection.dialect.name == "postgresql" else NOON.replace(tzinfo=None)
        connection.execute(
            tables.tables["users"].insert(),
            {
                "platform": "slack",
                "platform_user_id": "U1",
                "name": keyring.encrypt("Ada", place="users.name"),
                "role": "user",
                "created_at": start,
            },
        )
        for channel, closed in (("C1", False), ("C1", False), ("C2", False), ("C1", True)):
            connection.execute(
                tables.tables["conversations"].insert(),
                {"platform": "slack", "channel": channel, "thread": "", "started_at": start, "closed": closed},
            )
        for conversation, minutes, text in ((1, 0, "early"), (2, 90, "late"), (3, 5, "elsewhere")):
            connection.execute(
                tables.tables["messages"].insert(),
                {
                    "conversation_id": conversation,
                    "user_id": 1,
                    "platform": "slack",
                    "event_id": text,
                    "text": keyring.encrypt(text, place="messages.text"),
                    "state": "pending",
                    "attempts": 0,
                    "received_at": start + timedelta(minutes=minutes),
                },
            )
