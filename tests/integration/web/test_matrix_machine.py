"""Who may see and do what on the pages about learning, people and settings: every route, every role."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

from bot.types import Role
from bot.web.access import CSRF_HEADER
from bot.web.dashboard.machine import PAGES
from tests.integration.web.machine import add_people, add_run, add_version, result
from tests.integration.web.site import Login, Site

HTML = {"Accept": "text/html"}
SEEN = (
    "/dashboard/versions",
    "/dashboard/versions/generator-1",
    "/dashboard/versions/compare?first=generator-1&second=generator-2",
    "/dashboard/runs",
    "/dashboard/runs/1",
    "/dashboard/runs/1/progress",
    "/dashboard/runs/preview",
    "/dashboard/people",
    "/dashboard/people/1",
    "/dashboard/keys",
    "/dashboard/audit",
    "/dashboard/settings",
)
DONE: dict[str, dict[str, str]] = {
    "/dashboard/versions/generator-1/promote": {},
    "/dashboard/versions/generator-1/keep-old": {},
    "/dashboard/rollback": {"task": "generator"},
    "/dashboard/prune": {"task": "generator"},
    "/dashboard/runs": {"tasks": "generator"},
    "/dashboard/runs/1/cancel": {},
    "/dashboard/schedule": {"kind": "off"},
    "/dashboard/pause": {},
    "/dashboard/resume": {},
    "/dashboard/people": {"name": "petra"},
    "/dashboard/people/1/role": {"role": "trainer"},
    "/dashboard/people/1/link": {},
    "/dashboard/people/1/log-out": {},
    "/dashboard/people/1/forget": {},
    "/dashboard/keys": {"name": "x", "scopes": "chat"},
    "/dashboard/keys/1/revoke": {},
    "/dashboard/settings/doctor": {},
}


def furnished(site: Site) -> None:
    """Something for each page to show."""
    for _ in range(2):
        add_version(site)
    add_run(site, result("generator-1"))
    add_people(site)


def known(site: Site, who: str) -> Login | None:
    """Nobody, a visitor of the open page, or somebody with a role."""
    if who == "nobody":
        return None
    return site.visit() if who == "visitor" else site.login(Role(who))


def test_the_table_names_every_route() -> None:
    routes = [one for module in PAGES for one in module.router.routes if isinstance(one, APIRoute)]
    there = {(method, one.path) for one in routes for method in one.methods or ()}

    def named(path: str) -> str:
        bare = path.partition("?")[0]
        for value, parameter in (
            ("generator-1", "{name}"),
            ("people/1", "people/{person_id}"),
            ("keys/1", "keys/{key_id}"),
        ):
            bare = bare.replace(value, parameter)
        return bare.replace("runs/1", "runs/{run_id}")

    table = {("GET", named(path)) for path in SEEN} | {("POST", named(path)) for path in DONE}
    assert there == table | {("GET", "/dashboard/versions/{name}/picture")}  # it has a test of its own


@pytest.mark.parametrize(
    ("who", "status"),
    [("nobody", 303), ("visitor", 303), ("user", 403), ("trainer", 403), ("admin", 200), ("owner", 200)],
)
async def test_pages_are_for_admins(served: Site, who: str, status: int) -> None:
    furnished(served)
    async with served.client(known(served, who)) as client:
        for path in SEEN:
            found = await client.get(path, headers=HTML)
            assert found.status_code == status, path


@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("visitor", 401), ("user", 403), ("trainer", 403)])
async def test_what_changes_something_is_for_admins_and_the_wish_of_others_is_kept(
    served: Site, who: str, status: int
) -> None:
    furnished(served)
    before = served.store.settings.get("learning_paused"), served.store.people.list()
    async with served.client(known(served, who)) as client:
        people = served.store.people.list()
        for path, form in DONE.items():
            assert (await client.post(path, data=form)).status_code == status, path
    assert (served.store.settings.get("learning_paused"), before[1]) == (before[0], before[1])
    assert served.store.people.list() == people
    assert served.store.runs.running() == ()
    assert served.store.api_keys.list() == ()
    refused = [one.action for one in served.store.audit.tail(100)]
    assert refused == ([f"refused: POST {path}" for path in DONE] if status == 403 else [])


@pytest.mark.parametrize("who", ["admin", "owner"])
async def test_nothing_is_done_without_the_token_of_the_page(served: Site, who: str) -> None:
    furnished(served)
    people = served.store.people.list()
    login = known(served, who)
    assert login is not None
    async with served.client(login) as client:
        del client.headers[CSRF_HEADER]
        for path, form in DONE.items():
            assert (await client.post(path, data=form)).status_code == 403, path
            assert (await client.post(path, data={**form, "csrf": "wrong"})).status_code == 403, path
    assert {one.id for one in people} <= {one.id for one in served.store.people.list()}
    assert served.store.runs.running() == ()
    assert served.store.api_keys.list() == ()
    assert [one.action for one in served.store.audit.tail(100)] == []


@pytest.mark.parametrize("who", ["admin", "owner"])
async def test_admins_may_do_everything_on_these_pages(served: Site, who: str) -> None:
    furnished(served)
    async with served.client(known(served, who)) as client:
        for path, form in DONE.items():
            found = await client.post(path, data=form)
            assert found.status_code in {200, 303}, path
