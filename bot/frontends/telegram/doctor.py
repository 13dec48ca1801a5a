"""What `burnish doctor` looks at on Telegram."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
from telegram import ChatMember, ChatMemberRestricted, User, WebhookInfo
from telegram.constants import ChatMemberStatus

from bot.config import TelegramSettings
from bot.frontends.base import Check, PlaceGoneError, PlatformError
from bot.frontends.telegram.api import Api, BadTokenError
from bot.frontends.telegram.frontend import HOW_TO_CONNECT

SKEW_SECONDS = 60.0  # a clock that is further off makes times in the store and certificates wrong
TIMEOUT_SECONDS = 10.0


_ADD = (
    "add it: open the group > Add members > the bot's name. The id is right only if the bot answers there; a group "
    "that became a supergroup has another one (-100...)"
)


async def examine(
    settings: TelegramSettings, *, team: str = "", now: Callable[[], float] = time.time
) -> tuple[Check, ...]:
    """Look at the token, the connection, the mode, privacy mode, the team's chat and the clock.

    Args:
        settings: The [telegram] section.
        team: Id of the chat that questions for people go to; "" for none here.
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
            checks += await _bot(api, settings, team)
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


async def _bot(api: Api, settings: TelegramSettings, team: str) -> list[Check]:
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
    if team:
        checks.append(await _team(api, me, team))
    return checks


async def _team(api: Api, me: User, team: str) -> Check:
    try:
        chat_id = int(team)
    except ValueError:
        sentence = f"serve.team names {team}, but a chat is named by its number, like telegram:-1001234567890"
        return _check("team", sentence, ok=False)
    try:
        chat = await api.call(lambda: api.bot.get_chat(chat_id))
        member = await api.call(lambda: api.bot.get_chat_member(chat_id, me.id))
    except PlaceGoneError:
        return _check("team", f"the bot is not in the chat {team}: {_ADD}", ok=False)
    except PlatformError as error:
        return _check("team", f"the chat {team} could not be looked at: {error}", ok=None)
    if member.status in {ChatMemberStatus.LEFT, ChatMemberStatus.BANNED}:
        return _check("team", f'the bot is not in "{chat.effective_name}": {_ADD}', ok=False)
    if _is_mute(member):
        sentence = f'the bot may not write in "{chat.effective_name}": let it send messages there, in its permissions'
        return _check("team", sentence, ok=False)
    return _check("team", f'the bot is in "{chat.effective_name}", where questions for people go', ok=True)


def _is_mute(member: ChatMember) -> bool:
    return isinstance(member, ChatMemberRestricted) and not (member.is_member and member.can_send_messages)


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
