"""A growing text is shown at the platform's pace, and what goes wrong with its looks stays without consequences."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from bot.frontends.base import MessageGoneError
from bot.frontends.typist import Typist


class Screen:
    """Keeps what it is shown, or breaks."""

    def __init__(self, error: Exception | None = None) -> None:
        self.shown: list[str] = []
        self.closed = 0
        self.tried = asyncio.Event()
        self._error = error

    async def show(self, text: str) -> None:
        self.tried.set()
        if self._error is not None:
            raise self._error
        self.shown.append(text)

    async def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("error", [MessageGoneError("gone"), RuntimeError("somebody's words")])
async def test_what_cannot_be_shown_is_given_up_and_its_words_are_not_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    troubles: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
    screen = Screen(error)
    typist = Typist(screen, seconds=0)
    typist.show("half")
    await screen.tried.wait()
    await asyncio.sleep(0.01)  # the task has ended by itself
    with caplog.at_level(logging.INFO):
        await typist.close()
    assert screen.closed == 1
    del typist
    gc.collect()
    assert troubles == [], "nothing is left for asyncio to complain of"
    assert [record.__dict__["error"] for record in caplog.records] == (
        [] if isinstance(error, MessageGoneError) else ["RuntimeError"]
    )
    assert "somebody" not in caplog.text


async def test_after_closing_nothing_is_shown_any_more() -> None:
    screen = Screen()
    typist = Typist(screen, seconds=0)
    typist.show("one")
    await screen.tried.wait()
    await typist.close()
    typist.show("two")
    await asyncio.sleep(0.01)
    assert screen.shown == ["one"]
