"""Programs that use the API of a served site."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from openai import AsyncOpenAI

from bot.store.api_keys import ApiKey
from bot.types import Scope
from tests.integration.web.site import Site


def key_for(site: Site, *scopes: Scope, per_minute: int = 10_000) -> tuple[ApiKey, str]:
    """A key and its secret; by default with every scope."""
    return site.store.api_keys.issue("a program", scopes or tuple(Scope), requests_per_minute=per_minute)


@asynccontextmanager
async def openai_client(site: Site, *scopes: Scope) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's own client, with a key."""
    _, secret = key_for(site, *scopes)
    async with AsyncOpenAI(base_url=f"{site.address}/v1", api_key=secret, max_retries=0, timeout=120) as client:
        yield client


def http_client(site: Site, secret: str) -> httpx.AsyncClient:
    """Plain HTTP with a key; to be closed."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return httpx.AsyncClient(base_url=f"{site.address}/v1", headers=headers, timeout=120)


async def ask(client: httpx.AsyncClient, question: str, **more: object) -> httpx.Response:
    """Ask a question."""
    return await client.post(
        "/chat/completions", json={"model": "burnish", "messages": [{"role": "user", "content": question}], **more}
    )
