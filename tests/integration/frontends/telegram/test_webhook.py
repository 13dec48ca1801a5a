"""The webhook: Telegram brings updates, and only Telegram may."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.config import TelegramSettings
from bot.frontends.base import PlatformError
from bot.frontends.telegram.api import Api
from bot.frontends.telegram.webhook import MAX_BODY_BYTES, SECRET_HEADER, Webhook
from bot.http import ListenError
from bot.store.errors import StoreError
from tests.integration.frontends.telegram.helpdesk import ADA, Q_INVOICE, Q_REFUND, REFUNDS, Helpdesk, helpdesk, until

SECRET = "a-secret_1"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def hooked(tmp_path: Path) -> AsyncIterator[Helpdesk]:
    async with helpdesk(tmp_path) as office:
        port = free_port()
        office.telegram = {
            "mode": "webhook",
            "webhook_url": f"http://127.0.0.1:{port}/telegram",
            "webhook_listen": f"127.0.0.1:{port}",
            "webhook_secret": SECRET,
        }
        await office.start()
        yield office


async def call(office: Helpdesk, body: bytes, secret: str | None) -> int:
    headers = {} if secret is None else {SECRET_HEADER: secret}
    async with (
        aiohttp.ClientSession() as session,
        session.post(office.telegram["webhook_url"], data=body, headers=headers) as answer,
    ):
        return answer.status


async def test_updates_that_are_brought_are_answered(hooked: Helpdesk) -> None:
    await hooked.ask(Q_REFUND)
    assert hooked.texts()[0].startswith(REFUNDS)
    assert hooked.server.calls["getUpdates"] == 0


async def test_whoever_does_not_know_the_secret_is_turned_away_and_counted(hooked: Helpdesk) -> None:
    assert [await call(hooked, b"{}", secret) for secret in (None, "", "a-secret_2", "\u00e9")] == [401] * 4
    assert hooked.frontend.rejected == 4
    assert await call(hooked, b"{}", SECRET) == 400
    assert await call(hooked, b"no JSON", SECRET) == 400
    assert await call(hooked, b'["update_id"]', SECRET) == 400
    assert await call(hooked, b" " * (MAX_BODY_BYTES + 1), SECRET) == 413
    assert hooked.frontend.rejected == 4


async def test_an_update_that_could_not_be_stored_is_brought_again(hooked: Helpdesk) -> None:
    await hooked.frontend.stop()
    failures: list[Exception] = [OSError("disk full"), StoreError("locked")]
    taken: list[int] = []

    async def take(update: dict[str, Any]) -> None:
        if failures:
            raise failures.pop()
        taken.append(update["update_id"])

    api = Api(hooked.settings.telegram)
    webhook = Webhook(hooked.settings.telegram, take)
    await webhook.start(api)
    hooked.world.say(ADA, Q_REFUND)
    hooked.world.say(ADA, Q_INVOICE)
    await until(lambda: not hooked.world.queue)
    await webhook.stop()
    await api.aclose()
    assert failures == []
    assert taken == sorted(taken)
    assert len(taken) == 2


async def test_what_comes_while_the_bot_is_away_is_answered_later(hooked: Helpdesk) -> None:
    await hooked.stop()
    hooked.world.say(ADA, Q_INVOICE)
    await hooked.start()
    await hooked.settle()
    assert len(hooked.texts()) == 1


async def test_polling_removes_a_webhook(hooked: Helpdesk) -> None:
    hooked.telegram = {}
    await hooked.restart()
    assert hooked.server.webhook == ""
    await hooked.ask(Q_REFUND)
    assert len(hooked.texts()) == 1


@pytest.mark.parametrize(
    ("telegram", "sentence"),
    [
        ({"webhook_url": ""}, "https address"),
        ({"webhook_url": "http://x.org/", "base_url": "https://api.telegram.org/bot"}, "https address"),
        ({"webhook_secret": "not good!"}, "webhook_secret"),
    ],
)
async def test_settings_that_make_no_webhook_are_explained(telegram: dict[str, str], sentence: str) -> None:
    settings = TelegramSettings.model_validate({"mode": "webhook", "webhook_url": "https://x.org/", **telegram})

    async def take(_: object) -> None:
        raise AssertionError

    with pytest.raises(PlatformError, match=sentence):
        Webhook(settings, take)


async def test_an_address_that_is_taken_is_explained(hooked: Helpdesk, tmp_path: Path) -> None:
    async with helpdesk(tmp_path / "other") as second:
        (tmp_path / "other").mkdir()
        second.telegram = hooked.telegram
        with pytest.raises(ListenError, match=r"telegram\.webhook_listen"):
            await second.start()
