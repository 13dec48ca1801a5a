"""One question, answered without keeping anything of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from bot.errors import BotError
from bot.middleware import Handler, Request
from bot.pipeline import Done
from bot.service import Closeable
from bot.texts import languages, say
from bot.types import Answer, Message, StoredMessage, Turn


async def ask_once(handler: Handler, worker: Closeable, question: str) -> Answer:
    """Ask a handler one question; its worker is stopped afterwards."""
    try:
        return await rehearsed(handler, question)
    finally:
        await worker.aclose()


async def rehearsed(handler: Handler, question: str) -> Answer:
    """What a handler would answer."""
    async with aclosing(handler(request_for(question))) as events:
        async for event in events:
            if isinstance(event, Done):
                return _without_promise(event.answer)
    raise BotError("No answer came; please ask again.")


def _without_promise(answer: Answer) -> Answer:
    """Take "your question is kept" out of an answer to a question that is not."""
    text = answer.text
    for language in languages():
        text = text.removesuffix(f" {say('refusal-kept', language)}")
    return replace(answer, text=text)


def request_for(question: str, *, history: Sequence[Turn] = ()) -> Request:
    """A request for a message that is not kept."""
    message = Message(
        platform="ask",
        event_id="",
        channel="",
        thread="",
        sender="",
        sender_name="",
        text=question,
        received_at=datetime.now(UTC),
    )
    stored = StoredMessage(id=0, conversation_id=0, user_id=0, message=message)
    return Request(stored=stored, history=tuple(history), collections=None)


def answer_as_dict(answer: Answer) -> dict[str, Any]:
    """An answer with its whole trace, for a script."""
    shown: dict[str, Any] = TypeAdapter(Answer).dump_python(answer, mode="json")
    return shown
