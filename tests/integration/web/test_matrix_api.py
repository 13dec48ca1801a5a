"""Who may do what by the API: every route with every scope, and without one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bot.types import Role, Scope
from bot.web.api.app import PREFIX
from tests.integration.web.programs import http_client, key_for
from tests.integration.web.site import Site

QUESTION = {"model": "burnish", "messages": [{"role": "user", "content": "Hello?"}]}
ROUTES: dict[tuple[str, str], tuple[Scope, Any]] = {
    ("POST", "/chat/completions"): (Scope.CHAT, QUESTION),
    ("GET", "/models"): (Scope.CHAT, None),
    ("GET", "/models/{model}"): (Scope.CHAT, None),
    ("POST", "/embeddings"): (Scope.CHAT, {"model": "burnish-embedding", "input": "a"}),
    ("POST", "/ratings"): (Scope.CHAT, {"answer_id": 999, "value": "up"}),
    ("POST", "/corrections"): (Scope.CHAT, {"answer_id": 999, "text": "a"}),
    ("GET", "/knowledge"): (Scope.KNOWLEDGE, None),
    ("POST", "/knowledge"): (Scope.KNOWLEDGE, {"title": "A", "text": "b"}),
    ("GET", "/knowledge/{document_id}"): (Scope.KNOWLEDGE, None),
    ("DELETE", "/knowledge/{document_id}"): (Scope.KNOWLEDGE, None),
    ("POST", "/knowledge/search"): (Scope.KNOWLEDGE, {"query": "a"}),
    ("POST", "/knowledge/files"): (Scope.KNOWLEDGE, None),
    ("GET", "/runs"): (Scope.TRAIN, None),
    ("POST", "/runs"): (Scope.TRAIN, {"tasks": ["intent"]}),
    ("GET", "/runs/{run_id}"): (Scope.TRAIN, None),
    ("POST", "/runs/{run_id}/cancel"): (Scope.TRAIN, None),
}


async def statuses(client: httpx.AsyncClient) -> dict[tuple[str, str], int]:
    """What each route says."""
    found = {}
    for (method, path), (_, body) in ROUTES.items():
        address = path.format(model="burnish", document_id=999, run_id=999)
        found[method, path] = (await client.request(method, address, json=body)).status_code
    return found


async def test_the_table_has_every_route(shared: Site) -> None:
    async with http_client(shared, "") as client:
        schema = (await client.get("/openapi.json")).json()
    assert {(method.upper(), path) for path, methods in schema["paths"].items() for method in methods} == set(ROUTES)


@pytest.mark.parametrize("scope", list(Scope))
async def test_a_key_opens_what_its_scope_is_for_and_nothing_else(shared: Site, scope: Scope) -> None:
    _, secret = key_for(shared, scope)
    async with http_client(shared, secret) as client:
        found = await statuses(client)
    assert 401 not in found.values()
    assert {route for route, status in found.items() if status != 403} == {
        route for route, (needed, _) in ROUTES.items() if needed is scope
    }


async def test_without_a_key_every_route_is_closed_whoever_logged_in(shared: Site) -> None:
    revoked, secret = key_for(shared)
    shared.store.api_keys.revoke(revoked.id)
    logins = [None, shared.visit(), *(shared.login(role) for role in Role)]
    clients = [http_client(shared, ""), http_client(shared, secret), *map(shared.client, logins)]
    for number, client in enumerate(clients):
        async with client:
            if number >= 2:
                client.base_url = httpx.URL(f"{shared.address}{PREFIX}/")
            assert set((await statuses(client)).values()) == {401}
