"""The chat page in Chromium, as people use it: with a mouse, with the keyboard alone, on a phone, by ear."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it comes without types
from playwright.async_api import Browser, BrowserContext, FilePayload, Locator, Page, Route, expect

from adapters.testing import ScriptedGenerator
from bot.types import RatingReason, RatingValue, Role
from tests.integration.commands.office import Template
from tests.integration.web.conftest import log_in
from tests.integration.web.site import INVOICES, Q_FROZEN, Q_INVOICE, Q_REFUND, REFUNDS, Site, written
from tests.integration.web.talking import talking

PHONE = {"width": 360, "height": 740}


async def ask(page: Page, text: str, answer: str = "") -> Locator:
    """Ask, and wait for the whole answer."""
    before = await page.locator(".item").count()
    await page.get_by_label("Your question").fill(text)
    await page.get_by_role("button", name="Send").click()
    item = page.locator(".item").nth(before)
    await expect(item.locator("[aria-busy]")).to_have_count(0)
    await expect(item).to_contain_text(answer)
    return item


async def violations(page: Page) -> list[str]:
    """What axe finds wrong with the page."""
    results = await Axe().run(page)
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}" for one in results.response["violations"]]


@pytest_asyncio.fixture(loop_scope="session")
async def chat(page: Page, context: BrowserContext, served: Site) -> Page:
    """Somebody who logged in, at an empty conversation."""
    await log_in(context, served, served.login(name="ada"))
    await page.goto("/")
    return page


async def test_somebody_asks_opens_the_source_and_says_what_was_wrong(chat: Page, served: Site) -> None:
    item = await ask(chat, Q_REFUND, REFUNDS)

    await item.get_by_role("button", name="Source 1: Refunds").click()
    passage = chat.get_by_role("dialog", name="Refunds")
    await expect(passage).to_contain_text(REFUNDS)
    await expect(passage).to_contain_text("a.md")
    await chat.keyboard.press("Escape")
    await expect(passage).to_be_hidden()

    await item.get_by_role("button", name="Not a good answer").click()
    await item.get_by_role("button", name="Wrong source").click()
    await item.get_by_role("button", name="Give the right answer").click()
    form = chat.get_by_role("dialog", name="What would have been the right answer?")
    await expect(form.get_by_role("textbox")).to_be_focused()
    await form.get_by_role("textbox").fill("It takes three days.")
    await form.get_by_role("button", name="Send").click()
    await expect(chat.get_by_text("Your answer is kept for an admin to approve.")).to_be_visible()
    await expect(item.get_by_role("button", name="Not a good answer")).to_have_attribute("aria-pressed", "true")

    stored = served.store.answers.recent(1)[0]
    person = served.store.people.by_platform("web", "ada")
    assert person is not None
    rating = served.store.ratings.of(stored.id, person.id)
    assert rating is not None
    assert (rating.value, rating.reason) == (RatingValue.DOWN, RatingReason.WRONG_SOURCE)
    assert [one.text for one in served.store.ratings.corrections(stored.id)] == ["It takes three days."]


async def test_everything_is_there_after_a_reload_and_a_new_chat_is_empty(chat: Page) -> None:
    item = await ask(chat, Q_REFUND, REFUNDS)
    await item.get_by_role("button", name="Good answer", exact=True).click()
    await expect(item.get_by_role("button", name="Good answer", exact=True)).to_have_attribute("aria-pressed", "true")
    await item.get_by_role("button", name="Why this answer?").click()
    await expect(chat.locator(".item")).to_have_count(2)
    await expect(chat.locator(".item").last).to_contain_text("I wrote this from the documents")
    shown = await chat.locator("#items").inner_text()

    await chat.reload()
    assert await chat.locator("#items").inner_text() == shown
    await expect(item.get_by_role("button", name="Good answer", exact=True)).to_have_attribute("aria-pressed", "true")

    await chat.get_by_role("link", name="New chat").click()
    await expect(chat.get_by_role("heading", name="Hello, I am Burnish.")).to_be_visible()
    await chat.get_by_role("button", name=Q_FROZEN).click()
    await expect(chat.locator(".item")).to_contain_text("Three wrong passwords")
    links = chat.get_by_role("navigation", name="Your conversations").get_by_role("link")
    await expect(links).to_have_text([Q_FROZEN, Q_REFUND])
    await links.last.click()
    await expect(chat.locator("#items")).to_contain_text(REFUNDS)


async def test_another_answer_takes_the_place_of_the_first(chat: Page, served: Site) -> None:
    item = await ask(chat, Q_REFUND, REFUNDS)
    async with chat.expect_response("**/press"):
        await item.get_by_role("button", name="Another answer").click()
    await served.desk.idle()
    await expect(item.locator("[aria-busy]")).to_have_count(0)
    await expect(chat.locator(".item")).to_have_count(1)
    await expect(chat.locator("#toast")).to_be_empty()
    assert served.store.answers.count() == 2


async def test_two_tabs_of_a_conversation_stay_in_step(chat: Page, context: BrowserContext) -> None:
    other = await context.new_page()
    await other.goto(chat.url)
    item = await ask(chat, Q_REFUND, REFUNDS)
    await expect(other.locator(".item")).to_contain_text(REFUNDS)
    await item.get_by_role("button", name="Not a good answer").click()
    await other.get_by_role("button", name="Bad wording").click()
    await expect(item.get_by_role("button", name="Give the right answer")).to_be_visible()
    await ask(other, Q_INVOICE, INVOICES)
    await expect(chat.locator(".item").last).to_contain_text(INVOICES)


async def test_a_page_without_a_connection_says_so_and_catches_up(
    chat: Page, context: BrowserContext, served: Site
) -> None:
    await context.route("**/events?*", lambda route: route.abort())
    await chat.reload()
    banner = chat.locator("#banner")
    await expect(banner).to_have_text("No connection. What you see may be old; I keep trying.")
    login = served.login(name="ada")
    async with talking(served, login, talk=chat.url.rpartition("/")[2]) as elsewhere:
        await elsewhere.say(Q_REFUND)
    await context.unroute_all()
    await expect(chat.locator(".item")).to_contain_text(REFUNDS)
    await expect(banner).to_be_hidden()


async def test_a_page_whose_session_is_over_says_so_instead_of_trying_for_ever(
    chat: Page, context: BrowserContext, served: Site
) -> None:
    await context.route("**/events?*", lambda route: route.abort())
    person = served.store.people.by_platform("web", "ada")
    assert person is not None
    served.store.sessions.end_all(person.id)
    await chat.evaluate("dispatchEvent(new Event('pagehide')); dispatchEvent(new Event('pageshow'))")
    await expect(chat.locator("#banner")).to_contain_text("Log in first.")
    await expect(chat.get_by_role("link", name="Begin again")).to_be_visible()
    await expect(chat.get_by_label("Your question")).to_be_disabled()


async def test_what_could_not_be_sent_is_still_there_to_be_sent_again(chat: Page, context: BrowserContext) -> None:
    await context.set_offline(True)
    await chat.get_by_label("Your question").fill(Q_INVOICE)
    await chat.get_by_role("button", name="Send").click()
    await expect(chat.get_by_text("That was not sent")).to_be_visible()
    await expect(chat.get_by_label("Your question")).to_have_value(Q_INVOICE)
    await context.set_offline(False)
    await chat.get_by_role("button", name="Send").click()
    await expect(chat.locator(".item")).to_contain_text(INVOICES)
    await expect(chat.get_by_label("Your question")).to_have_value("")


async def test_what_is_too_long_to_be_read_is_said_before_it_is_sent(chat: Page) -> None:
    box, problem = chat.get_by_label("Your question"), chat.get_by_text("I read at most 4,000 characters.")
    await box.fill("x" * 4_001)
    await expect(problem).to_be_visible()
    await box.fill("/" + "x" * 4_001)  # a command may bring a whole document's words
    await expect(problem).to_be_hidden()
    await box.fill("x" * 4_000)
    await expect(problem).to_be_hidden()
    await ask(chat, "x" * 4_001, "4,000")


async def test_language_and_colours_are_chosen_and_stay(chat: Page) -> None:
    await chat.get_by_label("Language").select_option("zh")
    await expect(chat.get_by_role("link", name="新对话")).to_be_visible()
    await chat.wait_for_load_state("load")  # its scripts have run: the page was loaded anew by itself
    await chat.get_by_label("配色").select_option("dark")
    assert await chat.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 19, 15)"
    await chat.reload()
    assert await chat.evaluate("document.documentElement.dataset.theme") == "dark"
    assert await chat.evaluate("document.documentElement.lang") == "zh"
    await chat.get_by_label("配色").select_option("")
    assert await chat.evaluate("'theme' in document.documentElement.dataset") is False


async def test_a_press_on_a_page_that_comes_slowly_is_not_lost(chat: Page) -> None:
    async def late(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    await chat.route("**/static/chat/*.js", late)
    await chat.goto("/new", wait_until="commit")
    await chat.get_by_role("button", name=Q_FROZEN).click()
    await expect(chat.locator(".item")).to_contain_text("Three wrong passwords")


async def test_the_keyboard_alone_is_enough(chat: Page) -> None:
    await expect(chat.get_by_label("Your question")).to_be_focused()
    await chat.keyboard.type("When do refunds")
    await chat.keyboard.press("Shift+Enter")
    await chat.keyboard.type("reach my bank?")
    await chat.keyboard.press("Enter")
    item = chat.locator(".item")
    await expect(item).to_contain_text(REFUNDS)
    await expect(item.locator("[aria-busy]")).to_have_count(0)
    await expect(item.locator(".bubble")).to_have_text("When do refunds\nreach my bank?")
    await expect(chat.get_by_label("Your question")).to_be_focused()
    await expect(chat.get_by_label("Your question")).to_have_value("")

    await to(chat, "Not a good answer", backwards=True)
    await chat.keyboard.press("Enter")
    await expect(chat.get_by_role("button", name="Wrong topic")).to_be_focused()
    await to(chat, "Something else")
    await chat.keyboard.press("Space")
    await expect(chat.get_by_role("button", name="Give the right answer")).to_be_focused()
    await chat.keyboard.press("Enter")
    form = chat.get_by_role("dialog", name="What would have been the right answer?")
    await expect(form.get_by_role("textbox")).to_be_focused()
    await chat.keyboard.type("Three days.")
    await chat.keyboard.press("Tab")
    await chat.keyboard.press("Enter")
    await expect(chat.get_by_text("kept for an admin")).to_be_visible()

    await to(chat, "Source 1: Refunds", backwards=True)
    await chat.keyboard.press("Enter")
    await expect(chat.get_by_role("dialog", name="Refunds")).to_be_visible()
    await chat.keyboard.press("Escape")
    await expect(chat.get_by_role("button", name="Source 1: Refunds")).to_be_focused()


async def test_a_passage_closed_gives_the_focus_back_though_the_answer_was_shown_anew_meanwhile(
    chat: Page, context: BrowserContext
) -> None:
    item = await ask(chat, Q_REFUND, REFUNDS)
    other = await context.new_page()
    await other.goto(chat.url)
    await chat.bring_to_front()
    cited, listed = item.get_by_role("button", name="Source 1: Refunds"), item.locator("button.source").first
    for opener, verdict in ((cited, "Good answer"), (listed, "Not a good answer")):
        await opener.click()
        await expect(chat.get_by_role("dialog", name="Refunds")).to_be_visible()
        version = await item.get_attribute("data-version")
        await other.get_by_role("button", name=verdict, exact=True).click()
        await expect(item).not_to_have_attribute("data-version", version or "")
        await expect(chat.get_by_role("dialog", name="Refunds")).to_be_visible()
        await chat.keyboard.press("Escape")
        await expect(chat.get_by_role("dialog", name="Refunds")).to_be_hidden()
        await expect(opener).to_be_focused()


async def to(page: Page, name: str, *, backwards: bool = False) -> None:
    """Press Tab until something has the focus."""
    for _ in range(40):
        await page.keyboard.press("Shift+Tab" if backwards else "Tab")
        focused = "document.activeElement.ariaLabel || document.activeElement.innerText"
        if await page.evaluate(focused) == name:
            return
    pytest.fail(f"Tab never comes to {name!r}")


async def test_a_screen_reader_is_told_that_an_answer_is_coming_and_then_the_answer(
    page: Page, context: BrowserContext, tmp_path: Path, template: Template
) -> None:
    slow = ScriptedGenerator(written, seconds_per_word=0.1)
    folder = tmp_path / "slow"
    folder.mkdir()
    async with Site.open(folder, template, generator=slow) as site:
        await log_in(context, site, site.login())
        await page.goto(site.address)
        # what is said, in order: a live region's texts
        await page.evaluate(
            """window.heard = [];
            new MutationObserver(() => window.heard.push(document.getElementById("spoken").textContent))
                .observe(document.getElementById("spoken"), {childList: true, characterData: true, subtree: true});"""
        )
        await ask(page, Q_REFUND, REFUNDS)
        heard = await page.evaluate("window.heard")
        assert heard[0] == "The answer is being prepared …"
        assert heard[-1].startswith(REFUNDS)
        assert len(heard) == 2, "it is not read out while it grows"


@pytest.mark.parametrize(("scheme", "size"), [("light", None), ("dark", None), ("light", PHONE)])
async def test_axe_finds_nothing_wrong(
    browser: Browser, served: Site, scheme: str, size: dict[str, int] | None
) -> None:
    context = await browser.new_context(
        base_url=served.address,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport=size or {"width": 1280, "height": 800},  # type: ignore[arg-type]  # the package's own TypedDict
        locale="en-GB",
        reduced_motion="reduce",
    )
    try:
        await log_in(context, served, served.login(Role.ADMIN))
        page = await context.new_page()
        await page.goto("/")
        assert await violations(page) == [], "the empty page"
        item = await ask(page, Q_REFUND, REFUNDS)
        await ask(page, "/why")
        await item.get_by_role("button", name="Not a good answer").click()
        await expect(item.get_by_role("button", name="Bad wording")).to_be_visible()
        assert await violations(page) == [], "the conversation"
        await item.get_by_role("button", name="Source 1: Refunds").click()
        assert await violations(page) == [], "an open source"
        await page.keyboard.press("Escape")
        if size is not None:
            width = await page.evaluate("document.documentElement.scrollWidth")
            assert width == size["width"], "nothing is wider than the screen"
            menu = page.get_by_role("button", name="Conversations and settings")
            await menu.click()
            await expect(page.get_by_role("link", name="New chat")).to_be_focused()
            assert await violations(page) == [], "the open side"
            await page.keyboard.press("Escape")
            await expect(menu).to_be_focused()
    finally:
        await context.close()


async def test_a_chosen_document_is_taken_in_only_when_it_is_clear_for_whom(
    page: Page, context: BrowserContext, served: Site
) -> None:
    await log_in(context, served, served.login(Role.ADMIN))
    await page.goto("/")
    file = FilePayload(name="pay.md", mimeType="text/markdown", buffer=b"# Pay")
    sure = page.get_by_role("dialog", name="What this says becomes readable for everybody who asks me: pay.md")
    await page.locator("#files").set_input_files(file)
    await sure.get_by_role("button", name="Cancel").click()
    await expect(sure).to_be_hidden()
    await page.locator("#files").set_input_files(file)
    await sure.get_by_role("button", name="Add documents").click()
    await expect(page.locator(".bubble")).to_have_text(re.compile("pay.md"))
    await expect(page.locator(".item")).to_have_count(1)
    await served.desk.idle()


FEES = """| Card | Nest | Perch | Flock |
| --- | --- | --- | --- |
| Business card from outside the EEA | 2.9 % + €0.25 | 2.5 % + €0.25 | 2.2 % + €0.20 |"""

# how many lines each cell's text takes
LINES = """cells => cells.map(cell => {
    const text = document.createRange();
    text.selectNodeContents(cell);
    return text.getClientRects().length;
})"""


async def test_on_a_phone_a_table_scrolls_within_its_answer_and_breaks_no_figure(chat: Page, served: Site) -> None:
    served.parts.teacher.teach("What do cards cost?", FEES)
    await chat.set_viewport_size(PHONE)  # type: ignore[arg-type]  # the package's own TypedDict
    item = await ask(chat, "What do cards cost?", "Perch")
    table = item.locator(".wide").first
    assert await table.locator("th, td:not(:first-child)").evaluate_all(LINES) == [1] * 7
    assert await table.evaluate("one => one.scrollWidth > one.clientWidth")
    assert await chat.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_what_people_and_documents_write_is_shown_and_never_run(chat: Page, served: Site) -> None:
    nasty = '<img src=x onerror="document.title=1"> [x](javascript:document.title=1) <script>document.title=1</script>'
    title = await chat.title()
    item = await ask(chat, nasty)
    await expect(item.locator(".bubble")).to_have_text(nasty)
    await ask(chat, f"/{nasty}")
    served.parts.teacher.teach("What do gardeners say?", nasty)
    written = await ask(chat, "What do gardeners say?", "<script>")
    await written.locator(".source").first.click()
    await expect(chat.get_by_role("dialog")).to_contain_text("<script>")
    assert await chat.locator("#items img, #items script").count() == 0
    assert await chat.title() == title
    await served.desk.idle()


async def test_a_visitor_asks_at_once_and_can_be_forgotten(page: Page, served: Site) -> None:
    await page.goto("/")
    assert re.fullmatch(r".*/c/[0-9a-f]{16}", page.url)
    await ask(page, Q_REFUND, REFUNDS)
    item = await ask(page, "/forget_me", "This page is emptied with it.")
    await item.get_by_role("button").filter(has_text=re.compile("[Ee]rase")).click()
    await expect(page.get_by_text("You are forgotten here.")).to_be_visible()
    await expect(page.locator("#items")).not_to_contain_text(REFUNDS)
    await expect(page.locator("#talks")).to_have_text("")
    await expect(page.get_by_label("Your question")).to_be_disabled()
    assert served.store.answers.count() == 0
    await page.get_by_role("link", name="Begin again").click()
    await expect(page.get_by_role("heading", name="Hello, I am Burnish.")).to_be_visible()
