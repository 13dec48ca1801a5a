"""Addresses that people are given."""

from __future__ import annotations

from bot.config import Settings
from bot.web.settings import is_exposed


def login_link(settings: Settings, code: str, *, base: str = "") -> str:
    """The address of a login link.

    Args:
        settings: Where the web is served.
        code: As `Sessions.issue_link` made it.
        base: By which people reach the web, where that is known better.
    """
    return f"{base or base_of(settings)}/login?code={code}"


def base_of(settings: Settings) -> str:
    """By which people reach the web, without a slash at the end."""
    return settings.web.public_url.rstrip("/") or f"http://{settings.serve.listen}"


def is_local(settings: Settings) -> bool:
    """Whether links work on the server itself alone."""
    return not settings.web.public_url and not is_exposed(settings.serve.listen, settings.web)
