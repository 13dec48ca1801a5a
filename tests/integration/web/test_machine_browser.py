"""The dashboard's pages about learning, people and settings, as an admin uses them in Chromium."""

from __future__ import annotations

import asyncio
import re
import sys

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.async_api import Browser, BrowserContext, Page, expect

from adapters.generator.shipped import FOLDER
from adapters.types import Stage, Task
from bot.learning.supervisor import Limits, Supervisor
from bot.learning.types import Phase, Step
from bot.store.schema import RunState
from bot.types import Role
from tests.integration.web.conftest import log_in
from tests.integration.web.machine import add_people, add_picture, add_run, add_version, result
from tests.integration.web.site import Site

PATIENCE = 60_000  # milliseconds that a training process may take on a busy machine
PAGES = (
    "/dashboard/versions",
    "/dashboard/versions/generator-2",
    "/dashboard/versions/compare?first=generator-1&second=generator-2",
    "/dashboard/runs",
    "/dashboard/runs/1",
    "/dashboard/runs/preview",
    "/dashboard/people",
    "/dashboard/people/1",
    "/dashboard/keys",
    "/dashboard/audit",
    "/dashboard/settings",
)
PHONE = 390  # pixels


async def confirmed(page: Page, button: str) -> None:
    """Press a button that asks once more, and press again."""
    asking = page.locator("details.sure").filter(has_text=button)
    await asking.locator("summary").click()
    await asking.get_by_role("button", name=button).click()


async def test_a_run_is_started_watched_and_its_version_promoted_and_rolled_back(
    served: Site, context: BrowserContext, page: Page
) -> None:
    office = served.office
    office.registry.promote(Task.GENERATOR, office.registry.add_candidate(Task.GENERATOR, FOLDER).name)
    office.work = Supervisor(
        command=[sys.executable, "-m", "tests.learning_child", "steady", str(FOLDER)],
        environ={},
        limits=Limits(seconds=120, memory_megabytes=100_000, free_megabytes=0),
        look_seconds=0.05,
    ).run
    await log_in(context, served, served.login(Role.OWNER))
    await page.goto("/dashboard/runs")
    for part in ("intent", "retrieval"):
        await page.get_by_role("checkbox", name=part).uncheck()
    await page.get_by_role("button", name="Start training").click()
    await expect(page.locator(".flash")).to_contain_text("Training 1 has begun")
    await page.reload()  # the page may be left and come back to
    await expect(page.locator(".report")).to_contain_text("Training 1 is done", timeout=PATIENCE)
    await expect(page.locator(".report")).to_contain_text("generator-2 serves some of the conversations first")
    await expect(page.get_by_text("Five days.")).to_be_visible()

    await page.get_by_role("link", name="Look at it").click()
    await expect(page.get_by_role("heading", name="generator-2")).to_be_visible()
    await confirmed(page, "Let it serve")
    await expect(page.locator(".flash.good")).to_contain_text("generator-2 serves from now on")
    active = office.registry.active(Task.GENERATOR)
    assert active is not None
    assert active.name == "generator-2"

    await confirmed(page, "Roll back")
    await expect(page.locator(".flash.good")).to_contain_text("generator-1 serves again")
    assert office.registry.version(Task.GENERATOR, "generator-1").stage is Stage.ACTIVE


async def test_progress_moves_by_itself_and_a_run_is_stopped(served: Site, context: BrowserContext, page: Page) -> None:
    office = served.office
    office.held = asyncio.Event()
    office.steps = [Step(task=Task.INTENT, phase=Phase.TRAIN, done=1, total=4)]
    await log_in(context, served, served.login(Role.ADMIN))
    await page.goto("/dashboard/runs")
    await page.get_by_role("button", name="Start training").click()
    progress = page.locator("#progress")
    await expect(progress).to_contain_text("learning, 25 %")
    # no public way to say a step from without: what the training process says comes here
    office.loop._at(Step(task=Task.RETRIEVAL, phase=Phase.REPLAY, done=23, total=60))
    await expect(progress).to_contain_text("asking the held-out questions, 38 %")
    await expect(progress.locator("progress")).to_have_attribute("value", "38")
    await expect(progress.locator("[aria-current=step]")).to_have_text("retrieval")
    await confirmed(page, "Stop the training")
    await expect(page.locator(".report")).to_contain_text("Training 1 was stopped")
    run = served.store.runs.get(1)
    assert run is not None
    assert run.state is RunState.CANCELLED


async def test_a_role_is_granted_by_keyboard_alone(served: Site, context: BrowserContext, page: Page) -> None:
    ada = add_people(served)["ada"]
    await log_in(context, served, served.login(Role.ADMIN))
    await page.goto("/dashboard/people")
    await page.get_by_role("link", name="Ada Lovelace").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    await page.get_by_label("New role").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".flash.good")).to_contain_text("Ada Lovelace has the role trainer now")
    person = served.store.people.get(ada)
    assert person is not None
    assert person.role is Role.TRAINER


@pytest.mark.parametrize(("scheme", "locale", "width"), [("light", "en-GB", 1280), ("dark", "zh-CN", PHONE)])
async def test_every_page_is_accessible_and_fits_the_screen(
    served: Site, browser: Browser, scheme: str, locale: str, width: int
) -> None:
    for parent in ("", "generator-1"):
        add_picture(served, add_version(served, parent=parent))
    add_run(served, result("generator-2"))
    add_people(served)
    served.store.audit.record(actor="slack:U77", action="refused: promote", place="slack:D1", detail="generator-2")
    context = await browser.new_context(
        base_url=served.address,
        locale=locale,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 844},
    )
    await log_in(context, served, served.login(Role.OWNER))
    page = await context.new_page()
    for path in PAGES:
        await page.goto(path)
        found = await Axe().run(page)
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert not re.search(r"\{ ?\$|\{\{", await page.inner_text("body")), path
    await context.close()


async def test_a_key_is_copied_by_a_button_and_a_reload_makes_no_second_one(
    served: Site, context: BrowserContext, page: Page
) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    await log_in(context, served, served.login(Role.ADMIN))
    await page.goto("/dashboard/keys")
    await page.get_by_label("What for").fill("ticket system")
    await page.get_by_role("button", name="Create the key").click()
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    secret = await page.evaluate("navigator.clipboard.readText()")
    assert served.store.api_keys.find(secret) is not None
    await page.reload()
    await expect(page.get_by_role("button", name="Create the key")).to_be_visible()
    assert secret not in await page.content()
    assert len(served.store.api_keys.list()) == 1
