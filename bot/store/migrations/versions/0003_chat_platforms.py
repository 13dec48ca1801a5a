"""Where messages come from, edits, posts that answer nothing, conversations given to people, what the bot waits for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns and tables; rows that exist get the columns' defaults."""
    op.add_column("users", sa.Column("language", sa.String(), server_default="", nullable=False))
    op.add_column("messages", sa.Column("reply_id", sa.String(), server_default="", nullable=False))
    op.add_column("messages", sa.Column("replaced", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("messages", sa.Column("first_event", sa.String(), server_default="", nullable=False))
    op.create_index("ix_messages_platform_first_event", "messages", ["platform", "first_event"])
    op.create_index("ix_conversations_platform_channel_thread", "conversations", ["platform", "channel", "thread"])
    op.add_column("answers", sa.Column("settled", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index("ix_deliveries_platform_message_id", "deliveries", ["platform_message_id"])
    op.create_table(
        "origins",
        sa.Column("message_id", _BIG_ID, nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name="fk_origins_message_id_messages", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name="pk_origins"),
    )
    _handoffs()
    _posts()
    op.create_table(
        "expectations",
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("user_id", _BIG_ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", _BIG_ID, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_expectations_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("platform", "channel", "thread", "user_id", name="pk_expectations"),
    )
    op.create_index("ix_expectations_user_id", "expectations", ["user_id"])


def _handoffs() -> None:
    op.create_table(
        "handoffs",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("conversation_id", _BIG_ID, nullable=False),
        sa.Column("user_id", _BIG_ID, nullable=False),
        sa.Column("question", sa.LargeBinary(), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=False),
        sa.Column("team_platform", sa.String(), nullable=False),
        sa.Column("team_channel", sa.String(), nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("resolved_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_handoffs_conversation_id_conversations",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_handoffs_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_handoffs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_handoffs_conversation_id_resolved_at", "handoffs", ["conversation_id", "resolved_at"])
    op.create_index("ix_handoffs_user_id", "handoffs", ["user_id"])


def _posts() -> None:
    op.create_table(
        "posts",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("handoff_id", _BIG_ID, nullable=True),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("platform_message_id", sa.String(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["handoff_id"], ["handoffs.id"], name="fk_posts_handoff_id_handoffs", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_posts"),
        sa.UniqueConstraint("key", name="uq_posts_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_posts_platform_state", "posts", ["platform", "state"])
    op.create_index("ix_posts_channel_platform_message_id", "posts", ["channel", "platform_message_id"])
    op.create_index("ix_posts_handoff_id", "posts", ["handoff_id"])
