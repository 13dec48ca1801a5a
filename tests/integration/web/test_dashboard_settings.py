"""The dashboard's pages about keys, the audit log and the settings."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from bot.texts import say
from bot.types import Role, Scope
from bot.web.access import CSRF_HEADER, Visitor
from bot.web.app import create_app
from tests.integration.commands.office import Template
from tests.integration.web.machine import add_people
from tests.integration.web.site import COOKIE, Site
from tests.integration.web.test_dashboard_learning import HTML, audited, seen, told

SECRET = "xoxb-a-secret-that-nobody-sees"

# -- keys


async def test_a_key_is_shown_once_and_works_until_it_is_revoked(served: Site) -> None:
    assert say("keys-none", "en") in await seen(served, "/dashboard/keys")
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = await told(
            client, "/dashboard/keys", name="ticket system", scopes=["chat", "train"], requests_per_minute="7"
        )
        [secret] = re.findall(r'value="(bk-[^"]+)"', shown)
        assert secret not in (await client.get("/dashboard/keys", headers=HTML)).text, "nor makes a reload a second one"
        assert len(served.store.api_keys.list()) == 1
        key = served.store.api_keys.find(secret)
        assert key is not None
        assert (key.name, key.scopes, key.requests_per_minute) == (
            "ticket system",
            frozenset({Scope.CHAT, Scope.TRAIN}),
            7,
        )
        assert say("keys-revoked", "en") in await told(client, f"/dashboard/keys/{key.id}/revoke")
        assert served.store.api_keys.find(secret) is None
        assert say("keys-none-such", "en") in await told(client, f"/dashboard/keys/{key.id}/revoke")
    assert audited(served) == [
        ("web:admin", "create key", "web", "1 ticket system: chat train"),
        ("web:admin", "revoke key", "web", "1"),
        ("web:admin", "refused: revoke key", "web", "1"),
    ]
    assert all(secret not in entry[3] for entry in audited(served))


async def test_a_new_key_is_shown_on_the_page_of_keys_alone(served: Site) -> None:
    async with served.client(served.login(Role.ADMIN)) as client:
        await client.post("/dashboard/keys", data={"name": "x", "scopes": "chat"})
        for other in ("/dashboard/people", "/dashboard/runs"):
            assert 'value="bk-' not in (await client.get(other, headers=HTML)).text, other
        assert 'value="bk-' in (await client.get("/dashboard/keys", headers=HTML)).text, "no other tab uses it up"


async def test_a_new_key_that_nobody_came_to_see_is_shown_for_two_minutes(served: Site) -> None:
    async with served.client(served.login(Role.ADMIN)) as client:
        for seconds, shown in ((119, True), (120, False)):
            await client.post("/dashboard/keys", data={"name": "x", "scopes": "chat"})
            served.office.clock.now += timedelta(seconds=seconds)
            assert ('value="bk-' in (await client.get("/dashboard/keys", headers=HTML)).text) is shown, seconds


async def test_a_new_key_that_nobody_came_to_see_is_gone_at_the_log_out(served: Site) -> None:
    login, app = served.login(Role.ADMIN), create_app(served.parts)
    session, headers = served.store.sessions.find(login.cookie), {CSRF_HEADER: login.csrf}
    assert session is not None
    transport, cookies = httpx.ASGITransport(app=app), {COOKIE: login.cookie}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", cookies=cookies) as client:
        made = await client.post("/dashboard/keys", data={"name": "x", "scopes": "chat"}, headers=headers)
        left = await client.post("/logout", headers=headers)
    assert (made.status_code, left.status_code) == (303, 303)
    assert len(served.store.api_keys.list()) == 1
    before = Visitor(person=login.person, session=session, language="en")
    assert app.state.flashes.take(before, "/dashboard/keys", served.office.clock.now) is None


async def test_a_key_without_a_limit_of_its_own_has_the_usual_one(served: Site) -> None:
    async with served.client(served.login(Role.ADMIN)) as client:
        await client.post("/dashboard/keys", data={"name": "x", "scopes": "chat", "requests_per_minute": ""})
    [key] = served.store.api_keys.list()
    assert key.requests_per_minute is None


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"name": "", "scopes": "chat"}, "keys-incomplete"),
        ({"name": "   ", "scopes": "chat"}, "keys-incomplete"),
        ({"name": "a\u0007b", "scopes": "chat"}, "keys-incomplete"),
        ({"name": "x"}, "keys-incomplete"),
        ({"name": "x", "scopes": "chat", "requests_per_minute": "0"}, "keys-limit"),
        ({"name": "x", "scopes": "chat", "requests_per_minute": "-1"}, "keys-limit"),
        ({"name": "x", "scopes": "chat", "requests_per_minute": "100001"}, "keys-limit"),
    ],
)
async def test_a_key_that_makes_no_sense_is_not_made(served: Site, form: dict[str, str], why: str) -> None:
    sentence = say(why, "en", most=100_000) if why == "keys-limit" else say(why, "en")
    async with served.client(served.login(Role.ADMIN)) as client:
        assert sentence in await told(client, "/dashboard/keys", **form)
    assert served.store.api_keys.list() == ()


# -- the audit log


async def test_the_log_names_people_marks_what_was_refused_and_is_filtered(served: Site) -> None:
    add_people(served)
    audit, clock = served.store.audit, served.office.clock
    audit.record(actor="slack:U77", action="refused: promote", place="slack:D1", detail="generator-<2>")
    clock.move(minutes=60 * 24 * 3)
    audit.record(actor="web:owner", action="grant", place="web", detail="trainer to slack:U77")
    day = f"{clock.now:%Y-%m-%d}"

    async def rows(query: str = "") -> list[str]:
        shown = await seen(served, f"/dashboard/audit{query}")
        return re.findall(r"<tr.*?</tr>", shown.partition("<tbody>")[2], re.DOTALL)

    newest, oldest = await rows()
    assert "trainer to Ada Lovelace (slack:U77)" in newest
    assert "Ada Lovelace (slack:U77)" in oldest
    assert 'class="refused"' in oldest
    assert "generator-&lt;2&gt;" in oldest
    assert await rows("?actor=slack:U77") == [oldest]
    assert await rows("?action=promote") == [oldest], "the wish too"
    assert await rows("?refused=1") == [oldest]
    assert await rows(f"?since={day}&until={day}") == [newest], "the last day counts"
    assert await rows(f"?until={served.office.clock.now.replace(year=2020):%Y-%m-%d}") == []
    async with served.client(served.login(Role.ADMIN)) as client:
        for wrong in ("yesterday", "2026-13-01", "9999-12-31"):
            found = await client.get(f"/dashboard/audit?until={wrong}", headers=HTML)
            assert (found.status_code, say("audit-no-day", "en") in found.text) == (400, True)


async def test_what_was_done_has_a_plain_name_in_both_languages(served: Site) -> None:
    for action in ("report", "refused: create key", "forget", "GET /x"):
        served.store.audit.record(actor="web:admin", action=action, place="web")
    shown = await seen(served, "/dashboard/audit")
    assert "<td>decide about a correction</td>" in shown
    assert '<option value="report" >decide about a correction</option>' in shown
    assert "</span> make an API key</td>" in shown
    assert "<td>GET /x</td>" in shown
    chinese = await seen(served, "/dashboard/audit", language="zh")
    assert "<td>处理更正</td>" in chinese
    assert "<td>遗忘某人</td>" in chinese


async def test_a_long_log_comes_in_turns(served: Site) -> None:
    for number in range(51):
        served.store.audit.record(actor="cli", action="ingest", detail=f"file {number:02}")
    first = await seen(served, "/dashboard/audit?action=ingest")
    assert ("file 50" in first, "file 00" in first) == (True, False)
    older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = await seen(served, older)
    assert ("file 50" in second, "file 00" in second) == (False, True)
    assert 'rel="prev"' in second
    assert "action=ingest" in older


# -- settings


@pytest_asyncio.fixture(loop_scope="session")
async def told_site(tmp_path: Path, template: Template) -> AsyncIterator[Site]:
    """A site with a secret, and one setting from its file."""
    settings = {"slack": {"bot_token": SECRET}, "bot": {"name": "Bernie", "history_turns": 7}}
    async with Site.open(tmp_path, template, settings=settings) as site:
        site.parts.installation.file.write_text('[bot]\nname = "Bernie"\n')
        yield site


async def test_settings_say_what_they_mean_where_they_come_from_and_no_secret(told_site: Site) -> None:
    shown = await seen(told_site, "/dashboard/settings")
    changed = shown.partition('id="changed"')[2].partition("</section>")[0]

    def told_of(name: str) -> str:
        return changed.partition(f"<code>{name}</code>")[2].partition('class="setting"')[0]

    assert say("origin-file", "en") in told_of("bot.name")
    assert "What the bot calls itself." in told_of("bot.name")
    assert say("settings-default", "en", value="&#34;Burnish&#34;") in told_of("bot.name")
    assert say("origin-environment", "en") in told_of("bot.history_turns")
    assert "********" in told_of("slack.bot_token")
    assert SECRET not in shown
    assert "knowledge.chunk_tokens" not in changed
    assert "knowledge.chunk_tokens" in shown
    assert str(told_site.parts.installation.file) in shown


async def test_a_settings_file_that_somebody_is_writing_does_not_break_the_page(told_site: Site) -> None:
    told_site.parts.installation.file.write_text("[bot\n")
    assert "Bernie" in await seen(told_site, "/dashboard/settings")


async def test_the_set_up_is_checked_on_demand(served: Site) -> None:
    assert say("check-mend", "en") not in await seen(served, "/dashboard/settings")
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = (await client.post("/dashboard/settings/doctor", headers=HTML)).text
    for key in ("check-well", "check-mend", "check-note"):
        assert f">{say(key, 'en')}<" in shown
    assert "none: take some in with <code>burnish ingest</code>" in shown
    assert "`" not in shown.partition('class="checks"')[2].partition("</table>")[0]
    assert audited(served) == [("web:admin", "doctor", "web", "")]
