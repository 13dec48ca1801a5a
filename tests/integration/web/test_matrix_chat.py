"""Who may do what at the chat page: every route with everybody who may come to it, and with nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from bot.types import Role
from bot.web import chat, dropped
from tests.integration.commands.office import Template
from tests.integration.web.site import Login, Site
from tests.integration.web.talking import new_id

EVERYBODY = frozenset({"visitor", *Role})
ADMINS = frozenset({Role.ADMIN, Role.OWNER})
ROUTES: dict[tuple[str, str], tuple[frozenset[str], Any]] = {
    ("GET", "/"): (EVERYBODY, None),
    ("GET", "/new"): (EVERYBODY | {"nobody"}, None),  # an address, and nothing behind it
    ("GET", "/c/{talk}"): (EVERYBODY, None),
    ("GET", "/c/{talk}/talks"): (EVERYBODY, None),
    ("GET", "/c/{talk}/events"): (EVERYBODY, None),
    ("GET", "/c/{talk}/picture/{post_id}"): (EVERYBODY, None),
    ("POST", "/c/{talk}/say"): (EVERYBODY, {"text": "/cancel"}),
    ("POST", "/c/{talk}/stop"): (EVERYBODY, {"event": "x"}),
    ("POST", "/c/{talk}/press"): (EVERYBODY, {"data": "r:99:up"}),
    ("POST", "/language"): (EVERYBODY, {"language": ""}),
    ("POST", "/c/{talk}/file"): (ADMINS, {}),
}


def logins(site: Site) -> dict[str, Login | None]:
    """One of each."""
    return {"nobody": None, "visitor": site.visit(), **{role: site.login(role) for role in Role}}


async def status(client: httpx.AsyncClient, method: str, path: str, body: Any) -> int:  # noqa: ANN401 - what a route takes
    """What a route says; a stream is left as soon as it begins."""
    address = path.format(talk="t1", post_id=99)
    given = None if body is None else {"id": new_id(), **body}
    params = {"id": new_id(), "name": "a.md"} if path.endswith("/file") else {}
    async with client.stream(method, address, params=params, json=given) as response:
        return response.status_code


def test_the_table_has_every_route() -> None:
    routes = [*chat.router.routes, *chat.inside.routes, *dropped.router.routes]
    found = {(method, one.path) for one in routes if isinstance(one, APIRoute) for method in one.methods or ()}
    assert found == set(ROUTES)


@pytest.mark.parametrize("access", ["open", "login"])
async def test_each_route_is_open_to_those_it_is_for_and_to_nobody_else(
    tmp_path: Path, template: Template, access: str
) -> None:
    async with Site.open(tmp_path, template, settings={"web": {"access": access}}) as site:
        for who, login in logins(site).items():
            async with site.client(login) as client:
                for (method, path), (allowed, body) in ROUTES.items():
                    found = await status(client, method, path, body)
                    is_known = path == "/new" or not (who == "visitor" and access == "login")
                    if who in allowed and is_known:
                        assert found in {200, 202, 303, 404}, (who, method, path, found)
                    elif method == "GET" and access == "open" and path in {"/", "/c/{talk}"}:
                        assert found == 303, "whoever is not known is welcomed"
                    else:
                        assert found in {401, 403}, (who, method, path, found)


@pytest.mark.parametrize("role", list(Role))
async def test_what_changes_something_is_not_done_for_another_site(shared: Site, role: Role) -> None:
    login = shared.login(role)
    for headers in ({"X-CSRF-Token": "guessed"}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        async with shared.client(login) as client:
            client.headers.update(headers)
            for (method, path), (_, body) in ROUTES.items():
                if method == "POST":
                    assert await status(client, method, path, body) == 403, (headers, path)
