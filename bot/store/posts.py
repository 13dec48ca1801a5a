"""Posts: what the bot says without having been asked, each exactly once however often it is asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, select, update

from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.schema import DeliveryState, PostRow
from bot.store.statements import upserting
from bot.types import Button


@dataclass(frozen=True, slots=True, kw_only=True)
class PostBody:
    """What a post says."""

    text: str = field(repr=False)  # Markdown
    # What people wrote, shown below the text, Markdown; not kept once it is there, nor when somebody is forgotten.
    quotes: str = field(default="", repr=False)
    buttons: tuple[tuple[Button, ...], ...] = ()  # rows
    under: str = ""  # the key of the post that it continues: as a reply to it, or in its thread
    reply_to: str = ""  # the platform's id of the message that it answers; "" for none, or where it is `under` a post
    person: str = ""  # the platform's id of whoever alone it is for, wherever that person was; "" for all in its place
    picture: str = ""  # path of a PNG file that it shows, with the text as its caption; "" for none

    @property
    def shown(self) -> str:
        """Everything that it says."""
        return "\n\n".join(filter(None, (self.text, self.quotes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Something to be said in a place."""

    id: int
    key: str
    handoff_id: int | None  # whose exchange it belongs to
    platform: str
    channel: str
    thread: str
    body: PostBody
    platform_message_id: str  # "" until there is a message on the platform that it is edited into
    waits: bool  # whether it still has to be sent
    created_at: datetime  # aware, UTC


_BODY = TypeAdapter(PostBody)
_POST = (
    PostRow.id,
    PostRow.key,
    PostRow.handoff_id,
    PostRow.platform,
    PostRow.channel,
    PostRow.thread,
    PostRow.body,
    PostRow.platform_message_id,
    PostRow.state,
    PostRow.created_at,
)


class Posts:
    """Posts and how far they got."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def add(
        self, key: str, body: PostBody, *, platform: str, channel: str, thread: str = "", handoff_id: int | None = None
    ) -> Post:
        """Keep a post to be sent; the same key again gives the post that is there, unchanged."""
        with self._database.write() as connection:
            insert = upserting(connection, PostRow).values(
                key=key,
                handoff_id=handoff_id,
                platform=platform,
                channel=channel,
                thread=thread,
                body=_written(body),
                state=DeliveryState.PENDING,
                platform_message_id="",
                created_at=self._clock(),
            )
            connection.execute(insert.on_conflict_do_nothing(index_elements=[PostRow.key]))
            return _post(connection.execute(select(*_POST).where(PostRow.key == key)).one())

    def pending(self, platform: str) -> tuple[Post, ...]:
        """Read the posts that still have to be sent, oldest first."""
        query = select(*_POST).where(PostRow.platform == platform, PostRow.state == DeliveryState.PENDING)
        with self._database.read() as connection:
            return tuple(_post(row) for row in connection.execute(query.order_by(PostRow.id)))

    def in_place(self, platform: str, channel: str, *, limit: int) -> tuple[Post, ...]:
        """Read the last posts of a place, oldest first; those that were given up are left out."""
        query = (
            select(*_POST)
            .where(PostRow.platform == platform, PostRow.channel == channel, PostRow.state != DeliveryState.ABANDONED)
            .order_by(PostRow.id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(_post(row) for row in reversed(connection.execute(query).all()))

    def get(self, post_id: int) -> Post | None:
        """Read one."""
        with self._database.read() as connection:
            row = connection.execute(select(*_POST).where(PostRow.id == post_id)).first()
        return None if row is None else _post(row)

    def by_message(self, platform: str, channel: str, platform_message_id: str) -> Post | None:
        """Find the post that a message of the platform is."""
        query = select(*_POST).where(
            PostRow.platform == platform,
            PostRow.channel == channel,
            PostRow.platform_message_id == platform_message_id,
        )
        with self._database.read() as connection:
            row = connection.execute(query.limit(1)).first()
        return None if row is None else _post(row)

    def by_key(self, key: str) -> Post | None:
        """Find a post by what makes it the same."""
        with self._database.read() as connection:
            row = connection.execute(select(*_POST).where(PostRow.key == key)).first()
        return None if row is None else _post(row)

    def placed(self, post_id: int, platform_message_id: str) -> None:
        """Note the platform's message that the post will be edited into."""
        self._change(post_id, platform_message_id=platform_message_id)

    def delivered(self, post_id: int, platform_message_id: str) -> None:
        """Note that the whole post is there, in this message of the platform."""
        with self._database.write() as connection:
            _close(connection, post_id, state=DeliveryState.DELIVERED, platform_message_id=platform_message_id)

    def abandon(self, post_id: int) -> None:
        """Give a post up: its place cannot be reached any more."""
        with self._database.write() as connection:
            _close(connection, post_id, state=DeliveryState.ABANDONED)

    def _change(self, post_id: int, **values: Any) -> None:  # noqa: ANN401 - whatever the columns take
        with self._database.write() as connection:
            connection.execute(update(PostRow).where(PostRow.id == post_id).values(**values))


def drop_quotes(connection: Connection) -> None:
    """Let no post that still waits quote anybody; one that says nothing else is given up."""
    waiting = select(PostRow.id, PostRow.body).where(PostRow.state == DeliveryState.PENDING)
    for post_id, text in connection.execute(waiting).all():
        body = _read(text)
        if body.quotes and not body.text:
            _close(connection, post_id, state=DeliveryState.ABANDONED)
        elif body.quotes:
            connection.execute(update(PostRow).where(PostRow.id == post_id).values(body=_unquoted(body)))


def _close(connection: Connection, post_id: int, **values: Any) -> None:  # noqa: ANN401 - whatever the columns take
    """Note how a post ended, and keep no quotes of it."""
    text = connection.execute(select(PostRow.body).where(PostRow.id == post_id)).scalar_one_or_none()
    if text is not None:
        values["body"] = _unquoted(_read(text))
        connection.execute(update(PostRow).where(PostRow.id == post_id).values(**values))


def _read(text: str) -> PostBody:
    return _BODY.validate_python(json.loads(text))


def _written(body: PostBody) -> str:
    return json.dumps(_BODY.dump_python(body, mode="json"))


def _unquoted(body: PostBody) -> str:
    return _written(replace(body, quotes=""))


def _post(row: Row[*tuple[Any, ...]]) -> Post:
    return Post(
        id=row.id,
        key=row.key,
        handoff_id=row.handoff_id,
        platform=row.platform,
        channel=row.channel,
        thread=row.thread,
        body=_read(row.body),
        platform_message_id=row.platform_message_id,
        waits=row.state is DeliveryState.PENDING,
        created_at=row.created_at,
    )
