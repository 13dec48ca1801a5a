"""Bare echo bots on the platforms' own libraries, the peers of `benchmarks.messages`.

    python -m benchmarks.echo telegram|slack

Written as the libraries' own documentation shows it: long polling, Socket Mode, one reply a message, nothing stored.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

PREFIX = "You said: "


def telegram() -> None:
    """python-telegram-bot's Application with its own rate limiter."""
    from telegram import Update
    from telegram.ext import AIORateLimiter, Application, ContextTypes, MessageHandler, filters

    async def echo(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        if update.message is not None and update.message.text:
            await update.message.reply_text(PREFIX + update.message.text)

    builder = Application.builder().token(os.environ["TELEGRAM_BOT_TOKEN"])
    builder = builder.base_url(os.environ["BURNISH_TELEGRAM__BASE_URL"])
    if "UNLIMITED" not in os.environ:
        builder = builder.rate_limiter(AIORateLimiter(max_retries=5))  # type: ignore[arg-type]  # its own kinds of arguments
    app = builder.concurrent_updates(True).build()
    app.add_handler(MessageHandler(filters.TEXT, echo))
    app.run_polling()


def slack() -> None:
    """Bolt's AsyncApp in Socket Mode."""
    from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
    from slack_bolt.async_app import AsyncApp
    from slack_sdk.web.async_client import AsyncWebClient

    async def serve() -> None:
        client = AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["BURNISH_SLACK__BASE_URL"])
        app = AsyncApp(client=client)

        @app.event("message")
        async def echo(event: dict[str, Any], say: Any) -> None:  # noqa: ANN401 - Bolt gives it by name
            await say(PREFIX + event["text"], unfurl_links=False, unfurl_media=False)

        await AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"], web_client=client).start_async()  # type: ignore[no-untyped-call]  # Bolt's own

    asyncio.run(serve())


if __name__ == "__main__":
    {"telegram": telegram, "slack": slack}[sys.argv[1]]()
