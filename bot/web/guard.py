"""Around every request: which host was asked for, and what browsers may do with the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.config import Settings
from bot.web.settings import is_exposed, is_loopback

STATIC: Final = "/static/"
PROBES: Final = frozenset({"/health", "/healthz", "/readyz", "/metrics"})  # asked by programs, by any name

# scripts, styles and everything else from our own origin alone, and nothing within the page's text
CONTENT_SECURITY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CONTENT_SECURITY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
YEAR: Final = 31_536_000  # seconds


class Guard:
    """ASGI middleware: refuses other hosts' names, and puts security headers on every answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = dict(HEADERS)
        public = urlsplit(settings.web.public_url)
        if public.scheme == "https":
            self._headers["Strict-Transport-Security"] = f"max-age={YEAR}"
        # Without a known name any is taken where others may come in anyway, having logged in. On loopback a foreign
        # name is a page of another site that had its name point here (DNS rebinding).
        self._any_host = is_exposed(settings.serve.listen, settings.web) and not public.hostname
        self._public = public.hostname or ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                # scripts and styles are asked for again each time, and not sent again: a page never runs an old one
                kept = scope["path"].startswith(STATIC)
                headers.setdefault("Cache-Control", "no-cache" if kept else "no-store")
            await send(message)

        host = Headers(scope=scope).get("host", "")
        if scope["path"] not in PROBES and not self._is_ours(host):
            sentence = "This name is not the bot's. If it should be, set web.public_url.\n"
            await PlainTextResponse(sentence, status_code=421)(scope, receive, dressed)
            return
        await self._app(scope, receive, dressed)

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:  # half a bracket, say: no name at all
            return False
        return self._any_host or is_loopback(name) or name == self._public
