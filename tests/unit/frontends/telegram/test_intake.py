"""Updates are handed on; one that cannot be handled holds up the others only for a while."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from telegram import Update

from bot.config import TelegramSettings
from bot.frontends.telegram.api import Api
from bot.frontends.telegram.intake import PAUSES, Intake
from bot.store.errors import StoreError

UPDATE = {"update_id": 7}


class Handler:
    """Fails as it is told."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self._outcomes: Iterator[Exception | None] = iter(outcomes)
        self.taken: list[int] = []
        self.slept: list[float] = []

    async def __call__(self, update: Update) -> None:
        if (outcome := next(self._outcomes, None)) is not None:
            raise outcome
        self.taken.append(update.update_id)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def intake(handler: Handler) -> Intake:
    return Intake(Api(TelegramSettings()), handler, sleep=handler.sleep)


async def test_a_slip_is_tried_again_and_may_pass() -> None:
    handler = Handler(ValueError("a person's words"))
    await intake(handler).take(UPDATE)
    assert (handler.taken, handler.slept) == ([7], [PAUSES[0]])


async def test_after_three_tries_an_update_is_skipped_and_named_by_its_id_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler = Handler(*[ValueError("a person's words")] * 3)
    door = intake(handler)
    with caplog.at_level(logging.INFO):
        await door.take(UPDATE)
    assert (handler.taken, handler.slept, door.skipped) == ([], list(PAUSES), 1)
    assert [vars(record)["action"] for record in caplog.records] == ["update-failed", "update-failed", "update-skipped"]
    assert all("words" not in str(vars(record)) for record in caplog.records)
    assert vars(caplog.records[-1])["update_id"] == 7


@pytest.mark.parametrize("error", [StoreError("locked"), OSError("disk full")])
async def test_what_is_not_the_updates_fault_is_left_to_whoever_brings_it(error: Exception) -> None:
    handler = Handler(error)
    with pytest.raises(type(error)):
        await intake(handler).take(UPDATE)
    assert handler.slept == []
