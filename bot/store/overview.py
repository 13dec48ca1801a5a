"""How the bot is doing, in numbers: counted by the database, and nobody's words read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, case, cast, distinct, func, select

from bot.store.document_tasks import outdated_documents
from bot.store.engine import Database
from bot.store.inbox import NOT_DIALOGUE
from bot.store.schema import AnswerRow, CorrectionRow, CorrectionStatus, HandoffRow, MessageRow, RatingRow
from bot.store.statements import newest_version, still_unanswered
from bot.types import AnswerKind, Outcome, RatingValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for somebody of the team."""

    questions: int  # that nobody could answer
    corrections: int
    documents: int  # called out of date


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What happened in a time."""

    questions: int
    answered: int
    abstained: int
    handed_off: int  # conversations given to people
    rated: int  # of the questions' answers, by at least one person
    up: int  # ratings given in that time
    down: int

    @property
    def ratings(self) -> int:
        """All ratings that were given."""
        return self.up + self.down


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What happened in one piece of time."""

    start: datetime  # aware
    answered: int
    abstained: int
    handed_off: int
    up: int
    down: int

    @property
    def questions(self) -> int:
        """All that were asked."""
        return self.answered + self.abstained + self.handed_off


class Overview:
    """Counts."""

    def __init__(self, database: Database) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database

    def waiting(self) -> Waiting:
        """Count what waits for somebody."""
        proposed = CorrectionRow.status == CorrectionStatus.PROPOSED
        documents = outdated_documents().subquery()
        with self._database.read() as connection:
            return Waiting(
                questions=connection.execute(_counted_answers().where(still_unanswered())).scalar_one(),
                corrections=connection.execute(select(func.count(CorrectionRow.id)).where(proposed)).scalar_one(),
                documents=connection.execute(select(func.count(distinct(documents.c.id)))).scalar_one(),
            )

    def totals(self, since: datetime, until: datetime) -> Totals:
        """Count what happened from a time on and before another."""
        answers = _within(AnswerRow.created_at, since, until)
        outcomes = (
            select(AnswerRow.outcome, func.count())
            .where(answers, AnswerRow.kind.not_in(NOT_DIALOGUE), newest_version())
            .group_by(AnswerRow.outcome)
        )
        votes = select(RatingRow.value, func.count()).where(_within(RatingRow.rated_at, since, until))
        rated = select(func.count(distinct(RatingRow.answer_id))).join_from(RatingRow, AnswerRow)
        rated = rated.where(answers, newest_version())
        handed = select(func.count(HandoffRow.id)).where(_within(HandoffRow.opened_at, since, until))
        with self._database.read() as connection:
            by_outcome = dict(connection.execute(outcomes).all())
            by_value = dict(connection.execute(votes.group_by(RatingRow.value)).all())
            return Totals(
                questions=sum(by_outcome.values()),
                answered=by_outcome.get(Outcome.ANSWERED, 0),
                abstained=by_outcome.get(Outcome.ABSTAINED, 0),
                handed_off=connection.execute(handed).scalar_one(),
                rated=connection.execute(rated).scalar_one(),
                up=by_value.get(RatingValue.UP, 0),
                down=by_value.get(RatingValue.DOWN, 0),
            )

    def days(self, starts: Sequence[datetime], until: datetime) -> tuple[Day, ...]:
        """Count what happened in pieces of time that follow each other.

        Args:
            starts: When each begins, ascending.
            until: When the last ends.
        """
        asked = _piece(AnswerRow.created_at, starts)
        outcomes = (
            select(asked, AnswerRow.outcome, func.count())
            .where(
                _within(AnswerRow.created_at, starts[0], until), AnswerRow.kind.not_in(NOT_DIALOGUE), newest_version()
            )
            .group_by(asked, AnswerRow.outcome)
        )
        given = _piece(RatingRow.rated_at, starts)
        votes = (
            select(given, RatingRow.value, func.count())
            .where(_within(RatingRow.rated_at, starts[0], until))
            .group_by(given, RatingRow.value)
        )
        with self._database.read() as connection:
            counts = {(piece, what): count for piece, what, count in connection.execute(outcomes)}
            ratings = {(piece, what): count for piece, what, count in connection.execute(votes)}
        return tuple(
            Day(
                start=start,
                answered=counts.get((number, Outcome.ANSWERED), 0),
                abstained=counts.get((number, Outcome.ABSTAINED), 0),
                handed_off=counts.get((number, Outcome.HANDED_OFF), 0),
                up=ratings.get((number, RatingValue.UP), 0),
                down=ratings.get((number, RatingValue.DOWN), 0),
            )
            for number, start in enumerate(starts)
        )

    def seconds(self, since: datetime, until: datetime) -> tuple[float, ...]:
        """How long people waited for their answers, ascending: from a message's arrival until its answer was there.

        What the error boundary said is left out: it is no answer.
        """
        query = (
            select(MessageRow.received_at, AnswerRow.created_at)
            .join_from(AnswerRow, MessageRow, MessageRow.id == AnswerRow.message_id)
            .where(
                _within(AnswerRow.created_at, since, until), AnswerRow.kind.not_in((*NOT_DIALOGUE, AnswerKind.ERROR))
            )
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(sorted(max(0.0, (row.created_at - row.received_at).total_seconds()) for row in rows))


def _counted_answers() -> Select[*tuple[Any, ...]]:
    return select(func.count(AnswerRow.id)).join_from(AnswerRow, MessageRow, MessageRow.id == AnswerRow.message_id)


def _within(moment: Any, since: datetime, until: datetime) -> ColumnElement[bool]:  # noqa: ANN401 - a mapped column
    return and_(moment >= since, moment < until)


def _piece(moment: Any, starts: Sequence[datetime]) -> ColumnElement[int]:  # noqa: ANN401 - a mapped column
    """The number of the piece of time in which a moment lies, from 0."""
    if len(starts) == 1:
        return cast(0, Integer)
    return case(*((moment < start, number) for number, start in enumerate(starts[1:])), else_=len(starts) - 1)
