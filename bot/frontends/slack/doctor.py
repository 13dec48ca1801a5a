"""What `burnish doctor` looks at for Slack, and how to mend it."""

from __future__ import annotations

from bot.config import SlackSettings
from bot.frontends.base import Check, PlaceGoneError, PlatformError, UnreachableError
from bot.frontends.slack.api import Identity, RefusedError, SlackApi
from bot.frontends.slack.doors import STALE_SECONDS
from bot.frontends.slack.manifest import SCOPES
from bot.frontends.slack.tokens import misplaced

SKEW_SECONDS = 60.0  # by which clocks may differ before it is worth a word; Slack's limit is 300


async def examine(settings: SlackSettings, *, team: str = "") -> tuple[Check, ...]:
    """Look at the tokens, the scopes, the way to Slack, the clock and the team's channel.

    Args:
        settings: As they are; with no token at all there is nothing to look at.
        team: Id of the channel that questions for people go to; "" for none here.
    """
    if not settings.bot_token.get_secret_value():
        return (
            Check(
                name="bot token",
                ok=False,
                sentence="It is missing: set SLACK_BOT_TOKEN (xoxb-..., from OAuth & Permissions).",
            ),
        )
    if wrong := misplaced(settings):
        names = {"bot_token": "bot token", "app_token": "app token"}
        return tuple(Check(name=names[name], ok=False, sentence=sentence) for name, sentence in wrong.items())
    api = SlackApi(settings)
    try:
        checks = await _bot_token(api, team)
        if settings.mode == "http":
            return (*checks, _signing_secret(settings))
        return (*checks, await _app_token(api, settings))
    finally:
        await api.aclose()


async def _bot_token(api: SlackApi, team: str) -> tuple[Check, ...]:
    try:
        me = await api.who()
    except UnreachableError as error:
        return (
            Check(
                name="reachability",
                ok=False,
                sentence=f"{error}. Is there a way out to the internet, through HTTPS_PROXY if need be?",
            ),
        )
    except PlatformError as error:
        return (_good("reachability", "Slack answers."), Check(name="bot token", ok=False, sentence=str(error)))
    return (
        _good("reachability", "Slack answers."),
        _good("bot token", f"It belongs to {me.name} in the workspace {me.team}."),
        _scopes(me),
        _clock(me),
        *([await _team(api, team)] if team else ()),
    )


async def _team(api: SlackApi, team: str) -> Check:
    """Whether the bot is in the team's channel: it reads there, which asks for no scope beyond those that it has."""
    how = "invite it there: /invite @Burnish, by the name that your app has"
    try:
        await api.call("conversations.history", channel=team, limit=1)
    except PlaceGoneError as error:
        if "channel_not_found" not in str(error):
            return Check(name="team", ok=False, sentence=f"The bot is not in the channel {team}: {how}.")
        sentence = (
            f"There is no channel {team}, or it is private and the bot is not in it. serve.team wants the id (C... or "
            f"G..., at the bottom of the channel's details), not the name; {how}."
        )
        return Check(name="team", ok=False, sentence=sentence)
    except PlatformError as error:
        ok = False if isinstance(error, RefusedError) else None
        return Check(name="team", ok=ok, sentence=f"The channel {team} could not be looked at: {error}")
    return _good("team", f"The bot is in the channel {team}, where questions for people go.")


def _scopes(me: Identity) -> Check:
    if not me.scopes:
        return Check(name="scopes", ok=None, sentence="Slack did not say which scopes the token has.")
    missing = [f"{scope} ({without})" for scope, without in SCOPES.items() if scope not in me.scopes]
    if not missing:
        return _good("scopes", "All that are needed.")
    return Check(
        name="scopes",
        ok=False,
        sentence=f"Missing: {'; '.join(missing)}. Paste what `burnish slack manifest` prints into your app's manifest "
        "and install the app again.",
    )


def _clock(me: Identity) -> Check:
    if me.seconds_ahead is None:
        return Check(name="clock", ok=None, sentence="Slack did not say what time it is.")
    if abs(me.seconds_ahead) <= SKEW_SECONDS:
        return _good("clock", "Right to about a second.")
    way = "behind" if me.seconds_ahead > 0 else "ahead of"
    return Check(
        name="clock",
        ok=abs(me.seconds_ahead) < STALE_SECONDS and None,
        sentence=f"This computer's clock is {abs(me.seconds_ahead):.0f} s {way} Slack's; from {STALE_SECONDS} s on, "
        "signed requests are refused. Switch time synchronisation on (timedatectl set-ntp true).",
    )


async def _app_token(api: SlackApi, settings: SlackSettings) -> Check:
    if not settings.app_token.get_secret_value():
        return Check(
            name="app token",
            ok=False,
            sentence="Socket Mode needs it: make one with the scope connections:write under Basic Information > "
            "App-Level Tokens, and set SLACK_APP_TOKEN (xapp-...).",
        )
    try:
        await api.socket_url()
    except PlatformError as error:
        return Check(name="app token", ok=False, sentence=str(error))
    return _good("app token", "Slack hands out a Socket Mode address.")


def _signing_secret(settings: SlackSettings) -> Check:
    if settings.signing_secret.get_secret_value():
        return _good("signing secret", "It is there; the first event shows whether it is right.")
    return Check(
        name="signing secret",
        ok=False,
        sentence="Events by HTTP need it: copy it from Basic Information > App Credentials, and set "
        "SLACK_SIGNING_SECRET.",
    )


def _good(name: str, sentence: str) -> Check:
    return Check(name=name, ok=True, sentence=sentence)
