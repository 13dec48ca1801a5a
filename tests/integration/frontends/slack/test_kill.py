"""The bot is killed again and again while Slack misbehaves: every question is answered, none twice."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Self

import pytest

from bot.store.crypto import load_key_file
from bot.store.store import Store
from bot.testing import teach
from knowledge.testing import chunk
from tests.fakes.slack_server import Fault, SlackServer
from tests.integration.frontends.slack.offices import BOT, INVOICES, Q_INVOICE, Q_REFUND, REFUNDS

KILLS = 6
QUESTIONS = 60


@pytest.mark.slow
async def test_nothing_is_lost_and_nothing_is_answered_twice_through_kills_and_faults(tmp_path: Path) -> None:
    rng = random.Random(7)  # noqa: S311 - not for secrets

    def chaos(method: str) -> Fault | None:
        if rng.random() > 0.1:
            return None
        return rng.choice(
            [
                Fault(kind="429", retry_after=0.05),
                Fault(kind="500"),
                Fault(kind="drop"),
                # sending is the one act that may leave a lone "…" behind; see bot.frontends.delivery
                Fault(kind="drop", after=method != "chat.postMessage"),
            ]
        )

    keyring = load_key_file(tmp_path / "key")
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", keyring) as store:
        store.migrate()
        teach(store.knowledge, chunk(REFUNDS, title="Refunds"), chunk(INVOICES, title="Invoices", ordinal=1))
    async with SlackServer(redeliver_seconds=0.5, chaos=chaos) as slack, Killed(tmp_path, slack) as bot:
        asked = {}
        for number in range(QUESTIONS):
            text = f"{BOT} {rng.choice([Q_REFUND, Q_INVOICE])}"
            asked[slack.say(f"U{number % 7}", f"C{number % 2 + 1}", text)] = text
            await asyncio.sleep(0.05)
            if number % (QUESTIONS // KILLS) == 3:
                slack.drop_socket()
            if number % (QUESTIONS // KILLS) == 7:
                await bot.kill()
                await bot.start()
                await asyncio.sleep(rng.uniform(0.5, 2.0))  # it may be killed while it starts, and while it answers
        await slack.settled(seconds=60)
        await whole(slack, len(asked))
        await bot.kill()
        answers = [one for one in slack.world.of_bot() if "Sources" in one.shown]
        assert {ts: count for ts, count in Counter(one.thread for one in answers).items() if count > 1} == {}
        for ts, text in asked.items():
            [answer] = [one.shown for one in answers if one.thread == ts]
            assert (INVOICES if Q_INVOICE in text else REFUNDS) in answer
        assert all(one.shown in {"…", ""} for one in slack.world.of_bot() if "Sources" not in one.shown)


class Killed:
    """A bot in a process of its own."""

    def __init__(self, folder: Path, slack: SlackServer) -> None:
        self._arguments = ("-m", "tests.integration.frontends.slack.runner", str(folder), slack.base_url)
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(sys.executable, *self._arguments)

    async def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.wait()


async def whole(slack: SlackServer, questions: int) -> None:
    """Wait until each question's thread has its answer."""
    async with asyncio.timeout(60):
        while len({one.thread for one in slack.world.of_bot() if "Sources" in one.shown}) < questions:  # noqa: ASYNC110 - another process writes there
            await asyncio.sleep(0.1)
