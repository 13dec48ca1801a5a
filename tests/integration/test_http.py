"""The program's own HTTP server."""

from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.http import HttpServer, ListenError


async def _hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/", _hello)])


async def test_it_answers_between_start_and_stop_and_can_be_started_at_once_again() -> None:
    port = 0
    for _ in range(2):
        server = HttpServer(APP, f"127.0.0.1:{port}", setting="serve.listen")
        await server.start()
        port = server.port
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).text == "hello"
        await server.stop()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/")


async def test_an_address_that_is_taken_is_one_sentence_that_names_the_setting() -> None:
    first = HttpServer(APP, "127.0.0.1:0", setting="serve.listen")
    await first.start()
    with pytest.raises(ListenError, match=r"127\.0\.0\.1:\d+ \(.*\); choose another address with the setting x\.y"):
        await HttpServer(APP, f"127.0.0.1:{first.port}", setting="x.y").start()
    await first.stop()
