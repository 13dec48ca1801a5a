"""`burnish serve` without any chat platform, `burnish login` and `burnish people`: the real program over real HTTP."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.acceptance.conftest import Burnish
from tests.acceptance.slow_endpoint import slow_endpoint

pytestmark = [pytest.mark.models, pytest.mark.slow]

SECONDS = 120.0
PAGE = {"Accept": "text/html"}
QUESTION = "How do I add a colleague to our team?"


@pytest.fixture
def own(stocked: Burnish, tmp_path: Path) -> Burnish:
    """The stocked program with a home of its own, at a free port."""
    shutil.copytree(stocked.home, tmp_path / "own")
    settings = {**stocked.settings, "BURNISH_SERVE__LISTEN": "127.0.0.1:0"}
    return replace(stocked, home=tmp_path / "own", settings=settings)


@contextmanager
def served(program: Burnish) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """The program while it is needed, and a browser without scripts."""
    with program.start("serve") as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if found := re.search(r"Chat page: (http://127\.0\.0\.1:\d+)/", line):
                    break
            assert found, "the program ended before it served"
            with httpx.Client(base_url=found[1], timeout=SECONDS) as browser:
                yield process, browser
        finally:
            if process.poll() is None:
                process.kill()


def code_of(link: str) -> str:
    """What a login link brings along."""
    [code] = parse_qs(urlsplit(link.strip()).query)["code"]
    return code


def test_without_any_chat_platform_the_page_is_served_until_the_program_is_told_to_stop(own: Burnish) -> None:
    with served(own) as (process, browser):
        health = browser.get("/health")
        assert health.json()["status"] == "ok"
        assert "default-src 'none'" in health.headers["Content-Security-Policy"]
        assert browser.get("/login", headers=PAGE).status_code == 200
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, "Traceback" in err) == (0, False)
    assert "code=" not in err, "a link that opens the dashboard is never written to a pipe"
    assert "Dashboard: `burnish login`" in err, "what makes one is"


def test_the_link_that_is_printed_on_the_server_logs_an_owner_in_once(own: Burnish) -> None:
    with served(own) as (_, browser):
        printed = own("login")
        assert printed.code == 0, printed.err
        code = code_of(printed.out)
        for _ in range(2):
            seen = browser.get(f"/login?code={code}", headers=PAGE)
            assert "logs you in as server" in seen.text, "to look at a link uses nothing up"
        entered = browser.post("/login", data={"code": code})
        assert (entered.status_code, entered.headers["Location"]) == (303, "/dashboard")
        again = browser.post("/login", data={"code": code}, headers=PAGE)
        assert again.status_code == 403
        assert "was used before" in again.text
        assert browser.post("/logout").status_code == 403, "without the session's token it may be another site's"


def test_somebody_with_a_password_logs_in_by_it_and_is_out_once_it_is_another(own: Burnish) -> None:
    added = own("people", "add", "ada", "--role", "admin", said=["correct horse battery"] * 2)
    assert added.code == 0, added.err
    assert "correct horse" not in added.out + added.err
    with served(own) as (_, browser):
        wrong = browser.post("/login", data={"name": "ada", "password": "wrong"}, headers=PAGE)
        assert wrong.status_code == 403
        assert "do not belong together" in wrong.text
        right = browser.post(
            "/login", data={"name": "ada", "password": "correct horse battery", "next": "//evil.example"}
        )
        assert (right.status_code, right.headers["Location"]) == (303, "/dashboard"), "never to another site"
        changed = own("people", "password", "ada", said=["another one entirely"] * 2)
        assert changed.code == 0, changed.err
        assert browser.post("/logout").status_code == 401
    listed = own("people", "list").out
    assert re.search(r"web\s+ada\s+ada\s+admin", listed)


@pytest.mark.parametrize(
    ("arguments", "said", "sentence"),
    [
        (("people", "add", "no spaces"), (), "cannot be a name"),
        (("people", "add", "bob"), ("short", "short"), "10 to 200 characters"),
        (("people", "password", "nobody"), (), "Nobody logs in as nobody"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    own: Burnish, arguments: tuple[str, ...], said: tuple[str, ...], sentence: str
) -> None:
    finished = own(*arguments, said=said)
    assert finished.code == 1
    assert sentence in finished.err
    assert "Traceback" not in finished.err
    assert " bob " not in own("people", "list").out, "nothing is half done"


@pytest.mark.parametrize(
    "settings", [{"BURNISH_SERVE__LISTEN": "0.0.0.0:0"}, {"BURNISH_WEB__PUBLIC_URL": "https://bot.example.org"}]
)
def test_a_page_that_others_can_reach_is_not_served_to_whoever_comes(own: Burnish, settings: dict[str, str]) -> None:
    finished = replace(own, settings={**own.settings, **settings})("serve")
    assert finished.code == 3
    assert 'web.access = "login"' in finished.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_programs_that_wait_are_told_when_to_ask_again_before_the_program_stops_or_starts_anew(
    own: Burnish, number: signal.Signals
) -> None:
    headers = {"Authorization": f"Bearer {own('keys', 'create', 'website').out.strip()}"}
    with slow_endpoint("A refund takes five days. " * 4, seconds_per_word=0.2) as endpoint:
        slow = {
            "BURNISH_MODELS__GENERATOR": f"openai:{endpoint.url}#m",
            "BURNISH_SERVE__CONVERSATIONS": "1",
            "BURNISH_ANSWERS__MIN_ANSWERABILITY": "0",
        }
        program = replace(own, settings={**own.settings, **slow})
        with served(program) as (process, browser), ThreadPoolExecutor() as threads:

            def ask(user: str, *, stream: bool = False) -> httpx.Response:
                body = {"model": "burnish", "messages": [{"role": "user", "content": QUESTION}], "user": user}
                return browser.post("/v1/chat/completions", json={**body, "stream": stream}, headers=headers)

            first = threads.submit(ask, "ada")
            assert endpoint.wait(endpoint.asked, QUESTION, seconds=SECONDS)
            whole, streamed = threads.submit(ask, "grace"), threads.submit(ask, "alan", stream=True)
            while browser.get("/health").json()["waiting"] < 2 and not first.done():
                time.sleep(0.05)
            (own.home / "burnish.toml").write_text('[bot]\nname = "Robo"\n', encoding="utf-8")
            process.send_signal(number)
            told, stream = whole.result(SECONDS), streamed.result(SECONDS)
            assert first.result(SECONDS).status_code == 200, "what was being answered is answered"
    assert (told.status_code, told.json()["error"]["code"]) == (503, "stopping")
    assert int(told.headers["Retry-After"]) > 0
    assert [line for line in stream.text.splitlines() if line][-1] == "data: [DONE]"
    assert json.loads([line for line in stream.text.splitlines() if line][-2].removeprefix("data: ")) == told.json()
