"""Answers, what explains them, and how far they got on their way to the platform."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, select, update

from adapters.types import Task, original
from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.errors import NotWaitingError, StoreError
from bot.store.inbox import NOT_DIALOGUE
from bot.store.schema import (
    AnswerRow,
    ConversationRow,
    DeliveryRow,
    DeliveryState,
    MessageRow,
    MessageState,
    RatingRow,
    UserRow,
)
from bot.store.statements import batches, made_once, newest_version, still_unanswered
from bot.types import Answer, AnswerKind, Button, Outcome, RatingValue, Source, StoredAnswer, Trace

_VERSION: Final = re.compile(rf"({'|'.join(Task)})-\d+")  # an adapter version's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One part of an answer on its way to the platform."""

    part: int  # from 1
    platform_message_id: str  # "" until there is a message on the platform that it is edited into
    delivered_at: datetime | None  # aware, UTC; None until the whole part is there


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """A rating, as far as it says how content people are with a version."""

    user_id: int  # who gave it
    conversation_id: int
    up: bool
    rated_at: datetime  # aware, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What explains an answer; kept as one encrypted text."""

    sources: tuple[Source, ...]
    suggestions: tuple[str, ...]
    trace: Trace
    buttons: tuple[tuple[Button, ...], ...] = ()


_DETAIL = TypeAdapter(Detail)


class Answers:
    """Answers and their delivery."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def add(self, message_id: int, answer: Answer) -> StoredAnswer:
        """Keep an answer and mark its message answered, in one transaction.

        It waits to be delivered, in one part unless `plan_delivery` says otherwise.

        Returns:
            The stored answer; if the message has one already, that one, and the new one is dropped.

        Raises:
            NotWaitingError: There is no such message, or its sender took it back.
        """
        with self._database.write() as connection:
            answered = connection.execute(_IS_ANSWERED, {"message": message_id})
            if answered.rowcount == 0:
                raise NotWaitingError(f"There is no message {message_id} to answer.")
            values = {
                "message_id": message_id,
                "text": answer.text,
                "kind": answer.kind,
                "outcome": answer.outcome,
                "detail": dump_detail(answer),
                "versions": " ".join(versions_of(answer.trace)),
                "created_at": self._clock(),
            }
            answer_id: int | None = connection.execute(_ADD(connection), values).scalar_one_or_none()
            if answer_id is not None:
                _plan(connection, answer_id, [1])
            return _stored(connection.execute(_OF_MESSAGE, {"message": message_id}).one())

    def get(self, answer_id: int) -> StoredAnswer | None:
        """Read one answer."""
        return self._first(_answers().where(AnswerRow.id == answer_id))

    def of_message(self, message_id: int) -> StoredAnswer | None:
        """Read the answer to a message; None while there is none."""
        return self._first(_answers().where(AnswerRow.message_id == message_id))

    def of_messages(self, message_ids: Sequence[int]) -> tuple[StoredAnswer, ...]:
        """Read the answers to some messages."""
        return tuple(
            one
            for batch in batches(message_ids)
            for one in self._all(_answers().where(AnswerRow.message_id.in_(batch)))
        )

    def latest(self, conversation_id: int, *, user_id: int | None = None) -> StoredAnswer | None:
        """Read the answer to the newest answered question of a conversation; what commands said does not count.

        Args:
            conversation_id: Which.
            user_id: Of this person's questions; by default of everybody's.
        """
        query = _answers().where(MessageRow.conversation_id == conversation_id, AnswerRow.kind.not_in(NOT_DIALOGUE))
        if user_id is not None:
            query = query.where(MessageRow.user_id == user_id)
        return self._first(query.order_by(MessageRow.id.desc()).limit(1))

    def unanswered(self, limit: int) -> tuple[StoredAnswer, ...]:
        """Read the answers in which the bot had to abstain and that nobody has seen to yet, newest first."""
        query = _answers().where(still_unanswered())
        return self._all(query.order_by(AnswerRow.id.desc()).limit(limit))

    def settle(self, answer_ids: Sequence[int]) -> None:
        """Take questions off the list of the unanswered."""
        with self._database.write() as connection:
            connection.execute(update(AnswerRow).where(AnswerRow.id.in_(answer_ids)).values(settled=True))

    def by_message(self, platform: str, channel: str, platform_message_id: str) -> StoredAnswer | None:
        """Find the answer that a message of the platform is, or is a part of."""
        parts = select(DeliveryRow.answer_id).where(DeliveryRow.platform_message_id == platform_message_id)
        query = (
            _answers()
            .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
            .where(MessageRow.platform == platform, ConversationRow.channel == channel, AnswerRow.id.in_(parts))
        )
        # an edited question's answers share a message; the newest is what stands there
        return self._first(query.order_by(AnswerRow.id.desc()).limit(1))

    def counts(self, since: datetime) -> Mapping[tuple[AnswerKind, Outcome], int]:
        """Count the questions answered since a time by kind and outcome; what commands said is left out."""
        query = (
            select(AnswerRow.kind, AnswerRow.outcome, func.count())
            .where(AnswerRow.created_at >= since, AnswerRow.kind.not_in(NOT_DIALOGUE), newest_version())
            .group_by(AnswerRow.kind, AnswerRow.outcome)
        )
        with self._database.read() as connection:
            return {(kind, outcome): count for kind, outcome, count in connection.execute(query)}

    def votes(
        self, version: str = "", *, since: datetime | None = None, until: datetime | None = None
    ) -> tuple[Vote, ...]:
        """Read the ratings of answers, in the order in which they were given.

        Args:
            version: Only answers in which this adapter version had a say, or `adapters.types.original` of a task;
                "": those of every version.
            since: Only answers given from then on.
            until: Only answers given before.
        """
        query = (
            select(RatingRow.user_id, MessageRow.conversation_id, RatingRow.value, RatingRow.rated_at)
            .join(AnswerRow, AnswerRow.id == RatingRow.answer_id)
            .join(MessageRow, MessageRow.id == AnswerRow.message_id)
            .where(had_a_say(version) if version else AnswerRow.versions != "")
        )
        if since is not None:
            query = query.where(AnswerRow.created_at >= since)
        if until is not None:
            query = query.where(AnswerRow.created_at < until)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(RatingRow.rated_at, RatingRow.answer_id)).all()
        return tuple(
            Vote(
                user_id=row.user_id,
                conversation_id=row.conversation_id,
                up=row.value is RatingValue.UP,
                rated_at=row.rated_at,
            )
            for row in rows
        )

    def count_by(self, version: str, *, since: datetime) -> int:
        """How many answers a version had a say in since a time."""
        query = select(func.count()).select_from(AnswerRow)
        query = query.where(had_a_say(version), AnswerRow.created_at >= since)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def plan_delivery(self, answer_id: int, *, parts: int) -> None:
        """Say into how many parts an answer was cut, before the first is sent; saying it again changes nothing."""
        with self._database.write() as connection:
            _plan(connection, answer_id, range(1, parts + 1))

    def mark_delivered(self, answer_id: int, *, part: int, platform_message_id: str) -> None:
        """Note that a part reached the platform; the first id noted stays.

        Args:
            answer_id: Whose part it is.
            part: Which, from 1.
            platform_message_id: The id that the platform gave it.
        """
        with self._database.write() as connection:
            _plan(connection, answer_id, [part])
            now = self._clock()
            connection.execute(
                _ARRIVED, {"answer": answer_id, "number": part, "message": platform_message_id, "now": now}
            )

    def place_part(self, answer_id: int, *, part: int, platform_message_id: str) -> None:
        """Note the platform's message that a part will be edited into, before it is; "" for none any more."""
        with self._database.write() as connection:
            _plan(connection, answer_id, [part])
            connection.execute(_PLACED, {"answer": answer_id, "number": part, "message": platform_message_id})

    def abandon(self, answer_id: int) -> None:
        """Give up what is not delivered of an answer: its reader cannot be reached any more."""
        with self._database.write() as connection:
            connection.execute(
                update(DeliveryRow)
                .where(DeliveryRow.answer_id == answer_id, DeliveryRow.state == DeliveryState.PENDING)
                .values(state=DeliveryState.ABANDONED)
            )

    def deliveries(self, answer_id: int) -> tuple[Delivery, ...]:
        """Read the parts of an answer, in order; a front end that was interrupted goes on from here."""
        query = select(DeliveryRow.part, DeliveryRow.platform_message_id, DeliveryRow.delivered_at)
        query = query.where(DeliveryRow.answer_id == answer_id).order_by(DeliveryRow.part)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Delivery(part=row.part, platform_message_id=row.platform_message_id, delivered_at=row.delivered_at)
            for row in rows
        )

    def named(self, answer_ids: Sequence[int]) -> tuple[StoredAnswer, ...]:
        """Read some answers by id, ascending; those that are gone are left out."""
        found: list[StoredAnswer] = []
        for batch in batches(sorted(set(answer_ids))):
            found += self._all(_answers().where(AnswerRow.id.in_(batch)).order_by(AnswerRow.id))
        return tuple(found)

    def recent(self, limit: int) -> tuple[StoredAnswer, ...]:
        """Read the newest answers, newest first."""
        return self._all(_answers().order_by(AnswerRow.id.desc()).limit(limit))

    def undelivered(self, platform: str, *, sender: str | None = None) -> tuple[StoredAnswer, ...]:
        """Read the answers of which at least one part still waits, oldest first; only one sender's if named."""
        waiting = select(DeliveryRow.answer_id).where(DeliveryRow.state == DeliveryState.PENDING)
        query = _answers().where(MessageRow.platform == platform, AnswerRow.id.in_(waiting))
        if sender is not None:
            query = query.join(UserRow, UserRow.id == MessageRow.user_id).where(UserRow.platform_user_id == sender)
        return self._all(query.order_by(AnswerRow.id))

    def count(self) -> int:
        """How many answers there are."""
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(AnswerRow)).scalar_one()

    def _first(self, query: Select[*tuple[Any, ...]]) -> StoredAnswer | None:
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _stored(row)

    def _all(self, query: Select[*tuple[Any, ...]]) -> tuple[StoredAnswer, ...]:
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(_stored(row) for row in rows)


def _plan(connection: Connection, answer_id: int, parts: Sequence[int]) -> None:
    rows = [
        {
            "answer_id": answer_id,
            "part": part,
            "state": DeliveryState.PENDING,
            "platform_message_id": "",
            "delivered_at": None,
        }
        for part in parts
    ]
    if rows:
        connection.execute(_PLAN(connection), rows)


def had_a_say(version: str) -> ColumnElement[bool]:
    """Which answers an adapter version, or what a task began with, had a say in."""
    return (" " + AnswerRow.versions + " ").contains(f" {version} ")


def _answers() -> Select[*tuple[Any, ...]]:
    return select(
        AnswerRow.id,
        AnswerRow.message_id,
        MessageRow.conversation_id,
        MessageRow.text.label("question"),
        AnswerRow.text.label("answer_text"),
        AnswerRow.kind,
        AnswerRow.outcome,
        AnswerRow.detail,
        AnswerRow.created_at,
    ).join_from(AnswerRow, MessageRow)


_IS_ANSWERED = (
    update(MessageRow)
    .where(MessageRow.id == bindparam("message"), MessageRow.state != MessageState.FAILED)
    .values(state=MessageState.ANSWERED)
)
_ADD = made_once(
    AnswerRow,
    lambda insert: insert.on_conflict_do_nothing(index_elements=[AnswerRow.message_id]).returning(AnswerRow.id),
)
_OF_MESSAGE = _answers().where(AnswerRow.message_id == bindparam("message"))
_PLAN = made_once(DeliveryRow, lambda insert: insert.on_conflict_do_nothing())
_PART = update(DeliveryRow).where(DeliveryRow.answer_id == bindparam("answer"), DeliveryRow.part == bindparam("number"))
# of an answer that was given up as well: the one to the edit that took its place is to stand where its placeholder does
_PLACED = _PART.where(DeliveryRow.state != DeliveryState.DELIVERED).values(platform_message_id=bindparam("message"))
_ARRIVED = _PART.where(DeliveryRow.state == DeliveryState.PENDING).values(
    platform_message_id=bindparam("message"),
    state=DeliveryState.DELIVERED,
    delivered_at=bindparam("now", type_=DeliveryRow.delivered_at.type),
)


def _stored(row: Row[*tuple[Any, ...]]) -> StoredAnswer:
    detail = load_detail(row.id, row.detail)
    return StoredAnswer(
        id=row.id,
        message_id=row.message_id,
        conversation_id=row.conversation_id,
        question=row.question,
        answer=Answer(
            text=row.answer_text,
            kind=row.kind,
            outcome=row.outcome,
            sources=detail.sources,
            suggestions=detail.suggestions,
            trace=detail.trace,
            buttons=detail.buttons,
        ),
        created_at=row.created_at,
    )


def versions_of(trace: Trace) -> tuple[str, ...]:
    """The adapter versions that had a say in an answer: one of each task that was asked.

    A task whose version has no name of the registry is done as the program came.
    """
    if "intent" not in trace.versions:  # it never came as far as that
        return ()
    asked = [task for task in Task if task is not Task.GENERATOR or task.value in trace.versions]
    named = ((task, trace.versions.get(task.value, "")) for task in asked)
    return tuple(name if _VERSION.fullmatch(name) else original(task) for task, name in named)


def dump_detail(answer: Answer) -> str:
    """Write what explains an answer as JSON."""
    detail = Detail(sources=answer.sources, suggestions=answer.suggestions, trace=answer.trace, buttons=answer.buttons)
    # json, not pydantic, writes the text: it keeps lone surrogates and numbers that are not finite
    return json.dumps(_DETAIL.dump_python(detail), separators=(",", ":"))


def load_detail(answer_id: int, text: str) -> Detail:
    """Read what `dump_detail` wrote.

    Raises:
        StoreError: It is of another form, as from a newer version.
    """
    try:
        return _DETAIL.validate_python(json.loads(text))
    except (ValidationError, json.JSONDecodeError) as error:
        # "from None": pydantic quotes what it read, and that is people's text
        raise StoreError(
            f"Answer {answer_id} was stored in a form that this version of Burnish cannot read "
            f"({type(error).__name__}); run `burnish store check`."
        ) from None
