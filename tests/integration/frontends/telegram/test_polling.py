"""What keeps updates from coming in is said once, in one sentence, and tried again until it is over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.frontends.telegram.api import Api
from bot.frontends.telegram.polling import (
    MOST_SECONDS,
    NOT_STORED,
    REVOKED,
    UNREACHABLE,
    WEBHOOK_SET,
    Polling,
)
from bot.store.errors import StoreError
from tests.fakes.telegram_server import Fault
from tests.integration.frontends.telegram.helpdesk import ADA, Q_REFUND, Helpdesk, until

HOOKED = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault(status=409, description=HOOKED), WEBHOOK_SET),
        (Fault(status=401, description="Unauthorized"), REVOKED),
        (Fault(status=502, description="Bad Gateway"), UNREACHABLE),
        (Fault(), UNREACHABLE),
    ],
)
async def test_a_problem_is_said_once_and_so_is_its_end(office: Helpdesk, fault: Fault, sentence: str) -> None:
    office.server.fail("getUpdates", *[fault] * 8)
    office.world.say(ADA, Q_REFUND)  # ends the poll that is under way
    await until(lambda: office.notices == [sentence, ""])
    await office.settle()
    assert len(office.texts()) == 1
    assert [pause for pause in office.slept if pause >= 1][:7] == [1, 2, 4, 8, 16, MOST_SECONDS, MOST_SECONDS]


async def test_a_poll_that_comes_too_soon_waits_as_long_as_it_is_told(office: Helpdesk) -> None:
    office.server.fail("getUpdates", Fault(status=429, retry_after=42))
    await office.ask(Q_REFUND)
    await until(lambda: 42.0 in office.slept)
    assert office.notices == []


async def test_what_cannot_be_stored_now_comes_again_in_its_order(office: Helpdesk) -> None:
    await office.frontend.stop()
    failures: list[Exception] = [StoreError("locked"), OSError("disk full")]
    taken: list[int] = []

    async def take(update: dict[str, Any]) -> None:
        if failures and taken:
            raise failures.pop()
        taken.append(update["update_id"])

    for _ in range(3):
        office.world.say(ADA, Q_REFUND)
    api = Api(office.settings.telegram)
    polling = asyncio.create_task(Polling(api, take, notice=office.notices.append, sleep=office.sleep).run())
    await until(lambda: not office.world.queue)
    polling.cancel()
    await asyncio.wait([polling])
    await api.aclose()
    assert taken == sorted(set(taken))
    assert len(taken) == 3
    assert office.notices == [NOT_STORED, ""]


async def test_a_stop_finishes_the_update_in_hand_and_confirms_it_alone(office: Helpdesk) -> None:
    await office.frontend.stop()
    began, ended = asyncio.Event(), asyncio.Event()

    async def take(_: dict[str, Any]) -> None:
        began.set()
        await asyncio.sleep(0.05)
        ended.set()

    office.world.say(ADA, Q_REFUND)
    office.world.say(ADA, Q_REFUND)
    api = Api(office.settings.telegram)
    polling = Polling(api, take, notice=office.notices.append)
    running = asyncio.create_task(polling.run())
    await began.wait()
    running.cancel()
    await asyncio.wait([running])
    assert ended.is_set()
    await polling.confirm()
    await api.aclose()
    assert len(office.world.queue) == 1
