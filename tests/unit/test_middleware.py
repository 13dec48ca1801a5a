"""What stands around the message path."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest

from bot.config import BotSettings, Settings
from bot.middleware import ErrorBoundary, Handler, Request, compose, length_limit, plain_answer
from bot.pipeline import Delta, Done, Event
from bot.types import AnswerKind, Message, Outcome, StoredMessage

SECRET = "my card number is 4111 1111 1111 1111"


def request(text: str) -> Request:
    message = Message(
        platform="console",
        event_id="1",
        channel="terminal",
        thread="",
        sender="ada",
        sender_name="Ada",
        text=text,
        received_at=datetime(2026, 11, 24, tzinfo=UTC),
    )
    return Request(
        stored=StoredMessage(id=7, conversation_id=1, user_id=1, message=message), history=(), collections=None
    )


async def events(handler: Handler, text: str) -> list[Event]:
    return [event async for event in handler(request(text))]


async def echo(given: Request) -> AsyncGenerator[Event, None]:
    yield Delta(text=given.stored.message.text)
    yield Done(answer=plain_answer(given.stored.message.text, AnswerKind.CANNED, "said back"))


async def failing(given: Request) -> AsyncGenerator[Event, None]:
    yield Delta(text="so far ")
    raise RuntimeError(given.stored.message.text)


async def test_a_failure_becomes_an_apology_with_a_number_and_is_counted() -> None:
    boundary = ErrorBoundary(Settings(), new_number=lambda: "ab12")
    seen = await events(boundary(failing), "hello")
    assert seen[0] == Delta(text="so far ")
    assert isinstance(seen[-1], Done)
    assert seen[-1].answer.kind is AnswerKind.ERROR
    assert "ab12" in seen[-1].answer.text
    assert boundary.failures == 1


async def test_what_a_person_wrote_is_not_in_the_log_of_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await events(ErrorBoundary(Settings(), new_number=lambda: "ab12")(failing), SECRET)
    record = caplog.records[-1]
    assert record.__dict__["action"] == "answer-failed"
    assert record.__dict__["number"] == "ab12"
    assert record.__dict__["error"] == "RuntimeError"
    assert "4111" not in "".join(str(r.__dict__) for r in caplog.records)


async def test_the_apology_speaks_the_senders_language() -> None:
    seen = await events(ErrorBoundary(Settings(), new_number=lambda: "ab12")(failing), "我的账户为何被冻结?")
    assert isinstance(seen[-1], Done)
    assert seen[-1].answer.text.startswith("抱歉")


async def test_a_message_over_the_limit_is_declined_and_one_at_the_limit_passes() -> None:
    limited = length_limit(Settings(bot=BotSettings(max_message_characters=100)))(echo)
    over = (await events(limited, "x" * 101))[-1]
    assert isinstance(over, Done)
    assert over.answer.outcome is Outcome.ABSTAINED
    assert "101" in over.answer.text
    at = (await events(limited, "x" * 100))[-1]
    assert isinstance(at, Done)
    assert at.answer.text == "x" * 100


async def test_the_first_middleware_named_is_the_outermost() -> None:
    def tag(name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a local helper of one test
        def wrap(handler: Handler) -> Handler:
            async def tagged(given: Request) -> AsyncGenerator[Event, None]:
                yield Delta(text=f"<{name}>")
                async for event in handler(given):
                    yield event

            return tagged

        return wrap

    seen = await events(compose(echo, tag("outer"), tag("inner")), "hi")
    assert [event.text for event in seen if isinstance(event, Delta)] == ["<outer>", "<inner>", "hi"]
