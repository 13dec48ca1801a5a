"""Documents that people called out of date, as an admin sees and settles them."""

from __future__ import annotations

from bot.texts import say
from bot.types import Place, Rating, RatingReason, RatingValue, Role
from tests.integration.commands.office import Office, data
from tests.stores import chunks, document


def complained(office: Office, question: str, role: Role = Role.USER) -> None:
    asked = office.asked(question)
    user = office.person_id(role)
    rating = Rating(answer_id=asked.id, user_id=user, value=RatingValue.DOWN, reason=RatingReason.OUT_OF_DATE)
    office.store.ratings.rate(rating)


def ingested(office: Office, text: str = "Five days.") -> int:
    encoder = office.encoder
    return office.store.knowledge.replace_document(
        document(digest=text), chunks(text), encoder.encode([text]), encoder=encoder.name
    )


async def test_an_admin_sees_what_is_out_of_date_with_what_was_asked(office: Office) -> None:
    number = ingested(office)
    complained(office, "How long does it take?")
    complained(office, "And now?", Role.TRAINER)
    said = await office.say("/knowledge outdated", role=Role.ADMIN)
    assert (
        f"- {number} · Refunds and 退款 · refunds.md · 2 people\n  > And now?\n  > How long does it take?" in said.text
    )
    assert data(said) == [f"x:knowledge:outdated settle {number}"]
    summed = await office.say("/knowledge", role=Role.ADMIN)
    assert say("outdated-title", "en", documents=1) in summed.text
    assert "x:knowledge:outdated" in data(summed)


async def test_in_a_group_nobody_reads_what_others_asked(office: Office) -> None:
    ingested(office)
    complained(office, "How long does it take?")
    said = await office.say("/knowledge outdated", role=Role.ADMIN, place=Place.GROUP)
    assert "refunds.md" in said.text
    assert "How long" not in said.text


async def test_it_is_settled_by_its_button_once_and_by_other_content(office: Office) -> None:
    number = ingested(office)
    complained(office, "How long does it take?")
    settle = f"/knowledge outdated settle {number}"
    said = await office.say(settle, role=Role.ADMIN)
    assert said.text == say("outdated-settled", "en", title="Refunds and 退款")
    assert office.audit()[-1][3] == f"document {number} is up to date: refunds.md"
    assert (await office.say(settle, role=Role.ADMIN)).text == say("outdated-settled-before", "en")
    assert (await office.say("/knowledge outdated", role=Role.ADMIN)).text == say("outdated-none", "en")
    complained(office, "Still?")
    assert "refunds.md" in (await office.say("/knowledge outdated", role=Role.ADMIN)).text
    office.clock.move(minutes=1)
    ingested(office, "Three days.")
    assert (await office.say("/knowledge outdated", role=Role.ADMIN)).text == say("outdated-none", "en")


async def test_a_slip_says_how_it_is_given_and_users_see_nothing(office: Office) -> None:
    said = await office.say("/knowledge outdated please", role=Role.ADMIN)
    assert "`/burnish knowledge outdated`" in said.text
    refused = await office.say("/knowledge outdated", role=Role.TRAINER)
    assert refused.text == say("not-allowed", "en", role=say("role-admin", "en"))


async def test_a_document_that_is_not_named_is_asked_for(office: Office) -> None:
    ingested(office)
    complained(office, "How long does it take?")
    for given in ("", " it", " 0"):
        said = await office.say(f"/knowledge outdated settle{given}", role=Role.ADMIN)
        assert said.text == say("outdated-which", "en", settle="`/burnish knowledge outdated settle 12`")
