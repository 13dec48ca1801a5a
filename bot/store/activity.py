"""What people did so far, counted: for whoever looks after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from bot.store.engine import Database
from bot.store.inbox import NOT_DIALOGUE
from bot.store.schema import AnswerRow, MessageRow, RatingRow
from bot.store.statements import newest_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What somebody did; nobody's words are in it."""

    questions: int = 0
    ratings: int = 0
    last_at: datetime | None = None  # of their newest message, aware, UTC; None: none is kept

    def __add__(self, other: Activity) -> Activity:
        """What two selves of one person did."""
        times = [one for one in (self.last_at, other.last_at) if one is not None]
        return Activity(
            questions=self.questions + other.questions,
            ratings=self.ratings + other.ratings,
            last_at=max(times, default=None),
        )


class Activities:
    """Who did how much."""

    def __init__(self, database: Database) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database

    def by_person(self) -> Mapping[int, Activity]:
        """Count everything, by the ids of people; whoever did nothing is left out."""
        wrote = select(MessageRow.user_id, func.max(MessageRow.received_at)).group_by(MessageRow.user_id)
        asked = (
            select(MessageRow.user_id, func.count())
            .join(AnswerRow, AnswerRow.message_id == MessageRow.id)
            .where(AnswerRow.kind.not_in(NOT_DIALOGUE), newest_version())
            .group_by(MessageRow.user_id)
        )
        rated = select(RatingRow.user_id, func.count()).group_by(RatingRow.user_id)
        with self._database.read() as connection:
            last = {row[0]: row[1] for row in connection.execute(wrote)}
            questions = {row[0]: row[1] for row in connection.execute(asked)}
            ratings = {row[0]: row[1] for row in connection.execute(rated)}
        return {
            person: Activity(
                questions=questions.get(person, 0), ratings=ratings.get(person, 0), last_at=last.get(person)
            )
            for person in {*last, *ratings}
        }
