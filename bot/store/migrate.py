"""Schema revisions: which one a store has, and the way to the newest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.store.errors import StoreError
from bot.store.schema import Base

_FOLDER = Path(__file__).parent / "migrations"


def head_revision() -> str:
    """The newest revision that this version of Burnish knows."""
    head = ScriptDirectory(str(_FOLDER)).get_current_head()
    if head is None:
        raise StoreError("This installation of Burnish lacks its migrations; install it again.")
    return head


def known_revisions() -> tuple[str, ...]:
    """All revisions, oldest first."""
    return tuple(reversed([script.revision for script in ScriptDirectory(str(_FOLDER)).walk_revisions()]))


def current_revision(connection: Connection) -> str | None:
    """The revision that a store has; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def refuse_newer(revision: str | None, name: str) -> None:
    """Stop at a store that a newer Burnish made.

    Raises:
        StoreError: The revision is not known here.
    """
    if revision is not None and revision not in known_revisions():
        raise StoreError(
            f"{name} was made by a newer version of Burnish (schema {revision}, this one knows up to "
            f"{head_revision()}); update Burnish."
        )


def upgrade(connection: Connection, *, to: str = "head") -> tuple[str, ...]:
    """Apply the revisions that are missing.

    Args:
        connection: From `Database.rebuild`.
        to: The revision to stop at.

    Returns:
        What was applied, oldest first.
    """
    applied: list[str] = []

    def on_version_apply(*, step: Any, **_: object) -> None:  # noqa: ANN401 - Alembic's MigrationInfo is not typed here
        applied.append(step.up_revision_id)

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["on_version_apply"] = on_version_apply
    command.upgrade(config, to)
    return tuple(applied)


def schema_differences(connection: Connection) -> tuple[str, ...]:
    """Compare the tables as they are with the models; one readable phrase for each difference."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    differences: list[Any] = compare_metadata(context, Base.metadata)
    return tuple(_phrase(difference) for difference in differences)


def _phrase(difference: Any) -> str:  # noqa: ANN401 - Alembic gives tuples of many shapes, and lists of them
    if isinstance(difference, list):
        return "; ".join(_phrase(one) for one in difference)
    verb, *rest = difference
    names = [str(getattr(part, "name", part)) for part in rest if part is not None]
    return f"{str(verb).replace('_', ' ')}: {' '.join(names)}"
