"""What the other tests of the web stand on."""

from __future__ import annotations

from playwright.async_api import BrowserContext, Page

from bot.types import Role
from tests.integration.web.conftest import log_in
from tests.integration.web.site import Site


async def test_what_is_served_says_how_it_is_doing(served: Site) -> None:
    async with served.client() as client:
        assert (await client.get("/health")).json()["status"] == "ok"


async def test_a_browser_shows_a_page_of_ours_to_somebody_who_logged_in(
    served: Site, context: BrowserContext, page: Page
) -> None:
    await log_in(context, served, served.login(Role.OWNER))
    await page.goto("/login")
    assert await page.get_by_role("button", name="Log in").is_visible()
