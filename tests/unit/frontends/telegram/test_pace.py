"""The pace at which a bot writes: short bursts pass, then it waits; chats do not wait for each other."""

from __future__ import annotations

import asyncio

import pytest

from bot.frontends.telegram.pace import KEPT_CHATS, Pace, Rates


async def seconds(pace: Pace, *chats: int) -> float:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for chat in chats:
        await pace.turn(chat)
    return loop.time() - begun


async def test_a_burst_passes_and_what_follows_waits() -> None:
    pace = Pace(Rates(chat=(3, 0.3), group=(2, 10.0), overall=1_000))
    assert await seconds(pace, 1, 1, 1) < 0.05
    assert await seconds(pace, 1) == pytest.approx(0.1, abs=0.06)


async def test_a_group_has_a_rate_of_its_own_and_holds_up_no_other_chat() -> None:
    pace = Pace(Rates(chat=(3, 0.3), group=(2, 10.0), overall=1_000))
    assert await seconds(pace, -1, -1, -2, -2, 1, 1) < 0.05
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pace.turn(-1), 0.1)


async def test_all_chats_together_keep_the_overall_rate() -> None:
    pace = Pace(Rates(chat=(3, 0.3), group=(2, 10.0), overall=20))
    assert await seconds(pace, *range(1, 23)) == pytest.approx(0.1, abs=0.08)


async def test_chats_at_rest_are_forgotten() -> None:
    pace = Pace(Rates(chat=(3, 0.01), group=(1, 3_600.0), overall=1_000_000))
    await pace.turn(-1)
    for chat in range(1, KEPT_CHATS + 200):
        await pace.turn(chat)
    assert len(pace) <= KEPT_CHATS
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pace.turn(-1), 0.1)
