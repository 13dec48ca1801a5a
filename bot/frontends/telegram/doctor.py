"""What `burnish doctor` looks at on Telegram."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
from telegram import User, WebhookInfo

from bot.config import TelegramSettings
from bot.frontends.base import Check, PlatformError
from bot.frontends.telegram.api import Api, BadTokenError
from bot.frontends.telegram.frontend import HOW_TO_CONNECT

SKEW_SECONDS = 60.0  # a clock that is further off makes times in the store and certificates wrong
TIMEOUT_SECONDS = 10.0


async def examine(settings: TelegramSettings, *, now: Callable[[], float] = time.time) -> tuple[Check, ...]:
    """Look at the token, the connection, the mode, privacy mode and the clock.

    Args:
        settings: The [telegram] section.
        now: Seconds since 1970.
    """
    reachable, clock = await _server(settings, now)
    checks = [reachable]
    if settings.mode == "webhook" and not settings.webhook_url:
        sentence = "webhook needs telegram.webhook_url, the public https address that leads to telegram.webhook_listen"
        checks.append(_check("webhook address", sentence, ok=False))
    if reachable.ok:
        api = Api(settings)
        try:
            checks += await _bot(api, settings)
        finally:
            await api.aclose()
    return (*checks, clock)


async def _server(settings: TelegramSettings, now: Callable[[], float]) -> tuple[Check, Check]:
    parts = urlsplit(settings.base_url)
    root = f"{parts.scheme}://{parts.netloc}/"
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
            date = (await client.get(root)).headers.get("Date", "")
    except httpx.HTTPError as error:
        sentence = (
            f"{parts.netloc} cannot be reached ({type(error).__name__}): check the network, a proxy (HTTPS_PROXY) or "
            "telegram.base_url"
        )
        return _check("reachable", sentence, ok=False), _check("clock", "not compared: no answer", ok=None)
    return _check("reachable", f"{parts.netloc} answers", ok=True), _clock(date, now())


def _clock(date: str, now: float) -> Check:
    try:
        skew = now - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return _check("clock", "not compared: the server does not say the time", ok=None)
    if abs(skew) <= SKEW_SECONDS:
        return _check("clock", "agrees with Telegram's", ok=True)
    way = "ahead of" if skew > 0 else "behind"
    sentence = f"{abs(skew):.0f} seconds {way} Telegram's: switch on time synchronisation (NTP)"
    return _check("clock", sentence, ok=False)


async def _bot(api: Api, settings: TelegramSettings) -> list[Check]:
    try:
        me = await api.open()
        webhook = await api.call(api.bot.get_webhook_info)
    except BadTokenError:
        return [_check("token", HOW_TO_CONNECT, ok=False)]
    except PlatformError as error:
        return [_check("token", f"could not be tried: {error}", ok=None)]
    checks = [_check("token", f"belongs to @{me.username}", ok=True), _privacy(me), _mode(webhook, settings)]
    if settings.mode == "webhook" and webhook.url:
        checks.append(_delivery(webhook))
    return checks


def _privacy(me: User) -> Check:
    if me.can_read_all_group_messages:
        return _check("privacy mode", "off: the bot gets all messages of its groups, and answers those to it", ok=True)
    sentence = (
        "on: in groups the bot gets only commands, mentions and replies to it, which is all that it needs. For "
        "questions that people answer without replying, switch it off: @BotFather, /setprivacy, Disable, then remove "
        "the bot from the group and add it again"
    )
    return _check("privacy mode", sentence, ok=None)


def _mode(webhook: WebhookInfo, settings: TelegramSettings) -> Check:
    if settings.mode == "polling":
        if webhook.url:
            sentence = (
                "a webhook is set while telegram.mode is polling: `burnish serve` removes it when it starts; if it "
                "comes back, another program uses this token"
            )
            return _check("mode", sentence, ok=None)
        return _check("mode", "polling", ok=True)
    if webhook.url != settings.webhook_url:
        found = "another address than telegram.webhook_url" if webhook.url else "no webhook"
        sentence = f"Telegram has {found}: start `burnish serve`, which sets it"
        return _check("mode", sentence, ok=False)
    return _check("mode", "webhook", ok=True)


def _delivery(webhook: WebhookInfo) -> Check:
    waiting = f"{webhook.pending_update_count} updates wait"
    if webhook.last_error_date is None:
        return _check("webhook", f"Telegram reaches it; {waiting}", ok=True)
    sentence = (
        f'Telegram last failed at {webhook.last_error_date:%Y-%m-%d %H:%M} UTC: "{webhook.last_error_message}"; '
        f"{waiting}. Check that the address leads to telegram.webhook_listen and its certificate is valid"
    )
    return _check("webhook", sentence, ok=False if webhook.pending_update_count else None)


def _check(name: str, sentence: str, *, ok: bool | None) -> Check:
    return Check(name=f"Telegram: {name}", ok=ok, sentence=sentence)
