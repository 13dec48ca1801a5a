"""Before every request of the API: who asks, how often, and how much they send."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.blocking import run_blocking
from bot.logs import where
from bot.store.api_keys import ApiKey
from bot.web.api.errors import ApiError, failed, shaped
from bot.web.bodies import measured
from bot.web.parts import WebParts

OPEN: Final = frozenset({"/openapi.json"})  # what the API looks like is no secret
UPLOADS: Final = "/knowledge/files"
MAX_BODY: Final = 4_000_000  # bytes; an embedding request of many texts is the largest
FORM_BYTES: Final = 100_000  # that a form adds to the file in it
KEY: Final = "api_key"  # in the request's state

log = logging.getLogger(__name__)


class Door:
    """ASGI middleware: lets in whoever brings a key that is in force, as often as it allows."""

    def __init__(self, app: ASGIApp, parts: WebParts, clock: Callable[[], float] = time.time) -> None:
        self._app = app
        self._keys = parts.store.api_keys
        self._per_minute = parts.settings.web.api_requests_per_minute
        self._upload = int(parts.documents.max_megabytes * 1_000_000) + FORM_BYTES
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or say why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, extra, begun = scope["path"].removeprefix(scope.get("root_path", "")), dict[str, str](), False

        async def dressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                MutableHeaders(scope=message).update(extra)
            await send(message)

        try:
            if path not in OPEN:
                key = await self._known(Headers(scope=scope))
                extra |= self._counted(key)
                scope.setdefault("state", {})[KEY] = key
            limit = self._upload if path == UPLOADS else MAX_BODY
            _refuse_announced(Headers(scope=scope), limit)
            await self._app(scope, measured(receive, limit, str(_too_large(limit))), dressed)
        except ApiError as error:
            await shaped(error)(scope, receive, dressed)
        except Exception as error:
            log.error("request failed", extra={"action": "request-failed", **where(error)})  # noqa: TRY400 - its text is left out on purpose
            if begun:
                raise
            await shaped(failed())(scope, receive, dressed)

    async def _known(self, headers: Headers) -> ApiKey:
        kind, _, secret = headers.get("authorization", "").partition(" ")
        found = await run_blocking(self._keys.find, secret.strip()) if kind.lower() == "bearer" else None
        if found is None:
            raise ApiError(
                "This needs a key: send the header Authorization: Bearer bk-... with one that was not revoked; "
                "`burnish keys create NAME` makes one.",
                status=401,
                kind="authentication_error",
                code="invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return found

    def _counted(self, key: ApiKey) -> dict[str, str]:
        """Count a request; gives what its answer says about the limit."""
        item = RateLimitItemPerMinute(key.requests_per_minute or self._per_minute)
        allowed = self._window.hit(item, str(key.id))
        stats = self._window.get_window_stats(item, str(key.id))
        seconds = max(1, math.ceil(stats.reset_time - self._clock()))
        headers = {
            "x-ratelimit-limit-requests": str(item.amount),
            "x-ratelimit-remaining-requests": str(stats.remaining),
            "x-ratelimit-reset-requests": f"{seconds}s",
        }
        if not allowed:
            raise ApiError(
                f"This key may send {item.amount} requests a minute.",
                status=429,
                kind="rate_limit_error",
                code="rate_limit_exceeded",
                headers={**headers, "Retry-After": str(seconds)},
            )
        return headers


def _refuse_announced(headers: Headers, limit: int) -> None:
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> ApiError:
    return ApiError(f"A request has {limit} bytes at most.", status=413, code="request_too_large")
