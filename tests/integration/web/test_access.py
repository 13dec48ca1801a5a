"""Who gets in, by what, and what is refused: over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from json import dumps
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.types import Role
from bot.web.access import CSRF_HEADER, TRIES_PER_MINUTE, Access
from bot.web.app import create_app
from bot.web.guard import HEADERS
from tests.integration.commands.office import Template
from tests.integration.web.site import COOKIE, Site

PAGE = {"Accept": "text/html"}
PASSWORD = "correct horse battery"


def asked(settings: Mapping[str, Any], site: Site, host: str) -> httpx.AsyncClient:
    """A client of the same site with other settings, which asks for a host by this name."""
    parts = site.parts
    changed = parts.settings.model_validate({**parts.settings.model_dump(), **settings})
    app = create_app(replace(parts, settings=changed))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=host)


async def test_every_answer_says_what_browsers_may_do_with_it(served: Site) -> None:
    async with served.client() as client:
        for path, kept in (("/login", False), ("/nowhere", False), ("/static/base.css", True)):
            response = await client.get(path)
            assert {name: response.headers[name] for name in HEADERS} == dict(HEADERS), path
            assert ("no-store" in response.headers.get("Cache-Control", "")) is not kept
            assert "Server" not in response.headers
            assert "Strict-Transport-Security" not in response.headers


async def test_a_page_of_another_site_whose_name_points_here_is_not_answered(served: Site) -> None:
    async with served.client() as client:
        assert (await client.get("/login", headers={"Host": "rebound.example"})).status_code == 421
        assert (await client.get("/health", headers={"Host": "10.0.0.7:8765"})).status_code == 200, (
            "probes have no name"
        )
        assert (await client.get("/login", headers={"Host": "localhost:1"})).status_code == 200


async def test_a_name_that_is_none_is_refused_like_a_foreign_one(served: Site) -> None:
    async with served.client() as client:
        for name in ("[", "[::1", "a]b"):
            assert (await client.get("/login", headers={"Host": name})).status_code == 421, name
        refused = await client.post("/login", data={"name": "ada"}, headers={"Origin": "http://["})
    assert refused.status_code == 403


async def test_behind_a_proxy_the_public_name_is_answered_and_cookies_are_for_https_alone(served: Site) -> None:
    web = {"web": {"public_url": "https://bot.example.org", "access": "login"}}
    access = Access(served.store, served.settings)
    access.set_password(served.login().person.id, PASSWORD)
    async with asked(web, served, "https://bot.example.org") as client:
        response = await client.post("/login", data={"name": "user", "password": PASSWORD})
        assert response.status_code == 303
        cookie = response.headers["Set-Cookie"]
        assert cookie.startswith("__Host-burnish=")
        for part in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert part in cookie
        assert response.headers["Strict-Transport-Security"].startswith("max-age=")
        assert (await client.get("/login", headers={"Host": "other.example"})).status_code == 421


async def test_a_login_link_shows_whom_it_is_for_and_is_used_up_by_its_button_alone(served: Site) -> None:
    ada = served.login(Role.ADMIN, "ada").person
    code = served.store.sessions.issue_link(ada.id)
    async with served.client() as client:
        for _ in range(2):
            assert "logs you in as Ada" in (await client.get(f"/login?code={code}", headers=PAGE)).text
        entered = await client.post("/login", data={"code": code})
        assert (entered.status_code, entered.headers["Location"]) == (303, "/dashboard")
        assert "HttpOnly" in entered.headers["Set-Cookie"]
        over = await client.post("/login", data={"code": code}, headers=PAGE)
    assert over.status_code == 403
    assert "was used before" in over.text
    assert [(one.actor, one.action) for one in served.store.audit.tail(9)] == [("web:ada", "login")]


@pytest.mark.parametrize(
    ("given", "goes"),
    [
        ("/dashboard/audit", "/dashboard/audit"),
        ("", "/"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
async def test_after_logging_in_nobody_is_sent_to_another_site(served: Site, given: str, goes: str) -> None:
    code = served.store.sessions.issue_link(served.login().person.id)
    async with served.client() as client:
        entered = await client.post("/login", data={"code": code, "next": given})
    assert entered.headers["Location"] == goes


async def test_passwords_cannot_be_guessed_fast_and_a_wrong_one_is_as_wrong_as_a_wrong_name(served: Site) -> None:
    Access(served.store, served.settings).set_password(served.login(Role.ADMIN, "ada").person.id, PASSWORD)
    async with served.client() as client:
        told = [
            await client.post("/login", data={"name": name, "password": "wrong"}, headers=PAGE)
            for name in ("ada", "nobody")
        ]
        assert {one.status_code for one in told} == {403}
        assert all("<code>burnish login</code>" in one.text for one in told), "what else there is to do"
        assert told[0].text == told[1].text
        for _ in range(TRIES_PER_MINUTE - 2):
            await client.post("/login", data={"name": "ada", "password": "wrong"})
        late = await client.post("/login", data={"name": "ada", "password": PASSWORD})
    assert late.status_code == 429
    assert late.headers["Retry-After"] == "60"
    assert COOKIE not in late.cookies
    actions = [one.action for one in served.store.audit.tail(20)]
    assert actions == ["refused: login"] * TRIES_PER_MINUTE
    assert not any(PASSWORD in one.detail or "wrong" in one.detail for one in served.store.audit.tail(20))


async def test_another_site_cannot_log_somebody_in_as_its_owner(served: Site) -> None:
    code = served.store.sessions.issue_link(served.login().person.id)
    async with served.client() as client:
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            refused = await client.post("/login", data={"code": code}, headers=headers)
            assert refused.status_code == 403, headers
            assert "Set-Cookie" not in refused.headers
        ours = {"Origin": served.address, "Sec-Fetch-Site": "same-origin"}
        assert (await client.post("/login", data={"code": code}, headers=ours)).status_code == 303


async def test_whoever_tries_too_many_passwords_keeps_nobody_else_out(served: Site) -> None:
    Access(served.store, served.settings).set_password(served.login(Role.ADMIN, "ada").person.id, PASSWORD)
    async with served.client() as client:  # from a trusted proxy, which says whom it asks for
        for number in range(2 * TRIES_PER_MINUTE):
            name = "nobody" if number < TRIES_PER_MINUTE else "ada"
            await client.post("/login", data={"name": name, "password": "x"}, headers={"X-Forwarded-For": "192.0.2.1"})
        given = {"name": "ada", "password": PASSWORD}
        entered = await client.post("/login", data=given, headers={"X-Forwarded-For": "192.0.2.2"})
    assert entered.status_code == 303


async def test_what_is_larger_than_any_form_is_cut_off_whoever_sends_it(served: Site) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        for _ in range(40):
            yield b"a" * 50_000

    json, form = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}
    async with served.client() as client:
        for path, kind in (("/c/abc/say", json), ("/c/abc/press", json), ("/login", form), ("/language", json)):
            refused = await client.post(path, content=endless(), headers=kind)
            assert refused.status_code == 413, path
    async with served.client(served.login()) as client:
        longest = {"id": "abcdefgh", "text": "\N{GRINNING FACE}" * 20_000}  # twelve bytes each, as JSON is escaped
        assert (await client.post("/c/abc/say", content=dumps(longest), headers=json)).status_code == 202


async def test_logging_out_needs_the_sessions_token_from_a_page_of_ours_and_ends_the_session(served: Site) -> None:
    ada = served.login(Role.ADMIN, "ada")
    async with served.client(ada) as client:
        for headers in (
            {CSRF_HEADER: ""},
            {CSRF_HEADER: "another"},
            {CSRF_HEADER: ada.csrf, "Origin": "https://evil.example"},
            {CSRF_HEADER: ada.csrf, "Sec-Fetch-Site": "cross-site"},
            {CSRF_HEADER: ada.csrf, "Sec-Fetch-Site": "same-site"},
        ):
            assert (await client.post("/logout", headers=headers)).status_code == 403, headers
        assert served.store.sessions.find(ada.cookie) is not None
        assert (await client.post("/logout", headers={"Origin": served.address})).status_code == 303
        assert (await client.post("/logout")).status_code == 401
    assert served.store.sessions.find(ada.cookie) is None


async def test_the_token_may_come_in_a_forms_field(served: Site) -> None:
    ada = served.login()
    async with served.client(ada) as client:
        refused = await client.post("/logout", headers={CSRF_HEADER: ""}, data={"csrf": "x"})
        left = await client.post("/logout", headers={CSRF_HEADER: ""}, data={"csrf": ada.csrf})
    assert (refused.status_code, left.status_code) == (403, 303)


async def test_where_people_have_to_log_in_a_visitors_old_cookie_opens_nothing(
    tmp_path: Path, template: Template
) -> None:
    async with Site.open(tmp_path, template, settings={"web": {"access": "login"}}) as site:
        visitor = site.visit()
        async with site.client(visitor) as client:
            assert (await client.post("/logout")).status_code == 401
