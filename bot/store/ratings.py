"""Ratings and corrections: what people say about answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, or_, select, update

from adapters.examples import RatingId
from bot.store.answers import load_detail
from bot.store.clock import Clock
from bot.store.document_tasks import follow_ratings
from bot.store.engine import Database
from bot.store.errors import StoreError
from bot.store.people import Person
from bot.store.schema import AnswerRow, CorrectionRow, CorrectionStatus, MessageRow, RatingRow, UserRow
from bot.store.statements import upserting
from bot.types import Correction, Rating, RatingReason, RatingValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A correction as an admin sees it."""

    id: int
    answer_id: int
    question: str = field(repr=False)
    text: str = field(repr=False)  # what somebody says the right answer is
    waits: bool  # whether nobody has decided yet
    created_at: datetime  # aware, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A correction that was approved, and so is live."""

    correction_id: int
    person: Person  # who gave it
    question: str = field(repr=False)


class Ratings:
    """One rating a person and answer, and any number of corrections."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock
        self.heard: Callable[[RatingValue], None] = lambda _: None  # told of each rating that was kept

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
            self._follow(connection, rating.answer_id)
        self.heard(rating.value)
        return True

    def withdraw(self, answer_id: int, user_id: int, value: RatingValue) -> bool:
        """Take a rating back, as when an emoji is removed; False if the person's rating is not this one."""
        gone = delete(RatingRow).where(
            RatingRow.answer_id == answer_id, RatingRow.user_id == user_id, RatingRow.value == value
        )
        with self._database.write() as connection:
            if connection.execute(gone).rowcount == 0:
                return False
            self._follow(connection, answer_id)
        return True

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

    def find(self, correction: Correction) -> int | None:
        """Find the id of a correction that was kept before, the same in every word; None if there is none."""
        query = select(CorrectionRow.id, CorrectionRow.text).where(
            CorrectionRow.answer_id == correction.answer_id, CorrectionRow.user_id == correction.user_id
        )
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(CorrectionRow.id)).all()
        return next((row.id for row in rows if row.text == correction.text), None)

    def proposal(self, correction_id: int) -> Proposal | None:
        """Read one correction with the question that it answers."""
        with self._database.read() as connection:
            row = connection.execute(_proposals().where(CorrectionRow.id == correction_id)).first()
        return None if row is None else _proposal(row)

    def proposed(self, limit: int) -> tuple[Proposal, ...]:
        """Read the corrections that wait for an admin, oldest first."""
        query = _proposals().where(CorrectionRow.status == CorrectionStatus.PROPOSED)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(CorrectionRow.id).limit(limit)).all()
        return tuple(_proposal(row) for row in rows)

    def decide(self, correction_id: int, *, approved: bool, text: str = "") -> bool:
        """Approve or reject a correction; False if there is none that waits for it.

        Args:
            correction_id: Which.
            approved: Else it is rejected.
            text: What it says from now on, where an admin changed it; "" leaves it as it is.
        """
        status = CorrectionStatus.APPROVED if approved else CorrectionStatus.REJECTED
        change = update(CorrectionRow).where(
            CorrectionRow.id == correction_id, CorrectionRow.status == CorrectionStatus.PROPOSED
        )
        change = change.values(status=status, decided_at=self._clock(), **({"text": text} if text else {}))
        with self._database.write() as connection:
            return connection.execute(change).rowcount > 0

    def fixes(self, since: datetime) -> tuple[Fix, ...]:
        """Read the corrections that were approved since a time, that time included, oldest first."""
        query = (
            select(
                CorrectionRow.id.label("correction_id"),
                MessageRow.text.label("question"),
                UserRow.id,
                UserRow.platform,
                UserRow.platform_user_id,
                UserRow.name,
                UserRow.role,
                UserRow.language,
            )
            .join_from(CorrectionRow, UserRow, UserRow.id == CorrectionRow.user_id)
            .join(AnswerRow, AnswerRow.id == CorrectionRow.answer_id)
            .join(MessageRow, MessageRow.id == AnswerRow.message_id)
            .where(CorrectionRow.status == CorrectionStatus.APPROVED, CorrectionRow.decided_at >= since)
            .order_by(CorrectionRow.id)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Fix(
                correction_id=row.correction_id,
                question=row.question,
                person=Person(
                    id=row.id,
                    platform=row.platform,
                    platform_user_id=row.platform_user_id,
                    name=row.name,
                    role=row.role,
                    language=row.language,
                ),
            )
            for row in rows
        )

    def ids_of(self, user_id: int) -> tuple[RatingId, ...]:
        """What goes when a person is forgotten, as the lineage of a version names it.

        That is what they said of answers, and what others said of the answers that they were given.
        """
        theirs = or_(MessageRow.user_id == user_id, RatingRow.user_id == user_id)
        rated = select(RatingRow.answer_id, RatingRow.user_id).join(AnswerRow).join(MessageRow).where(theirs)
        proposed = or_(MessageRow.user_id == user_id, CorrectionRow.user_id == user_id)
        corrected = select(CorrectionRow.id).join(AnswerRow).join(MessageRow).where(proposed)
        with self._database.read() as connection:
            ratings = [f"{row.answer_id}:{row.user_id}" for row in connection.execute(rated)]
            return (*ratings, *(f"c:{row.id}" for row in connection.execute(corrected)))

    def reasons(self, since: datetime) -> Mapping[RatingReason | None, int]:
        """Count the 👎 given since a time by their reason; None where none was given."""
        query = (
            select(RatingRow.reason, func.count())
            .where(RatingRow.value == RatingValue.DOWN, RatingRow.rated_at >= since)
            .group_by(RatingRow.reason)
        )
        with self._database.read() as connection:
            return dict(connection.execute(query).all())

    def tally(self, since: datetime | None = None) -> Mapping[RatingValue, int]:
        """Count the ratings by value, all or those given since a time; values that nobody gave count 0."""
        query = select(RatingRow.value, func.count()).group_by(RatingRow.value)
        if since is not None:
            query = query.where(RatingRow.rated_at >= since)
        with self._database.read() as connection:
            counts = dict(connection.execute(query).all())
        return {value: counts.get(value, 0) for value in RatingValue}

    def _follow(self, connection: Connection, answer_id: int) -> None:
        """Let the list of outdated documents follow what is said of an answer."""
        detail = connection.execute(select(AnswerRow.detail).where(AnswerRow.id == answer_id)).scalar_one()
        uris = [source.uri for source in load_detail(answer_id, detail).sources]
        follow_ratings(connection, answer_id, uris, now=self._clock())


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


def _proposals() -> Select[*tuple[Any, ...]]:
    return (
        select(
            CorrectionRow.id,
            CorrectionRow.answer_id,
            MessageRow.text.label("question"),
            CorrectionRow.text.label("proposed"),
            CorrectionRow.status,
            CorrectionRow.created_at,
        )
        .join_from(CorrectionRow, AnswerRow, AnswerRow.id == CorrectionRow.answer_id)
        .join(MessageRow, MessageRow.id == AnswerRow.message_id)
    )


def _proposal(row: Row[*tuple[Any, ...]]) -> Proposal:
    return Proposal(
        id=row.id,
        answer_id=row.answer_id,
        question=row.question,
        text=row.proposed,
        waits=row.status is CorrectionStatus.PROPOSED,
        created_at=row.created_at,
    )
