"""Somebody at the chat page without a browser: says things by HTTP, and hears what the page's stream brings."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.integration.web.site import Login, Site

_numbers = itertools.count(1)

SECONDS = 20  # for what should come at once


def new_id() -> str:
    """As a page makes them."""
    return f"id-{next(_numbers):08}"


class Heard:
    """An open stream."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.id = ""  # of the last event that had one
        self.events: list[tuple[str, dict[str, Any]]] = []

    async def next(self) -> tuple[str, dict[str, Any]]:
        """The next event: its name and its data.

        Raises:
            StopAsyncIteration: The stream is over.
        """
        name, data = "", ""
        async for line in self._lines:
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data = value
            elif field == "id":
                self.id = value
            elif not line and name:
                self.events.append((name, json.loads(data)))
                return self.events[-1]
        raise StopAsyncIteration

    async def until(self, name: str, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """Wait for an event."""
        async with asyncio.timeout(SECONDS):
            while True:
                found, data = await self.next()
                if found == name and wanted(data):
                    return data

    async def answer(self, text: str) -> dict[str, Any]:
        """Wait for a piece with a whole answer that has this in it."""
        return await self.until("item", lambda item: text in item["html"] and "aria-busy" not in item["html"])

    async def end(self) -> None:
        """Wait for the end."""
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    await self.next()
                except StopAsyncIteration:
                    return


class Talk:
    """One conversation of somebody."""

    def __init__(self, client: httpx.AsyncClient, talk: str) -> None:
        self.client = client
        self.talk = talk

    async def say(self, text: str, **fields: str) -> httpx.Response:
        """Say something."""
        return await self.client.post(f"/c/{self.talk}/say", json={"id": new_id(), "text": text, **fields})

    async def press(self, data: str, **fields: str) -> dict[str, Any]:
        """Press a button."""
        body = {"id": new_id(), "data": data, **fields}
        response = await self.client.post(f"/c/{self.talk}/press", json=body)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    async def page(self) -> str:
        """The page as it is loaded."""
        response = await self.client.get(f"/c/{self.talk}", headers={"Accept": "text/html"})
        assert response.status_code == 200, response.text
        return response.text

    @asynccontextmanager
    async def hearing(self, known: str = "", **headers: str) -> AsyncIterator[Heard]:
        """Open the stream."""
        url = f"/c/{self.talk}/events"
        async with self.client.stream("GET", url, params={"known": known}, headers=headers) as response:
            assert response.status_code == 200
            yield Heard(response.aiter_lines())


@asynccontextmanager
async def talking(site: Site, login: Login, talk: str = "t1") -> AsyncIterator[Talk]:
    """Somebody at the page."""
    async with site.client(login) as client:
        yield Talk(client, talk)
