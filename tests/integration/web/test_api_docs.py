"""The API's documentation: what it shows works, and its page is a page of ours."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from playwright.async_api import Page, expect

from bot.web.api.errors import NOT_OFFERED
from tests.integration.web.programs import key_for
from tests.integration.web.site import Site

DOCS = Path(__file__).parents[3] / "docs" / "api.md"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = {"sh": ("bash", "-euo", "pipefail", "-c"), "python": (sys.executable, "-c")}


async def test_every_example_of_the_documentation_works_in_its_order(served: Site, tmp_path: Path) -> None:
    _, secret = key_for(served)
    environ = {**os.environ, "BURNISH_KEY": secret}
    said = []
    text = DOCS.read_text(encoding="utf-8").replace("http://127.0.0.1:8765", served.address)
    for language, code in BLOCK.findall(text.replace("curl -sS", "curl -sS --fail-with-body")):
        process = await asyncio.create_subprocess_exec(
            *COMMANDS[language],
            code,
            cwd=tmp_path,
            env=environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, f"{code}\n{out.decode()}\n{err.decode()}"
        said.append(out.decode())
    assert len(said) == 8
    assert '"content":"Refunds reach your bank within five working days. [1]"' in said[0]
    assert said[1].splitlines() == ["Refunds reach your bank within five working days. [1]", "1 Refunds a.md"]
    assert said[2].endswith("data: [DONE]\n\n")
    assert '"reason":"out of date"' in said[5]
    assert '"deleted":true' in said[6]


def test_what_is_refused_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert [name for name in sorted(NOT_OFFERED) if f"`{name}`" not in text] == []


async def test_the_page_shows_every_route_and_a_key_can_be_tried_there(served: Site, page: Page) -> None:
    _, secret = key_for(served)
    await page.emulate_media(color_scheme="light")
    await page.goto("/v1/docs")
    await expect(page.locator(".opblock")).to_have_count(16)
    await expect(page.locator("html")).not_to_have_class(re.compile("dark-mode"))
    await page.emulate_media(color_scheme="dark")
    await expect(page.locator("html")).to_have_class(re.compile("dark-mode"))
    await page.get_by_role("button", name="Authorize").first.click()
    await page.get_by_label("auth-bearer-value").fill(secret)
    await page.get_by_role("button", name="Apply credentials").click()
    await page.get_by_role("button", name="Close").click()
    await page.locator("#operations-models-listModels").click()
    await page.get_by_role("button", name="Try it out").click()
    await page.get_by_role("button", name="Execute").click()
    live = page.locator(".live-responses-table tbody")
    await expect(live.locator(".response-col_status").first).to_contain_text("200")
    await expect(live).to_contain_text("burnish-embedding")
