"""Ratings and corrections: what people say about answers."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, func, insert, select

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.errors import StoreError
from bot.store.schema import AnswerRow, CorrectionRow, CorrectionStatus, RatingRow, UserRow
from bot.store.statements import upserting
from bot.types import Correction, Rating, RatingValue


class Ratings:
    """One rating a person and answer, and any number of corrections."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def rate(self, rating: Rating) -> bool:
        """Keep a rating in place of the one that the person gave this answer before.

        Returns:
            Whether anything changed; the same rating again does not.

        Raises:
            StoreError: There is no such answer or person.
        """
        with self._database.write() as connection:
            _refuse_unknown(connection, rating.answer_id, rating.user_id)
            if _find(connection, rating.answer_id, rating.user_id, lock=True) == rating:
                return False
            row = upserting(connection, RatingRow).values(
                answer_id=rating.answer_id,
                user_id=rating.user_id,
                value=rating.value,
                reason=rating.reason,
                comment=rating.comment,
                rated_at=self._clock(),
            )
            changed = {name: row.excluded[name] for name in ("value", "reason", "comment", "rated_at")}
            connection.execute(
                row.on_conflict_do_update(index_elements=[RatingRow.answer_id, RatingRow.user_id], set_=changed)
            )
        return True

    def withdraw(self, answer_id: int, user_id: int, value: RatingValue) -> bool:
        """Take a rating back, as when an emoji is removed; False if the person's rating is not this one."""
        gone = delete(RatingRow).where(
            RatingRow.answer_id == answer_id, RatingRow.user_id == user_id, RatingRow.value == value
        )
        with self._database.write() as connection:
            return connection.execute(gone).rowcount > 0

    def of(self, answer_id: int, user_id: int) -> Rating | None:
        """Read a person's rating of an answer."""
        with self._database.read() as connection:
            return _find(connection, answer_id, user_id)

    def correct(self, correction: Correction) -> int:
        """Keep a correction, for an admin to approve.

        Returns:
            Its id.

        Raises:
            StoreError: There is no such answer or person.
        """
        row = (
            insert(CorrectionRow)
            .values(
                answer_id=correction.answer_id,
                user_id=correction.user_id,
                text=correction.text,
                status=CorrectionStatus.PROPOSED,
                created_at=self._clock(),
            )
            .returning(CorrectionRow.id)
        )
        with self._database.write() as connection:
            _refuse_unknown(connection, correction.answer_id, correction.user_id)
            return connection.execute(row).scalar_one()

    def corrections(self, answer_id: int) -> tuple[Correction, ...]:
        """Read the corrections of an answer, oldest first."""
        query = select(CorrectionRow.answer_id, CorrectionRow.user_id, CorrectionRow.text)
        query = query.where(CorrectionRow.answer_id == answer_id).order_by(CorrectionRow.id)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(Correction(answer_id=row.answer_id, user_id=row.user_id, text=row.text) for row in rows)

    def tally(self) -> Mapping[RatingValue, int]:
        """Count the ratings by value; values that nobody gave count 0."""
        query = select(RatingRow.value, func.count()).group_by(RatingRow.value)
        with self._database.read() as connection:
            counts = dict(connection.execute(query).all())
        return {value: counts.get(value, 0) for value in RatingValue}


def _find(connection: Connection, answer_id: int, user_id: int, *, lock: bool = False) -> Rating | None:
    query = select(RatingRow.value, RatingRow.reason, RatingRow.comment).where(
        RatingRow.answer_id == answer_id, RatingRow.user_id == user_id
    )
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        return None
    return Rating(answer_id=answer_id, user_id=user_id, value=row.value, reason=row.reason, comment=row.comment)


def _refuse_unknown(connection: Connection, answer_id: int, user_id: int) -> None:
    if connection.execute(select(AnswerRow.id).where(AnswerRow.id == answer_id)).first() is None:
        raise StoreError(f"There is no answer {answer_id} to rate or correct.")
    if connection.execute(select(UserRow.id).where(UserRow.id == user_id)).first() is None:
        raise StoreError(f"There is no user {user_id} who could rate or correct.")
