"""The real HTTP client against a real server on loopback."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from adapters.errors import GenerationError
from adapters.generator.config import EndpointSettings
from adapters.generator.openai import OpenAIGenerator
from adapters.types import ChatTurn, GenerationLimits
from tests.integration.adapters.http_server import Handler, LoopbackServer, respond, serve, stream_events

TURNS = (ChatTurn(role="system", content="Be short."), ChatTurn(role="user", content="Where is my 发票?"))
LIMITS = GenerationLimits(max_new_tokens=7, seconds=5)


def event(text: str | None, *, finish: str | None = None) -> str:
    return "data: " + json.dumps({"choices": [{"delta": {"content": text}, "finish_reason": finish}]})


GOOD = stream_events(
    ": keep-alive",
    event(""),
    event("It was "),
    event("sent."),
    event(None, finish="stop"),
    'data: {"choices": []}',
    "data: [DONE]",
)


@asynccontextmanager
async def endpoint(*handlers: Handler, attempts: int = 3) -> AsyncIterator[tuple[OpenAIGenerator, LoopbackServer]]:
    async with serve(*handlers) as server:
        settings = EndpointSettings(attempts=attempts, read_seconds=2, longest_wait_seconds=0.3)
        generator = OpenAIGenerator(f"{server.url}/v1/", "llama", settings, api_key="sk-secret")
        yield generator, server
        await generator.aclose()


async def read(generator: OpenAIGenerator, limits: GenerationLimits = LIMITS) -> str:
    return "".join([piece async for piece in generator.stream(TURNS, limits)])


async def test_an_answer_is_streamed_and_the_request_is_what_the_endpoint_expects() -> None:
    async with endpoint(GOOD) as (generator, server):
        assert await read(generator) == "It was sent."
    request = server.received[0]
    assert request.line == "POST /v1/chat/completions HTTP/1.1"
    assert request.headers["authorization"] == "Bearer sk-secret"
    assert json.loads(request.body) == {
        "model": "llama",
        "messages": [{"role": turn.role, "content": turn.content} for turn in TURNS],
        "max_tokens": 7,
        "temperature": 0,
        "stream": True,
    }


async def test_the_name_tells_endpoints_apart_and_shows_no_key() -> None:
    names = {OpenAIGenerator("http://a/v1", m, api_key=k).name for m in ("x", "y") for k in ("", "sk-secret")}
    assert len(names) == 2
    assert not any("secret" in name for name in names)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable", "500 Internal Server Error"])
async def test_a_temporary_failure_before_the_first_piece_is_tried_again(status: str) -> None:
    async with endpoint(respond(status), GOOD) as (generator, server):
        assert await read(generator) == "It was sent."
    assert len(server.received) == 2


async def test_retry_after_is_honoured_up_to_the_longest_wait() -> None:
    for header, least, most in (("0", 0.0, 0.25), ("60", 0.3, 2.0)):
        async with endpoint(respond("429 Too Many Requests", Retry_After=header), GOOD) as (generator, _):
            started = time.monotonic()
            assert await read(generator) == "It was sent."
            assert least <= time.monotonic() - started < most


@pytest.mark.parametrize(
    ("status", "words", "tries"),
    [
        ("401 Unauthorized", r"refused the API key \(HTTP 401\); check it", 1),
        ("404 Not Found", r"has no model 'llama' or is no OpenAI-compatible address", 1),
        ("400 Bad Request", r"did not accept the request \(HTTP 400\)", 1),
        ("429 Too Many Requests", r"is over its rate limit \(HTTP 429\)", 3),
        ("502 Bad Gateway", r"failed \(HTTP 502\)", 3),
    ],
)
async def test_a_refusal_is_one_sentence_without_the_endpoints_words(status: str, words: str, tries: int) -> None:
    async with endpoint(respond(status, b"echo: Where is my")) as (generator, server):
        with pytest.raises(GenerationError, match=words) as caught:
            await read(generator)
    assert len(server.received) == tries
    assert "echo" not in str(caught.value)
    assert "sk-secret" not in str(caught.value)


async def test_an_endpoint_that_is_not_there_is_named() -> None:
    async with serve(GOOD) as server:
        pass
    generator = OpenAIGenerator(server.url, "llama", EndpointSettings(attempts=1))
    with pytest.raises(GenerationError, match=f"^{server.url} cannot be reached: .*; check that the endpoint runs"):
        await read(generator)
    await generator.aclose()


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (stream_events(event("It "), cut=True), "broke off in the middle of its answer"),
        (stream_events(event("It ")), "ended before it was complete"),
        (stream_events("data: {"), "no chat completion"),
        (stream_events('data: {"object": "list"}'), "no chat completion"),
        (stream_events('data: {"choices": [{"delta": {"content": 5}}]}'), "no chat completion"),
        (stream_events('data: {"error": {"message": "boom"}}'), "reported an error in the middle"),
        (respond("200 OK", b"<html>hello</html>"), "ended before it was complete"),
    ],
)
async def test_a_broken_stream_is_one_sentence_and_not_tried_again(handler: Handler, words: str) -> None:
    async with endpoint(handler) as (generator, server):
        with pytest.raises(GenerationError, match=words):
            await read(generator)
    assert len(server.received) == 1


async def test_the_time_limit_ends_a_slow_answer_with_what_there_is() -> None:
    slow = stream_events(event("It "), event("was "), event("late "), pause=0.3)
    async with endpoint(slow) as (generator, _):
        assert await read(generator, GenerationLimits(max_new_tokens=7, seconds=0.45)) == "It was "


async def test_the_time_limit_before_the_first_piece_is_an_error() -> None:
    async with endpoint(stream_events(": thinking", ": thinking", pause=0.3)) as (generator, _):
        with pytest.raises(GenerationError, match=r"gave no word within 0\.2 seconds"):
            await read(generator, GenerationLimits(max_new_tokens=7, seconds=0.2))


async def test_closing_the_iterator_closes_the_connection() -> None:
    endless = stream_events(*[event("word ")] * 500, pause=0.01)
    async with endpoint(endless) as (generator, server):
        async with aclosing(generator.stream(TURNS, LIMITS)) as pieces:
            assert await anext(pieces) == "word "
        for _ in range(100):
            if server.closed_early:
                break
            await asyncio.sleep(0.01)
        assert server.closed_early == 1


async def test_a_closed_generator_refuses() -> None:
    async with endpoint(GOOD) as (generator, _):
        await generator.aclose()
        with pytest.raises(GenerationError, match="was closed"):
            await read(generator)
