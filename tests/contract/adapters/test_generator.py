"""Every Generator, real or fake, keeps to these."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from adapters.errors import GenerationError
from adapters.generator.config import GeneratorSettings
from adapters.generator.model import LocalGenerator
from adapters.generator.openai import OpenAIGenerator
from adapters.testing import ScriptedGenerator
from adapters.types import ChatTurn, GenerationLimits
from tests.integration.adapters.http_server import serve, stream_events

TURNS = (ChatTurn(role="user", content="What is the capital of France?"),)
LIMITS = GenerationLimits(max_new_tokens=24, seconds=60)
ANSWER = "The capital of France is Paris."


@pytest.fixture(params=["scripted", "endpoint", pytest.param("local", marks=pytest.mark.models)])
async def subject(
    request: pytest.FixtureRequest,
) -> AsyncIterator[ScriptedGenerator | OpenAIGenerator | LocalGenerator]:
    if request.param == "scripted":
        yield ScriptedGenerator(lambda _: ANSWER)
    elif request.param == "endpoint":
        deltas = [f"data: {json.dumps({'choices': [{'delta': {'content': f'{w} '}}]})}" for w in ANSWER.split()]
        async with serve(stream_events(*deltas, "data: [DONE]")) as server:
            yield OpenAIGenerator(server.url, "m")
    else:
        folder: Path = request.getfixturevalue("generator_folder")
        yield await asyncio.to_thread(LocalGenerator, folder, GeneratorSettings(dtype="float32"))


@pytest.fixture(autouse=True)
async def closed(subject: ScriptedGenerator | OpenAIGenerator | LocalGenerator) -> AsyncIterator[None]:
    yield
    await subject.aclose()


async def test_the_pieces_join_to_the_answer(subject: LocalGenerator) -> None:
    pieces = [piece async for piece in subject.stream(TURNS, LIMITS)]
    assert "".join(pieces).strip() == ANSWER
    assert len(pieces) > 3


async def test_requests_at_once_get_the_same_answer_as_one_alone(subject: LocalGenerator) -> None:
    async def read() -> str:
        return "".join([piece async for piece in subject.stream(TURNS, LIMITS)])

    assert {answer.strip() for answer in await asyncio.gather(*(read() for _ in range(3)))} == {ANSWER}


async def test_an_answer_can_be_left_early_and_the_next_is_whole(subject: LocalGenerator) -> None:
    async with aclosing(subject.stream(TURNS, LIMITS)) as pieces:
        assert (await anext(pieces)).strip() == "The"
    assert "".join([piece async for piece in subject.stream(TURNS, LIMITS)]).strip() == ANSWER


async def test_after_closing_it_refuses(subject: LocalGenerator) -> None:
    await subject.aclose()
    with pytest.raises(GenerationError):
        await anext(subject.stream(TURNS, LIMITS))


async def test_it_has_one_name(subject: LocalGenerator) -> None:
    assert subject.name == subject.name != ""
