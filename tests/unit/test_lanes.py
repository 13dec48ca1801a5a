"""Lanes: order within, side by side between."""

from __future__ import annotations

import asyncio

import pytest

from bot.lanes import Job, Lanes, Turn


class Notes:
    """Jobs that note when they ran, and wait for a gate."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.gate = asyncio.Event()

    def job(self, name: str, *, gated: bool = False, only_waits: bool = False) -> Job:
        async def run(turn: Turn) -> None:
            if only_waits:
                turn.give_back()
            if gated:
                await self.gate.wait()
            self.done.append(name)

        return run


async def test_a_lane_keeps_its_order_and_another_does_not_wait_for_it() -> None:
    notes, lanes = Notes(), Lanes(width=2, capacity=9)
    lanes.put("a", 1, notes.job("a1", gated=True))
    lanes.put("a", 2, notes.job("a2"))
    lanes.put("b", 3, notes.job("b1"))
    await asyncio.sleep(0.01)
    assert notes.done == ["b1"]
    notes.gate.set()
    await lanes.idle()
    assert notes.done == ["b1", "a1", "a2"]


async def test_no_more_lanes_than_the_width_work_but_those_that_only_wait_do_not_count() -> None:
    notes, lanes = Notes(), Lanes(width=1, capacity=9)
    lanes.put("a", 1, notes.job("a1", gated=True))
    lanes.put("b", 2, notes.job("b1"))
    await asyncio.sleep(0.01)
    assert notes.done == [], "the one turn is taken"
    notes.gate.set()
    await lanes.idle()
    waiting = Lanes(width=1, capacity=9)
    notes.gate.clear()
    waiting.put("a", 1, notes.job("a2", gated=True, only_waits=True))
    waiting.put("b", 2, notes.job("b2"))
    await asyncio.sleep(0.01)
    assert notes.done == ["a1", "b1", "b2"]
    notes.gate.set()
    await waiting.idle()


async def test_a_busy_lane_takes_turns_with_others() -> None:
    notes, lanes = Notes(), Lanes(width=1, capacity=99)
    for number in range(5):
        lanes.put("flood", number, notes.job(f"flood{number}"))
    lanes.put("quiet", 9, notes.job("quiet"))
    await lanes.idle()
    assert notes.done.index("quiet") <= 1


async def test_past_its_capacity_nothing_is_taken_unless_it_must() -> None:
    notes, lanes = Notes(), Lanes(width=1, capacity=2)
    lanes.put("a", 0, notes.job("a0", gated=True))
    await asyncio.sleep(0.01)
    assert [lanes.put("a", number, notes.job(f"a{number}")) for number in (1, 2, 3)] == [True, True, False]
    assert lanes.put("a", 4, notes.job("a4"), always=True)
    notes.gate.set()
    await lanes.idle()
    assert notes.done == ["a0", "a1", "a2", "a4"]
    assert len(lanes) == 0


async def test_a_job_can_be_taken_out_before_and_while_it_runs() -> None:
    notes, lanes = Notes(), Lanes(width=1, capacity=9)
    lanes.put("a", 1, notes.job("a1", gated=True))
    lanes.put("a", 2, notes.job("a2"))
    lanes.put("a", 3, notes.job("a3"))
    await asyncio.sleep(0.01)
    assert lanes.cancel("a", 2)
    assert lanes.cancel("a", 1)
    assert not lanes.cancel("b", 1)
    await lanes.idle()
    assert not lanes.cancel("a", 1)
    assert notes.done == ["a3"]


async def test_a_job_that_fails_ends_only_itself_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    notes, lanes = Notes(), Lanes(width=1, capacity=9)

    async def broken(_: Turn) -> None:
        raise ValueError("what a person wrote")

    lanes.put("a", 1, broken)
    lanes.put("a", 2, notes.job("a2"))
    await lanes.idle()
    assert notes.done == ["a2"]
    assert lanes.failures == 1
    assert "what a person wrote" not in caplog.text
    assert caplog.records[-1].__dict__["error"] == "ValueError"


async def test_closing_finishes_what_runs_and_drops_what_waits() -> None:
    notes, lanes = Notes(), Lanes(width=1, capacity=9)
    lanes.put("a", 1, notes.job("a1", gated=True))
    lanes.put("a", 2, notes.job("a2"))
    await asyncio.sleep(0.01)
    asyncio.get_running_loop().call_later(0.02, notes.gate.set)
    await lanes.close(seconds=5)
    assert notes.done == ["a1"]
    assert not lanes.put("a", 3, notes.job("a3"), always=True)


async def test_closing_stops_what_does_not_end_in_time() -> None:
    notes, lanes = Notes(), Lanes(width=1, capacity=9)
    lanes.put("a", 1, notes.job("a1", gated=True))
    await asyncio.sleep(0.01)
    await lanes.close(seconds=0.01)
    assert notes.done == []
    assert not lanes.busy


async def test_each_job_knows_its_place_in_line() -> None:
    notes, lanes = Notes(), Lanes(width=1, capacity=99)
    jobs = [("a", 0), ("a", 1), ("b", 0), ("c", 0), ("c", 1), ("c", 2), ("a", 2), ("d", 0)]
    lanes.put("first", 0, notes.job("first", gated=True))
    lanes.put("first", 1, notes.job("first1"))
    await asyncio.sleep(0.01)
    for lane, number in jobs:
        lanes.put(lane, number, notes.job(f"{lane}{number}"))
    await asyncio.sleep(0.01)
    places = {f"{lane}{number}": lanes.place_of(lane, number) for lane, number in [*jobs, ("first", 1)]}
    assert lanes.place_of("first", 0) == 0, "it runs"
    assert lanes.place_of("a", 9) == lanes.place_of("z", 0) == 0, "there is no such job"
    notes.gate.set()
    await lanes.idle()
    assert notes.done == ["first", *sorted(places, key=places.__getitem__)]
    assert sorted(places.values()) == list(range(1, 10)), "no two have the same"


async def test_what_only_waits_for_a_platform_stands_in_no_line() -> None:
    notes, lanes = Notes(), Lanes(width=1, capacity=9)
    lanes.put("a", 1, notes.job("a1", gated=True))
    lanes.put("a", 2, notes.job("a2", only_waits=True), waits=True)
    await asyncio.sleep(0.01)
    assert lanes.place_of("a", 2) == 0
    notes.gate.set()
    await lanes.idle()
