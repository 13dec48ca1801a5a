"""/v1/chat/completions."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Header, Request
from pydantic import BaseModel
from sse_starlette.sse import EventSourceResponse
from starlette.responses import Response

from adapters.types import AdapterVersion, Encoder
from bot.blocking import run_blocking
from bot.pipeline import Delta
from bot.service import Answered
from bot.types import AnswerKind, Scope, StoredAnswer
from bot.web.api.asking import Answering, Asked
from bot.web.api.caller import Caller, needs
from bot.web.api.completion import (
    BOT,
    Choice,
    Completion,
    CompletionRequest,
    Said,
    Usage,
    extension_of,
    text_of,
)
from bot.web.api.errors import ApiError, body_of, failed, not_there, told
from bot.web.api.state import ApiState, state_of

DONE: Final = "[DONE]"
PING_SECONDS: Final = 15  # between two comments that keep a connection open while the answer waits for its turn

router = APIRouter()

_STREAMED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The answer; with `stream` as events `data: {...}`, each a chat.completion.chunk, and at the "
        "end `data: [DONE]`. The chunk with the finish_reason has the `burnish` field.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "object", "properties": {"data": {"type": "string"}}, "required": ["data"]}
            }
        },
    }
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One request."""

    id: str
    created: int  # seconds since 1970
    body: CompletionRequest
    trace: bool
    encoder: Encoder


@router.post(
    "/chat/completions",
    summary="Ask the bot",
    response_model=Completion,
    responses={**told(404, 500, 503), **_STREAMED},
    operation_id="createChatCompletion",
)
async def complete(
    request: Request,
    body: CompletionRequest,
    caller: Annotated[Caller, Depends(needs(Scope.CHAT))],
    state: Annotated[ApiState, Depends(state_of)],
    x_burnish_trace: Annotated[bool, Header(description="Whether the answer comes with what explains it.")] = False,  # noqa: FBT002 - a header's default
) -> Response | Completion:
    """Answer the last message of the user's from the documents, with sources.

    Earlier messages are what it may refer to. Messages of the roles system, developer and tool are taken and not
    followed: what the bot is told to be is in its settings.
    """
    settings = state.parts.settings.bot
    if not body.question:
        raise ApiError("messages: expected a message of the user's with something in it.", param="messages")
    asked = Asked(
        id=f"chatcmpl-{uuid4().hex}",
        version=await version_of(state, body.model),
        sender=caller.sender(body.end_user),
        shared=not (body.end_user or "").strip(),
        first=body.first,
        text=body.question,
        history=body.history(turns=settings.history_turns, characters=settings.max_message_characters),
    )
    answering = state.asking.ask(asked)
    call = _Call(
        id=asked.id,
        created=int(time.time()),
        body=body,
        trace=body.wants_trace or x_burnish_trace,
        encoder=state.parts.encoder,
    )
    if body.stream:
        return EventSourceResponse(_streamed(call, answering), ping=PING_SECONDS, sep="\n")
    return await _whole(request, call, answering)


async def version_of(state: ApiState, model: str) -> AdapterVersion | None:
    """The version that a model's name asks for; None for what serves.

    Raises:
        ApiError: There is no such model.
    """
    name = model.removeprefix(f"{BOT}:")
    if model == BOT:
        return None
    found = await run_blocking(state.parts.bots.pinned.version, name) if name != model else None
    if found is None:
        raise not_there(
            f"There is no model {model!r}; /v1/models lists those that there are.",
            param="model",
            code="model_not_found",
        )
    return found


# -- all at once


async def _whole(request: Request, call: _Call, answering: Answering) -> Completion:
    """Wait for the answer; once the client has gone nobody waits any more."""
    waiting = asyncio.ensure_future(_answer(answering))
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise ApiError("The client has gone.", status=499)
        stored = waiting.result()
    finally:
        for task in (waiting, gone):
            task.cancel()
        await asyncio.wait({waiting, gone})
    return Completion(
        id=call.id,
        created=call.created,
        model=call.body.model,
        choices=[Choice(message=Said(content=stored.answer.text))],
        usage=await _usage(call, stored),
        burnish=extension_of(stored, trace=call.trace),
    )


async def _answer(answering: Answering) -> StoredAnswer:
    async with aclosing(answering.events()) as events:
        async for event in events:
            if isinstance(event, Answered):
                return _sound(event.stored)
    raise failed()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _sound(stored: StoredAnswer) -> StoredAnswer:
    """The answer, where it is not the apology for a failure: programs are told of that as such."""
    if stored.answer.kind is AnswerKind.ERROR:
        raise ApiError(stored.answer.text, status=500, kind="server_error", code="answer_failed")
    return stored


# -- piece by piece


class _Chunk(BaseModel):
    """A piece of the answer."""

    id: str
    object: str = "chat.completion.chunk"
    created: int
    model: str
    choices: list[dict[str, Any]]


async def _streamed(call: _Call, answering: Answering) -> AsyncIterator[dict[str, str]]:
    try:
        async with aclosing(_chunks(call, answering)) as chunks:
            async for chunk in chunks:
                yield {"data": json.dumps(chunk, ensure_ascii=False, separators=(",", ":"))}
    except ApiError as error:
        yield {"data": json.dumps(body_of(error))}
    yield {"data": DONE}


async def _chunks(call: _Call, answering: Answering) -> AsyncGenerator[dict[str, Any], None]:
    yield _chunk(call, {"role": "assistant", "content": ""})
    sent = ""
    async with aclosing(answering.events()) as events:
        async for event in events:
            if isinstance(event, Delta):
                sent += event.text
                yield _chunk(call, {"content": event.text})
            elif isinstance(event, Answered):
                text = _sound(event.stored).answer.text
                if rest := text.removeprefix(sent):
                    yield _chunk(call, {"content": rest})
                extension = extension_of(event.stored, trace=call.trace)
                yield {**_chunk(call, {}, finish="stop"), "burnish": extension.model_dump(exclude_none=True)}
                if call.body.stream_options is not None and call.body.stream_options.include_usage:
                    usage = await _usage(call, event.stored)
                    yield {**_chunk(call), "usage": usage.model_dump()}


def _chunk(call: _Call, delta: dict[str, str] | None = None, *, finish: str | None = None) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}]
    return _Chunk(id=call.id, created=call.created, model=call.body.model, choices=choices).model_dump()


async def _usage(call: _Call, stored: StoredAnswer) -> Usage:
    def count() -> tuple[int, int]:
        read = sum(call.encoder.count_tokens(text_of(one)) for one in call.body.messages)
        return read, call.encoder.count_tokens(stored.answer.text)

    read, written = await run_blocking(count)
    return Usage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)
