"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# A revision says by itself what it does, for all time: it takes nothing from the models, which go on changing.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WHEN = sa.DateTime(timezone=True)
_WORD = sa.String(length=32)


def upgrade() -> None:
    """Create everything."""
    _create_people()
    _create_conversations()
    _create_answers()
    _create_ratings()
    _create_knowledge()
    _create_records()


def _id() -> sa.Column[int]:
    return sa.Column("id", _ID, nullable=False)


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"), ondelete="CASCADE"
    )


def _create_people() -> None:
    op.create_table(
        "users",
        _id(),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("platform_user_id", sa.String(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("role", _WORD, nullable=False),
        sa.Column("created_at", _WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("platform", "platform_user_id", name=op.f("uq_users_platform_platform_user_id")),
        sqlite_autoincrement=True,
    )


def _create_conversations() -> None:
    op.create_table(
        "conversations",
        _id(),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("started_at", _WHEN, nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "messages",
        _id(),
        sa.Column("conversation_id", _ID, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("state", _WORD, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("received_at", _WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("platform", "event_id", name=op.f("uq_messages_platform_event_id")),
        _reference("messages", "conversation_id", "conversations"),
        _reference("messages", "user_id", "users"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_messages_conversation_id"), "messages", ["conversation_id"])
    op.create_index(op.f("ix_messages_user_id"), "messages", ["user_id"])
    op.create_index(op.f("ix_messages_platform_state"), "messages", ["platform", "state"])


def _create_answers() -> None:
    op.create_table(
        "answers",
        _id(),
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("kind", _WORD, nullable=False),
        sa.Column("outcome", _WORD, nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
        sa.UniqueConstraint("message_id", name=op.f("uq_answers_message_id")),
        _reference("answers", "message_id", "messages"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_answers_outcome"), "answers", ["outcome"])
    op.create_table(
        "deliveries",
        sa.Column("answer_id", _ID, nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", _WORD, nullable=False),
        sa.Column("platform_message_id", sa.String(), nullable=False),
        sa.Column("delivered_at", _WHEN, nullable=True),
        sa.PrimaryKeyConstraint("answer_id", "part", name=op.f("pk_deliveries")),
        _reference("deliveries", "answer_id", "answers"),
    )
    op.create_index(op.f("ix_deliveries_state"), "deliveries", ["state"])


def _create_ratings() -> None:
    op.create_table(
        "ratings",
        sa.Column("answer_id", _ID, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("value", _WORD, nullable=False),
        sa.Column("reason", _WORD, nullable=True),
        sa.Column("comment", sa.LargeBinary(), nullable=False),
        sa.Column("rated_at", _WHEN, nullable=False),
        sa.PrimaryKeyConstraint("answer_id", "user_id", name=op.f("pk_ratings")),
        _reference("ratings", "answer_id", "answers"),
        _reference("ratings", "user_id", "users"),
    )
    op.create_index(op.f("ix_ratings_user_id"), "ratings", ["user_id"])
    op.create_table(
        "corrections",
        _id(),
        sa.Column("answer_id", _ID, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("status", _WORD, nullable=False),
        sa.Column("created_at", _WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
        _reference("corrections", "answer_id", "answers"),
        _reference("corrections", "user_id", "users"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_corrections_answer_id"), "corrections", ["answer_id"])
    op.create_index(op.f("ix_corrections_user_id"), "corrections", ["user_id"])


def _create_knowledge() -> None:
    op.create_table(
        "documents",
        _id(),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("collection", sa.String(), nullable=False),
        sa.Column("title", sa.LargeBinary(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("chunk_count", sa.Integer(), nullable=False),
        sa.Column("ingested_at", _WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("collection", "uri", name=op.f("uq_documents_collection_uri")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_documents_source_collection"), "documents", ["source", "collection"])
    op.create_table(
        "chunks",
        _id(),
        sa.Column("document_id", _ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("anchor", sa.String(), nullable=False),
        sa.Column("title_path", sa.LargeBinary(), nullable=False),
        sa.Column("question", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("encoder", sa.String(), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chunks")),
        sa.UniqueConstraint("document_id", "ordinal", name=op.f("uq_chunks_document_id_ordinal")),
        _reference("chunks", "document_id", "documents"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_chunks_encoder"), "chunks", ["encoder"])


def _create_records() -> None:
    op.create_table(
        "audit",
        _id(),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("at", _WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        sqlite_autoincrement=True,
    )
    settings = op.create_table(
        "settings",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_settings")),
    )
    op.bulk_insert(settings, [{"key": "knowledge_revision", "value": "0"}])
