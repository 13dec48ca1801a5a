"""A bot as a process of its own, to be killed: `python -m tests.integration.frontends.slack.runner FOLDER URL`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from adapters.testing import ScriptedGenerator
from bot.config import Settings
from bot.frontends.delivery import patiently
from bot.frontends.slack.frontend import SlackFrontend
from bot.store.crypto import load_key_file
from bot.store.store import Store
from bot.testing_desk import fake_desk
from tests.fakes.slack_world import APP_TOKEN, BOT_TOKEN
from tests.integration.frontends.slack.offices import PING_SECONDS, written


async def run(folder: Path, base_url: str) -> None:
    settings = Settings.model_validate(
        {
            "answers": {"min_answerability": 0.0},
            "models": {"max_queue": 10_000},
            "serve": {"user_messages_per_minute": 10_000, "channel_messages_per_minute": 10_000},
            "slack": {"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "base_url": base_url},
        }
    )
    keyring = load_key_file(folder / "key")
    with Store.open(f"sqlite:///{folder / 'store.db'}", keyring) as store:
        front = SlackFrontend(settings.slack, ping_seconds=PING_SECONDS)
        desk = fake_desk(
            store,
            folder / "index",
            {"slack": front.messenger},
            generator=ScriptedGenerator(written),
            settings=settings,
            sleep=lambda seconds: asyncio.sleep(min(seconds, 0.05)),
        )
        await desk.start()  # first what the last run left, as bot.serve does
        await patiently(lambda: front.start(desk))
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2]))
