"""Answers as the team looks through them: found by what they are and how they were rated, and what people said."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from threading import Lock
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, select

from bot.store.answers import had_a_say, load_detail
from bot.store.engine import Database
from bot.store.inbox import NOT_DIALOGUE
from bot.store.schema import AnswerRow, CorrectionRow, CorrectionStatus, MessageRow, RatingRow
from bot.store.statements import batches
from bot.types import AnswerKind, Outcome, RatingReason, RatingValue

SCANNED: Final = 2_000  # answers whose words are read in one search: a second of work
BATCH: Final = 250
KNOWN_ANSWERS: Final = 50_000  # whose documents are kept in mind


class Rated(StrEnum):
    """How an answer was rated."""

    UP = "up"  # by all who rated it
    DOWN = "down"
    DISPUTED = "disputed"  # by some so, by others so
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which answers somebody wants to see."""

    outcome: Outcome | None = None
    rated: Rated | None = None
    version: str = ""  # of an adapter that had a say; "" for any
    words: str = field(default="", repr=False)  # that stand in the question or in the answer, whatever their case
    before: int = 0  # only answers with a smaller id; 0 for all


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An answer in a list."""

    id: int
    question: str = field(repr=False)
    text: str = field(repr=False)
    kind: AnswerKind
    outcome: Outcome
    platform: str
    versions: str  # names of the adapter versions that gave it, by spaces
    created_at: datetime  # aware, UTC
    up: int
    down: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A page of a list, newest first."""

    rows: tuple[Listed, ...]
    older: int  # Wish.before of the next page; 0 if there is none
    searched: bool  # False: there are older answers that were not searched yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What somebody said of an answer."""

    answer_id: int
    question: str = field(repr=False)
    text: str = field(repr=False)
    value: RatingValue
    reason: RatingReason | None
    comment: str = field(repr=False)
    rated_at: datetime  # aware, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A correction of an answer, whatever became of it."""

    id: int
    text: str = field(repr=False)
    status: CorrectionStatus
    created_at: datetime  # aware, UTC


class Reviews:
    """Reads answers with what people said of them; what commands said is no answer."""

    def __init__(self, database: Database) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._sources: OrderedDict[int, frozenset[str]] = OrderedDict()
        self._turn = Lock()

    def answers(self, wish: Wish, limit: int, *, scan: int = SCANNED) -> Listing:
        """Read the newest answers that somebody wants to see; each question once, in its newest version.

        An earlier answer is there again where only those are wanted that people rated.

        Words are encrypted, so that the database cannot look for them: a search reads the newest answers one by one,
        and says where it left off.

        Args:
            wish: Which.
            limit: On a page.
            scan: So many answers are searched for words at once.
        """
        rows: list[Listed] = []
        last = scanned = 0
        words = wish.words.casefold()
        for row in self._scan(wish):
            if len(rows) == limit:
                return Listing(rows=tuple(rows), older=last, searched=True)
            if words and scanned == scan:
                return Listing(rows=tuple(rows), older=last, searched=False)
            last, scanned = row.id, scanned + 1
            if words in row.question.casefold() or words in row.text.casefold():
                rows.append(row)
        return Listing(rows=tuple(rows), older=0, searched=True)

    def opinions(self, answer_id: int) -> tuple[Opinion, ...]:
        """Read the ratings of an answer, newest first."""
        return self._opinions(_opinions().where(RatingRow.answer_id == answer_id))

    def complaints(self, limit: int, *, skip: int = 0) -> tuple[Opinion, ...]:
        """Read the 👎, newest first."""
        query = _opinions().where(RatingRow.value == RatingValue.DOWN)
        return self._opinions(query.limit(limit).offset(skip))

    def corrections(self, answer_id: int) -> tuple[Proposed, ...]:
        """Read the corrections of an answer, newest first."""
        query = select(
            CorrectionRow.id, CorrectionRow.text.label("proposed"), CorrectionRow.status, CorrectionRow.created_at
        ).where(CorrectionRow.answer_id == answer_id)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(CorrectionRow.id.desc())).all()
        return tuple(
            Proposed(id=row.id, text=row.proposed, status=row.status, created_at=row.created_at) for row in rows
        )

    def used(self, since: datetime) -> Mapping[str, int]:
        """Count by a document's uri in how many answers since a time it was a source.

        Sources lie encrypted with their answers, which never change: each is read once while the program runs.
        """
        query = select(AnswerRow.id).where(AnswerRow.created_at >= since, AnswerRow.kind.not_in(NOT_DIALOGUE))
        with self._database.read() as connection:
            ids = connection.execute(query.order_by(AnswerRow.id)).scalars().all()
        with self._turn:
            self._read_sources([one for one in ids if one not in self._sources])
            counts: dict[str, int] = {}
            for uri in (uri for one in ids for uri in self._sources.get(one, ())):
                counts[uri] = counts.get(uri, 0) + 1
            while len(self._sources) > max(KNOWN_ANSWERS, len(ids)):
                self._sources.popitem(last=False)
        return counts

    def _read_sources(self, ids: list[int]) -> None:
        for batch in batches(ids, BATCH):
            query = select(AnswerRow.id, AnswerRow.detail).where(AnswerRow.id.in_(batch))
            with self._database.read() as connection:
                rows = connection.execute(query).all()
            for row in rows:
                self._sources[row.id] = frozenset(one.uri for one in load_detail(row.id, row.detail).sources)

    def _scan(self, wish: Wish) -> Iterator[Listed]:
        """The answers that fit but for their words, newest first; read in batches, each in a transaction of its own."""
        before = wish.before
        while True:
            query = _listed(wish)
            if before:
                query = query.where(AnswerRow.id < before)
            with self._database.read() as connection:
                rows = connection.execute(query.order_by(AnswerRow.id.desc()).limit(BATCH)).all()
            yield from map(_row, rows)
            if len(rows) < BATCH:
                return
            before = rows[-1].id

    def _opinions(self, query: Select[*tuple[Any, ...]]) -> tuple[Opinion, ...]:
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Opinion(
                answer_id=row.answer_id,
                question=row.question,
                text=row.answer_text,
                value=row.value,
                reason=row.reason,
                comment=row.comment,
                rated_at=row.rated_at,
            )
            for row in rows
        )


def _votes(value: RatingValue) -> ColumnElement[int]:
    """How many rated an answer so."""
    return (
        select(func.count())
        .select_from(RatingRow)
        .where(RatingRow.answer_id == AnswerRow.id, RatingRow.value == value)
        .correlate(AnswerRow)
        .scalar_subquery()
    )


def _listed(wish: Wish) -> Select[*tuple[Any, ...]]:
    up, down = _votes(RatingValue.UP), _votes(RatingValue.DOWN)
    query = (
        select(
            AnswerRow.id,
            MessageRow.text.label("question"),
            AnswerRow.text.label("answer_text"),
            AnswerRow.kind,
            AnswerRow.outcome,
            MessageRow.platform,
            AnswerRow.versions,
            AnswerRow.created_at,
            up.label("up"),
            down.label("down"),
        )
        .join_from(AnswerRow, MessageRow, MessageRow.id == AnswerRow.message_id)
        .where(AnswerRow.kind.not_in(NOT_DIALOGUE))
    )
    if wish.rated in {None, Rated.NONE}:  # what was said of an earlier answer is found with what was rated
        query = query.where(MessageRow.replaced.is_(False))
    if wish.outcome is not None:
        query = query.where(AnswerRow.outcome == wish.outcome)
    if wish.version:
        query = query.where(had_a_say(wish.version))
    if wish.rated is not None:
        has_up, has_down = {
            Rated.UP: (up > 0, down == 0),
            Rated.DOWN: (up == 0, down > 0),
            Rated.DISPUTED: (up > 0, down > 0),
            Rated.NONE: (up == 0, down == 0),
        }[wish.rated]
        query = query.where(has_up, has_down)
    return query


def _opinions() -> Select[*tuple[Any, ...]]:
    return (
        select(
            RatingRow.answer_id,
            MessageRow.text.label("question"),
            AnswerRow.text.label("answer_text"),
            RatingRow.value,
            RatingRow.reason,
            RatingRow.comment,
            RatingRow.rated_at,
        )
        .join_from(RatingRow, AnswerRow, AnswerRow.id == RatingRow.answer_id)
        .join(MessageRow, MessageRow.id == AnswerRow.message_id)
        .order_by(RatingRow.rated_at.desc(), RatingRow.answer_id.desc(), RatingRow.user_id)
    )


def _row(row: Row[*tuple[Any, ...]]) -> Listed:
    return Listed(
        id=row.id,
        question=row.question,
        text=row.answer_text,
        kind=row.kind,
        outcome=row.outcome,
        platform=row.platform,
        versions=row.versions,
        created_at=row.created_at,
        up=row.up,
        down=row.down,
    )
