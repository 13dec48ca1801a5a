"""What keeps updates from coming in is said once, in one sentence, and tried again until it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.frontends.telegram.api import Api
from bot.frontends.telegram.polling import (
    MOST_SECONDS,
    NOT_STORED,
    REVOKED,
    TRIES,
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


@asynccontextmanager
async def polling(office: Helpdesk, take: Callable[[dict[str, Any]], Awaitable[None]]) -> AsyncIterator[Polling]:
    """Another poller over the same server, with its own way of taking updates."""
    await office.frontend.stop()
    api = Api(office.settings.telegram)
    other = Polling(api, take, notice=office.notices.append, sleep=office.sleep)
    running = asyncio.create_task(other.run())
    try:
        yield other
    finally:
        running.cancel()
        await asyncio.wait([running])
        await api.aclose()


async def test_one_update_that_can_never_be_stored_is_set_aside_once_another_could_be(
    office: Helpdesk, caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[str] = []

    async def take(update: dict[str, Any]) -> None:
        if update["message"]["text"] == "poison":
            raise StoreError("no row for it")
        taken.append(update["message"]["text"])

    for text in ("first", "poison", "second"):
        office.world.say(ADA, text)
    poison = office.world.queue[1]["update_id"]
    async with polling(office, take) as other:
        await until(lambda: not office.world.queue)
        await until(lambda: office.notices == [NOT_STORED, ""])
    assert (taken, other.set_aside) == (["first", "second"], 1)
    [line] = [vars(record) for record in caplog.records if vars(record).get("action") == "update-set-aside"]
    assert (line["update_id"], "poison" in str(line)) == (poison, False)


async def test_while_nothing_can_be_stored_nothing_is_set_aside(office: Helpdesk) -> None:
    down, tried, taken = True, 0, []

    async def take(update: dict[str, Any]) -> None:
        nonlocal tried
        tried += 1
        if down:
            raise StoreError("locked")
        taken.append(update["message"]["text"])

    for text in ("first", "second", "third"):
        office.world.say(ADA, text)
    async with polling(office, take) as other:
        await until(lambda: tried > 5 * TRIES)
        assert len(office.world.queue) == 3
        down = False
        await until(lambda: not office.world.queue)
    assert (sorted(taken), other.set_aside) == (["first", "second", "third"], 0)
