"""What is planned: APScheduler's jobs in the store, and which of several processes carries them out."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.jobstores.base import BaseJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from sqlalchemy import Engine, delete, func, select

from bot.store.clock import Clock
from bot.store.engine import Database, translated
from bot.store.schema import ScheduleJobRow, SettingRow
from bot.store.statements import read_setting, write_setting

_LEASE = "scheduler_lease"  # setting: which process carries the jobs out


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lease:
    holder: str  # a name that no other process has
    expires_at: str  # ISO 8601


class Jobs:
    """The plan of a store that several processes may serve."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Keep the database; `Store` makes it."""
        self._database = database
        self._clock = clock

    def job_store(self) -> BaseJobStore:
        """Where APScheduler keeps its jobs: the table schedule_jobs of this store."""
        return _JobStore(self._database.writing_engine)

    def translated(self) -> AbstractContextManager[None]:
        """Within it, what the database library raises through APScheduler is a StoreError."""
        return translated(self._database.url)

    def next_run(self) -> datetime | None:
        """When the next job is due, whichever process carries it out; None if none is planned."""
        with self._database.read() as connection:
            stamp = connection.execute(select(func.min(ScheduleJobRow.next_run_time))).scalar_one()
        return None if stamp is None else datetime.fromtimestamp(stamp, UTC)

    def lead(self, holder: str, *, seconds: float) -> bool:
        """Become or stay the process that carries the jobs out, for so many seconds; False if another one does."""
        now = self._clock()
        with self._database.write() as connection:
            text = read_setting(connection, _LEASE, lock=True)
            kept = _Lease(**json.loads(text)) if text else None
            if kept is not None and kept.holder != holder and datetime.fromisoformat(kept.expires_at) > now:
                return False
            lease = _Lease(holder=holder, expires_at=(now + timedelta(seconds=seconds)).isoformat())
            write_setting(connection, _LEASE, json.dumps(asdict(lease)))
            return True

    def resign(self, holder: str) -> None:
        """Let another process carry the jobs out at once."""
        with self._database.write() as connection:
            text = read_setting(connection, _LEASE, lock=True)
            if text and _Lease(**json.loads(text)).holder == holder:
                connection.execute(delete(SettingRow).where(SettingRow.key == _LEASE))


class _JobStore(SQLAlchemyJobStore):  # type: ignore[misc]  # APScheduler ships no types
    """APScheduler's own, on a table that the migrations made and an engine that others go on using."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine=engine, tablename=ScheduleJobRow.__tablename__)

    def start(self, scheduler: object, alias: str) -> None:
        """Make no table."""
        BaseJobStore.start(self, scheduler, alias)

    def shutdown(self) -> None:
        """Leave the engine open."""
