"""Receives updates that Telegram brings. It is told that one arrived only after it was taken."""

from __future__ import annotations

import hmac
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.config import TelegramSettings
from bot.errors import BotError
from bot.frontends.base import PlatformError
from bot.frontends.telegram.api import UPDATES, Api
from bot.http import HttpServer

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name
MAX_BODY_BYTES = 1_000_000  # an update is a few thousand bytes
LOGGED_EACH = 100  # so many calls that were turned away make one line
CONNECTIONS = 20  # at the same time; Telegram keeps the order within a chat

_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")

log = logging.getLogger(__name__)


class Webhook:
    """The web server that Telegram calls."""

    def __init__(self, settings: TelegramSettings, take: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        """Prepare.

        Args:
            settings: Address and secret.
            take: Returns once an update is stored.

        Raises:
            PlatformError: The settings do not do for a webhook.
        """
        if not settings.webhook_url.startswith("https://") and not _is_own(settings):
            raise PlatformError(
                "Telegram brings messages only to an https address: set telegram.webhook_url, or use "
                'telegram.mode = "polling".'
            )
        self._secret = settings.webhook_secret.get_secret_value() or secrets.token_urlsafe(32)
        if not _SECRET.fullmatch(self._secret):
            raise PlatformError("telegram.webhook_secret has to be 1 to 256 characters of A-Z a-z 0-9 _ -.")
        self._url = settings.webhook_url
        self._take = take
        self.rejected = 0  # calls that did not know the secret
        app = Starlette(routes=[Route("/{path:path}", self._receive, methods=["POST"])])
        self._server = HttpServer(app, settings.webhook_listen, setting="telegram.webhook_listen")

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    async def start(self, api: Api) -> None:
        """Listen, and tell Telegram where.

        Raises:
            BotError: The address is taken, or Telegram does not take it.
        """
        await self._server.start()
        try:
            await api.call(
                lambda: api.bot.set_webhook(
                    self._url,
                    secret_token=self._secret,
                    allowed_updates=UPDATES,
                    max_connections=CONNECTIONS,
                )
            )
        except PlatformError:
            await self._server.stop()
            raise

    async def stop(self) -> None:
        """Take no more; Telegram keeps what it cannot bring, for up to a day."""
        await self._server.stop()

    async def _receive(self, request: Request) -> Response:
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode(), self._secret.encode()):
            self.rejected += 1
            if self.rejected % LOGGED_EACH == 1:  # whoever tries may try a million times
                extra = {"action": "webhook-rejected", "rejected": self.rejected}
                log.warning("a call without the secret was turned away", extra=extra)
            return Response(status_code=401)
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        update = _update(body)
        if update is None:
            return Response(status_code=400)
        try:
            await self._take(update)
        except (BotError, OSError) as error:  # Telegram brings it again
            log.warning("an update was not stored", extra={"action": "webhook-put-off", "error": type(error).__name__})
            return Response(status_code=503)
        return Response(status_code=200)


def _is_own(settings: TelegramSettings) -> bool:
    """Whether the Bot API server is one's own, which may bring updates without TLS."""
    return bool(settings.webhook_url) and not settings.base_url.startswith("https://api.telegram.org")


async def _body(request: Request) -> bytes | None:
    """The body; None if it is too long."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return body


def _update(body: bytes) -> dict[str, Any] | None:
    try:
        update = json.loads(body)
    except ValueError:
        return None
    return update if isinstance(update, dict) and isinstance(update.get("update_id"), int) else None
