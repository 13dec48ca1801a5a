"""The dashboard's frame and its first page."""

from __future__ import annotations

from bot.types import Role
from tests.integration.web.site import Site


async def test_a_trainer_sees_the_pages_that_a_trainer_may_use(served: Site) -> None:
    async with served.client(served.login(Role.TRAINER)) as client:
        shown = (await client.get("/dashboard", headers={"Accept": "text/html"})).text
    assert 'href="/dashboard/questions"' in shown
    assert 'href="/dashboard/knowledge"' not in shown
