"""The message path as the chat platforms need it: with commands, people, and another answer on request around it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

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
from bot.types import Answer, StoredMessage


def answering(pipeline: Pipeline) -> Handler:
    """The pipeline as a handler."""

    def answer(request: Request) -> AsyncGenerator[Event, None]:
        message = request.stored.message
        return pipeline.answer(
            message.text, history=request.history, collections=request.collections, avoid=message.origin.avoid
        )

    return answer


def served(
    pipeline: Pipeline,
    *,
    store: Store,
    settings: Settings,
    boundary: ErrorBoundary,
    handoffs: Handoffs,
    commands: RunCommand,
) -> Handler:
    """The whole message path of a chat platform; the error boundary is outermost."""

    async def before(stored: StoredMessage) -> Answer | None:
        for message_id in await run_blocking(store.inbox.earlier_versions, stored):
            if (answer := await run_blocking(store.answers.of_message, message_id)) is not None:
                return answer.answer
        return None

    return compose(
        answering(pipeline),
        boundary,
        length_limit(settings),
        relayed(handoffs.relay),
        commanded(commands),
        unreadable(settings),
        handing_over(handoffs.open_for, settings),
        another(before, settings),
    )
