"""Questions asked side by side, each in a slot of its own."""

from __future__ import annotations

import asyncio

import pytest

from bot.learning.abreast import SLOT, abreast


async def test_so_many_are_done_at_once_each_in_a_slot_of_its_own_and_come_back_in_order() -> None:
    slots: set[int] = set()
    most = 0
    told: list[tuple[int, int]] = []

    async def work(number: int) -> int:
        nonlocal most
        slot = SLOT.get()
        assert slot not in slots, "two in one slot"
        slots.add(slot)
        most = max(most, len(slots))
        await asyncio.sleep(0.001 * (number % 3))
        assert SLOT.get() == slot
        slots.remove(slot)
        return number * number

    found = await abreast(work, range(20), together=3, progress=lambda done, of: told.append((done, of)))
    assert found == tuple(number * number for number in range(20))
    assert most == 3
    assert told == [(number, 20) for number in range(1, 21)]
    assert SLOT.get() == 0, "nothing of it is left outside"


async def test_the_first_failure_ends_the_others() -> None:
    begun, ended = 0, 0

    async def work(number: int) -> None:
        nonlocal begun, ended
        begun += 1
        if number == 1:
            raise ValueError("no")
        try:
            await asyncio.sleep(60)
        finally:
            ended += 1

    with pytest.raises(ValueError, match="no"):
        await abreast(work, range(9), together=3)
    assert begun < 9
    assert ended == begun - 1
