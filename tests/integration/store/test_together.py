from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event, text

from bot.store.crypto import Keyring
from bot.store.errors import NotWaitingError, StoreError
from bot.store.store import Store
from tests.stores import answer, chunks, document, message, vectors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite3"


@pytest.fixture
def store(path: Path, keyring: Keyring) -> Iterator[Store]:
    with Store.open(str(path), keyring) as opened:
        opened.migrate()
        yield opened


def _messages(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])


async def test_what_is_written_at_once_shares_a_commit_and_all_of_it_is_kept(store: Store, path: Path) -> None:
    commits: list[object] = []
    event.listen(store.database.engine, "commit", commits.append)
    accepting = (
        store.run(store.inbox.accept, message(event_id=f"E{number}", sender=f"U{number}"), idle_minutes=30)
        for number in range(10)
    )
    found = await asyncio.gather(*accepting)
    assert len(commits) == 1
    assert len({one.id for one in found if one is not None}) == 10
    assert _messages(path) == 10


async def test_nothing_is_said_to_be_kept_before_it_is_on_the_disk(store: Store, path: Path) -> None:
    async def accepted(number: int) -> int:
        await store.run(store.inbox.accept, message(event_id=f"E{number}"), idle_minutes=30)
        return _messages(path)  # as another program sees it

    assert await asyncio.gather(*(accepted(number) for number in range(10))) == [10] * 10


async def test_the_same_event_twice_at_once_is_stored_once(store: Store) -> None:
    first, again = await asyncio.gather(
        store.run(store.inbox.accept, message(event_id="E1"), idle_minutes=30),
        store.run(store.inbox.accept, message(event_id="E1"), idle_minutes=30),
    )
    assert first is not None
    assert again is None


async def test_one_that_fails_leaves_nothing_behind_and_the_others_are_kept(store: Store) -> None:
    stored = store.inbox.accept(message(event_id="E1"), idle_minutes=30)
    assert stored is not None

    def half() -> None:
        with store.database.write() as connection:
            connection.execute(text("INSERT INTO settings (key, value) VALUES ('half', 'done')"))
            raise NotWaitingError("on purpose")

    found = await asyncio.gather(
        store.run(store.settings.set, "before", "kept"),
        store.run(half),
        store.run(store.answers.add, 999, answer("to nobody")),
        store.run(store.answers.add, stored.id, answer("to somebody")),
        return_exceptions=True,
    )
    assert [type(one) for one in found[1:3]] == [NotWaitingError, NotWaitingError]
    assert [store.settings.get(key) for key in ("before", "half")] == ["kept", None]
    kept = store.answers.of_message(stored.id)
    assert kept is not None
    assert kept.answer.text == "to somebody"


async def test_a_call_sees_what_the_calls_before_it_wrote(store: Store) -> None:
    _, read = await asyncio.gather(store.run(store.settings.set, "key", "value"), store.run(store.settings.get, "key"))
    assert read == "value"


async def test_where_the_disk_is_full_nobody_is_told_that_anything_was_kept(store: Store) -> None:
    """SQLite takes the whole transaction back by itself then, and would begin another one behind our back."""

    def gone() -> None:
        with store.database.write() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.rollback()  # as SQLite does it
            raise StoreError("the disk is full")

    found = await asyncio.gather(
        store.run(store.settings.set, "before", "lost"),
        store.run(gone),
        store.run(store.settings.set, "after", "lost"),
        return_exceptions=True,
    )
    assert [type(one) for one in found] == [StoreError] * 3
    assert [store.settings.get(key) for key in ("before", "after")] == [None, None]
    await store.run(store.settings.set, "later", "kept")
    assert store.settings.get("later") == "kept"


async def test_a_chunk_at_hand_is_gone_with_its_document(store: Store) -> None:
    document_id = store.knowledge.replace_document(document("/a"), chunks("one", "two"), vectors(2), encoder="e")
    ids = [chunk_id for chunk_id, _ in store.knowledge.chunk_ids()]
    assert [one.chunk.text for one in store.knowledge.load_chunks(ids)] == ["one", "two"]
    assert [one.chunk.text for one in store.knowledge.load_chunks(ids[1:])] == ["two"]
    store.knowledge.remove_document(document_id)
    assert list(store.knowledge.load_chunks(ids)) == []
