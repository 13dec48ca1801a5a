"""The store: one object through which the bot remembers."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from sqlalchemy import Connection

from bot.blocking import Together
from bot.store.activity import Activities
from bot.store.answers import Answers
from bot.store.api_keys import ApiKeys
from bot.store.asks import Asks
from bot.store.census import Census
from bot.store.claims import Claims
from bot.store.clock import Clock, utc_now
from bot.store.crypto import Keyring, missing_key_error
from bot.store.document_tasks import DocumentTasks
from bot.store.engine import Database, open_database
from bot.store.expectations import Expectations
from bot.store.feedback import Feedback
from bot.store.handoffs import Handoffs
from bot.store.inbox import Inbox
from bot.store.jobs import Jobs
from bot.store.knowledge import Knowledge
from bot.store.migrate import current_revision, refuse_newer, upgrade
from bot.store.overview import Overview
from bot.store.people import People
from bot.store.posts import Posts
from bot.store.ratings import Ratings
from bot.store.records import Audit, Settings
from bot.store.reviews import Reviews
from bot.store.runs import Runs
from bot.store.sessions import Sessions
from bot.store.statements import read_setting, write_setting
from bot.store.transcript import Transcripts

P = ParamSpec("P")
R = TypeVar("R")

MOST_TOGETHER = 64  # calls that share a transaction: some hundredths of a second of work
_KEY_IDS = "key_ids"  # setting: ids of the keys that values may be encrypted with


class Store:
    """Repositories over one database.

    Everything but `run` blocks: call it in a thread. Threads and processes may share a store. Every write is one
    transaction, on the disk when the call returns.
    """

    def __init__(self, database: Database, keyring: Keyring, *, clock: Clock = utc_now) -> None:
        """Put the repositories together; `open` is the door."""
        self.database = database
        self.keyring = keyring
        self.clock = clock
        self.inbox = Inbox(database, clock)
        self.answers = Answers(database, clock)
        self.ratings = Ratings(database, clock)
        self.feedback = Feedback(database, self.answers)
        self.asks = Asks(database, clock)
        self.document_tasks = DocumentTasks(database, clock)
        self.overview = Overview(database)
        self.reviews = Reviews(database)
        self.knowledge = Knowledge(database, clock)
        self.people = People(database, clock)
        self.expectations = Expectations(database, clock)
        self.posts = Posts(database, clock)
        self.handoffs = Handoffs(database, clock)
        self.transcripts = Transcripts(database, self.inbox, self.answers)
        self.audit = Audit(database, clock)
        self.claims = Claims(database, clock)
        self.settings = Settings(database)
        self.runs = Runs(database, clock)
        self.jobs = Jobs(database, clock)
        self.api_keys = ApiKeys(database, clock)
        self.sessions = Sessions(database, clock)
        self.census = Census(database, clock)
        self.activity = Activities(database)
        self._together: Together[Callable[[], Any], Any] = Together(database.together, most=MOST_TOGETHER)

    @classmethod
    def open(cls, url: str, keyring: Keyring, *, clock: Clock = utc_now) -> Self:
        """Open a store; a SQLite file that does not exist is created, empty: `migrate` comes next.

        Args:
            url: "sqlite:///PATH", "postgresql://USER:PASSWORD@HOST/NAME", or a file's path.
            keyring: The keys that the store was written with.
            clock: Gives the time for what the store dates itself.

        Raises:
            StoreError: It cannot be reached, is no store, is of a newer version, or was written with another key.
        """
        database = open_database(url, keyring)
        try:
            with database.read() as connection:
                revision = current_revision(connection)
                refuse_newer(revision, database.name)
                if revision is not None:
                    refuse_missing_keys(connection, keyring)
            store = cls(database, keyring, clock=clock)
            if revision is not None:
                store.note_primary_key()
        except BaseException:
            database.close()
            raise
        return store

    def migrate(self) -> tuple[str, ...]:
        """Bring the schema to the newest revision, in one transaction.

        Returns:
            The revisions applied, oldest first; none if it was the newest already.
        """
        if self.revision() is not None:
            self.audit.drop_words()  # before: killed in between, the store is still an older one and this comes again
        with self.database.rebuild() as connection:
            refuse_newer(current_revision(connection), self.database.name)
            applied = upgrade(connection)
        self.note_primary_key()
        self.audit.drop_words()  # of a new store there are none
        return applied

    def revision(self) -> str | None:
        """The schema's revision; None before the first `migrate`."""
        with self.database.read() as connection:
            return current_revision(connection)

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Await a function of this store's repositories; those asked for at the same time share a wait for the disk.

        It must do nothing but read and write this store. What it wrote is on the disk when this returns.
        """
        result: R = await self._together(partial(function, *args, **kwargs))
        return result

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def note_primary_key(self) -> None:
        """Write down that values are encrypted with the primary key from now on."""
        primary = self.keyring.primary_id
        with self.database.read() as connection:
            if primary in key_ids(connection):
                return
        with self.database.write() as connection:
            write_key_ids(connection, (primary, *key_ids(connection, lock=True)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def key_ids(connection: Connection, *, lock: bool = False) -> tuple[str, ...]:
    """Ids of the keys that a store's values may be encrypted with, the newest first."""
    return tuple(json.loads(read_setting(connection, _KEY_IDS, lock=lock) or "[]"))


def write_key_ids(connection: Connection, ids: tuple[str, ...]) -> None:
    """Write down which keys a store's values may be encrypted with."""
    write_setting(connection, _KEY_IDS, json.dumps(list(dict.fromkeys(ids))))


def refuse_missing_keys(connection: Connection, keyring: Keyring) -> None:
    """Stop before a store is written with a key that has nothing to do with what is in it.

    Raises:
        StoreError: The ring lacks a key that the store needs.
    """
    missing = [key_id for key_id in key_ids(connection) if key_id not in keyring.ids]
    if missing:
        raise missing_key_error(missing, keyring)
