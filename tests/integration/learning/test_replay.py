"""Held-out questions through the real message path and the real search, with scripted models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence
from pathlib import Path

import pytest

from adapters.errors import GenerationError
from adapters.examples import ShownPassage
from adapters.types import ChatTurn
from bot.errors import BotError
from bot.learning.held_out import HeldOut
from bot.learning.replay import how_many_together, pairs, replay
from bot.learning.scoring import AS_WANTED, REFUSED
from bot.pipeline import Event, Pipeline
from bot.types import AnswerKind, Turn
from tests.pipelines import FROZEN, FROZEN_QUESTION, REFUND_QUESTION, REFUNDS, pipeline, refusing, settings

ITEM = HeldOut(
    question=REFUND_QUESTION,
    wanted=("Refunds reach your bank within five working days.",),
    unwanted=("Fees are high.",),
    answerable=True,
    passages=(ShownPassage(uri="/help/a.md", title="Refunds", text=REFUNDS),),
    weight=0.5,
    raters=("7",),
)


class Likely:
    """Finds short texts likelier; notes what it was asked."""

    def __init__(self, *, known: bool = True, error: Exception | None = None) -> None:
        self.asked: list[tuple[tuple[ChatTurn, ...], str]] = []
        self._known, self._error = known, error

    async def likelihood(self, turns: Sequence[ChatTurn], text: str) -> float | None:
        self.asked.append((tuple(turns), text))
        if self._error is not None:
            raise self._error
        return -len(text) / 10 if self._known else None


class Counted:
    """A path that counts how many questions it is asked at once, and may end without an answer or fail."""

    def __init__(self, path: Pipeline, *, silent: bool = False, fails: bool = False) -> None:
        self.now = self.most = self.asked = 0
        self._path, self._silent, self._fails = path, silent, fails

    async def answer(
        self,
        text: str,
        *,
        history: Sequence[Turn] = (),
        collections: Sequence[str] | None = None,
        avoid: Collection[int] = (),
    ) -> AsyncGenerator[Event, None]:
        self.now += 1
        self.asked += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0)
            if self._fails:
                raise BotError(text)
            if not self._silent:
                async for event in self._path.answer(text, history=history, collections=collections, avoid=avoid):
                    yield event
        finally:
            self.now -= 1


async def test_a_question_is_asked_anew_and_measured(tmp_path: Path) -> None:
    path = pipeline(tmp_path, "Refunds reach your bank within five working days.", settings=settings())
    [found] = await replay(path, [ITEM])
    assert found.answer.kind is AnswerKind.GENERATED
    assert found.measured.agreement == 1.0
    assert found.measured.grounded == 1.0
    assert found.measured.utility == AS_WANTED.unknown
    assert found.measured.margin is None


async def test_a_version_that_refuses_is_paired_with_one_that_answers(tmp_path: Path) -> None:
    refuses = await replay(pipeline(tmp_path / "a", settings=refusing()), [ITEM])
    answers = await replay(pipeline(tmp_path / "b", "Refunds reach your bank within five working days."), [ITEM])
    [pair] = pairs(refuses, answers)
    assert pair.gain == pytest.approx(AS_WANTED.unknown - REFUSED)
    assert (pair.weight, pair.raters) == (0.5, ("7",))
    assert (pair.before.right_verdict, pair.after.right_verdict) == (False, True)


async def test_the_entry_that_gives_the_answer_away_is_not_used(tmp_path: Path) -> None:
    path = pipeline(tmp_path, "An account freezes.", settings=settings())
    item = HeldOut(question=FROZEN_QUESTION, wanted=(FROZEN,), answerable=True)
    [with_it] = await replay(path, [item])
    own = with_it.answer.sources[0].chunk_id
    [without] = await replay(path, [HeldOut(question=FROZEN_QUESTION, wanted=(FROZEN,), avoid=frozenset([own]))])
    assert with_it.answer.kind is AnswerKind.CURATED
    assert own not in [source.chunk_id for source in without.answer.sources]


async def test_the_wanted_answer_is_weighed_against_the_unwanted_one_behind_its_passage(tmp_path: Path) -> None:
    likely = Likely()
    [found] = await replay(pipeline(tmp_path, "x"), [ITEM], likelihood=likely)
    assert found.measured.margin == pytest.approx((len(ITEM.unwanted[0]) - len(ITEM.wanted[0])) / 10)
    (turns, wanted), (_, unwanted) = likely.asked
    assert (wanted, unwanted) == (ITEM.wanted[0], ITEM.unwanted[0])
    assert "five working days" in turns[-1].content
    assert REFUND_QUESTION in turns[-1].content


@pytest.mark.parametrize("likely", [Likely(known=False), Likely(error=GenerationError("too long"))])
async def test_a_generator_that_cannot_tell_leaves_no_margin(tmp_path: Path, likely: Likely) -> None:
    [found] = await replay(pipeline(tmp_path, "x"), [ITEM], likelihood=likely)
    assert found.measured.margin is None


async def test_questions_without_both_answers_cost_no_reading(tmp_path: Path) -> None:
    likely = Likely()
    await replay(pipeline(tmp_path, "x"), [HeldOut(question=REFUND_QUESTION, wanted=("x",))], likelihood=likely)
    assert likely.asked == []


async def test_so_many_questions_are_asked_how_many_together_and_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = Counted(pipeline(tmp_path, *["Refunds reach your bank."] * 9))
    found = await replay(path, [ITEM] * 9, together=3, progress=lambda done, of: told.append((done, of)))
    assert len(found) == 9
    assert told == [(n, 9) for n in range(1, 10)]
    assert path.most == 3


async def test_one_failure_is_raised_as_it_is_and_leaves_nothing_at_work(tmp_path: Path) -> None:
    silent = Counted(pipeline(tmp_path / "a"), silent=True)
    with pytest.raises(BotError, match="without an answer"):
        await replay(silent, [ITEM] * 9, together=3)
    failing = Counted(pipeline(tmp_path / "b"), fails=True)
    with pytest.raises(BotError, match="refunds"):
        await replay(failing, [ITEM] * 9, together=3)
    assert (silent.now, failing.now) == (0, 0)
    assert max(silent.asked, failing.asked) < 9  # the rest is not asked


@pytest.mark.parametrize(("rows", "questions"), [(8, 2), (4, 1), (1, 1), (16, 4)])
def test_the_generators_batch_says_how_many_questions_fit(rows: int, questions: int) -> None:
    assert how_many_together(rows) == questions
