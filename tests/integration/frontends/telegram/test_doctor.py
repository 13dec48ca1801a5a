"""`burnish doctor` on Telegram."""

from __future__ import annotations

import time

import pytest

from bot.frontends.base import Check
from bot.frontends.telegram.doctor import examine
from tests.fakes.telegram_server import Fault, TelegramServer
from tests.integration.frontends.telegram.helpdesk import TEAM, Helpdesk


async def found(office: Helpdesk, *, ahead: float = 0.0, team: str = "") -> dict[str, Check]:
    checks = await examine(office.settings.telegram, team=team, now=lambda: time.time() + ahead)
    assert all(office.server.token not in check.sentence for check in checks)
    return {check.name.removeprefix("Telegram: "): check for check in checks}


@pytest.fixture
async def stopped(office: Helpdesk) -> Helpdesk:
    await office.stop()
    return office


async def test_all_is_well(stopped: Helpdesk) -> None:
    stopped.world.reads_all = True
    checks = await found(stopped)
    assert {name: check.ok for name, check in checks.items()} == {
        "reachable": True,
        "token": True,
        "privacy mode": True,
        "mode": True,
        "clock": True,
    }
    assert checks["token"].sentence == "belongs to @helper_bot"


async def test_a_wrong_token_and_a_wrong_clock(stopped: Helpdesk) -> None:
    stopped.telegram = {"token": "1000:WRONG"}
    checks = await found(stopped, ahead=-600)
    assert checks["token"].ok is False
    assert "@BotFather" in checks["token"].sentence
    assert checks["clock"].ok is False
    assert "seconds behind" in checks["clock"].sentence


async def test_no_connection_and_a_server_in_trouble(stopped: Helpdesk) -> None:
    stopped.server.fail("getMe", Fault(status=500))
    assert (await found(stopped))["token"].ok is None
    await stopped.server.stop()
    checks = await found(stopped)
    assert checks["reachable"].ok is False
    assert "telegram.base_url" in checks["reachable"].sentence
    assert set(checks) == {"reachable", "clock"}


async def test_privacy_mode_is_told_with_how_to_switch_it_off(stopped: Helpdesk) -> None:
    check = (await found(stopped))["privacy mode"]
    assert check.ok is None
    assert "/setprivacy" in check.sentence


async def test_a_webhook_that_does_not_fit_the_mode(stopped: Helpdesk) -> None:
    server: TelegramServer = stopped.server
    server.webhook = "https://old.org/"
    assert "removes it" in (await found(stopped))["mode"].sentence
    stopped.telegram = {"mode": "webhook", "webhook_url": "https://new.org/"}
    assert (await found(stopped))["mode"].ok is False
    server.webhook = ""
    assert "no webhook" in (await found(stopped))["mode"].sentence


async def test_what_telegram_says_of_the_webhook(stopped: Helpdesk) -> None:
    stopped.telegram = {"mode": "webhook", "webhook_url": "https://new.org/"}
    stopped.server.webhook = "https://new.org/"
    assert (await found(stopped))["webhook"].ok is True
    stopped.server.webhook_error = "Connection refused"
    assert (await found(stopped))["webhook"].ok is None
    stopped.world.push({"poll": {}})
    check = (await found(stopped))["webhook"]
    assert check.ok is False
    assert "Connection refused" in check.sentence


async def test_whether_the_bot_is_in_the_teams_chat_and_may_write_there(stopped: Helpdesk) -> None:
    team = stopped.world.group(TEAM, title="The team")
    well = (await found(stopped, team=str(TEAM)))["team"]
    assert (well.ok, "The team" in well.sentence) == (True, True)
    team.bot_is = {"status": "left"}
    assert (await found(stopped, team=str(TEAM)))["team"].ok is False
    team.bot_is = {"status": "restricted", "is_member": True, **_no_rights(), "until_date": 0}
    mute = (await found(stopped, team=str(TEAM)))["team"]
    assert (mute.ok, "may not write" in mute.sentence) == (False, True)
    team.shut = True
    assert "is not in the chat" in (await found(stopped, team=str(TEAM)))["team"].sentence
    nowhere = (await found(stopped, team="-1"))["team"]
    assert (nowhere.ok, "add it" in nowhere.sentence) == (False, True)
    assert "by its number" in (await found(stopped, team="helpers"))["team"].sentence


def _no_rights() -> dict[str, bool]:
    names = ("change_info", "invite_users", "pin_messages", "send_messages", "send_polls", "send_other_messages")
    more = ("add_web_page_previews", "manage_topics", "send_audios", "send_documents", "send_photos", "send_videos")
    last = ("send_video_notes", "send_voice_notes", "edit_tag", "react_to_messages")
    return dict.fromkeys((f"can_{name}" for name in (*names, *more, *last)), False)
