"""What other programs ask: whether this one is alive, and whether it can answer people."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from adapters.errors import AdapterError
from bot.errors import BotError
from bot.logs import where
from knowledge.errors import KnowledgeError

PROGRAM: Final = "burnish"  # by which `burnish doctor` knows us at our address
PATIENCE: Final = 3.0  # seconds, for one look
KEPT: Final = 1.0  # seconds for which a result is given again, however many ask
WELL: Final = "ok"

router = APIRouter()
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One thing that answering needs."""

    name: str  # "store"
    look: Callable[[], Awaitable[str]]  # what is amiss, in words that anybody may read; "" if nothing is


class Readiness:
    """Looks at everything that answering needs."""

    def __init__(
        self,
        probes: Sequence[Probe] = (),
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the probes.

        Args:
            probes: What to look at.
            patience: For each, seconds.
            clock: Seconds.
        """
        self._probes = tuple(probes)
        self._patience = patience
        self._clock = clock
        self._turn = asyncio.Lock()
        self._last: tuple[float, Mapping[str, str]] | None = None

    async def look(self) -> Mapping[str, str]:
        """What is amiss, by name; WELL where nothing is."""
        async with self._turn:
            if self._last is None or self._clock() - self._last[0] >= KEPT:
                found = await asyncio.gather(*(self._one(probe) for probe in self._probes))
                self._last = self._clock(), {probe.name: one for probe, one in zip(self._probes, found, strict=True)}
            return self._last[1]

    async def _one(self, probe: Probe) -> str:
        try:
            async with asyncio.timeout(self._patience):
                return await probe.look() or WELL
        except TimeoutError:
            return f"no answer within {self._patience:g} s"
        except (BotError, AdapterError, KnowledgeError, OSError) as error:
            # anybody may read this, so the error's own words, which may name hosts and files, are not in it
            log.warning("not ready", extra={"action": "not-ready", "part": probe.name, **where(error)})
            return f"cannot be looked at ({type(error).__name__})"


@router.get("/healthz", include_in_schema=False)
async def alive() -> JSONResponse:
    """The program runs and answers; nothing else is looked at."""
    return JSONResponse({"status": WELL, "program": PROGRAM})


@router.get("/readyz", include_in_schema=False)
async def ready(request: Request) -> JSONResponse:
    """Whether questions can be answered, with what is amiss where they cannot (503)."""
    readiness: Readiness = request.app.state.parts.readiness
    checks = await readiness.look()
    is_ready = all(one == WELL for one in checks.values())
    body = {"status": "ready" if is_ready else "not ready", "checks": dict(checks)}
    return JSONResponse(body, status_code=200 if is_ready else 503)
