"""What the learning loop keeps: runs, which versions gave an answer, what was asked of whom, outdated documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the columns and tables; rows that exist get the columns' defaults."""
    op.add_column("answers", sa.Column("versions", sa.String(), server_default="", nullable=False))
    op.create_index("ix_answers_created_at", "answers", ["created_at"])
    op.create_index("ix_ratings_rated_at", "ratings", ["rated_at"])
    op.add_column("corrections", sa.Column("decided_at", _TIME, nullable=True))
    op.create_table(
        "runs",
        sa.Column("id", _BIG_ID, nullable=False),
        sa.Column("tasks", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("user_id", _BIG_ID, nullable=True),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_runs_user_id_users", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_runs_state", "runs", ["state"])
    op.create_index("ix_runs_user_id", "runs", ["user_id"])
    op.create_table(
        "asks",
        sa.Column("answer_id", _BIG_ID, nullable=False),
        sa.Column("user_id", _BIG_ID, nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answers.id"], name="fk_asks_answer_id_answers", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_asks_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("answer_id", name="pk_asks"),
    )
    op.create_index("ix_asks_user_id_asked_at", "asks", ["user_id", "asked_at"])
    op.create_table(
        "document_tasks",
        sa.Column("uri", sa.String(), nullable=False),
        sa.Column("answer_id", _BIG_ID, nullable=False),
        sa.Column("user_id", _BIG_ID, nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("settled_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["answers.id"], name="fk_document_tasks_answer_id_answers", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_document_tasks_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("uri", "answer_id", name="pk_document_tasks"),
    )
    op.create_index("ix_document_tasks_answer_id", "document_tasks", ["answer_id"])
    op.create_index("ix_document_tasks_user_id", "document_tasks", ["user_id"])
    # as APScheduler's own job store has it
    op.create_table(
        "schedule_jobs",
        sa.Column("id", sa.Unicode(length=191), nullable=False),
        sa.Column("next_run_time", sa.Float(precision=25), nullable=True),
        sa.Column("job_state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedule_jobs"),
    )
    op.create_index("ix_schedule_jobs_next_run_time", "schedule_jobs", ["next_run_time"])
