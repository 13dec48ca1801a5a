"""Training runs: who asked for each, where it stands, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, insert, select, update

from adapters.types import Task
from bot.store.clock import Clock
from bot.store.engine import Database
from bot.store.schema import RunRow, RunState
from bot.store.statements import write_setting

CANCEL = "learning_cancel"  # setting: id of the run that somebody wants to stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asked for a run, and where the answer to that is; the defaults are nobody."""

    user_id: int | None = None
    platform: str = ""
    channel: str = ""
    thread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A training run."""

    id: int
    tasks: tuple[Task, ...]
    cause: str  # bot.learning.types.Cause
    asker: Asker
    state: RunState
    detail: str = field(repr=False)  # JSON: bot.learning.types.RunDetail; "" before the end
    started_at: datetime  # aware, UTC
    ended_at: datetime | None


_RUN = (
    RunRow.id,
    RunRow.tasks,
    RunRow.cause,
    RunRow.user_id,
    RunRow.platform,
    RunRow.channel,
    RunRow.thread,
    RunRow.state,
    RunRow.detail,
    RunRow.started_at,
    RunRow.ended_at,
)


class Runs:
    """Runs from their start on. A run ends once: what ended it first counts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def begin(self, tasks: Sequence[Task], *, cause: str, asker: Asker) -> Run:
        """Note that a run begins."""
        row = insert(RunRow).values(
            tasks=" ".join(task.value for task in tasks),
            cause=cause,
            user_id=asker.user_id,
            platform=asker.platform,
            channel=asker.channel,
            thread=asker.thread,
            state=RunState.RUNNING,
            detail="",
            started_at=self._clock(),
        )
        with self._database.write() as connection:
            return _run(connection.execute(row.returning(*_RUN)).one())

    def finish(self, run_id: int, state: RunState, detail: str) -> bool:
        """Note how a run ended; False if it had ended before."""
        change = (
            update(RunRow)
            .where(RunRow.id == run_id, RunRow.state == RunState.RUNNING)
            .values(state=state, detail=detail, ended_at=self._clock())
        )
        with self._database.write() as connection:
            return connection.execute(change).rowcount > 0

    def cancel(self, run_id: int | None = None) -> Run | None:
        """Note that a run is to be stopped, before it can end or another one begins.

        Args:
            run_id: Which; None for the one that goes on.

        Returns:
            The run; None if it does not go on.
        """
        query = select(*_RUN).where(RunRow.state == RunState.RUNNING).order_by(RunRow.id.desc()).limit(1)
        if run_id is not None:
            query = query.where(RunRow.id == run_id)
        with self._database.write() as connection:
            row = connection.execute(query.with_for_update()).first()
            if row is None:
                return None
            write_setting(connection, CANCEL, str(row.id))
            return _run(row)

    def amend(self, run_id: int, detail: str) -> None:
        """Put other words in the place of what came of a run."""
        with self._database.write() as connection:
            connection.execute(update(RunRow).where(RunRow.id == run_id).values(detail=detail))

    def get(self, run_id: int) -> Run | None:
        """Read one."""
        return self._first(select(*_RUN).where(RunRow.id == run_id))

    def running(self) -> tuple[Run, ...]:
        """Read those that have not ended, oldest first: one at most, unless programs died."""
        query = select(*_RUN).where(RunRow.state == RunState.RUNNING).order_by(RunRow.id)
        with self._database.read() as connection:
            return tuple(_run(row) for row in connection.execute(query))

    def recent(self, limit: int) -> tuple[Run, ...]:
        """Read the last ones, the newest first."""
        with self._database.read() as connection:
            return tuple(_run(row) for row in connection.execute(select(*_RUN).order_by(RunRow.id.desc()).limit(limit)))

    def last_done(self) -> Run | None:
        """Read the last one that came to a decision."""
        return self._first(select(*_RUN).where(RunRow.state == RunState.DONE).order_by(RunRow.id.desc()).limit(1))

    def last_because(self, cause: str) -> Run | None:
        """Read the last one that was begun for a cause."""
        return self._first(select(*_RUN).where(RunRow.cause == cause).order_by(RunRow.id.desc()).limit(1))

    def last_tried(self) -> Run | None:
        """Read the last one that need not be made up for: one that was interrupted is, once."""
        ended = [run for run in self.recent(3) if run.state is not RunState.RUNNING]
        if [run.state for run in ended[:2]] == [RunState.INTERRUPTED] * 2:
            return ended[0]
        tried = (RunState.DONE, RunState.FAILED, RunState.CANCELLED)
        return self._first(select(*_RUN).where(RunRow.state.in_(tried)).order_by(RunRow.id.desc()).limit(1))

    def _first(self, query: Select[*tuple[Any, ...]]) -> Run | None:
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _run(row)


def _run(row: Row[*tuple[Any, ...]]) -> Run:
    return Run(
        id=row.id,
        tasks=tuple(Task(name) for name in row.tasks.split()),
        cause=row.cause,
        asker=Asker(user_id=row.user_id, platform=row.platform, channel=row.channel, thread=row.thread),
        state=RunState(row.state),
        detail=row.detail,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
