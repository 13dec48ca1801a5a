from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from bot.blocking import Failed, Together, tried


class Doubling:
    """Doubles numbers, notes its batches, and can be held up."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, ...]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.began = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int | Failed]:
        self.batches.append(tuple(items))
        self.began.set()
        self.may_go_on.wait()
        return [tried(_double, item) for item in items]


def _double(number: int) -> int:
    if number < 0:
        raise ValueError(number)
    return 2 * number


async def _under_way(work: Doubling, together: Together[int, int]) -> asyncio.Task[int]:
    """A batch of one that is held up."""
    work.may_go_on.clear()
    first = asyncio.create_task(together(0))
    await asyncio.to_thread(work.began.wait)
    return first


async def test_what_is_asked_for_alone_is_done_alone() -> None:
    work = Doubling()
    together = Together(work, most=8)
    assert [await together(1), await together(2)] == [2, 4]
    assert work.batches == [(1,), (2,)]


async def test_what_is_asked_for_while_a_batch_is_at_work_makes_the_next_one() -> None:
    work = Doubling()
    together = Together(work, most=8)
    first = await _under_way(work, together)
    others = [asyncio.create_task(together(number)) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    work.may_go_on.set()
    assert await asyncio.gather(first, *others) == [0, 2, 4, 6]
    assert work.batches == [(0,), (1, 2, 3)]


async def test_a_batch_grows_no_larger_than_it_may() -> None:
    work = Doubling()
    together = Together(work, most=2)
    assert await asyncio.gather(*(together(number) for number in range(5))) == [0, 2, 4, 6, 8]
    assert work.batches == [(0, 1), (2, 3), (4,)]


async def test_a_failure_is_only_its_own() -> None:
    together = Together(Doubling(), most=8)
    found = await asyncio.gather(*(together(number) for number in (1, -1, 3)), return_exceptions=True)
    assert (found[0], found[2]) == (2, 6)
    assert isinstance(found[1], ValueError)


async def test_where_a_whole_batch_fails_everybody_in_it_hears_of_it_and_the_next_one_works() -> None:
    def work(items: Sequence[int]) -> list[int | Failed]:
        if 0 in items:
            raise OSError("the disk is full")
        return list(items)

    together = Together(work, most=8)
    found = await asyncio.gather(together(0), together(1), return_exceptions=True)
    assert [type(one) for one in found] == [OSError, OSError]
    assert await together(2) == 2


async def test_who_waits_no_longer_keeps_nobody_from_their_result() -> None:
    work = Doubling()
    together = Together(work, most=8)
    first = await _under_way(work, together)
    impatient, patient = asyncio.create_task(together(1)), asyncio.create_task(together(2))
    await asyncio.sleep(0)
    impatient.cancel()
    first.cancel()
    work.may_go_on.set()
    assert await patient == 4
    assert work.batches == [(0,), (1, 2)]
    with pytest.raises(asyncio.CancelledError):
        await impatient


def test_it_works_on_in_another_event_loop() -> None:
    together = Together(Doubling(), most=8)

    async def once() -> int:
        return await together(2)

    assert [asyncio.run(once()), asyncio.run(once())] == [4, 4]
