"""For tests: a whole desk over a real store, with fake models and a platform in memory or a real one's client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from adapters.testing import FakeEncoder
from adapters.types import Generator
from bot.config import Settings
from bot.desk import Desk
from bot.frontends.base import Messenger
from bot.handoff import Handoffs
from bot.limits import Limits
from bot.middleware import ErrorBoundary, RunCommand, Tell
from bot.outgoing import Asks
from bot.presses import Presses
from bot.service import Bot
from bot.serving import answering, served
from bot.store.store import Store
from bot.teaching import KnowledgeTeacher
from bot.testing import FixedClassifier, fake_pipeline
from bot.types import Answer, AnswerKind, Outcome, StoredMessage, Trace


async def no_commands(stored: StoredMessage, tell: Tell) -> Answer:
    """Stands in for the commands: repeats what it was given; `ingest` says how far it is."""
    if stored.message.origin.command == "ingest":
        tell("half")
        await asyncio.sleep(0.05)
        tell("half, whole")
        await asyncio.sleep(0.05)
    origin = stored.message.origin
    trace = Trace(intent=None, passages=(), reason="", query="", draft="", versions={}, timings_ms={})
    return Answer(
        text=f"/{origin.command} {stored.message.text} {origin.subject or ''}".strip(),
        kind=AnswerKind.COMMAND,
        outcome=Outcome.ANSWERED,
        sources=(),
        suggestions=(),
        trace=trace,
    )


def fake_desk(
    store: Store,
    folder: Path,
    messengers: Mapping[str, Messenger],
    *,
    generator: Generator,
    classifier: FixedClassifier | None = None,
    settings: Settings | None = None,
    commands: RunCommand = no_commands,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    asker: Asks | None = None,
) -> Desk:
    """A desk that answers from what `teach` put into the store.

    Args:
        store: Migrated.
        folder: For the search index.
        messengers: By platform.
        generator: Most often a ScriptedGenerator.
        classifier: By default every message is a question.
        settings: By default the defaults.
        commands: By default `no_commands`.
        sleep: Waits so many seconds.
        asker: Decides under which answers to ask for a rating; by default nobody is asked.
    """
    settings = settings or Settings()
    pipeline = fake_pipeline(store.knowledge, folder, generator=generator, classifier=classifier, settings=settings)
    handoffs = Handoffs(store, settings.serve, language="en", platforms=messengers)
    handler = served(
        answering(pipeline),
        store=store,
        settings=settings,
        boundary=ErrorBoundary(settings),
        handoffs=handoffs,
        commands=commands,
    )
    return Desk(
        bot=Bot(store=store, handler=handler, settings=settings, worker=generator),
        store=store,
        settings=settings,
        messengers=messengers,
        presses=Presses(store=store, handoffs=handoffs, teacher=KnowledgeTeacher(store.knowledge, FakeEncoder())),
        handoffs=handoffs,
        limits=Limits(settings.serve),
        asker=asker,
        sleep=sleep,
    )
