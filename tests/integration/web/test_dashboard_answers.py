"""What the team decides on the dashboard: answers to what nobody could answer, corrections, written answers."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from bot.curation import Curation, Subject
from bot.store.ratings import Proposal
from bot.store.schema import CorrectionStatus
from bot.teaching import SOURCE
from bot.texts import say
from bot.types import AnswerKind, Correction, Outcome, Rating, RatingReason, RatingValue, Role, StoredAnswer
from bot.web.dashboard.corrections import _waiting
from tests.integration.web.site import FROZEN, Q_FROZEN, Site
from tests.integration.web.test_dashboard import HTML, text_of
from tests.stores import answer

KLARNA = "Do you support Klarna?"


async def ask(site: Site, question: str) -> str:
    """What the bot answers now."""
    return (await site.parts.rehearse(question)).text


async def read(client: httpx.AsyncClient, path: str) -> str:
    """What a page says."""
    response = await client.get(f"/dashboard{path}", headers=HTML)
    assert response.status_code == 200, response.text
    return text_of(response.text)


async def post(client: httpx.AsyncClient, path: str, **fields: str) -> str:
    """Do something, and read the page that one is led to."""
    response = await client.post(f"/dashboard{path}", data=fields, headers=HTML)
    assert response.status_code == 303, response.text
    return text_of((await client.get(response.headers["Location"], headers=HTML)).text)


def corrected(site: Site, text: str, *, about: StoredAnswer | None = None) -> tuple[int, StoredAnswer]:
    """A correction that waits."""
    given = about or site.office.asked("When do refunds reach my bank?", answer("In nine days."))
    user = site.office.person_id(Role.USER)
    return site.store.ratings.correct(Correction(answer_id=given.id, user_id=user, text=text)), given


# -- what nobody could answer


async def test_an_answer_to_a_question_is_given_from_then_on_and_settles_all_like_it(served: Site) -> None:
    served.office.refused(KLARNA)
    newest = served.office.refused(KLARNA)
    served.office.refused("Where is the moon?")
    async with served.client(served.login(Role.TRAINER)) as client:
        before = await read(client, "/questions")
        assert "asked 2 times" in before
        assert before.index(KLARNA) < before.index("Where is the moon?"), "the most asked first"
        told = await post(client, f"/questions/{newest.id}/answer", answer="Yes, since May.")
    assert f"{KLARNA}" in told
    assert await ask(served, KLARNA) == "Yes, since May."
    assert [one.question for one in served.store.answers.unanswered(10)] == ["Where is the moon?"]
    written = next(one.id for one in served.store.knowledge.documents() if one.title == KLARNA)
    did = ("web:trainer", "curated", "web", f"answer {newest.id}: written answer {written}")
    assert did in served.office.audit(), "nobody's words are in it"


async def test_a_question_that_was_asked_back_about_is_not_among_the_unanswered(served: Site) -> None:
    served.office.refused(KLARNA)
    asked_back = answer("Did you mean:", outcome=Outcome.ABSTAINED)
    served.office.asked("Klarnaa", replace(asked_back, kind=AnswerKind.CLARIFICATION, suggestions=(KLARNA,)))
    async with served.client(served.login(Role.TRAINER)) as client:
        shown = await read(client, "/questions")
    assert KLARNA in shown
    assert "Klarnaa" not in shown


async def test_a_question_is_dropped_with_all_like_it(served: Site) -> None:
    first, second = served.office.refused(KLARNA), served.office.refused(KLARNA)
    async with served.client(served.login(Role.TRAINER)) as client:
        shown = await post(client, f"/questions/{second.id}/drop")
        assert "Every question has an answer, or was seen to." in shown
    assert ("web:trainer", "unanswered", "web", f"drop answers {second.id}, {first.id}") in served.office.audit()


async def test_an_empty_answer_and_a_question_that_is_gone_change_nothing(served: Site) -> None:
    lost = served.office.refused(KLARNA)
    async with served.client(served.login(Role.TRAINER)) as client:
        assert KLARNA in await post(client, f"/questions/{lost.id}/answer", answer="  ")
        gone = await client.post("/dashboard/questions/999/answer", data={"answer": "Yes."}, headers=HTML)
        long = await client.post(f"/dashboard/questions/{lost.id}/answer", data={"answer": "x" * 20_001})
    assert (gone.status_code, long.status_code) == (404, 422)
    assert len(served.store.answers.unanswered(10)) == 1


async def test_what_somebody_told_a_command_is_no_question_to_answer(served: Site) -> None:
    said = served.office.asked("/ask_human my salary is wrong", replace(answer(), kind=AnswerKind.COMMAND))
    async with served.client(served.login(Role.TRAINER)) as client:
        for act in ("answer", "drop"):
            path = f"/dashboard/questions/{said.id}/{act}"
            refused = await client.post(path, data={"answer": "Yes."}, headers=HTML)
            assert refused.status_code == 404
            assert "salary" not in refused.text


async def test_other_wordings_of_a_question_are_shown_and_pages_turn(served: Site) -> None:
    for number in range(17):
        served.office.refused(f"{number} {'abcdefghijklmnopq'[number] * 9}")
    served.office.refused("how long do refunds take")
    served.office.refused("How long do refunds take?")
    async with served.client(served.login(Role.TRAINER)) as client:
        first, second = await read(client, "/questions"), await read(client, "/questions?page=2")
        assert "Also put so:" in first
        assert "Next →" in first
        assert "← Previous" in second
        assert await read(client, "/questions?page=99") == second
        assert await read(client, "/questions?page=x") == first


# -- answers


async def test_answers_are_found_by_outcome_rating_version_and_words(served: Site) -> None:
    liked = served.office.asked("When do refunds reach my bank?")
    user = served.office.person_id(Role.USER)
    served.store.ratings.rate(Rating(answer_id=liked.id, user_id=user, value=RatingValue.UP))
    served.office.refused(KLARNA)
    async with served.client(served.login(Role.TRAINER)) as client:
        for query, there in (
            ("", {"refunds", "Klarna"}),
            ("?outcome=abstained", {"Klarna"}),
            ("?rated=up", {"refunds"}),
            ("?rated=none", {"Klarna"}),
            ("?words=KLARNA", {"Klarna"}),
            ("?version=generator-7", set()),
            ("?outcome=nonsense&rated=nonsense&version=%25&before=x", {"refunds", "Klarna"}),
        ):
            shown = await read(client, f"/answers{query}")
            assert {one for one in ("refunds", "Klarna") if f"{one} " in f"{shown} ".replace("?", " ")} == there, query
        assert "No answer is like that." in await read(client, "/answers?version=generator-7")


async def test_more_answers_than_a_page_holds_can_be_turned(served: Site) -> None:
    for number in range(30):
        served.office.asked(f"question number {number}.")
    async with served.client(served.login(Role.TRAINER)) as client:
        first = (await client.get("/dashboard/answers?words=number", headers=HTML)).text
        older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        second = text_of((await client.get(older, headers=HTML)).text)
    assert "question number 29." in first
    assert "question number 4." in second
    assert "question number 5." not in second
    assert "words=number" in older


async def test_an_answer_is_shown_with_its_sources_its_ratings_and_why(served: Site) -> None:
    given = served.office.asked("And how long?")
    user = served.office.person_id(Role.USER)
    served.store.ratings.rate(
        Rating(
            answer_id=given.id,
            user_id=user,
            value=RatingValue.DOWN,
            reason=RatingReason.OUT_OF_DATE,
            comment="Now it is six.",
        )
    )
    async with served.client(served.login(Role.TRAINER)) as client:
        shown = await read(client, f"/answers/{given.id}")
        assert (await client.get("/dashboard/answers/999", headers=HTML)).status_code == 404
    for part in (
        "Five working days [1].",
        "Five working days. It is given word for word",  # the draft of a correction names no source by its number
        "1. Refunds (refunds.md)",
        "5 days",
        "Out of date",
        "Now it is six.",
        "I wrote this from the documents; every sentence of it was found in them.",
        "I searched for: How long does a refund take?",
        "-0.25",
        "reads mini, writes smol",
        "in all 0.31 s",
    ):
        assert part in shown, part


async def test_what_a_command_said_is_no_answer(served: Site) -> None:
    said = served.office.asked("/help", replace(answer(), kind=AnswerKind.COMMAND))
    async with served.client(served.login(Role.TRAINER)) as client:
        assert (await client.get(f"/dashboard/answers/{said.id}", headers=HTML)).status_code == 404


async def test_whoever_corrects_an_answer_here_has_approved_it_by_that(served: Site) -> None:
    given = served.office.asked("When do refunds reach my bank?", answer("In nine days."))
    async with served.client(served.login(Role.TRAINER)) as client:
        for _ in range(2):  # a form that is sent twice
            shown = await post(client, f"/answers/{given.id}/correct", answer="Within three days.")
        assert "approved" in shown
    assert await ask(served, given.answer.trace.query) == "Within three days."
    (kept,) = served.store.reviews.corrections(given.id)
    assert (kept.text, kept.status) == ("Within three days.", CorrectionStatus.APPROVED)


# -- corrections


async def test_a_correction_is_shown_beside_what_it_replaces_and_approved(served: Site) -> None:
    number, given = corrected(served, "Within three days.")
    user = served.office.person_id(Role.USER)
    served.store.ratings.rate(
        Rating(answer_id=given.id, user_id=user, value=RatingValue.DOWN, reason=RatingReason.BAD_WORDING)
    )
    async with served.client(served.login(Role.TRAINER)) as client:
        shown = await read(client, "/corrections")
        assert f"Said {served.office.clock.now:%Y-%m-%d %H:%M} · 👎 {say('reason-bad-wording', 'en')}" in shown
        assert "In nine days." in shown
        assert "Within three days." in shown
        after = await post(client, f"/corrections/{number}/approve", text="")
        assert "No correction waits." in after
        again = await post(client, f"/corrections/{number}/approve", text="Within two days.")
        assert "decided" in again
    assert await ask(served, given.answer.trace.query) == "Within three days."
    written = next(one.id for one in served.store.knowledge.documents() if one.source == SOURCE)
    action = f"approve correction {number}: written answer {written}"
    assert ("web:trainer", "report", "web", action) in served.office.audit()


async def test_a_correction_is_changed_as_it_is_approved_and_the_bot_learns_what_was_approved(served: Site) -> None:
    number, given = corrected(served, "Within three days!!!")
    async with served.client(served.login(Role.ADMIN)) as client:
        await post(client, f"/corrections/{number}/approve", text="Within three\r\ndays.")
    assert await ask(served, given.answer.trace.query) == "Within three\ndays."
    assert [one.text for one in served.store.ratings.corrections(given.id)] == ["Within three\ndays."]


async def test_the_list_is_read_while_somebody_whose_correction_is_on_it_is_forgotten(served: Site) -> None:
    class Forgetting(Curation):
        def subject_of(self, proposal: Proposal) -> Subject:
            served.store.people.forget(served.office.person_id(Role.USER))
            return super().subject_of(proposal)

    corrected(served, "Within three days.")
    parts = served.parts
    [shown] = _waiting(served.store, Forgetting(parts.store, parts.teacher, parts.encoder))
    assert shown.proposal.text == "Within three days."
    async with served.client(served.login(Role.TRAINER)) as client:
        assert "No correction waits." in await read(client, "/corrections")


async def test_a_correction_is_turned_down_once(served: Site) -> None:
    number, given = corrected(served, "Never.")
    async with served.client(served.login(Role.TRAINER)) as client:
        assert "Rejected." in await post(client, f"/corrections/{number}/reject")
        assert "Rejected." not in await post(client, f"/corrections/{number}/reject")
        assert "decided" in await post(client, f"/corrections/{number}/approve", text="")
    assert served.store.reviews.corrections(given.id)[0].status is CorrectionStatus.REJECTED
    assert await ask(served, given.answer.trace.query) != "Never."


async def test_a_correction_of_a_written_answer_says_which_file_holds_the_wrong_one(served: Site) -> None:
    wrong = await served.parts.rehearse(Q_FROZEN)
    assert wrong.kind is AnswerKind.CURATED
    number, _ = corrected(served, "For 15 minutes.", about=served.office.asked("frozen", wrong))
    async with served.client(served.login(Role.TRAINER)) as client:
        assert "a.md" in await read(client, "/corrections")
        assert "a.md" in await post(client, f"/corrections/{number}/approve", text="")
    assert await ask(served, Q_FROZEN) == "For 15 minutes."


async def test_answers_that_people_disagree_about_and_complaints_are_listed(served: Site) -> None:
    given = served.office.asked("When do refunds reach my bank?")
    for role, value in ((Role.USER, RatingValue.UP), (Role.ADMIN, RatingValue.DOWN)):
        user = served.office.person_id(role)
        served.store.ratings.rate(
            Rating(answer_id=given.id, user_id=user, value=value, comment="It takes longer." * (value == "down"))
        )
    served.office.asked("And invoices?")
    async with served.client(served.login(Role.TRAINER)) as client:
        disputed = await read(client, "/corrections?show=disputed")
        complaints = await read(client, "/corrections?show=complaints")
    assert "When do refunds reach my bank?" in disputed
    assert "And invoices?" not in disputed
    assert "It takes longer." in complaints
    assert "Reasons of the last 30 days:" in complaints


@pytest.mark.parametrize(
    ("show", "says"),
    [
        ("waiting", "No correction waits."),
        ("disputed", "People agree about every answer that they rated."),
        ("complaints", "Nobody has called an answer not good."),
    ],
)
async def test_an_empty_list_says_so(shared: Site, show: str, says: str) -> None:
    async with shared.client(shared.login(Role.TRAINER)) as client:
        assert says in await read(client, f"/corrections?show={show}")


# -- written answers


async def test_a_written_answer_is_kept_changed_and_taken_back(served: Site) -> None:
    async with served.client(served.login(Role.TRAINER)) as client:
        assert FROZEN in await read(client, "/curated"), "one from a file is there too"
        await post(client, "/curated", question=KLARNA, answer="Yes.")
        assert await ask(served, KLARNA) == "Yes."
        told = await post(client, "/curated", question=KLARNA, answer="No.")
        assert "It replaces the answer that was there before: Yes." in told
        assert await ask(served, KLARNA) == "No."
        document = next(one for one in served.store.knowledge.documents() if one.title == KLARNA)
        await post(client, f"/curated/{document.id}/remove")
        assert KLARNA not in await read(client, "/curated")
        again = await post(client, f"/curated/{document.id}/remove")
    assert say("unteach-nothing", "en") in again
    assert await ask(served, KLARNA) not in {"Yes.", "No."}
    done = [(action, detail) for _, action, _, detail in served.office.audit()]
    assert done == [(action, f"written answer {document.id}") for action in ("teach", "teach", "unteach")]


async def test_an_answer_from_a_file_is_hidden_by_one_written_here(served: Site) -> None:
    async with served.client(served.login(Role.TRAINER)) as client:
        await post(client, "/curated", question=Q_FROZEN, answer="For 15 minutes.")
        shown = await read(client, "/curated")
        assert "For 15 minutes." in shown
        assert FROZEN not in shown
        document = next(one for one in served.store.knowledge.documents() if one.title == Q_FROZEN)
        told = await post(client, f"/curated/{document.id}/remove")
    assert f"In force again: {FROZEN}" in told
    assert await ask(served, Q_FROZEN) == FROZEN


async def test_written_answers_are_searched_and_half_of_one_is_refused(served: Site) -> None:
    async with served.client(served.login(Role.TRAINER)) as client:
        await post(client, "/curated", question=KLARNA, answer="Yes.")
        found = await read(client, "/curated?words=klarna")
        assert "Yes." in found
        assert FROZEN not in found
        assert "Give a question and an answer." in await post(client, "/curated", question=" ", answer="Yes.")
