"""Around every request: an id that its log lines carry, one line when it is over, and what the metrics count.

The line holds the route's template, never the path, the query or a header: no name, token or text is in it.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.logs import REQUEST_ID, about, new_request_id, where
from bot.telemetry import Telemetry
from bot.web.guard import PROBES
from bot.web.metrics import Metrics, known_method

HEADER: Final = "X-Request-ID"
UNMATCHED: Final = "unmatched"  # no route of ours
GONE: Final = 499  # the client went away before there was an answer; nginx's number for it

_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WELL: Final = 400  # statuses below are no trouble

log = logging.getLogger(__name__)


class Observed:
    """ASGI middleware, the outermost."""

    def __init__(self, app: ASGIApp, metrics: Metrics, telemetry: Telemetry | None) -> None:
        self._app = app
        self._metrics = metrics
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if _GIVEN.fullmatch(given) else new_request_id()
        method, status, started = known_method(scope["method"]), GONE, time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with about(**{REQUEST_ID: request_id}), self._metrics.in_progress():
            traced = None if self._telemetry is None else self._telemetry.begin("request", request_id=request_id)
            try:
                await self._app(scope, receive, noted)
            finally:
                route, seconds = route_of(scope), time.perf_counter() - started
                self._metrics.served(method, route, status, seconds)
                _write(scope["path"], method, route, status, seconds)
                if traced is not None:
                    traced.end(route=route, method=method, status=status)


class Boundary:
    """ASGI middleware, the innermost: what fails is one sentence to the client, and in the log its type and place."""

    def __init__(self, app: ASGIApp, failed: Callable[[Request], Awaitable[Response]]) -> None:
        self._app = app
        self._failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        begun, ours = False, dict(scope)  # a mounted application puts itself into the scope

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001 - the web's one boundary; an error's text may quote a person
            extra = {"action": "request-failed", "route": route_of(scope), **where(error)}
            log.error("request failed", extra=extra)  # noqa: TRY400 - its text is left out on purpose
            if not begun:
                await (await self._failed(Request(ours)))(ours, receive, send)


def route_of(scope: Scope) -> str:
    """The template of the route that took a request, such as "/dashboard/runs/{run_id}"."""
    # the route of a router within a router knows only its own part; FastAPI keeps the whole beside it
    effective = (scope.get("fastapi") or {}).get("effective_route_context")
    template = getattr(effective, "path", "") or getattr(scope.get("route"), "path", "")
    mounted = scope.get("root_path", "")  # of the API, or of static files
    if template:
        return f"{mounted}{template}"
    return f"{mounted}/*" if mounted else UNMATCHED


def _write(path: str, method: str, route: str, status: int, seconds: float) -> None:
    if path in PROBES and status < _WELL:
        return  # several a minute, all alike
    extra = {"action": "request", "method": method, "route": route, "status": status}
    log.info("request", extra={**extra, "ms": round(seconds * 1000, 1)})
