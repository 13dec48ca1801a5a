"""What doctor says of the server, and how it is to be mended."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.config import Settings
from bot.doctor_server import _amount, _schedule, address, disk, kept, memory, reachable
from bot.frontends.base import Check
from bot.http import HttpServer
from bot.store.backup import backup
from bot.store.crypto import Keyring
from bot.store.store import Store
from bot.web import probes
from bot.web.settings import WebSettings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OPEN, LOGIN = WebSettings(access="open"), WebSettings(access="login")


async def _fine(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


def found(checks: Iterator[Check]) -> dict[str, tuple[bool | None, str]]:
    return {one.name: (one.ok, one.sentence) for one in checks}


async def test_an_address_is_free_or_ours_or_anothers_or_not_this_machines() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert (await address(f"127.0.0.1:{port}")).ok
    ours = FastAPI()
    ours.include_router(probes.router)
    another = Starlette(routes=[Route("/healthz", _fine)])
    for app, ok in ((ours, True), (another, False)):
        server = HttpServer(app, "127.0.0.1:0", setting="x.y")
        await server.start()
        check = await address(f"127.0.0.1:{server.port}")
        await server.stop()
        assert check.ok is ok
        assert "serve" in check.sentence
    elsewhere = await address("203.0.113.7:8765")
    assert elsewhere.ok is False
    assert "serve.listen" in elsewhere.sentence


@pytest.mark.parametrize(
    ("listen", "web", "ok", "words"),
    [
        ("127.0.0.1:1", OPEN, True, "whoever sits at this machine"),
        ("127.0.0.1:1", LOGIN, True, "people who log in"),
        ("0.0.0.0:1", OPEN, False, 'web.access = "login"'),
        ("0.0.0.0:1", LOGIN, True, "people who log in"),
        ("127.0.0.1:1", WebSettings(access="open", public_url="https://bot.example.org"), False, "login"),
    ],
)
def test_who_can_reach_the_chat_page(listen: str, web: WebSettings, *, ok: bool, words: str) -> None:
    told = found(reachable(listen, web))["web access"]
    assert told[0] is ok
    assert words in told[1]


@pytest.mark.parametrize(
    ("listen", "url", "ok"),
    [
        ("0.0.0.0:1", "", None),
        ("0.0.0.0:1", "http://bot.example.org", False),
        ("127.0.0.1:1", "https://example.org/bot", False),
        ("127.0.0.1:1", "https://bot.example.org/", True),
        ("127.0.0.1:1", "http://localhost:9999", True),
    ],
)
def test_the_public_address_is_https_at_the_top_of_a_name(listen: str, url: str, *, ok: bool | None) -> None:
    assert found(reachable(listen, WebSettings(access="login", public_url=url)))["public address"][0] is ok


def test_on_loopback_no_public_address_is_asked_for() -> None:
    assert "public address" not in found(reachable("127.0.0.1:1", OPEN))


@pytest.mark.parametrize(("free", "ok"), [(0.4, False), (0.5, None), (1.9, None), (2.0, True)])
def test_little_is_noted_and_less_is_to_be_mended(free: float, *, ok: bool | None) -> None:
    check = _amount("memory", free, low=0.5, scarce=2.0, mend="add some")
    assert check.ok is ok
    assert ("add some" in check.sentence) is (ok is not True)


def test_disk_and_memory_are_read_also_where_the_home_is_not_made_yet(tmp_path: Path) -> None:
    assert "GB free" in disk(tmp_path / "not" / "yet").sentence
    assert "GB free" in memory().sentence


@pytest.mark.parametrize(
    ("paused", "next_run", "ok", "words"),
    [
        (True, NOW, None, "schedule resume"),
        (False, None, None, "schedule show"),
        (False, NOW + timedelta(days=1), True, "2026-11-25 12:00 UTC"),
        (False, NOW - timedelta(minutes=5), True, "looks next"),
        (False, NOW - timedelta(days=2), None, "burnish serve"),
    ],
)
def test_learning_is_paused_or_planned_or_was_missed(
    *, paused: bool, next_run: datetime | None, ok: bool | None, words: str
) -> None:
    check = _schedule(paused=paused, next_run=next_run, now=NOW)
    assert check.ok is ok
    assert words in check.sentence


def test_a_backup_is_missing_then_fresh_then_old(tmp_path: Path) -> None:
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", Keyring.generate(), clock=lambda: NOW) as store:
        store.migrate()
        assert found(kept(store, Settings(), NOW))["backup"][0] is None
        backup(store, tmp_path / "kept", clock=lambda: NOW)
        told = found(kept(store, Settings(), NOW + timedelta(days=14)))
        assert told["backup"] == (True, "the last is of 2026-11-24 12:00 UTC")
        assert told["schema"][0]
        assert "known: 0" in told["logins"][1]
        late = found(kept(store, Settings(), NOW + timedelta(days=15)))["backup"]
    assert late[0] is False
    assert "15 days old" in late[1]
    assert "burnish store backup" in late[1]
