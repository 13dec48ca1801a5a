"""`burnish serve`, `doctor` and `owner-code`: the real program against the platforms' servers on loopback."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.acceptance.conftest import Burnish
from tests.fakes import slack_world
from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import TelegramServer
from tests.fakes.telegram_world import Person

pytestmark = [pytest.mark.models, pytest.mark.slow]

ADA = Person(id=11, name="Ada")
SECONDS = 120.0


class Served:
    """A running `burnish serve`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    async def until(self, done: Callable[[], object]) -> None:
        """Wait for something, as long as the program runs."""
        async with asyncio.timeout(SECONDS):
            while not done():
                assert self.process.poll() is None, self.process.communicate()
                await asyncio.sleep(0.05)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal, and give the exit code and what stood on stderr."""
        self.process.send_signal(number)
        _, err = await asyncio.to_thread(self.process.communicate, timeout=SECONDS)
        return self.process.returncode, err


@asynccontextmanager
async def serving(program: Burnish) -> AsyncIterator[Served]:
    """The program while it is needed."""
    with program.start("serve") as process:
        try:
            yield Served(process)
        finally:
            if process.poll() is None:
                process.kill()


def on(program: Burnish, telegram: TelegramServer | None = None, slack: SlackServer | None = None) -> Burnish:
    """The program with these platforms."""
    settings = {**program.settings, "BURNISH_SERVE__LISTEN": "127.0.0.1:0"}
    if telegram is not None:
        settings |= {
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "BURNISH_TELEGRAM__BASE_URL": telegram.base_url,
            "BURNISH_TELEGRAM__BASE_FILE_URL": telegram.base_file_url,
        }
    if slack is not None:
        settings |= {
            "SLACK_BOT_TOKEN": slack_world.BOT_TOKEN,
            "SLACK_APP_TOKEN": slack_world.APP_TOKEN,
            "BURNISH_SLACK__BASE_URL": slack.base_url,
        }
    return replace(program, settings=settings)


@pytest.fixture
def own(stocked: Burnish, tmp_path: Path) -> Burnish:
    """The stocked program with a home of its own."""
    shutil.copytree(stocked.home, tmp_path / "own")
    return replace(stocked, home=tmp_path / "own")


async def test_a_wrong_token_is_one_sentence_and_ends_the_program(own: Burnish) -> None:
    async with TelegramServer() as telegram:
        program = on(own, telegram)
        wrong = replace(program, settings={**program.settings, "TELEGRAM_BOT_TOKEN": "1000:WRONG"})
        finished = await asyncio.to_thread(wrong, "serve")
    assert finished.code == 1
    assert "does not know the bot's token" in finished.err
    assert "WRONG" not in finished.err
    assert "Traceback" not in finished.err


async def test_both_platforms_are_answered_until_the_program_is_told_to_stop(own: Burnish) -> None:
    async with TelegramServer() as telegram, SlackServer() as slack:
        slack.world.user("UADA", name="Ada")
        async with serving(on(own, telegram, slack)) as served:
            telegram.world.say(ADA, "What am I charged for each Bancontact payment?")
            slack.say("UADA", "D1", "How long does an invitation stay valid?")
            chat = telegram.world.private(ADA)
            await served.until(lambda: any(post.buttons for post in telegram.world.replies(chat)))
            await served.until(lambda: any(one.buttons for one in slack.world.of_bot("D1")))
            code, err = await served.end()
        assert (code, "Traceback" in err) == (0, False)
        [reply] = telegram.world.replies(chat)
        assert "€0.39" in reply.text
        [posted] = slack.world.of_bot("D1")
        assert "7 days" in posted.shown


async def test_what_came_in_while_the_program_was_down_is_answered_at_its_next_start(own: Burnish) -> None:
    async with TelegramServer() as telegram:
        chat = telegram.world.private(ADA)
        async with serving(on(own, telegram)) as served:
            telegram.world.say(ADA, "/help")
            await served.until(lambda: telegram.world.replies(chat))
            await served.end(signal.SIGKILL)
        telegram.world.say(ADA, "How do I add a colleague to our team?")
        async with serving(on(own, telegram)) as served:
            await served.until(lambda: any("Invite member" in post.text for post in telegram.world.replies(chat)))
            await served.end()
        answers = [post.text for post in telegram.world.replies(chat) if post.text != "…"]
        assert sum("Invite member" in text for text in answers) == 1
        assert sum("Ask me in your own words" in text for text in answers) == 1


async def test_a_hangup_reads_the_settings_again_and_unsound_ones_are_named_and_left(own: Burnish) -> None:
    async with TelegramServer() as telegram:
        chat = telegram.world.private(ADA)
        file = own.home / "burnish.toml"
        async with serving(on(own, telegram)) as served:
            telegram.world.say(ADA, "/help")
            await served.until(lambda: any("I am Burnish" in post.text for post in telegram.world.replies(chat)))
            file.write_text('[bot]\nname = "Robin"\n', encoding="utf-8")
            served.process.send_signal(signal.SIGHUP)
            await asked_until(served, telegram, lambda texts: any("I am Robin" in text for text in texts))
            file.write_text('[bot]\nnames = "Robin"\n', encoding="utf-8")
            served.process.send_signal(signal.SIGHUP)
            await asyncio.sleep(1)
            seen = len(_finished(telegram, ADA))
            await asked_until(served, telegram, lambda texts: any("I am Robin" in text for text in texts[seen:]))
            assert telegram.calls["getMe"] == 2, "nothing was stopped for settings that are not taken"
            code, err = await served.end()
        assert code == 0
        assert "did you mean bot.name" in err


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ('[telegram]\ntoken = "1000:WRONG"\n', "does not know the bot's token"),
        ('{token}[models]\nencoder = "path:/nowhere/at/all"\n', "/nowhere/at/all"),
    ],
)
async def test_settings_that_do_not_work_at_a_hangup_leave_the_old_ones_serving(
    own: Burnish, wrong: str, sentence: str
) -> None:
    async with TelegramServer() as telegram:
        program = on(own, telegram)
        token = f'[telegram]\ntoken = "{telegram.token}"\n'
        settings = {key: value for key, value in program.settings.items() if key != "TELEGRAM_BOT_TOKEN"}
        file = own.home / "burnish.toml"
        file.write_text(token, encoding="utf-8")
        async with serving(replace(program, settings=settings)) as served:
            telegram.world.say(ADA, "/help")
            await served.until(lambda: _finished(telegram, ADA))
            file.write_text(wrong.format(token=token), encoding="utf-8")
            served.process.send_signal(signal.SIGHUP)
            await served.until(lambda: telegram.calls["getMe"] == 2 + ("WRONG" in wrong))
            telegram.world.say(ADA, "/help")
            await served.until(lambda: len(_finished(telegram, ADA)) == 2)
            code, err = await served.end()
        assert code == 0
        assert err.count("The settings were not taken") == 1
        assert sentence in err
        assert "WRONG" not in err
        assert "Traceback" not in err


async def asked_until(served: Served, telegram: TelegramServer, done: Callable[[list[str]], bool]) -> None:
    """Ask for help every two seconds until the replies are as wanted: the old settings may still answer the first."""
    async with asyncio.timeout(SECONDS):
        while not done(_finished(telegram, ADA)):
            telegram.world.say(ADA, "/help")
            waiting = len(_finished(telegram, ADA))
            await served.until(lambda: len(_finished(telegram, ADA)) > waiting)  # noqa: B023 - awaited at once
            await asyncio.sleep(2)


async def test_the_code_that_the_server_prints_makes_an_owner_once(own: Burnish) -> None:
    printed = await asyncio.to_thread(own, "owner-code")
    code = printed.out.strip()
    assert f"/claim {code}" in printed.err
    async with TelegramServer() as telegram:
        chat = telegram.world.private(ADA)
        async with serving(on(own, telegram)) as served:
            telegram.world.say(ADA, f"/claim {code}")
            telegram.world.say(ADA, "/status")
            bob = Person(id=12, name="Bob")
            telegram.world.say(bob, f"/claim {code}")
            await served.until(lambda: len(_finished(telegram, bob)) == 1 and len(_finished(telegram, ADA)) == 2)
            await served.end()
        assert "owner" in telegram.world.replies(chat)[0].text
        assert "documents" in _finished(telegram, ADA)[1].casefold()
        assert "owner" not in _finished(telegram, bob)[0].casefold().replace("owner-code", "")


async def test_doctor_finds_what_is_well_and_what_is_not(own: Burnish, burnish: Burnish) -> None:
    async with TelegramServer() as telegram, SlackServer() as slack:
        well = await asyncio.to_thread(on(own, telegram, slack), "doctor", "--json")
        ill = replace(on(burnish, telegram), settings={**on(burnish, telegram).settings, "TELEGRAM_BOT_TOKEN": "1:x"})
        found = await asyncio.to_thread(ill, "doctor")
    checks = json.loads(well.out)
    assert well.code == 0, well.out
    assert not [one for one in checks if one["ok"] is False]
    assert found.code == 4
    assert "burnish ingest" in found.out
    assert "@BotFather" in found.out


def _finished(telegram: TelegramServer, person: Person) -> list[str]:
    return [post.text for post in telegram.world.replies(telegram.world.private(person)) if post.text != "…"]
