"""The Slack app's manifest: all that Slack has to be told of the bot, with no more scopes than it uses (pure)."""

from __future__ import annotations

from typing import Any

import yaml

from bot.frontends.slack.doors import PATH
from bot.frontends.slack.views import KEEP

COMMAND = "/burnish"

# Each scope, and what goes wrong without it.
SCOPES = {
    "app_mentions:read": "mentions in channels are not seen",
    "assistant:write": "no status while an answer is made, and no suggested questions",
    "channels:history": "follow-ups in threads of public channels are not seen",
    "chat:write": "nothing can be said",
    "commands": f"{COMMAND} and the shortcut are missing",
    "files:read": "documents that admins send cannot be read",
    "files:write": "the picture of a training run is not shown",
    "groups:history": "follow-ups in threads of private channels are not seen",
    "im:history": "direct messages are not seen",
    "im:write": "the language cannot be chosen in the App Home",
    "mpim:history": "follow-ups in group conversations are not seen",
    "reactions:read": "👍 and 👎 reactions do not count",
    "users:read": "names and languages are unknown",
}

EVENTS = (
    "app_home_opened",
    "app_mention",
    "assistant_thread_started",
    "channel_id_changed",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
    "reaction_removed",
)


def manifest(*, name: str = "Burnish", url: str = "") -> dict[str, Any]:
    """The manifest as Slack takes it.

    Args:
        name: What the bot calls itself, at most 35 characters.
        url: The public https address that leads to slack.listen; "" for Socket Mode.
    """
    address = {"request_url": url.rstrip("/") + PATH} if url else {}
    hook = {"url": address["request_url"]} if url else {}
    return {
        "display_information": {
            "name": name[:35],
            "description": "Answers from your team's documents, with sources",
            "background_color": "#1f3a5f",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "assistant_view": {"assistant_description": "Answers from your team's documents, with sources"},
            "bot_user": {"display_name": name[:80], "always_online": True},
            "shortcuts": [
                {
                    "name": "Add answer to knowledge",
                    "type": "message",
                    "callback_id": KEEP,
                    "description": "Add this thread's answer to knowledge",
                }
            ],
            "slash_commands": [
                {
                    "command": COMMAND,
                    "description": "Ask, or give a command",
                    "usage_hint": "help | a question",
                    "should_escape": True,
                    **hook,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": list(EVENTS), **address},
            "interactivity": {"is_enabled": True, **address},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }


def as_yaml(app: dict[str, Any]) -> str:
    """A manifest as the form on api.slack.com takes it."""
    return yaml.safe_dump(app, sort_keys=False, allow_unicode=True, width=120)
