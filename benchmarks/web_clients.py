"""What `benchmarks.web_load` needs: people at the chat page, a stub in the language model's place, a bare echo."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Final, Self

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

PATIENCE: Final = 300.0  # seconds until an answer is given up
_CSRF: Final = re.compile(r'name="csrf-token" content="([^"]*)"')
_PLACES: Final = {"next": 1, "second": 2, "third": 3}
_PLACE: Final = re.compile(r"number (\d+)|(next|second|third) in line")


@dataclass(slots=True, kw_only=True)
class Seen:
    """What one question led to, on the reader's clock."""

    asked: float
    words: float = 0.0  # when the first words of the answer were there
    whole: float = 0.0
    places: list[tuple[float, int]] = field(default_factory=list)  # in line, as told: when, which; 0: its turn came
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def begun(self) -> float:
        """When its turn had come, as far as the page shows it."""
        turn = next((at for at, place in self.places if not place), self.whole)
        return min(at for at in (turn, self.words, self.whole) if at)


class Reader:
    """Somebody with the chat page open, as a browser is: cookie, token, stream of events."""

    def __init__(self, base: str, name: int) -> None:
        self._base = base
        self._name = name
        self._talk = ""
        self._count = 0
        self._listening: asyncio.Task[None] | None = None
        self.seen: dict[str, Seen] = {}  # by key of the piece
        self.opened = 0.0  # seconds until the page's first byte
        self.errors: list[str] = []

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=PATIENCE)
        # the server lets go of a connection that is idle for 5 s; a browser asks again where that crosses a request
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2.0)
        self._client = aiohttp.ClientSession(
            timeout=timeout, connector=connector, cookie_jar=aiohttp.CookieJar(unsafe=True), trust_env=False
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        await self._client.close()

    async def open(self) -> None:
        """Open the page, and listen."""
        started = time.perf_counter()
        async with self._client.get(f"{self._base}/", headers={"Accept": "text/html"}) as response:
            self.opened = time.perf_counter() - started
            if response.status != 200:
                raise SystemExit(f"The page gave {response.status}.")
            self._talk, page = response.url.path.rstrip("/"), await response.text()
        found = _CSRF.search(page)
        self._client.headers["X-CSRF-Token"] = unescape(found[1]) if found else ""
        ready = asyncio.Event()
        self._listening = asyncio.create_task(self._listen(ready))
        await asyncio.wait_for(ready.wait(), PATIENCE)

    async def ask(self, text: str) -> Seen:
        """Say something; returns once it is stored."""
        self._count += 1
        name = f"user{self._name:04d}-{self._count:04d}"
        seen = self.seen[f"x-{name}"] = Seen(asked=time.perf_counter())
        async with self._client.post(f"{self._base}{self._talk}/say", json={"id": name, "text": text}) as response:
            if response.status != 202:
                self.errors.append(f"say: {response.status}")
                seen.done.set()
        return seen

    async def answered(self, seen: Seen) -> None:
        """Wait for the whole answer."""
        try:
            await asyncio.wait_for(seen.done.wait(), PATIENCE)
        except TimeoutError:
            self.errors.append("no answer")

    async def _listen(self, ready: asyncio.Event) -> None:
        try:
            async with self._client.get(f"{self._base}{self._talk}/events?name=user{self._name:04d}") as response:
                if response.status != 200:
                    self.errors.append(f"events: {response.status}")
                ready.set()
                async for name, data in _events(response):
                    self._heard(name, data)
            self.errors.append("the stream ended")
        except aiohttp.ClientError as error:
            self.errors.append(type(error).__name__)
        ready.set()

    def _heard(self, name: str, data: dict[str, Any]) -> None:
        now = time.perf_counter()
        if name == "grow":
            self._grown(now)
            return
        seen = self.seen.get(str(data.get("key", "")))
        if seen is None:
            return
        if name == "line":
            found = _PLACE.search(data["text"])
            place = 0 if found is None else int(found[1]) if found[1] else _PLACES[found[2]]
            seen.places.append((now, place))
        elif name == "item" and 'aria-busy="true"' not in data["html"] and 'class="theirs"' in data["html"]:
            seen.whole = seen.whole or now
            seen.words = seen.words or now
            seen.done.set()

    def _grown(self, now: float) -> None:
        """One answer grows at a time in a conversation: the first that is not whole."""
        growing = next((seen for seen in self.seen.values() if not seen.whole), None)
        if growing is not None:
            growing.words = growing.words or now


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Server-sent events as they come."""
    name, data = "", ""
    async for raw in response.content:
        line = raw.decode().rstrip("\r\n")
        if not line:
            if data:
                yield name, json.loads(data)
            name, data = "", ""
        elif line.startswith("event:"):
            name = line[6:].strip()
        elif line.startswith("data:"):
            data += line[5:].strip()


def stub() -> Starlette:
    """An OpenAI-compatible model that writes the text it was given, word for word and at once."""

    async def complete(request: Request) -> Response:
        asked = (await request.json())["messages"][-1]["content"]
        text = asked.partition("Text: ")[2].partition("\n\nQuestion:")[0]

        async def pieces() -> AsyncIterator[str]:
            for word in re.findall(r"\S+\s*", text)[:80]:
                yield _piece({"choices": [{"delta": {"content": word}, "finish_reason": None}]})
            yield _piece({"choices": [{"delta": {}, "finish_reason": "stop"}]})
            yield "data: [DONE]\n\n"

        return StreamingResponse(pieces(), media_type="text/event-stream")

    return Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])


def _piece(event: dict[str, Any]) -> str:
    return f"data: {json.dumps(event)}\n\n"


def echo() -> Starlette:
    """The least that the same people can talk to: nothing is stored, looked up or written; it says the same back."""
    waiting: dict[str, asyncio.Queue[dict[str, str]]] = {}
    page = '<!doctype html><meta name="csrf-token" content="x"><p>echo</p>'

    async def home(_: Request) -> Response:
        return HTMLResponse(page)

    async def say(request: Request) -> Response:
        said = await request.json()
        name = said["id"].partition("-")[0]
        html = f'<div class="theirs">{said["text"]}</div>'
        waiting[name].put_nowait({"key": f"x-{said['id']}", "html": html})
        return JSONResponse({}, status_code=202)

    async def events(request: Request) -> Response:
        queue = waiting.setdefault(request.query_params["name"], asyncio.Queue())

        async def told() -> AsyncIterator[str]:
            yield ": here\n\n"
            while True:
                yield f"event: item\ndata: {json.dumps(await queue.get())}\n\n"

        return StreamingResponse(told(), media_type="text/event-stream")

    return Starlette(routes=[Route("/", home), Route("/say", say, methods=["POST"]), Route("/events", events)])
