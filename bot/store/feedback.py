"""What people said of answers, all of it, for the learning loop."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select

from adapters.examples import RatingId
from bot.store.answers import Answers
from bot.store.engine import Database
from bot.store.schema import (
    AnswerRow,
    CorrectionRow,
    CorrectionStatus,
    MessageRow,
    RatingRow,
    UserRow,
)
from bot.types import RatingReason, RatingValue, Role, StoredAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Rater:
    """Somebody who rated or corrected."""

    id: int
    platform: str
    name: str = field(repr=False)  # "" if unknown
    role: Role
    since: datetime  # aware, UTC; when they first wrote


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRating:
    """One person's rating."""

    user_id: int
    value: RatingValue
    reason: RatingReason | None
    comment: str = field(repr=False)
    at: datetime  # aware, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedCorrection:
    """What somebody said the right answer is, and an admin or trainer agreed."""

    id: int
    user_id: int
    text: str = field(repr=False)
    at: datetime  # aware, UTC; when it was approved


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedAnswer:
    """An answer with everything that was said of it."""

    stored: StoredAnswer
    ratings: tuple[GivenRating, ...]  # by time
    corrections: tuple[ApprovedCorrection, ...]  # oldest first; those that wait or were rejected are not among them


class Feedback:
    """Ratings and corrections beside what they are about."""

    def __init__(self, database: Database, answers: Answers) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._answers = answers

    def rated(self) -> tuple[RatedAnswer, ...]:
        """Read every answer that was rated, or whose correction was approved, oldest first."""
        ratings: dict[int, list[GivenRating]] = defaultdict(list)
        corrections: dict[int, list[ApprovedCorrection]] = defaultdict(list)
        with self._database.snapshot() as connection:
            for row in connection.execute(_RATINGS):
                given = GivenRating(
                    user_id=row.user_id, value=row.value, reason=row.reason, comment=row.comment, at=row.rated_at
                )
                ratings[row.answer_id].append(given)
            for one in connection.execute(_CORRECTIONS):
                approved = ApprovedCorrection(
                    id=one.id, user_id=one.user_id, text=one.text, at=one.decided_at or one.created_at
                )
                corrections[one.answer_id].append(approved)
        return tuple(
            RatedAnswer(
                stored=stored,
                ratings=tuple(ratings.get(stored.id, ())),
                corrections=tuple(corrections.get(stored.id, ())),
            )
            for stored in self._answers.named(sorted({*ratings, *corrections}))
        )

    def raters(self) -> dict[int, Rater]:
        """Read everybody who rated or corrected, by id."""
        rated = select(RatingRow.user_id).union(select(CorrectionRow.user_id))
        query = select(UserRow.id, UserRow.platform, UserRow.name, UserRow.role, UserRow.created_at)
        with self._database.read() as connection:
            rows = connection.execute(query.where(UserRow.id.in_(rated)).order_by(UserRow.id)).all()
        return {
            row.id: Rater(id=row.id, platform=row.platform, name=row.name, role=row.role, since=row.created_at)
            for row in rows
        }

    def names(self) -> tuple[str, ...]:
        """Read what everybody who ever wrote is called, for their names to be masked."""
        with self._database.read() as connection:
            found = connection.execute(select(UserRow.name)).scalars().all()
        return tuple(sorted({name for name in found if name}))

    def count(self, since: datetime | None = None) -> int:
        """How many ratings were given and corrections approved, in all or since a time, that time included."""
        ratings = select(func.count()).select_from(RatingRow)
        corrections = (
            select(func.count()).select_from(CorrectionRow).where(CorrectionRow.status == CorrectionStatus.APPROVED)
        )
        if since is not None:
            ratings = ratings.where(RatingRow.rated_at >= since)
            corrections = corrections.where(CorrectionRow.decided_at >= since)
        with self._database.read() as connection:
            return connection.execute(ratings).scalar_one() + connection.execute(corrections).scalar_one()

    def given(self, since: datetime | None = None) -> frozenset[RatingId]:
        """Read which ratings were given and corrections approved, in all or since a time, that time included."""
        ratings = select(RatingRow.answer_id, RatingRow.user_id)
        corrections = select(CorrectionRow.id).where(CorrectionRow.status == CorrectionStatus.APPROVED)
        if since is not None:
            ratings = ratings.where(RatingRow.rated_at >= since)
            corrections = corrections.where(CorrectionRow.decided_at >= since)
        with self._database.read() as connection:
            found = [f"{row.answer_id}:{row.user_id}" for row in connection.execute(ratings)]
            return frozenset([*found, *(f"c:{row.id}" for row in connection.execute(corrections))])

    def questions(self, limit: int) -> tuple[tuple[str, RatingValue], ...]:
        """Read what was asked where an answer was rated, with the rating, newest rating first."""
        query = (
            select(MessageRow.text, RatingRow.value)
            .join_from(RatingRow, AnswerRow, AnswerRow.id == RatingRow.answer_id)
            .join(MessageRow, MessageRow.id == AnswerRow.message_id)
            .order_by(RatingRow.rated_at.desc(), RatingRow.answer_id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple((row.text, row.value) for row in connection.execute(query))


_RATINGS = select(
    RatingRow.answer_id, RatingRow.user_id, RatingRow.value, RatingRow.reason, RatingRow.comment, RatingRow.rated_at
).order_by(RatingRow.rated_at, RatingRow.user_id)
_CORRECTIONS = (
    select(
        CorrectionRow.id,
        CorrectionRow.answer_id,
        CorrectionRow.user_id,
        CorrectionRow.text,
        CorrectionRow.created_at,
        CorrectionRow.decided_at,
    )
    .where(CorrectionRow.status == CorrectionStatus.APPROVED)
    .order_by(CorrectionRow.id)
)
