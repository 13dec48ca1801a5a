"""Versions that are chosen at the command line serve within seconds, without a restart of the bot that serves."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.generator.shipped import FOLDER
from bot.config import folders, load_settings
from bot.wiring import Wiring
from tests.acceptance.conftest import Burnish
from tests.acceptance.test_serve import ADA, on, serving
from tests.fakes.telegram_server import TelegramServer

pytestmark = [pytest.mark.models, pytest.mark.slow]

QUESTIONS = (
    "What am I charged for each Bancontact payment?",
    "How much does a Bancontact payment cost me?",
    "What is the fee for one Bancontact payment?",
)


def versions(program: Burnish) -> list[str]:
    """Which generator answered, newest answer first."""
    found = folders(program.environ)
    wiring = Wiring(load_settings({}, found.file), found, lambda *_: None)
    with wiring.open_store() as store:
        return [one.answer.trace.versions.get("generator", "") for one in store.answers.recent(len(QUESTIONS))]


def swaps(program: Burnish) -> int:
    """How often the bot that serves took other versions."""
    log = program.home / "logs" / "burnish.log"
    return log.read_text(encoding="utf-8").count("versions-changed") if log.exists() else 0


async def test_a_promotion_and_a_rollback_at_the_command_line_reach_the_bot_that_serves(
    stocked: Burnish, tmp_path: Path
) -> None:
    shutil.copytree(stocked.home, tmp_path / "own")
    async with TelegramServer() as telegram:
        program = on(replace(stocked, home=tmp_path / "own"), telegram)

        async def changed(*command: str) -> None:
            done = await asyncio.to_thread(program, "versions", *command)
            assert (done.code, "within seconds" in done.out) == (0, True), done.err

        def replies(count: int) -> Callable[[], bool]:
            chat = telegram.world.private(ADA)
            return lambda: len([post for post in telegram.world.replies(chat) if post.buttons]) == count

        async with serving(program) as served:
            telegram.world.say(ADA, QUESTIONS[0])
            await served.until(replies(1))
            added = await asyncio.to_thread(program, "versions", "add", str(FOLDER))
            assert "generator-2 is a candidate" in added.out
            await changed("promote", "generator-2")
            await served.until(lambda: swaps(program) == 1)
            telegram.world.say(ADA, QUESTIONS[1])
            await served.until(replies(2))
            await changed("rollback")
            await served.until(lambda: swaps(program) == 2)
            telegram.world.say(ADA, QUESTIONS[2])
            await served.until(replies(3))
            code, err = await served.end()
    assert (code, "Traceback" in err) == (0, False)
    assert versions(program) == ["generator-1", "generator-2", "generator-1"]
