"""Generators for replays: copies side by side, and what was said is not computed again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

import pytest

from adapters.errors import GenerationError
from adapters.testing import ScriptedGenerator
from adapters.types import ChatTurn, GenerationLimits, Verdict
from bot.learning.abreast import abreast
from bot.learning.rehearing import Copies, Memory, Rehearing

LIMITS = GenerationLimits(max_new_tokens=50, seconds=5)
FIRST, SECOND = [ChatTurn(role="user", content="One?")], [ChatTurn(role="user", content="Two?")]


async def said(generator: Rehearing, turns: Sequence[ChatTurn], *, pieces: int = 99) -> tuple[str, list[Verdict]]:
    """What comes, up to so many pieces, and the verdicts."""
    verdicts: list[Verdict] = []
    text = ""
    async with aclosing(generator.stream(turns, LIMITS, judged=verdicts.append)) as stream:
        async for piece in stream:
            text += piece
            pieces -= 1
            if not pieces:
                break
    return text, verdicts


def scripted() -> ScriptedGenerator:
    return ScriptedGenerator(lambda turns: f"To {turns[-1].content} I say so.", answerable=[2.0, 3.0])


async def test_a_prompt_that_was_answered_is_not_computed_again() -> None:
    memory: Memory = {}
    first = scripted()
    heard = await said(Rehearing(first, memory), FIRST)
    assert heard[0] == "To One? I say so."
    assert [one.answerable for one in heard[1]] == [2.0]
    later = scripted()
    again = Rehearing(later, memory)
    assert await said(again, FIRST) == heard
    assert later.asked == []
    assert (await said(again, SECOND))[0] == "To Two? I say so."
    assert len(later.asked) == 1


async def test_what_was_not_listened_to_is_computed_when_it_is_wanted() -> None:
    memory: Memory = {}
    begun, verdicts = await said(Rehearing(scripted(), memory), FIRST, pieces=1)
    assert begun
    assert begun != "To One? I say so."
    silent = scripted()
    assert await said(Rehearing(silent, memory), FIRST, pieces=1) == (begun, verdicts)
    assert silent.asked == []
    going_on = scripted()
    assert await said(Rehearing(going_on, memory), FIRST) == ("To One? I say so.", verdicts), "told once"
    assert len(going_on.asked) == 1
    assert await said(Rehearing(silent, memory), FIRST) == ("To One? I say so.", verdicts)
    assert silent.asked == []


async def test_a_text_that_came_out_otherwise_is_not_joined_to_the_one_before() -> None:
    memory: Memory = {}
    await said(Rehearing(ScriptedGenerator(["One way of it."]), memory), FIRST, pieces=1)
    with pytest.raises(GenerationError, match="second time"):
        await said(Rehearing(ScriptedGenerator(["Another way."]), memory), FIRST)


async def test_an_answer_that_ran_out_of_time_is_not_taken_for_whole() -> None:
    memory: Memory = {}
    hurried = GenerationLimits(max_new_tokens=50, seconds=0.0)
    generator = scripted()
    for count in (1, 2):
        async with aclosing(Rehearing(generator, memory).stream(FIRST, hurried)) as pieces:
            assert not [piece async for piece in pieces]
        assert len(generator.asked) == count


async def test_a_failure_is_not_remembered() -> None:
    memory: Memory = {}
    with pytest.raises(GenerationError):
        await said(Rehearing(ScriptedGenerator([GenerationError("full")]), memory), FIRST)
    assert (await said(Rehearing(scripted(), memory), FIRST))[0] == "To One? I say so."


async def test_each_slot_has_a_copy_and_all_of_them_are_stopped() -> None:
    copies = [scripted(), scripted()]
    both = Copies(copies)

    async def work(number: int) -> str:
        async with aclosing(both.stream([ChatTurn(role="user", content=str(number))], LIMITS)) as pieces:
            return "".join([piece async for piece in pieces])

    assert await abreast(work, range(8), together=4) == tuple(f"To {number} I say so." for number in range(8))
    assert sorted(len(one.asked) for one in copies) == [4, 4]
    await both.aclose()
    for one in copies:
        with pytest.raises(GenerationError):
            await anext(one.stream(FIRST, LIMITS))
