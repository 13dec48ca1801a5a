"""Slack's tokens are told apart by how they begin (pure)."""

from __future__ import annotations

from collections.abc import Mapping

from bot.config import SlackSettings

_NEEDED = {
    "bot_token": ("SLACK_BOT_TOKEN", "xoxb-", "a bot token (xoxb-..., from OAuth & Permissions)"),
    "app_token": ("SLACK_APP_TOKEN", "xapp-", "an app token (xapp-..., from Basic Information > App-Level Tokens)"),
}
_FOUND = {
    "xoxb-": "a bot token, which belongs into SLACK_BOT_TOKEN",
    "xapp-": "an app token, which belongs into SLACK_APP_TOKEN",
    "xoxp-": "a person's token (xoxp-...)",
}


def misplaced(settings: SlackSettings) -> Mapping[str, str]:
    """What stands where another kind of token belongs: the setting's name, and a sentence that says what is needed."""
    sentences: dict[str, str] = {}
    for name, (variable, wanted, needed) in _NEEDED.items():
        kind = getattr(settings, name).get_secret_value()[:5]
        if kind in _FOUND and kind != wanted:
            sentences[name] = f"{variable} holds {_FOUND[kind]}; what is needed there is {needed}."
    return sentences
