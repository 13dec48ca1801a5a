"""What stands around the message path; the error boundary is outermost."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import reduce
from typing import TypeAlias

from bot.config import Settings
from bot.handoff import handed_off
from bot.logs import where
from bot.pipeline import Done, Event, Progress, Searching
from bot.routing import HUMAN
from bot.texts import language_of_sender, say
from bot.types import Answer, AnswerKind, AttachmentKind, Message, Outcome, StoredMessage, Trace, Turn

log = logging.getLogger(__name__)

Handler: TypeAlias = Callable[["Request"], AsyncGenerator[Event, None]]
Middleware: TypeAlias = Callable[[Handler], Handler]
Tell: TypeAlias = Callable[[str], None]  # told how far a command is; each text begins with the one before
RunCommand: TypeAlias = Callable[[StoredMessage, Tell], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One stored message on its way to an answer."""

    stored: StoredMessage
    history: tuple[Turn, ...]
    collections: Sequence[str] | None  # what this person may see; None: everything


def compose(handler: Handler, *middlewares: Middleware) -> Handler:
    """Wrap a handler; the first middleware named is the outermost."""
    return reduce(lambda inner, middleware: middleware(inner), reversed(middlewares), handler)


class ErrorBoundary:
    """Turns any failure into an apology with a number, logs it without a person's text, and counts it."""

    def __init__(self, settings: Settings, *, new_number: Callable[[], str] = lambda: secrets.token_hex(4)) -> None:
        self._settings = settings
        self._new_number = new_number
        self.failures = 0

    def __call__(self, handler: Handler) -> Handler:
        """Wrap a handler."""

        async def bounded(request: Request) -> AsyncGenerator[Event, None]:
            try:
                async with aclosing(handler(request)) as events:
                    async for event in events:
                        yield event
            except Exception as error:  # noqa: BLE001 - the one boundary of the program
                self.failures += 1
                number = self._new_number()
                log.error(  # noqa: TRY400 - an exception's text is left out on purpose
                    "answer failed",
                    extra={
                        "action": "answer-failed",
                        "number": number,
                        "message_id": request.stored.id,
                        **where(error),
                    },
                )
                yield Done(answer=self._apology(request, number))

        return bounded

    def _apology(self, request: Request, number: str) -> Answer:
        language = language_of_sender(request.stored, self._settings.bot.language)
        return plain_answer(
            say("error", language, number=number), AnswerKind.ERROR, f"an error on the way, number {number}"
        )


def answered_by(early: Callable[[Request], Awaitable[Answer | None]]) -> Middleware:
    """Let a message be answered before it comes to the handler; None passes it on."""

    def wrap(handler: Handler) -> Handler:
        async def first(request: Request) -> AsyncGenerator[Event, None]:
            answer = await early(request)
            if answer is not None:
                yield Done(answer=answer)
                return
            async with aclosing(handler(request)) as events:
                async for event in events:
                    yield event

        return first

    return wrap


def length_limit(settings: Settings) -> Middleware:
    """Decline messages that are too long to be a question, kindly."""
    limit = settings.bot.max_message_characters

    async def declined(request: Request) -> Answer | None:
        characters = len(request.stored.message.text)
        if characters <= limit or is_command(request.stored.message):
            return None
        language = language_of_sender(request.stored, settings.bot.language)
        said = say("too-long", language, characters=characters, limit=limit)
        return plain_answer(said, AnswerKind.CANNED, f"the message has {characters} characters, the limit is {limit}")

    return answered_by(declined)


def relayed(relay: Callable[[StoredMessage], Awaitable[bool]]) -> Middleware:
    """Be silent where a message was passed on to people, or came from them."""

    async def silent(request: Request) -> Answer | None:
        if not await relay(request.stored):
            return None
        said = plain_answer("", AnswerKind.RELAYED, "passed on to people, or theirs")
        return replace(said, outcome=Outcome.HANDED_OFF)

    return answered_by(silent)


def is_command(message: Message) -> bool:
    """Whether commands answer a message; `/ask` with a question is that question."""
    command = message.origin.command
    return bool(command) and not (command == "ask" and message.text.strip())


def commanded(run: RunCommand) -> Middleware:
    """Give commands to whoever runs them, and pass on how far they are."""

    def wrap(handler: Handler) -> Handler:
        async def command(request: Request) -> AsyncGenerator[Event, None]:
            if is_command(request.stored.message):
                yield Searching()
                async with aclosing(_run(run, request.stored)) as steps:
                    async for step in steps:
                        yield step
                return
            async with aclosing(handler(request)) as events:
                async for event in events:
                    yield event

        return command

    return wrap


async def _run(run: RunCommand, stored: StoredMessage) -> AsyncGenerator[Event, None]:
    said: asyncio.Queue[str | None] = asyncio.Queue()
    task = asyncio.ensure_future(run(stored, said.put_nowait))
    task.add_done_callback(lambda _: said.put_nowait(None))
    try:
        while (text := await said.get()) is not None:
            yield Progress(text=text)
        yield Done(answer=task.result())
    finally:
        task.cancel()


def unreadable(settings: Settings) -> Middleware:
    """Say of pictures, voice and files without words that they cannot be read yet."""

    async def declined(request: Request) -> Answer | None:
        if request.stored.message.origin.rest:  # the same for each file of an album would be a flood
            return plain_answer("", AnswerKind.RELAYED, "another file of the same album was spoken to")
        key = _cannot_read(request.stored.message)
        if not key:
            return None
        language = language_of_sender(request.stored, settings.bot.language)
        return plain_answer(say(key, language), AnswerKind.CANNED, "it came with something that cannot be read yet")

    return answered_by(declined)


def _cannot_read(message: Message) -> str:
    """Which sentence says that an attachment cannot be read yet; "" where the words alone can be answered."""
    kinds = {attachment.kind for attachment in message.origin.attachments}
    if AttachmentKind.VOICE in kinds:
        return "cannot-hear"
    if AttachmentKind.IMAGE in kinds:
        return "cannot-see"
    return "cannot-read" if kinds and not message.text.strip() else ""


def handing_over(hand_over: Callable[[StoredMessage], Awaitable[bool]], settings: Settings) -> Middleware:
    """Pass a conversation on to people where somebody asks for them in words."""

    def wrap(handler: Handler) -> Handler:
        async def over(request: Request) -> AsyncGenerator[Event, None]:
            async with aclosing(handler(request)) as events:
                async for event in events:
                    if isinstance(event, Done) and _asks_for_people(event.answer) and await hand_over(request.stored):
                        text = say(
                            handed_off(request.stored.message.origin.unseen),
                            language_of_sender(request.stored, settings.bot.language),
                        )
                        yield Done(answer=replace(event.answer, text=text, outcome=Outcome.HANDED_OFF))
                    else:
                        yield event

        return over

    return wrap


def _asks_for_people(answer: Answer) -> bool:
    intent = answer.trace.intent
    called = answer.kind is AnswerKind.CANNED and answer.outcome is Outcome.ABSTAINED
    return called and intent is not None and intent.label == HUMAN


def another(before: Callable[[StoredMessage], Awaitable[Answer | None]], settings: Settings) -> Middleware:
    """Where another answer was wanted and there is none, give the last one again and say so."""

    def wrap(handler: Handler) -> Handler:
        async def again(request: Request) -> AsyncGenerator[Event, None]:
            message = request.stored.message
            async with aclosing(handler(request)) as events:
                async for event in events:
                    if message.origin.avoid and isinstance(event, Done) and event.answer.outcome is Outcome.ABSTAINED:
                        earlier = await before(request.stored)
                        if earlier is not None:
                            language = language_of_sender(request.stored, settings.bot.language)
                            note = say("no-other-answer", language)
                            text = earlier.text if note in earlier.text else f"{earlier.text}\n\n{note}"
                            yield Done(answer=replace(earlier, text=text))
                            continue
                    yield event

        return again

    return wrap


def plain_answer(text: str, kind: AnswerKind, reason: str) -> Answer:
    """An abstention that came before or instead of the pipeline."""
    trace = Trace(intent=None, passages=(), reason=reason, query="", draft="", versions={}, timings_ms={})
    return Answer(text=text, kind=kind, outcome=Outcome.ABSTAINED, sources=(), suggestions=(), trace=trace)
