"""The message path as the chat platforms need it: with commands, people, and another answer on request around it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from typing import Protocol

from bot.blocking import run_blocking
from bot.config import Settings
from bot.handoff import Handoffs
from bot.middleware import (
    ErrorBoundary,
    Handler,
    Request,
    RunCommand,
    another,
    commanded,
    compose,
    handing_over,
    length_limit,
    relayed,
    unreadable,
)
from bot.pipeline import Event, Pipeline
from bot.store.store import Store
from bot.types import Answer, StoredMessage, Turn


class Conversing(Protocol):
    """Answers messages of conversations; bot.learning.live.LivePath does."""

    def answer(
        self,
        text: str,
        *,
        conversation_id: int,
        history: Sequence[Turn] = (),
        collections: Sequence[str] | None = None,
        avoid: Collection[int] = (),
    ) -> AsyncGenerator[Event, None]:
        """Answer one message."""


def answering(path: Pipeline) -> Handler:
    """One message path as a handler."""

    def answer(request: Request) -> AsyncGenerator[Event, None]:
        message = request.stored.message
        return path.answer(
            message.text, history=request.history, collections=request.collections, avoid=message.origin.avoid
        )

    return answer


def conversing(path: Conversing) -> Handler:
    """A message path that may be another one for each conversation, as a handler."""

    def answer(request: Request) -> AsyncGenerator[Event, None]:
        message = request.stored.message
        return path.answer(
            message.text,
            conversation_id=request.stored.conversation_id,
            history=request.history,
            collections=request.collections,
            avoid=message.origin.avoid,
        )

    return answer


def served(
    answer: Handler,
    *,
    store: Store,
    settings: Settings,
    boundary: ErrorBoundary,
    handoffs: Handoffs,
    commands: RunCommand,
) -> Handler:
    """The whole message path of a chat platform around what answers; the error boundary is outermost."""

    async def before(stored: StoredMessage) -> Answer | None:
        for message_id in await run_blocking(store.inbox.earlier_versions, stored):
            if (given := await run_blocking(store.answers.of_message, message_id)) is not None:
                return given.answer
        return None

    return compose(
        answer,
        boundary,
        length_limit(settings),
        relayed(handoffs.relay),
        commanded(commands),
        unreadable(settings),
        handing_over(handoffs.open_for, settings),
        another(before, settings),
    )
