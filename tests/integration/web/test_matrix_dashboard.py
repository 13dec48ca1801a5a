"""Who may see and do what on the pages about questions, answers and documents: every route, every role."""

from __future__ import annotations

import re

import pytest
from fastapi.routing import APIRoute

from bot.types import Role
from bot.web.access import CSRF_HEADER
from bot.web.dashboard import answers, corrections, curated, knowledge, questions, taking_in, today
from tests.integration.web.site import Login, Site
from tests.integration.web.test_dashboard import HTML

MODULES = (today, questions, answers, corrections, curated, knowledge, taking_in)
SEEN = {
    "/dashboard": Role.TRAINER,
    "/dashboard/questions": Role.TRAINER,
    "/dashboard/answers": Role.TRAINER,
    "/dashboard/answers/999": Role.TRAINER,
    "/dashboard/corrections": Role.TRAINER,
    "/dashboard/curated": Role.TRAINER,
    "/dashboard/knowledge": Role.ADMIN,
    "/dashboard/knowledge/search": Role.ADMIN,
    "/dashboard/knowledge/rehearsal": Role.ADMIN,
    "/dashboard/knowledge/999": Role.ADMIN,
    "/dashboard/knowledge/ingests/999": Role.ADMIN,
}
DONE = {
    "/dashboard/questions/999/answer": Role.TRAINER,
    "/dashboard/questions/999/drop": Role.TRAINER,
    "/dashboard/answers/999/correct": Role.TRAINER,
    "/dashboard/corrections/999/approve": Role.TRAINER,
    "/dashboard/corrections/999/reject": Role.TRAINER,
    "/dashboard/curated": Role.TRAINER,
    "/dashboard/curated/999/remove": Role.TRAINER,
    "/dashboard/knowledge/upload": Role.ADMIN,
    "/dashboard/knowledge/address": Role.ADMIN,
    "/dashboard/knowledge/999/remove": Role.ADMIN,
    "/dashboard/knowledge/999/settle": Role.ADMIN,
    "/dashboard/knowledge/ingests/999/stop": Role.ADMIN,
}
FORM = {"answer": "", "text": "", "question": "", "addresses": ""}
ORDER = (Role.USER, Role.TRAINER, Role.ADMIN, Role.OWNER)


def known(site: Site, who: str) -> Login | None:
    """Nobody, a visitor of the open page, or somebody with a role."""
    if who == "nobody":
        return None
    return site.visit() if who == "visitor" else site.login(Role(who))


def refusal(who: str, least: Role) -> int | None:
    """What somebody is told who may not; None for those who may."""
    if who in {"nobody", "visitor"}:
        return 401
    return None if ORDER.index(Role(who)) >= ORDER.index(least) else 403


def test_the_tables_name_every_route() -> None:
    routes = [one for module in MODULES for one in module.router.routes if isinstance(one, APIRoute)]
    there = {(method, re.sub(r"\{\w+\}", "999", one.path)) for one in routes for method in one.methods or ()}
    assert there == {("GET", path) for path in SEEN} | {("POST", path) for path in DONE}


@pytest.mark.parametrize("who", ["nobody", "visitor", *Role])
async def test_each_page_is_seen_by_whom_it_is_for(shared: Site, who: str) -> None:
    async with shared.client(known(shared, who)) as client:
        for path, least in SEEN.items():
            response = await client.get(path)
            wanted = refusal(who, least)
            assert response.status_code == wanted if wanted else response.status_code in {200, 404}, path


@pytest.mark.parametrize("who", ["nobody", "visitor", *Role])
async def test_each_thing_is_done_by_whom_it_is_for(shared: Site, who: str) -> None:
    async with shared.client(known(shared, who)) as client:
        for path, least in DONE.items():
            response = await client.post(path, data=FORM)
            wanted = refusal(who, least)
            assert response.status_code == wanted if wanted else response.status_code in {303, 404}, path


async def test_nothing_is_done_for_a_page_of_another_site(shared: Site) -> None:
    owner = shared.login(Role.OWNER)
    async with shared.client(owner) as client:
        for path in DONE:
            other = await client.post(path, data=FORM, headers={"Origin": "https://evil.example"})
            assert other.status_code == 403, path
            del client.headers[CSRF_HEADER]
            forged = await client.post(path, data={**FORM, "csrf": "x" * len(owner.csrf)})
            assert forged.status_code == 403, path
            client.headers[CSRF_HEADER] = owner.csrf


async def test_an_id_that_no_database_takes_is_refused_on_every_page(shared: Site) -> None:
    huge = str(10**30)
    seen = [*SEEN, "/dashboard/runs/999", "/dashboard/people/999", "/c/abc/picture/999"]
    done = [*DONE, "/dashboard/keys/999/revoke", "/dashboard/people/999/log-out"]
    async with shared.client(shared.login(Role.OWNER)) as client:
        for path in (one.replace("999", huge) for one in seen if "999" in one):
            assert (await client.get(path)).status_code in {404, 422}, path
        for path in (one.replace("999", huge) for one in done if "999" in one):
            assert (await client.post(path, data=FORM)).status_code in {404, 422}, path


async def test_a_form_brings_its_token_along(shared: Site) -> None:
    trainer = shared.login(Role.TRAINER)
    async with shared.client(trainer) as client:
        del client.headers[CSRF_HEADER]
        response = await client.post("/dashboard/curated", data={**FORM, "csrf": trainer.csrf})
    assert response.status_code == 303


async def test_whoever_is_not_logged_in_is_led_to_the_login_and_back(shared: Site) -> None:
    async with shared.client() as client:
        response = await client.get("/dashboard/questions", headers=HTML)
    assert response.headers["Location"] == "/login?next=/dashboard/questions"


async def test_a_refusal_is_in_the_audit_log(served: Site) -> None:
    async with served.client(served.login(Role.TRAINER)) as client:
        await client.post("/dashboard/knowledge/999/remove")
    ((actor, action, place, _),) = served.office.audit()
    assert (actor, action, place) == ("web:trainer", "refused: POST /dashboard/knowledge/999/remove", "web")
