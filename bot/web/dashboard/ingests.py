"""Documents that are being taken in, and what came of those that were; kept in memory."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bot.blocking import run_blocking
from bot.logs import where
from knowledge.errors import KnowledgeError
from knowledge.ingest import IngestReport, Progress

KEPT: Final = 50  # of which it is known what came of them

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Ingest:
    """Some documents on their way in."""

    id: int
    names: Sequence[str]  # of files, and web addresses
    saved: Sequence[Path]  # uploaded files
    refused: Sequence[str] = field(default=(), repr=False)  # sentences about files that were not taken
    done: int = 0
    total: int = 0
    stopping: bool = False
    ended: bool = False
    problem: str = ""  # why nothing was taken in
    report: IngestReport | None = None  # None too where it was stopped or broke


class Ingests:
    """Takes documents in, one lot after the other."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, Ingest] = OrderedDict()
        self._numbers = itertools.count(1)
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, number: int) -> Ingest | None:
        """One of the last."""
        return self._known.get(number)

    def running(self) -> tuple[Ingest, ...]:
        """Those that have not ended."""
        return tuple(one for one in self._known.values() if not one.ended)

    def start(
        self,
        work: Callable[[Progress], IngestReport],
        *,
        names: Sequence[str],
        saved: Sequence[Path] = (),
        refused: Sequence[str] = (),
    ) -> Ingest:
        """Begin, or stand in line.

        Args:
            work: Blocks; tells how far it is.
            names: What is taken in.
            saved: Uploaded files among it.
            refused: Sentences about what is not.
        """
        ingest = Ingest(id=next(self._numbers), names=names, saved=saved, refused=refused)
        self._known[ingest.id] = ingest
        for number in [one.id for one in self._known.values() if one.ended][: max(0, len(self._known) - KEPT)]:
            del self._known[number]
        task = asyncio.create_task(self._run(ingest, work))
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return ingest

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("ingest failed", extra={"action": "ingest-failed", **where(error)})

    async def _run(self, ingest: Ingest, work: Callable[[Progress], IngestReport]) -> None:
        def progress(done: int, total: int, _: str) -> None:  # called in a thread, between documents
            if ingest.stopping:
                raise _StoppedError
            ingest.done, ingest.total = done, total

        try:
            async with self._turn:
                if not ingest.stopping:
                    ingest.report = await run_blocking(work, progress)
        except _StoppedError:
            pass
        except KnowledgeError as error:
            ingest.problem = str(error)
        except asyncio.CancelledError:  # the program ends: the thread stops at the next document
            ingest.stopping = True
            raise
        finally:
            ingest.ended = True


class _StoppedError(Exception):
    """Somebody pressed the button, or the program ends."""
