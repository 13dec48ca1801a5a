"""`burnish doctor` on Telegram."""

from __future__ import annotations

import time

import pytest

from bot.frontends.base import Check
from bot.frontends.telegram.doctor import examine
from tests.fakes.telegram_server import Fault, TelegramServer
from tests.integration.frontends.telegram.helpdesk import Helpdesk


async def found(office: Helpdesk, *, ahead: float = 0.0) -> dict[str, Check]:
    checks = await examine(office.settings.telegram, now=lambda: time.time() + ahead)
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
