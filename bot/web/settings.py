"""The settings of what is served by HTTP; bot.config reads them."""

from __future__ import annotations

import ipaddress
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from bot.section import Section, Url


class WebSettings(Section):
    """The chat page, the dashboard and the API; serve.listen says where."""

    access: Literal["open", "login"] = Field(
        "open",
        description="Who may use the chat page. open: whoever reaches it, on loopback only; login: people with a "
        "one-time link (/login in chat) or a password. The dashboard and the API always ask who it is.",
    )
    public_url: Url = Field(
        "",
        description="The address by which people reach the page, such as https://bot.example.org, where that is "
        "another than serve.listen: behind a reverse proxy, say. Login links begin with it.",
    )
    session_days: int = Field(7, ge=1, le=365, description="How long somebody stays logged in, days.")
    api_requests_per_minute: int = Field(
        60, ge=1, le=100_000, description="Of one API key that was made without a limit of its own."
    )
    cors_origins: str = Field(
        "",
        description="Addresses of web pages whose scripts may use the API from a browser, by commas, such as "
        "https://app.example.org. Whoever opens such a page can see the key in it.",
    )
    trusted_proxy: str = Field(
        "127.0.0.1", description="Addresses of reverse proxies whose X-Forwarded headers are believed, by commas."
    )
    otlp_endpoint: Url = Field(
        "",
        description="Where OpenTelemetry's spans go by OTLP over HTTP, such as http://127.0.0.1:4318; they hold "
        "nobody's words. Empty: nowhere. Needs pip install 'burnish[otel]'.",
    )

    @property
    def cors(self) -> list[str]:
        """The addresses in `cors_origins`."""
        return [one.strip().rstrip("/") for one in self.cors_origins.split(",") if one.strip()]


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own; brackets around an address do no harm."""
    bare = host.strip("[]").lower()
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return bare == "localhost" or bare.endswith(".localhost")


def is_exposed(listen: str, web: WebSettings) -> bool:
    """Whether others than this machine can reach the page."""
    public = urlsplit(web.public_url).hostname or "localhost"
    return not is_loopback(listen.rpartition(":")[0]) or not is_loopback(public)
