"""Alive and ready are two questions; whoever asks learns no secret."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.testclient import TestClient

from bot.store.errors import StoreError
from bot.web.probes import Probe, Readiness, router
from tests.integration.web.site import Site

Look = Callable[[], Awaitable[str]]


def saying(words: str) -> Look:
    async def look() -> str:
        return words

    return look


async def failing() -> str:
    raise StoreError("The store postgresql://burnish@db.internal/bot cannot be reached.")


async def hanging() -> str:
    await asyncio.Event().wait()
    return ""


async def test_a_program_that_answers_is_alive_and_says_who_it_is(served: Site) -> None:
    async with served.client() as client:
        response = await client.get("/healthz", headers={"Host": "whatever.internal"})
    assert (response.status_code, response.json()) == (200, {"status": "ok", "program": "burnish"})


async def test_ready_is_what_finds_nothing_amiss(served: Site) -> None:
    async with served.client() as client:
        response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "checks": {}})


async def test_what_is_amiss_is_said_in_words_without_what_an_error_says() -> None:
    readiness = Readiness(
        [
            Probe(name="models", look=saying("the language model is being loaded")),
            Probe(name="store", look=failing),
            Probe(name="index", look=hanging),
            Probe(name="learning", look=saying("")),
        ],
        patience=0.05,
    )
    assert await readiness.look() == {
        "models": "the language model is being loaded",
        "store": "cannot be looked at (StoreError)",
        "index": "no answer within 0.05 s",
        "learning": "ok",
    }


async def test_however_many_ask_it_is_looked_once_a_second() -> None:
    looked, now = 0, 100.0

    async def look() -> str:
        nonlocal looked
        looked += 1
        return ""

    readiness = Readiness([Probe(name="store", look=look)], clock=lambda: now)
    await asyncio.gather(*(readiness.look() for _ in range(20)))
    assert looked == 1
    now += 1.0
    await readiness.look()
    assert looked == 2


def test_not_ready_is_503() -> None:
    app = FastAPI()
    app.include_router(router)
    app.state.parts = type("Parts", (), {"readiness": Readiness([Probe(name="index", look=saying("behind"))])})()
    response = TestClient(app).get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "not ready")
