"""What a request leaves behind: an id that leads from the client to every line of the log, and nobody's words."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.responses import StreamingResponse

from bot.frontends.base import UnreachableError
from bot.http import HttpServer
from bot.testing import logging_to
from bot.types import Role, Scope
from bot.web.app import create_app
from tests.integration.web.programs import ask, http_client, key_for
from tests.integration.web.site import Q_FROZEN, Site
from tests.stores import message

HIDDEN = "Zanzibar"  # stands in whatever people say here


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The file that log lines go to."""
    with logging_to(tmp_path / "logs") as file:
        yield file


def written(log: Path) -> str:
    """Everything that was logged."""
    return log.read_text(encoding="utf-8") if log.exists() else ""


def entries(log: Path, action: str = "") -> list[dict[str, Any]]:
    """The lines with an action; by default all."""
    lines = [json.loads(line) for line in written(log).splitlines()]
    return [line for line in lines if not action or line.get("action") == action]


async def test_a_store_that_fails_is_named_in_the_log_by_its_error_alone_and_to_nobody_else(
    served: Site, tmp_path: Path, log: Path
) -> None:
    ada = served.login()
    with closing(sqlite3.connect(tmp_path / "store.db")) as file:
        file.execute("ALTER TABLE web_sessions RENAME TO elsewhere")
    async with served.client(ada) as client:
        response = await client.get("/c/abc/talks")
        page = await client.get("/c/abc", headers={"Accept": "text/html"})
    for told in (response, page):
        assert told.status_code == 500
        assert "store" not in told.text.lower()
        assert str(tmp_path) not in told.text
    assert [line["error"] for line in entries(log, "request-failed")] == ["StoreError", "StoreError"]
    assert str(tmp_path) not in written(log)


async def test_a_request_is_one_line_with_its_id_and_its_route_and_no_query(served: Site, log: Path) -> None:
    async with served.client() as client:
        response = await client.get(f"/login?code={HIDDEN}&next=/x")
    [line] = entries(log, "request")
    assert line.pop("time")
    assert line.pop("ms") >= 0
    assert line == {
        "level": "INFO",
        "logger": "bot.web.observed",
        "message": "request",
        "action": "request",
        "method": "GET",
        "route": "/login",
        "status": response.status_code,
        "request_id": response.headers["X-Request-ID"],
    }


async def test_an_id_that_comes_along_is_kept_and_one_that_is_none_is_not(served: Site, log: Path) -> None:
    async with served.client() as client:
        for given, kept in (("trace-42.a", True), ("a b", False), ("x" * 65, False), ("", False)):
            response = await client.get("/login", headers={"X-Request-ID": given})
            assert (response.headers["X-Request-ID"] == given) is kept
    ids = [line["request_id"] for line in entries(log, "request")]
    assert len(set(ids)) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", one) for one in ids)


async def test_probes_that_find_nothing_leave_no_line_and_refusals_do(served: Site, log: Path) -> None:
    async with served.client() as client:
        for path in ("/healthz", "/readyz", "/health", "/metrics"):
            await client.get(path)
        await client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"})
        await client.get("/login", headers={"Host": "elsewhere.example"})
    assert [(line["route"], line["status"]) for line in entries(log, "request")] == [
        ("/metrics", 403),
        ("unmatched", 421),
    ]


async def test_what_is_logged_of_an_answer_leads_back_to_the_request_that_asked(served: Site, log: Path) -> None:
    _, secret = key_for(served, Scope.CHAT)
    async with http_client(served, secret) as client:
        response = await ask(client, f"What of {HIDDEN}?")
        await ask(client, f"And of {HIDDEN} again?")
    first, second = entries(log, "answered")
    assert first["request_id"] == response.headers["X-Request-ID"]
    assert second["request_id"] != first["request_id"]
    assert second["message_id"] != first["message_id"]


async def test_events_of_chat_platforms_have_an_id_each_and_one_conversation_does_not_mix_them(
    served: Site, log: Path
) -> None:
    for number in range(3):  # in one lane, so that the later ones wait for the first
        await served.desk.said(message(f"{HIDDEN} {number}?", channel="D1"))
    await served.desk.idle()
    answered = entries(log, "answered")
    assert len({line["request_id"] for line in answered}) == 3
    assert len({line["message_id"] for line in answered}) == 3


async def test_a_job_that_fails_is_logged_with_the_id_of_its_event(served: Site, log: Path) -> None:
    served.slack.faults.extend([ValueError(HIDDEN)] * 2)
    for _ in range(2):  # curated questions, whose answers do not grow: sending them is all that can fail
        await served.desk.said(message(Q_FROZEN, channel="D1"))
        await served.desk.idle()
    answered = {line["message_id"]: line["request_id"] for line in entries(log, "answered")}
    failed = {line["job"]: line["request_id"] for line in entries(log, "job-failed")}
    assert failed
    assert failed.items() <= answered.items()
    assert HIDDEN not in written(log)


@pytest_asyncio.fixture(loop_scope="session")
async def broken(served: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a site with routes that fail; the error says what somebody wrote."""
    app = create_app(served.parts)

    @app.get("/broken")
    async def broken_route() -> None:
        raise RuntimeError(f"{HIDDEN} was said")

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"begun"
            raise RuntimeError(f"{HIDDEN} was said")

        return StreamingResponse(pieces())

    server = HttpServer(app, "127.0.0.1:0", setting="serve.listen")
    await server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        yield client
    await server.stop()


async def test_what_fails_is_a_sentence_with_the_headers_of_every_answer_and_a_line_without_the_errors_words(
    broken: httpx.AsyncClient, log: Path
) -> None:
    response = await broken.get("/broken")
    assert response.status_code == 500
    assert response.json()["error"]["message"]
    assert response.headers["X-Frame-Options"] == "DENY"
    [failed], [line] = entries(log, "request-failed"), entries(log, "request")
    assert (failed["error"], failed["route"]) == ("RuntimeError", "/broken")
    assert failed["place"].rpartition(":")[0].endswith("test_observed.py")
    assert failed["request_id"] == line["request_id"] == response.headers["X-Request-ID"]
    assert line["status"] == 500
    assert HIDDEN not in response.text + written(log)


async def test_a_stream_that_breaks_is_logged_too(broken: httpx.AsyncClient, log: Path) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await broken.get("/half")
    assert [line["route"] for line in entries(log, "request-failed")] == ["/half"]
    assert HIDDEN not in written(log)


async def test_an_exception_that_a_library_logs_is_written_without_what_it_says(log: Path) -> None:
    error = ValueError(f"{HIDDEN} was said")
    logging.getLogger("asyncio").error("Task exception was never retrieved", exc_info=error)
    [line] = entries(log)
    assert line["exc_info"] == "ValueError"


async def test_a_busy_session_leaves_no_word_no_token_and_no_cookie_in_the_log(served: Site, log: Path) -> None:
    login, (_, secret) = served.login(Role.OWNER, "Quetzalcoatl"), key_for(served)
    code = served.store.sessions.issue_link(login.person.id)
    async with served.client(login) as page, http_client(served, secret) as program, served.client() as nobody:
        await page.get("/login", params={"code": code, "next": f"/{HIDDEN}"})
        await nobody.get(f"/{HIDDEN}")
        await nobody.post("/login", data={"name": HIDDEN, "password": f"{HIDDEN}-password"})
        await nobody.get("/metrics", headers={"Authorization": f"Bearer {secret}", "X-Forwarded-For": "203.0.113.7"})
        for body in ({"text": f"{HIDDEN} one?", "event": "event-0001"}, {"text": HIDDEN * 9_000}, {"wrong": HIDDEN}):
            await page.post("/c/talk1/say", json=body)
        await ask(program, f"{HIDDEN} two?")
        await ask(program, f"{HIDDEN} three?", stream=True, temperature=HIDDEN)
        await program.post("/corrections", json={"answer_id": 1, "text": HIDDEN})
        await program.get(f"/knowledge/{HIDDEN}")
    served.slack.faults.append(UnreachableError(HIDDEN))
    await asyncio.gather(*(served.desk.said(message(f"{HIDDEN} {n}", channel=f"D{n}")) for n in range(4)))
    await served.desk.idle()
    text = written(log)
    assert len(entries(log, "request")) >= 10
    assert len(entries(log, "answered")) >= 4
    for private in (HIDDEN, "Quetzalcoatl", login.cookie, login.csrf, secret, code, "203.0.113.7", "Refunds reach"):
        assert private.casefold() not in text.casefold(), private
    for line in entries(log):
        if line["logger"].startswith("bot."):
            assert line["action"], line
            assert line["request_id"], line
