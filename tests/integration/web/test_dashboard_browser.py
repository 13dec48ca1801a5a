"""The dashboard in a browser: what a trainer and an admin do there, and that everybody can use it."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # it comes without types
from playwright.async_api import BrowserContext, FilePayload, Page, expect

from bot.types import Correction, Role
from tests.integration.web.conftest import log_in
from tests.integration.web.invented import invent
from tests.integration.web.site import Q_REFUND, REFUNDS, Site
from tests.stores import answer

KLARNA = "Do you support Klarna?"
PAGES = (
    "",
    "/questions",
    "/answers",
    "/answers/1",
    "/corrections",
    "/corrections?show=disputed",
    "/corrections?show=complaints",
    "/curated",
    "/knowledge",
    "/knowledge/1",
    f"/knowledge/search?words={Q_REFUND}",
    f"/knowledge/rehearsal?words={Q_REFUND}",
)


async def test_the_answer_to_an_unanswered_question_is_given_from_then_on(
    served: Site, context: BrowserContext, page: Page
) -> None:
    served.office.refused(KLARNA)
    await log_in(context, served, served.login(Role.TRAINER))
    await page.goto("/dashboard")
    await page.get_by_role("link", name="Unanswered").click()
    drop = page.locator("summary", has_text="Drop")
    await page.get_by_text("Write the answer").click()
    await page.get_by_label("The answer").fill("Yes, since May.")
    await expect(drop).to_be_hidden()
    await page.get_by_role("button", name="Cancel").click()
    await expect(drop).to_be_visible()
    await page.get_by_text("Write the answer").click()
    await page.get_by_role("button", name="Give this answer from now on").click()
    await expect(page.get_by_role("status")).to_contain_text(KLARNA)
    await expect(page.get_by_text("Every question has an answer, or was seen to.")).to_be_visible()
    assert (await served.parts.rehearse(KLARNA)).text == "Yes, since May."


async def test_a_correction_is_changed_and_approved(served: Site, context: BrowserContext, page: Page) -> None:
    given = served.office.asked(Q_REFUND, answer("In nine days."))
    user = served.office.person_id(Role.USER)
    served.store.ratings.correct(Correction(answer_id=given.id, user_id=user, text="In three day."))
    await log_in(context, served, served.login(Role.TRAINER))
    await page.goto("/dashboard/corrections")
    await expect(page.get_by_text("In nine days.")).to_be_visible()
    await page.get_by_text("Change first").click()
    await page.get_by_label("The right answer").fill("In three days.")
    await page.get_by_role("button", name="Approve as changed").click()
    await expect(page.get_by_text("No correction waits.")).to_be_visible()
    assert (await served.parts.rehearse(given.answer.trace.query)).text == "In three days."


async def test_an_uploaded_document_is_found_and_answered_from(
    served: Site, context: BrowserContext, page: Page
) -> None:
    await log_in(context, served, served.login(Role.ADMIN))
    await page.goto("/dashboard/knowledge")
    file = FilePayload(
        name="parking.md", mimeType="text/markdown", buffer=b"# Parking\n\nVisitors park behind the house.\n"
    )
    await page.get_by_label("Files").set_input_files(file)
    await page.get_by_role("button", name="Take in").first.click()
    await expect(page.get_by_text("One document was read.")).to_be_visible()  # htmx looked again by itself
    await page.goto("/dashboard/knowledge")
    await page.get_by_role("link", name="Search as the bot does").click()
    await page.get_by_label("Question").fill("Where do visitors park?")
    await page.get_by_role("button", name="Find").click()
    await expect(page.get_by_role("link", name="Parking")).to_be_visible()
    await expect(page.locator("#rehearsal")).to_contain_text("How likely the documents answer this")


async def test_dropped_files_are_those_that_are_taken_in(served: Site, context: BrowserContext, page: Page) -> None:
    await log_in(context, served, served.login(Role.ADMIN))
    await page.goto("/dashboard/knowledge")
    data = await page.evaluate_handle(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["# Parking"], "parking.md"));
            return data;
        }"""
    )
    await page.dispatch_event(".drop", "drop", {"dataTransfer": data})
    names = await page.eval_on_selector("#files", "field => [...field.files].map((one) => one.name)")
    assert names == ["parking.md"]


async def test_a_question_before_removing_opens_and_closes_by_keyboard(
    served: Site, context: BrowserContext, page: Page
) -> None:
    await log_in(context, served, served.login(Role.ADMIN))
    await page.goto("/dashboard/knowledge/1")
    remove, yes = page.locator("summary", has_text="Remove"), page.get_by_role("button", name="Yes, remove")
    await remove.focus()
    await page.keyboard.press("Enter")
    await expect(yes).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(yes).to_be_hidden()
    await expect(remove).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("There are no documents yet.")).to_be_visible()


async def test_answers_are_filtered(served: Site, context: BrowserContext, page: Page) -> None:
    served.office.asked(Q_REFUND)
    served.office.refused(KLARNA)
    await log_in(context, served, served.login(Role.TRAINER))
    await page.goto("/dashboard/answers")
    await page.get_by_label("Outcome").select_option("abstained")
    await page.get_by_role("button", name="Find").click()
    await expect(page.get_by_text(Q_REFUND)).to_be_hidden()
    await expect(page.get_by_text(KLARNA)).to_be_visible()


async def test_it_works_without_scripts(served: Site, context: BrowserContext) -> None:
    served.office.refused(KLARNA)
    login = served.login(Role.ADMIN)
    browser = context.browser
    assert browser is not None
    async with await browser.new_context(base_url=served.address, java_script_enabled=False) as bare:
        await log_in(bare, served, login)
        page = await bare.new_page()
        await page.goto("/dashboard/questions")
        await page.get_by_text("Write the answer").click()
        await page.get_by_label("The answer").fill("Yes.")
        await page.get_by_role("button", name="Give this answer from now on").click()
        await expect(page.get_by_text("Every question has an answer, or was seen to.")).to_be_visible()
        await page.goto(f"/dashboard/knowledge/search?words={Q_REFUND}")
        await page.get_by_role("link", name="See it").click()
        await expect(page.get_by_text(REFUNDS).first).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
async def test_every_page_can_be_used_by_everybody_and_fits(
    served: Site, context: BrowserContext, page: Page, scheme: Literal["light", "dark"], width: int
) -> None:
    invent(served, days=12)
    await log_in(context, served, served.login(Role.OWNER))
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": width, "height": 800})
    axe = Axe()
    for path in PAGES:
        await page.goto(f"/dashboard{path}")
        found = (await axe.run(page)).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], path
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
