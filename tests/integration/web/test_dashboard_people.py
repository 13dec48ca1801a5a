"""The dashboard's pages about people: who they are, roles, logging in and out, being forgotten."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from markupsafe import escape

from adapters.types import Task
from bot.store.people import Person
from bot.texts import say
from bot.types import Correction, Role, Scope
from tests.integration.web.machine import add_people, add_version
from tests.integration.web.site import Site
from tests.integration.web.test_dashboard_learning import HTML, audited, seen, told

ROUNDS = 10  # of a race; with a look and then an insert some of them are lost


def role_of(site: Site, user_id: int) -> Role:
    """What somebody may do."""
    person = site.store.people.get(user_id)
    assert person is not None
    return person.role


def somebody(site: Site, role: Role, name: str = "U50") -> Person:
    """Somebody in chat."""
    met = site.store.people.meet("slack", name, f"Some {role.value}")
    site.store.people.set_role(met.id, role)
    return met


async def logged_in(site: Site, link: str) -> httpx.Response:
    """What whoever uses a link sees first."""
    async with site.client() as client:
        await client.post("/login", data={"code": link.partition("code=")[2]})
        return await client.get("/dashboard/people", headers=HTML)


async def test_who_is_in_chat_and_in_the_browser_is_one_person_and_visitors_are_apart(served: Site) -> None:
    ids = add_people(served)
    shown = await seen(served, "/dashboard/people")
    assert f"/dashboard/people/{ids['ada']}" in shown
    assert f"/dashboard/people/{ids['browser']}" not in shown
    assert f"/dashboard/people/{ids['visitor']}" not in shown
    row = shown.partition("Ada Lovelace")[2].partition("</tr>")[0]
    assert re.findall(r'class="number"[^>]*>(\d+)', row) == ["0", "2"], "no question, a rating by each self"
    assert "slack, web" in row
    visitors = await seen(served, "/dashboard/people?visitors=1")
    assert f"/dashboard/people/{ids['visitor']}" in visitors
    assert f"/dashboard/people/{ids['ada']}" not in visitors


async def test_people_are_found_by_name_id_and_role(served: Site) -> None:
    add_people(served)
    for query, found in (("words=lovelace", True), ("words=slack:u77", True), ("role=user", True)):
        assert ("Ada Lovelace" in await seen(served, f"/dashboard/people?{query}")) is found
    for query in ("words=grace", "role=owner"):
        assert "Ada Lovelace" not in await seen(served, f"/dashboard/people?{query}")
    assert say("people-none", "en") in await seen(served, "/dashboard/people?words=%3Cnobody%3E")


async def test_many_people_come_in_turns(served: Site) -> None:
    for number in range(55):
        served.store.people.meet("telegram", f"{number}", f"Person {number:02}")
    first = await seen(served, "/dashboard/people?words=Person")
    second = await seen(served, "/dashboard/people?words=Person&turn=1")
    assert (first.count("telegram"), second.count("telegram")) == (50, 5)
    assert "words=Person" in first.partition('rel="next" href="')[2].partition('"')[0]


async def test_a_role_is_given_and_taken_and_the_platforms_show_it(served: Site) -> None:
    ada = add_people(served)["ada"]
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = await told(client, f"/dashboard/people/{ada}/role", role="trainer")
        assert say("granted", "en", name="Ada Lovelace", role="trainer") in shown
        assert role_of(served, ada) is Role.TRAINER
        await told(client, f"/dashboard/people/{ada}/role", role="user")
    assert role_of(served, ada) is Role.USER
    assert served.menus == 2
    assert audited(served) == [
        ("web:admin", "grant", "web", "trainer to slack:U77"),
        ("web:admin", "revoke", "web", "trainer of slack:U77"),
    ]


@pytest.mark.parametrize(
    ("who", "theirs", "new", "why"),
    [
        (Role.ADMIN, Role.USER, Role.ADMIN, "grant-too-high"),
        (Role.ADMIN, Role.USER, Role.OWNER, "grant-too-high"),
        (Role.ADMIN, Role.OWNER, Role.USER, "grant-above-you"),
        (Role.ADMIN, Role.ADMIN, Role.USER, "grant-above-you"),
        (Role.OWNER, Role.USER, Role.OWNER, "grant-too-high"),
    ],
)
async def test_nobody_gives_more_than_they_have_or_takes_from_their_equals(
    served: Site, who: Role, theirs: Role, new: Role, why: str
) -> None:
    whom = somebody(served, theirs)
    async with served.client(served.login(who)) as client:
        assert escape(say(why, "en")) in await told(client, f"/dashboard/people/{whom.id}/role", role=new.value)
    assert role_of(served, whom.id) is theirs
    assert served.menus == 0
    [(_, action, _, detail)] = audited(served)
    assert action == ("refused: revoke" if new is Role.USER else "refused: grant")
    assert "slack:U50" in detail


async def test_the_last_owner_stays_one_and_is_not_forgotten(served: Site) -> None:
    owner = served.login(Role.OWNER)
    served.store.people.set_role(served.office.person_id(Role.OWNER), Role.USER)
    path = f"/dashboard/people/{owner.person.id}"
    async with served.client(owner) as client:
        assert say("grant-last-owner", "en") in await told(client, f"{path}/role", role="user")
        assert say("people-last-owner", "en") in await told(client, f"{path}/forget")
    assert role_of(served, owner.person.id) is Role.OWNER
    assert [action for _, action, _, _ in audited(served)] == ["refused: revoke", "refused: forget"]


async def test_a_login_link_is_shown_once_and_logs_that_person_in(served: Site) -> None:
    trainer = somebody(served, Role.TRAINER)
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = await told(client, f"/dashboard/people/{trainer.id}/link")
        [link] = re.findall(r'value="(http[^"]+code=[^"]+)"', shown)
        assert link.startswith(f"{served.address}/login?code=")
        again = (await client.get(f"/dashboard/people/{trainer.id}", headers=HTML)).text
        assert "code=" not in again
    assert (await logged_in(served, link)).status_code == 403, "a trainer, who sees no people"
    assert (await logged_in(served, link)).status_code == 303, "it was used"
    entries = served.office.audit()
    assert ("web:admin", "login link", "web", "for slack:U50") in entries
    assert ("web:slack:U50", "login", "web", "by link") in entries


async def test_somebody_without_a_chat_platform_is_added_and_comes_in_by_the_link_shown_once(served: Site) -> None:
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = await told(client, "/dashboard/people", name=" petra.k ", role="trainer")
        [link] = re.findall(r'value="(http[^"]+code=[^"]+)"', shown)
        assert escape(say("people-taken", "en", name="petra.k")) in await told(
            client, "/dashboard/people", name="petra.k", role="user"
        )
    petra = served.store.people.by_platform("web", "petra.k")
    assert petra is not None
    assert (petra.name, petra.role) == ("petra.k", Role.TRAINER)
    async with served.client() as client:
        await client.post("/login", data={"code": link.partition("code=")[2]})
        assert (await client.get("/dashboard/questions", headers=HTML)).status_code == 200
    assert audited(served)[:2] == [
        ("web:admin", "add person", "web", "web:petra.k as trainer"),
        ("web:admin", "login link", "web", "for web:petra.k"),
    ]


async def test_of_two_who_add_one_name_at_once_one_adds_it_and_the_other_changes_nothing(served: Site) -> None:
    async with served.client(served.login(Role.OWNER)) as first, served.client(served.login(Role.ADMIN)) as second:
        for number in range(ROUNDS):
            await asyncio.gather(
                first.post("/dashboard/people", data={"name": f"petra-{number}", "role": "admin"}),
                second.post("/dashboard/people", data={"name": f"petra-{number}", "role": "user"}),
            )
    added = [detail for _, action, _, detail in audited(served) if action == "add person"]
    there = [one for one in served.store.people.list() if one.name.startswith("petra-")]
    assert len(there) == ROUNDS
    assert sorted(added) == sorted(f"web:{one.name} as {one.role}" for one in there)


@pytest.mark.parametrize(
    ("who", "name", "role", "why"),
    [
        (Role.ADMIN, "petra", "admin", "grant-too-high"),
        (Role.OWNER, "petra", "owner", "grant-too-high"),
        (Role.OWNER, "slack:U77", "user", "people-no-name"),
        (Role.OWNER, "", "user", "people-no-name"),
    ],
)
async def test_nobody_is_added_with_too_high_a_role_or_under_the_name_of_another(
    served: Site, who: Role, name: str, role: str, why: str
) -> None:
    before = {one.id for one in served.store.people.list()}
    login = served.login(who)
    async with served.client(login) as client:
        assert escape(say(why, "en")) in await told(client, "/dashboard/people", name=name, role=role)
    assert {one.id for one in served.store.people.list()} - before <= {login.person.id}


async def test_people_of_a_program_are_called_by_its_keys_name(served: Site) -> None:
    key, _ = served.store.api_keys.issue("ticket system", [Scope.CHAT])
    person = served.store.people.meet("api", f"{key.id}:customer-42")
    assert "ticket system · customer-42" in await seen(served, "/dashboard/people?words=ticket")
    assert "<h1>ticket system · customer-42</h1>" in await seen(served, f"/dashboard/people/{person.id}")


@pytest.mark.parametrize("act", ["link", "log-out", "forget"])
@pytest.mark.parametrize("theirs", [Role.ADMIN, Role.OWNER])
async def test_an_admin_has_no_power_over_admins_and_owners(served: Site, act: str, theirs: Role) -> None:
    whom = somebody(served, theirs)
    session, cookie = served.store.sessions.begin(whom.id, logged_in=True, days=1)
    async with served.client(served.login(Role.ADMIN)) as client:
        assert escape(say("people-above", "en")) in await told(client, f"/dashboard/people/{whom.id}/{act}")
        assert f"/dashboard/people/{whom.id}/{act}" not in await seen(served, f"/dashboard/people/{whom.id}")
    assert served.store.people.get(whom.id) is not None
    assert served.store.sessions.find(cookie) == session


async def test_an_admin_may_log_themselves_out_everywhere(served: Site) -> None:
    login = served.login(Role.ADMIN)
    async with served.client(login) as client:
        found = await client.post(f"/dashboard/people/{login.person.id}/log-out")
        assert found.status_code == 303
        assert (await client.get("/dashboard/people")).status_code == 401


async def test_whoever_is_logged_out_is_out_of_every_browser(served: Site) -> None:
    trainer = somebody(served, Role.TRAINER)
    browser = served.store.people.on_web(trainer.id)
    assert browser is not None
    cookies = [served.store.sessions.begin(browser.id, logged_in=True, days=1)[1] for _ in range(2)]
    code = served.store.sessions.issue_link(browser.id)
    async with served.client(served.login(Role.ADMIN)) as client:
        await told(client, f"/dashboard/people/{trainer.id}/log-out")
    assert [served.store.sessions.find(cookie) for cookie in cookies] == [None, None]
    assert served.store.sessions.whose_link(code) is None


async def test_a_session_from_before_somebody_got_a_higher_role_does_not_have_it(served: Site) -> None:
    user = somebody(served, Role.USER)
    browser = served.store.people.on_web(user.id)
    assert browser is not None
    _, cookie = served.store.sessions.begin(browser.id, logged_in=True, days=1)
    code = served.store.sessions.issue_link(browser.id)
    served.store.people.set_role(user.id, Role.USER)
    assert served.store.sessions.find(cookie) is not None, "nothing changed"
    async with served.client(served.login(Role.OWNER)) as client:
        await told(client, f"/dashboard/people/{user.id}/role", role="admin")
    assert served.store.sessions.find(cookie) is None, "whoever made a link for a user is no admin by it"
    assert served.store.sessions.whose_link(code) is None


async def test_whoever_asks_for_it_is_forgotten_with_both_selves_and_what_learned_from_them_is_marked(
    served: Site,
) -> None:
    ids = add_people(served)
    ratings = served.store.ratings.ids_of(ids["browser"])
    add_version(served, Task.INTENT, ratings=tuple(ratings))
    add_version(served, Task.INTENT, ratings=("99:98",))
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = await told(client, f"/dashboard/people/{ids['ada']}/forget")
        gone = {"messages": 0, "answers": 0, "ratings": 2, "corrections": 0, "handoffs": 0}
        assert say("people-forgotten", "en", **gone) in shown
        assert (await client.get(f"/dashboard/people/{ids['ada']}", headers=HTML)).status_code == 404
    assert [served.store.people.get(ids[name]) for name in ("ada", "browser")] == [None, None]
    assert [one.stale for one in served.office.registry.versions(Task.INTENT)] == [True, False]
    assert audited(served) == [("web:admin", "forget", "web", "somebody who asked for it")], "nobody is named"


async def test_an_approved_answer_stays_as_the_page_says_when_whoever_proposed_it_is_forgotten(served: Site) -> None:
    user = served.office.person_id(Role.USER)
    given = served.office.asked("When do refunds reach my bank?")
    number = served.store.ratings.correct(Correction(answer_id=given.id, user_id=user, text="Within two days."))
    async with served.client(served.login(Role.ADMIN)) as client:
        await told(client, f"/dashboard/corrections/{number}/approve", text="")
        shown = (await client.get(f"/dashboard/people/{user}", headers=HTML)).text
        assert say("people-forget-stays", "en") in shown
        await told(client, f"/dashboard/people/{user}/forget")
    assert served.store.people.get(user) is None
    assert served.store.answers.get(given.id) is None
    assert (await served.parts.rehearse(given.answer.trace.query)).text == "Within two days."
