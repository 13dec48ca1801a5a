"""Documents that somebody called out of date, for an admin to look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, delete, select, update

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.schema import AnswerRow, DocumentRow, DocumentTaskRow, MessageRow, RatingRow
from bot.store.statements import upserting
from bot.types import RatingReason


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentTask:
    """A document that somebody called out of date."""

    document_id: int
    uri: str
    title: str = field(repr=False)
    people: int  # who said so
    questions: tuple[str, ...] = field(repr=False)  # what had been asked, newest first
    opened_at: datetime  # aware, UTC; the first complaint


class DocumentTasks:
    """Which documents wait for an admin; `Ratings` keeps a row for each document and answer that is called old."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def open(self) -> tuple[DocumentTask, ...]:
        """Read the documents that wait, most people first.

        One that was removed, or ingested with other content since the answer was given, waits no more.
        """
        with self._database.read() as connection:
            rows = connection.execute(_OPEN).all()
        by_document: dict[int, list[Row[*tuple[Any, ...]]]] = defaultdict(list)
        for row in rows:
            by_document[row.id].append(row)
        tasks = [
            DocumentTask(
                document_id=said[0].id,
                uri=said[0].uri,
                title=said[0].title,
                people=len({row.user_id for row in said}),
                questions=tuple(dict.fromkeys(row.question for row in said)),
                opened_at=min(row.opened_at for row in said),
            )
            for said in by_document.values()
        ]
        return tuple(sorted(tasks, key=lambda one: (-one.people, -len(one.questions), one.opened_at, one.uri)))

    def settle(self, uri: str) -> bool:
        """Take a document off the list; False if it was not on it. What is said of later answers opens it again."""
        change = update(DocumentTaskRow).where(DocumentTaskRow.uri == uri, DocumentTaskRow.settled_at.is_(None))
        with self._database.write() as connection:
            return connection.execute(change.values(settled_at=self._clock())).rowcount > 0


def follow_ratings(connection: Connection, answer_id: int, uris: Sequence[str], *, now: datetime) -> None:
    """Bring an answer's rows in line with its ratings, in the transaction that changed one.

    Args:
        connection: Of the transaction.
        answer_id: The answer.
        uris: Of the documents that it came from.
        now: When the rating was given.
    """
    said = select(RatingRow.user_id).where(
        RatingRow.answer_id == answer_id, RatingRow.reason == RatingReason.OUT_OF_DATE
    )
    first = connection.execute(said.order_by(RatingRow.rated_at, RatingRow.user_id).limit(1)).scalar_one_or_none()
    if first is None:
        gone = delete(DocumentTaskRow).where(
            DocumentTaskRow.answer_id == answer_id, DocumentTaskRow.settled_at.is_(None)
        )
        connection.execute(gone)
        return
    for uri in dict.fromkeys(uris):
        row = upserting(connection, DocumentTaskRow).values(
            uri=uri, answer_id=answer_id, user_id=first, opened_at=now, settled_at=None
        )
        connection.execute(row.on_conflict_do_nothing())


def outdated_documents() -> Select[*tuple[Any, ...]]:
    """The documents that wait, a row for each person and answer that calls one old."""
    outdated = and_(RatingRow.answer_id == DocumentTaskRow.answer_id, RatingRow.reason == RatingReason.OUT_OF_DATE)
    return (
        select(
            DocumentRow.id,
            DocumentRow.uri,
            DocumentRow.title,
            RatingRow.user_id,
            MessageRow.text.label("question"),
            DocumentTaskRow.opened_at,
        )
        .join_from(DocumentTaskRow, AnswerRow, AnswerRow.id == DocumentTaskRow.answer_id)
        .join(MessageRow, MessageRow.id == AnswerRow.message_id)
        .join(RatingRow, outdated)
        # a newer document has other content: one that has not changed is left alone by `ingest`
        .join(
            DocumentRow,
            and_(DocumentRow.uri == DocumentTaskRow.uri, DocumentRow.ingested_at <= AnswerRow.created_at),
        )
        .where(DocumentTaskRow.settled_at.is_(None))
        .order_by(DocumentTaskRow.answer_id.desc(), DocumentRow.id)
    )


_OPEN = outdated_documents()
