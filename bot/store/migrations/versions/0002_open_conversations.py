"""A conversation knows when it was last used, and only one is open in each place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add conversations.last_at, close all but the newest conversation of each place, and hold it so."""
    with op.batch_alter_table("conversations") as batch:
        batch.add_column(sa.Column("last_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE conversations SET last_at = COALESCE("
        "(SELECT MAX(received_at) FROM messages WHERE messages.conversation_id = conversations.id), started_at)"
    )
    op.execute(
        "UPDATE conversations SET closed = TRUE WHERE NOT closed AND EXISTS ("
        "SELECT 1 FROM conversations AS newer WHERE newer.platform = conversations.platform "
        "AND newer.channel = conversations.channel AND newer.thread = conversations.thread "
        "AND NOT newer.closed AND newer.id > conversations.id)"
    )
    # SQLite rebuilds the table here, and would forget AUTOINCREMENT if it were not said again
    with op.batch_alter_table("conversations", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.alter_column("last_at", existing_type=sa.DateTime(timezone=True), nullable=False)
    op.create_index(
        "uq_conversations_open",
        "conversations",
        ["platform", "channel", "thread"],
        unique=True,
        sqlite_where=sa.text("closed = 0"),
        postgresql_where=sa.text("NOT closed"),
    )
