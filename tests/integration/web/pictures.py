"""Takes the pictures of the dashboard that the documentation shows: python -m tests.integration.web.pictures FOLDER."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import async_playwright

from bot.store.crypto import Keyring
from bot.store.store import Store
from bot.types import Role
from tests.integration.commands.office import Template
from tests.integration.web.conftest import log_in
from tests.integration.web.invented import invent
from tests.integration.web.site import Site

SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


async def take(pictures: Path, folder: Path) -> None:
    """Photograph the first page over invented data.

    Args:
        pictures: Where they go.
        folder: Empty; for the site.
    """
    template = Template(folder / "template.db", Keyring.generate())
    with Store.open(f"sqlite:///{template.file}", template.keyring) as store:
        store.migrate()
    async with Site.open(folder, template) as site, async_playwright() as playwright:
        invent(site)
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for scheme in SCHEMES:
            context = await browser.new_context(
                base_url=site.address, color_scheme=scheme, locale="en-GB", viewport={"width": 1280, "height": 1040}
            )
            await log_in(context, site, site.login(Role.OWNER, "Ada"))
            page = await context.new_page()
            await page.goto("/dashboard")
            await page.screenshot(path=pictures / f"dashboard-{scheme}.png")
        await browser.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(take(Path(sys.argv[1]), Path(folder)))
