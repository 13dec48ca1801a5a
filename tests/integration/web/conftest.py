"""What tests of the web share: a served site, and Chromium.

All tests here run in one event loop, so that one Chromium serves them all; an async fixture of a test file says
`@pytest_asyncio.fixture(loop_scope="session")`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.integration.commands.conftest import template
from tests.integration.commands.office import Template
from tests.integration.web.site import COOKIE, Login, Site

__all__ = ["template"]

HERE = Path(__file__).parent
REQUIRED = "REQUIRE_BROWSER"  # set where a missing browser is a failure: in CI


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Run the async tests of this folder in one loop."""
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(loop_scope="session")
async def served(tmp_path: Path, template: Template) -> AsyncIterator[Site]:
    """The web with its defaults, on loopback."""
    async with Site.open(tmp_path, template) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, template: Template) -> AsyncIterator[Site]:
    """The same once for all tests of a file, which bear with what the others left there."""
    async with Site.open(tmp_path_factory.mktemp("site"), template) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium, started once."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail("There is no Chromium, and REQUIRE_BROWSER is set.")
        # pip brings no browser; CI installs one and sets REQUIRE_BROWSER, so that nothing hides there
        pytest.skip("NOT TESTED IN A BROWSER: there is no Chromium")
    expect.set_options(timeout=60_000)
    async with async_playwright() as playwright:
        # without its sandbox, which needs rights that containers lack; it opens nothing but our own pages
        started = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser, served: Site) -> AsyncIterator[BrowserContext]:
    """A browser without cookies; its relative addresses are the site's."""
    opened = await browser.new_context(base_url=served.address, locale="en-GB", viewport={"width": 1280, "height": 800})
    opened.set_default_timeout(60_000)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A page in it. What its scripts throw, and what its policy blocks, fails the test."""
    opened, troubles = await context.new_page(), list[str]()
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda line: troubles.append(line.text) if "Content Security Policy" in line.text else None)
    yield opened
    assert troubles == []


async def log_in(context: BrowserContext, site: Site, login: Login) -> None:
    """Give a browser somebody's cookie."""
    await context.add_cookies([{"name": COOKIE, "value": login.cookie, "url": site.address, "httpOnly": True}])
