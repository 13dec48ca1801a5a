"""The tables, as the newest migration leaves them.

Whatever a person wrote or is called is an EncryptedText; what stays readable in the file are platform ids, file
names and web addresses of documents, labels, numbers and times. Embeddings stay readable too: whoever has the file
and the encoder can tell roughly what a passage is about, not read it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Unicode,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bot.store.columns import BigId, EncryptedText, UtcDateTime, enum_column
from bot.types import AnswerKind, Outcome, RatingReason, RatingValue, Role

# Fixed names let a migration drop a constraint on both databases.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
_NEVER_REUSE_IDS = {"sqlite_autoincrement": True}  # PostgreSQL's sequences never do


class MessageState(StrEnum):
    """Where a message of the inbox stands."""

    PENDING = "pending"
    ANSWERED = "answered"
    FAILED = "failed"


class DeliveryState(StrEnum):
    """Where one part of an answer stands on its way to the platform."""

    PENDING = "pending"
    DELIVERED = "delivered"
    ABANDONED = "abandoned"  # its reader cannot be reached any more: left the chat, blocked the bot


class CorrectionStatus(StrEnum):
    """What became of a correction."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class RunState(StrEnum):
    """Where a training run stands."""

    RUNNING = "running"
    DONE = "done"  # it came to a decision
    FAILED = "failed"  # it broke, or ran into a limit
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # the program ended while it ran


class Base(DeclarativeBase):
    """What the tables share."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcDateTime, str: String, bytes: LargeBinary}


class UserRow(Base):
    """A person on one platform."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("platform", "platform_user_id"), _NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    platform: Mapped[str]
    platform_user_id: Mapped[str]
    name: Mapped[str] = mapped_column(EncryptedText("users.name"))
    role: Mapped[Role] = mapped_column(enum_column(Role))
    language: Mapped[str] = mapped_column(server_default="")  # that the person chose; "" for none
    created_at: Mapped[datetime]


class ConversationRow(Base):
    """What is said in one place without a long pause; at most one is open in each place."""

    __tablename__ = "conversations"
    __table_args__ = (
        Index(
            "uq_conversations_open",
            "platform",
            "channel",
            "thread",
            unique=True,
            sqlite_where=text("closed = 0"),
            postgresql_where=text("NOT closed"),
        ),
        Index(None, "platform", "channel", "thread"),
        _NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    platform: Mapped[str]
    channel: Mapped[str]
    thread: Mapped[str]
    started_at: Mapped[datetime]
    last_at: Mapped[datetime]  # when its newest message was received
    closed: Mapped[bool] = mapped_column(Boolean)


class MessageRow(Base):
    """The durable inbox."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("platform", "event_id"),
        Index(None, "platform", "state"),
        Index(None, "platform", "first_event"),
        _NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(BigId, ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    platform: Mapped[str]
    event_id: Mapped[str]
    text: Mapped[str] = mapped_column(EncryptedText("messages.text"))
    state: Mapped[MessageState] = mapped_column(enum_column(MessageState))
    attempts: Mapped[int] = mapped_column(Integer)
    # the platform's id of the message that the answer is edited into; "" before there is one
    reply_id: Mapped[str] = mapped_column(server_default="")
    replaced: Mapped[bool] = mapped_column(Boolean, server_default=false())  # its sender edited it; history skips it
    first_event: Mapped[str] = mapped_column(server_default="")  # event id of the first version; "" for that itself
    received_at: Mapped[datetime]


class OriginRow(Base):
    """What the platform said of a message besides its words."""

    __tablename__ = "origins"

    message_id: Mapped[int] = mapped_column(BigId, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    detail: Mapped[str] = mapped_column(EncryptedText("origins.detail"))  # JSON: bot.types.Origin


class AnswerRow(Base):
    """What the bot said; at most one for each message."""

    __tablename__ = "answers"
    __table_args__ = (Index(None, "outcome"), Index(None, "created_at"), _NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    message_id: Mapped[int] = mapped_column(BigId, ForeignKey("messages.id", ondelete="CASCADE"), unique=True)
    text: Mapped[str] = mapped_column(EncryptedText("answers.text"))
    kind: Mapped[AnswerKind] = mapped_column(enum_column(AnswerKind))
    outcome: Mapped[Outcome] = mapped_column(enum_column(Outcome))
    detail: Mapped[str] = mapped_column(EncryptedText("answers.detail"))  # JSON: sources, suggestions, trace, buttons
    settled: Mapped[bool] = mapped_column(
        Boolean, server_default=false()
    )  # an admin has seen to this unanswered question
    versions: Mapped[str] = mapped_column(server_default="")  # names of the adapter versions that gave it, by spaces
    created_at: Mapped[datetime]


class DeliveryRow(Base):
    """One part of an answer on its way to the platform; long answers have several."""

    __tablename__ = "deliveries"
    __table_args__ = (Index(None, "state"), Index(None, "platform_message_id"))

    answer_id: Mapped[int] = mapped_column(BigId, ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)  # from 1
    state: Mapped[DeliveryState] = mapped_column(enum_column(DeliveryState))
    platform_message_id: Mapped[str]  # "" until there is a message on the platform that the part is edited into
    delivered_at: Mapped[datetime | None]


class RatingRow(Base):
    """One person's rating of one answer."""

    __tablename__ = "ratings"
    __table_args__ = (Index(None, "rated_at"),)

    answer_id: Mapped[int] = mapped_column(BigId, ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    value: Mapped[RatingValue] = mapped_column(enum_column(RatingValue))
    reason: Mapped[RatingReason | None] = mapped_column(enum_column(RatingReason))
    comment: Mapped[str] = mapped_column(EncryptedText("ratings.comment"))
    rated_at: Mapped[datetime]


class CorrectionRow(Base):
    """What somebody says the right answer is."""

    __tablename__ = "corrections"
    __table_args__ = (_NEVER_REUSE_IDS,)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    answer_id: Mapped[int] = mapped_column(BigId, ForeignKey("answers.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(EncryptedText("corrections.text"))
    status: Mapped[CorrectionStatus] = mapped_column(enum_column(CorrectionStatus))
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class PostRow(Base):
    """Something to be said that answers no message: a question passed on to people, a notice."""

    __tablename__ = "posts"
    __table_args__ = (
        UniqueConstraint("key"),
        Index(None, "platform", "state"),
        Index(None, "channel", "platform_message_id"),
        _NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str]  # what makes it the same post when it is asked for again: "handoff:3:question"
    handoff_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("handoffs.id", ondelete="CASCADE"), index=True
    )  # whose exchange it belongs to
    platform: Mapped[str]
    channel: Mapped[str]
    thread: Mapped[str]
    body: Mapped[str] = mapped_column(EncryptedText("posts.body"))  # JSON: text and buttons
    state: Mapped[DeliveryState] = mapped_column(enum_column(DeliveryState))
    platform_message_id: Mapped[str]  # "" until there is a message on the platform
    created_at: Mapped[datetime]


class HandoffRow(Base):
    """A conversation that was given to people; the bot is silent in it until they are done."""

    __tablename__ = "handoffs"
    __table_args__ = (Index(None, "conversation_id", "resolved_at"), _NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    conversation_id: Mapped[int] = mapped_column(BigId, ForeignKey("conversations.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)  # the asker
    question: Mapped[str] = mapped_column(EncryptedText("handoffs.question"))
    reply: Mapped[str] = mapped_column(EncryptedText("handoffs.reply"))  # the last thing that people said; "" before
    team_platform: Mapped[str]  # where the people are
    team_channel: Mapped[str]
    opened_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]


class ExpectationRow(Base):
    """What the bot waits to be told by somebody in a place: the right answer, say. The next text there is it."""

    __tablename__ = "expectations"
    __table_args__ = (Index(None, "user_id"),)

    platform: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    thread: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str]  # bot.types.Wanted
    subject: Mapped[int] = mapped_column(BigId)  # id of the answer it is about
    expires_at: Mapped[datetime]


class DocumentRow(Base):
    """A document of the knowledge base."""

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("collection", "uri"),
        Index(None, "source", "collection"),
        _NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str]
    uri: Mapped[str]
    collection: Mapped[str]
    title: Mapped[str] = mapped_column(EncryptedText("documents.title"))
    language: Mapped[str]
    media_type: Mapped[str]
    digest: Mapped[str]
    chunk_count: Mapped[int] = mapped_column(Integer)  # how many it was stored with; `check` counts again
    ingested_at: Mapped[datetime]


class ChunkRow(Base):
    """A chunk with its vector; the wide column stands last, so that reading the others does not walk over it."""

    __tablename__ = "chunks"
    __table_args__ = (UniqueConstraint("document_id", "ordinal"), _NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    document_id: Mapped[int] = mapped_column(BigId, ForeignKey("documents.id", ondelete="CASCADE"))
    ordinal: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str]  # knowledge.types.ChunkKind
    anchor: Mapped[str]
    title_path: Mapped[str] = mapped_column(EncryptedText("chunks.title_path"))  # JSON list
    question: Mapped[str] = mapped_column(EncryptedText("chunks.question"))
    text: Mapped[str] = mapped_column(EncryptedText("chunks.text"))
    encoder: Mapped[str] = mapped_column(index=True)  # name of the encoder that made the vector
    embedding: Mapped[bytes]  # float32, little-endian


class RunRow(Base):
    """A training run, from its start on."""

    __tablename__ = "runs"
    __table_args__ = (Index(None, "state"), _NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    tasks: Mapped[str]  # adapters.types.Task, by spaces
    cause: Mapped[str]  # why it was started: bot.learning.types.Cause
    # who asked for it, and where the answer to that is; None and "" for nobody
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("users.id", ondelete="SET NULL"), index=True)
    platform: Mapped[str]
    channel: Mapped[str]
    thread: Mapped[str]
    state: Mapped[RunState] = mapped_column(enum_column(RunState))
    detail: Mapped[str] = mapped_column(EncryptedText("runs.detail"))  # JSON: what came of it
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class AskRow(Base):
    """An answer of which somebody was asked what they think."""

    __tablename__ = "asks"
    __table_args__ = (Index(None, "user_id", "asked_at"),)

    answer_id: Mapped[int] = mapped_column(BigId, ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"))
    asked_at: Mapped[datetime]


class DocumentTaskRow(Base):
    """A document that somebody called out of date, for an admin to look at."""

    __tablename__ = "document_tasks"

    uri: Mapped[str] = mapped_column(primary_key=True)
    answer_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    opened_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class ScheduleJobRow(Base):
    """APScheduler's jobs; the columns are those of its own job store."""

    __tablename__ = "schedule_jobs"

    id: Mapped[str] = mapped_column(Unicode(191), primary_key=True)
    next_run_time: Mapped[float | None] = mapped_column(Float(25), index=True)
    job_state: Mapped[bytes]


class ApiKeyRow(Base):
    """A program's key to the API."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("digest"), _NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str]
    digest: Mapped[str]  # SHA-256 of the key, which is random and long
    scopes: Mapped[str]  # bot.types.Scope, by spaces
    requests_per_minute: Mapped[int | None] = mapped_column(Integer)  # None: what the settings say
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]  # to the minute
    revoked_at: Mapped[datetime | None]


class WebSessionRow(Base):
    """A browser that is known by its cookie."""

    __tablename__ = "web_sessions"

    digest: Mapped[str] = mapped_column(primary_key=True)  # SHA-256 of the cookie, which is random and long
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    csrf: Mapped[str]  # what a request that changes something has to bring along
    logged_in: Mapped[bool] = mapped_column(Boolean)  # False: a visitor of an open page
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class LoginLinkRow(Base):
    """A link by which somebody logs in once."""

    __tablename__ = "login_links"

    digest: Mapped[str] = mapped_column(primary_key=True)  # SHA-256 of the link's code
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]


class PasswordRow(Base):
    """How somebody without a chat platform logs in."""

    __tablename__ = "passwords"

    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    hash: Mapped[str]  # Argon2id
    changed_at: Mapped[datetime]


class AuditRow(Base):
    """Who did what."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "at"), _NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    actor: Mapped[str]
    action: Mapped[str]
    place: Mapped[str]
    detail: Mapped[str] = mapped_column(EncryptedText("audit.detail"))
    at: Mapped[datetime]


class SettingRow(Base):
    """What the program itself remembers; never a person's text."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
