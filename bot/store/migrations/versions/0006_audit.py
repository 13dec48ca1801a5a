"""The audit log is looked through by time, and what people had said is taken out of it (`Audit.drop_words`)."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index; the words are encrypted, so the store itself takes them out."""
    op.create_index("ix_audit_at", "audit", ["at"])
