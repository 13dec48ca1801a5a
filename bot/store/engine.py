"""Connections: engines for SQLite and PostgreSQL, transactions, and what their errors mean."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, NullPool, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.blocking import Failed, tried
from bot.store.columns import use_keyring
from bot.store.crypto import Keyring
from bot.store.errors import StoreError

T = TypeVar("T")

_BUSY_SECONDS = 30  # how long a SQLite writer waits for another one
_CONNECT_SECONDS = 10  # how long to wait for a PostgreSQL server

# What SQLite says, and what it means to the person who runs the bot.
_SQLITE_SENTENCES = {
    "file is not a database": "{store} is not a Burnish store: the file is no SQLite database.",
    "malformed": "{store} is damaged; keep a copy of it and restore a backup with `burnish store restore`.",
    "readonly": "{store} cannot be written; check who owns the file and its folder.",
    "unable to open": "{store} cannot be opened; check that its folder exists and that the file may be read.",
    "is full": "{store} cannot grow: the disk is full.",
    "disk I/O": "{store} cannot be read or written: the disk reports an error.",
    "locked": f"{{store}} was kept busy by another program for {_BUSY_SECONDS} seconds; try again.",
    "no such": "{store} has not the tables that this version needs; run `burnish store migrate`.",
}


class Database:
    """One store's database: read and write transactions."""

    def __init__(self, url: URL, engine: Engine) -> None:
        """Keep the engine; `open_database` makes it."""
        self.url = url
        self.engine = engine
        self._writer = engine.execution_options(burnish_write=True)
        # SQLite lets one writer in at a time, and whoever finds it busy sleeps for a while and looks again. Threads of
        # one process need not: they stand in line here (six times as many messages a second).
        self._turn: AbstractContextManager[object] = threading.Lock() if self.is_sqlite else nullcontext()
        self._shared = threading.local()  # .connection: the transaction that this thread's calls share, see `together`

    @property
    def name(self) -> str:
        """How a sentence names this store; never with a password."""
        return store_name(self.url)

    @property
    def writing_engine(self) -> Engine:
        """An engine whose transactions may write, for a library that brings its own statements."""
        return self._writer

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a SQLite file."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        shared: Connection | None = getattr(self._shared, "connection", None)
        if shared is not None:
            yield shared
            return
        with translated(self.url), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A transaction that reads one state of the whole store, whatever others write meanwhile."""
        # SQLite's read transactions are snapshots as they come
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with translated(self.url), self.engine.connect().execution_options(**options) as connection:
            yield connection  # closed without a commit, at which SQLite may stumble where the file is damaged

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; commits at the end, or rolls back when an exception leaves it."""
        shared: Connection | None = getattr(self._shared, "connection", None)
        if shared is not None:
            with translated(self.url), shared.begin_nested():
                yield shared
            return
        with translated(self.url), self._turn, self._writer.begin() as connection:
            yield connection

    def together(self, calls: Sequence[Callable[[], T]]) -> list[T | Failed]:
        """Call functions that read and write this store, with one wait for the disk for all of them.

        Each is a transaction within the transaction: one that fails leaves nothing behind and keeps nobody else from
        their result. All the others are on the disk when this returns.

        Raises:
            StoreError: None of it was kept.
        """
        if len(calls) == 1 or not self.is_sqlite:  # a server has its own ways, and would hold its locks for longer here
            return [tried(call) for call in calls]
        results: list[T | Failed] = []
        with self.write() as connection:
            self._shared.connection = connection
            try:
                for call in calls:
                    results.append(tried(call))
                    self._refuse_undone(connection, results[-1])
            finally:
                self._shared.connection = None
        return results

    def _refuse_undone(self, connection: Connection, result: object) -> None:
        """Stop where SQLite took a whole transaction back, as it does when the disk is full."""
        if isinstance(result, Failed) and not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]  # sqlite3's
            raise StoreError(f"{self.name} could not keep what it was given; try again.") from result.error

    @contextmanager
    def rebuild(self) -> Iterator[Connection]:
        """A write transaction in which tables may be rebuilt, on a connection of its own.

        SQLite deletes a dropped table's rows first, and with foreign keys on, that would take along every row that
        refers to them. So they are off here, and checked before the commit. Only one such transaction runs at a time.
        """
        engine = _make_engine(self.url, keyring=None, foreign_keys=False)
        try:
            with translated(self.url), engine.execution_options(burnish_write=True).begin() as connection:
                if self.is_sqlite:
                    yield connection
                    _refuse_orphans(connection, self.name)
                else:
                    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4711)")  # any constant of our own
                    yield connection
        finally:
            engine.dispose()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(url: str, keyring: Keyring) -> Database:
    """Connect to a store, creating an empty SQLite file where there is none.

    Args:
        url: "sqlite:///PATH", "postgresql://USER:PASSWORD@HOST/NAME", or simply a file's path.
        keyring: Keys for the encrypted columns.

    Raises:
        StoreError: The URL is wrong, the driver is missing, or the database cannot be reached or is not one.
    """
    parsed = _parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        _prepare_sqlite(parsed)
    database = Database(parsed, _make_engine(parsed, keyring=keyring, foreign_keys=True))
    try:
        with database.read() as connection:
            connection.exec_driver_sql("SELECT 1")
    except BaseException:
        database.close()
        raise
    return database


def store_name(url: URL) -> str:
    """How a sentence names a store; never with a password."""
    if url.get_backend_name() == "sqlite":
        return f"The store {url.database}"
    return f"The store {url.render_as_string(hide_password=True)}"


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn the database libraries' exceptions into one sentence each.

    The sentence never quotes a statement's parameters, and the driver's message only by its first line: PostgreSQL
    puts row contents into the lines after it.
    """
    try:
        yield
    except DBAPIError as error:
        raise StoreError(_sentence(url, error.orig)) from error
    except UnicodeDecodeError as error:  # a damaged name or text; the driver does not wrap this
        raise StoreError(_SQLITE_SENTENCES["malformed"].format(store=store_name(url))) from error
    except PoolTimeout as error:
        raise StoreError(f"{store_name(url)} had no connection free for {_BUSY_SECONDS} seconds; try again.") from error
    except StatementError as error:
        if isinstance(error.orig, StoreError):
            raise StoreError(str(error.orig)) from error  # a new one: it cannot be its own cause's cause
        raise


@contextmanager
def read_only_sqlite(path: Path) -> Iterator[Connection]:
    """Read a SQLite file that nobody writes, without leaving a trace in it or beside it."""
    url = URL.create("sqlite", database=str(path))
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    engine = sqlalchemy.create_engine(
        url, creator=lambda: sqlite3.connect(address, uri=True), poolclass=NullPool, hide_parameters=True
    )
    try:
        with translated(url), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def seal_sqlite(path: Path) -> None:
    """Make a SQLite file that is to lie still one file: no write-ahead log beside it; and examine it.

    Raises:
        StoreError: The file is damaged.
    """
    url = URL.create("sqlite", database=str(path))
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
            found = connection.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise StoreError(_sentence(url, error)) from error
    if found != ("ok",):
        raise StoreError(f"{store_name(url)} is damaged right after it was written; check the disk.")


def _sentence(url: URL, error: BaseException | None) -> str:
    words = (str(error).splitlines() or [type(error).__name__])[0].strip()
    name = store_name(url)
    if url.get_backend_name() == "sqlite":
        for sign, sentence in _SQLITE_SENTENCES.items():
            if sign in words:
                return sentence.format(store=name)
        return f"{name} failed: {words}."
    if "connection failed" in words or "connect" in words:
        return f"{name} cannot be reached; check that the server runs and that the URL is right ({words})."
    if "does not exist" in words:
        return f"{name} has not the tables that this version needs; run `burnish store migrate` ({words})."
    return f"{name} failed: {words}."


def _parse_url(url: str) -> URL:
    if "://" not in url:
        return URL.create("sqlite", database=str(Path(url).absolute()))
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise StoreError(
            'The store\'s URL cannot be read; expected "sqlite:///PATH" or "postgresql://USER:PASSWORD@HOST/NAME".'
        ) from error
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StoreError(f'The store can be SQLite or PostgreSQL; the URL asks for "{backend}".')
    if not parsed.database or parsed.database == ":memory:":
        raise StoreError('A SQLite store needs a file: "sqlite:///PATH".')
    return parsed.set(drivername="sqlite", database=str(Path(parsed.database).absolute()))


def _prepare_sqlite(url: URL) -> None:
    """Create the file for its owner only and switch it to write-ahead logging, which the file then remembers."""
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(f"{store_name(url)} cannot be created: {error.strerror}.") from error
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.DatabaseError as error:
        raise StoreError(_sentence(url, error)) from error


def _make_engine(url: URL, *, keyring: Keyring | None, foreign_keys: bool) -> Engine:
    # hide_parameters: a person's text must not get into an exception's message
    options: dict[str, Any] = {"hide_parameters": True}
    if keyring is None:
        options["poolclass"] = NullPool
    if url.get_backend_name() == "sqlite":
        engine = sqlalchemy.create_engine(
            url, connect_args={"timeout": _BUSY_SECONDS, "isolation_level": None}, **options
        )
        _set_up_sqlite(engine, foreign_keys=foreign_keys)
    else:
        try:
            engine = sqlalchemy.create_engine(
                url, connect_args={"connect_timeout": _CONNECT_SECONDS}, pool_pre_ping=True, **options
            )
        except ImportError as error:
            raise StoreError("PostgreSQL needs its driver: pip install 'burnish[postgres]'.") from error
    if keyring is not None:
        use_keyring(engine, keyring)
    return engine


def _set_up_sqlite(engine: Engine, *, foreign_keys: bool) -> None:
    """Let every connection know its duties and begin its transactions as we say, not as the driver guesses."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        connection.execute("PRAGMA synchronous=FULL")  # a commit is on the disk when it returns
        connection.execute("PRAGMA secure_delete=ON")  # what is erased is overwritten; not every build does that itself

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # A writer takes the write lock at once: a reader that turns writer later cannot wait for it, it fails.
        write = connection.get_execution_options().get("burnish_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _refuse_orphans(connection: Connection, name: str) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        tables = ", ".join(sorted({str(row[0]) for row in broken}))
        raise StoreError(f"{name} was left as it was: rows in {tables} would refer to rows that do not exist.")
