"""Keys of the API: what opens it, how often, and for how long."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bot.types import Scope
from bot.web.app import create_app
from knowledge.types import Passage
from tests.integration.commands.office import Template
from tests.integration.web.programs import ask, http_client, key_for
from tests.integration.web.site import Q_REFUND, Site

SHAPE = {"message", "type", "param", "code"}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer bk-guessed", "Basic bk-guessed", "bk-guessed", "Bearer é"])
async def test_without_a_key_in_force_nothing_is_told(shared: Site, header: str) -> None:
    async with http_client(shared, "") as client:
        said = await client.get("/models", headers=[(b"Authorization", header.encode())] if header else [])
    assert said.status_code == 401
    assert said.headers["www-authenticate"] == "Bearer"
    assert set(said.json()["error"]) == SHAPE
    assert said.json()["error"]["code"] == "invalid_api_key"


async def test_a_revoked_key_opens_nothing_from_the_next_request_on(shared: Site) -> None:
    key, secret = key_for(shared)
    async with http_client(shared, secret) as client:
        before = await client.get("/models")
        shared.store.api_keys.revoke(key.id)
        after = await client.get("/models")
    assert (before.status_code, after.status_code) == (200, 401)


async def test_a_browsers_cookie_opens_nothing(shared: Site) -> None:
    async with shared.client(shared.login()) as client:
        assert (await client.get("/v1/models")).status_code == 401


async def test_a_key_is_counted_and_told_how_much_is_left(shared: Site) -> None:
    _, secret = key_for(shared, per_minute=3)
    _, other = key_for(shared, per_minute=3)
    async with http_client(shared, secret) as client, http_client(shared, other) as another:
        said = [await client.get("/models"), await client.get("/nowhere"), await client.get("/runs/999")]
        refused = await client.get("/models")
        free = await another.get("/models")
    assert [one.status_code for one in said] == [200, 404, 404]
    assert [one.headers["x-ratelimit-remaining-requests"] for one in said] == ["2", "1", "0"]
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert refused.headers["x-ratelimit-limit-requests"] == "3"
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["x-ratelimit-reset-requests"] == f"{refused.headers['retry-after']}s"
    assert free.status_code == 200, "keys are counted apart"


async def test_a_key_without_a_limit_of_its_own_has_that_of_the_settings(tmp_path: Path, template: Template) -> None:
    async with Site.open(tmp_path, template, settings={"web": {"api_requests_per_minute": 2}}) as site:
        _, secret = site.store.api_keys.issue("a program", [Scope.CHAT])
        async with http_client(site, secret) as client:
            statuses = [(await client.get("/models")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_a_request_that_is_too_large_is_refused_whether_or_not_it_says_so(shared: Site) -> None:
    _, secret = key_for(shared)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b" " * 100_000

    async with http_client(shared, secret) as client:
        announced = await client.post("/embeddings", content=b" " * 5_000_000)
        silent = await client.post("/embeddings", content=pieces(), headers={"Content-Type": "application/json"})
    for said in (announced, silent):
        assert said.status_code == 413
        assert said.json()["error"]["code"] == "request_too_large"


async def test_what_is_not_there_or_not_possible_is_said_in_the_same_shape(shared: Site) -> None:
    _, secret = key_for(shared)
    async with http_client(shared, secret) as client:
        nowhere = await client.get("/nowhere")
        impossible = await client.put("/runs", json={})
        slash = await client.get("/models/")
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "unknown_url")
    assert (impossible.status_code, impossible.json()["error"]["code"]) == (405, "method_not_allowed")
    assert impossible.headers["allow"] == "GET, POST"
    assert slash.status_code == 404
    for said in (nowhere, impossible, slash):
        assert set(said.json()["error"]) == SHAPE


async def test_other_sites_scripts_may_not_use_it_unless_the_settings_say_so(
    shared: Site, tmp_path: Path, template: Template
) -> None:
    asked = {
        "Origin": "https://app.example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    async with httpx.AsyncClient(base_url=shared.address) as client:
        refused = await client.options("/v1/chat/completions", headers=asked)
    assert refused.status_code == 401
    assert "access-control-allow-origin" not in refused.headers
    settings = {"web": {"cors_origins": "https://app.example.org/, https://other.example.org"}}
    async with Site.open(tmp_path, template, settings=settings) as site:
        _, secret = key_for(site)
        async with http_client(site, secret) as client:
            asked_first = await client.options("/chat/completions", headers=asked)
            said = await client.get("/models", headers={"Origin": "https://app.example.org"})
            elsewhere = await client.get("/models", headers={"Origin": "https://evil.example.org"})
            page = await client.get(f"{site.address}/health", headers={"Origin": "https://app.example.org"})
    assert asked_first.status_code == 200
    assert asked_first.headers["access-control-allow-origin"] == "https://app.example.org"
    assert said.headers["access-control-allow-origin"] == "https://app.example.org"
    assert "access-control-allow-credentials" not in said.headers
    assert "access-control-allow-origin" not in elsewhere.headers
    assert "access-control-allow-origin" not in page.headers


async def test_nothing_of_a_question_or_a_key_is_in_the_audit_log_in_the_clear(shared: Site) -> None:
    key, secret = key_for(shared)
    async with http_client(shared, secret) as client:
        answer_id = (await ask(client, Q_REFUND)).json()["burnish"]["answer_id"]
        await client.post("/ratings", json={"answer_id": answer_id, "value": "down", "comment": "A private remark."})
    entries = [one for one in shared.store.audit.tail(100) if one.actor == f"api:{key.id}"]
    assert [(one.action, one.place, one.detail) for one in entries] == [("rate", "api", f"answer {answer_id}: down")]


async def test_what_nobody_expected_is_an_error_in_the_same_shape_and_its_words_are_in_no_log(
    served: Site, caplog: pytest.LogCaptureFixture
) -> None:
    def search(words: str) -> Sequence[Passage]:
        raise RuntimeError(words)

    broken = replace(served.parts, documents=replace(served.parts.documents, search=search))
    _, secret = key_for(served)
    headers = {"Authorization": f"Bearer {secret}"}
    transport = httpx.ASGITransport(create_app(broken))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
        said = await client.post("/v1/knowledge/search", json={"query": "a private word"})
    assert said.status_code == 500
    assert said.json()["error"]["code"] == "internal_error"
    assert "private" not in said.text
    assert "private" not in caplog.text
    assert [vars(one)["error"] for one in caplog.records if getattr(one, "action", "") == "request-failed"] == [
        "RuntimeError"
    ]
