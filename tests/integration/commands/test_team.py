"""What trainers, admins and owners may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.commands.teaching import PAGE
from bot.texts import say
from bot.types import (
    Answer,
    AnswerKind,
    Attachment,
    AttachmentKind,
    Correction,
    Origin,
    Place,
    Rating,
    RatingReason,
    RatingValue,
    Role,
    Source,
    Wanted,
)
from knowledge.curated import EARLIER
from tests.integration.commands.office import PEOPLE, Office, data
from tests.stores import answer, message

# -- teaching


def taught(office: Office) -> dict[str, str]:
    return {one.chunk.question: one.chunk.text for one in office.store.knowledge.load_chunks()}


@pytest.mark.parametrize("bar", ["|", " | ", "｜"])
async def test_what_is_taught_is_live_at_once_and_can_be_taken_back(office: Office, bar: str) -> None:
    said = await office.say(f"/teach How long?{bar}Three days | at most.", role=Role.TRAINER)
    assert "How long?" in said.text
    assert taught(office) == {"How long?": "Three days | at most."}
    assert office.search("How long?")[0].stored.chunk.text == "Three days | at most."
    [undo] = data(said)
    assert undo.startswith("x:unteach:")
    await office.say(undo.removeprefix("x:").replace(":", " "), role=Role.TRAINER)
    assert taught(office) == {}
    assert office.audit()[0][1:] == ("teach", "slack:D1", "written answer 1")
    assert office.audit()[1][1:] == ("unteach", "slack:D1", "written answer 1")


async def test_an_answer_that_is_taught_again_replaces_the_one_before_and_says_so(office: Office) -> None:
    await office.say("/teach How long? | Three days.", role=Role.ADMIN)
    said = await office.say("/teach how long | Four days.", role=Role.ADMIN)
    assert say("taught-instead", "en") in said.text
    assert "> Three days." in said.text
    assert taught(office) == {"how long": "Four days."}


async def test_the_same_taught_twice_as_after_a_crash_is_no_replacement(office: Office) -> None:
    waiting = office.accept("/teach How long? | Three days.", role=Role.ADMIN)
    once, again = await office.commands(waiting), await office.commands(waiting)
    assert once.text == again.text
    assert taught(office) == {"How long?": "Three days."}


@pytest.mark.parametrize("text", ["/teach", "/teach How long?", "/teach | Three days", "/teach How long? |"])
async def test_half_a_lesson_says_how_it_is_given(office: Office, text: str) -> None:
    assert (await office.say(text, role=Role.ADMIN)).text == "Like this: `/burnish teach question | answer`"
    assert taught(office) == {}


async def test_only_taught_answers_are_taken_back(office: Office) -> None:
    office.files["F1"] = b"# Refunds\n\nFive days."
    await ingest(office)
    [document] = office.store.knowledge.documents()
    assert (await office.say(f"/unteach {document.id}", role=Role.ADMIN)).text == say("unteach-nothing", "en")
    assert office.store.knowledge.documents() == (document,)


# -- the unanswered


async def test_unanswered_questions_are_grouped_and_answered_with_the_next_text(office: Office) -> None:
    newest = [
        office.refused("How long does a parcel take to Norway?"),
        office.refused("Where is the boss?"),
        office.refused("how long does a parcel take to Norway please"),
    ][-1]
    listed = await office.say("/unanswered", role=Role.TRAINER)
    assert listed.text.splitlines() == [
        "**2 questions without an answer**",
        "",
        "1. how long does a parcel take to Norway please (2×)",
        "2. Where is the boss?",
    ]
    assert data(listed)[:2] == [f"x:unanswered:answer {newest.id}", f"x:unanswered:drop {newest.id}"]

    asked = await office.say(f"/unanswered answer {newest.id}", role=Role.TRAINER)
    assert "> how long does a parcel take to Norway please" in asked.text
    assert say("unanswered-write-group", "en") not in asked.text
    told = office.store.inbox.accept(
        message("About a week.", channel="D1", sender=PEOPLE[Role.TRAINER], sender_name=""), idle_minutes=30
    )
    assert told is not None
    assert told.message.origin.command == Wanted.CURATED
    said = await office.commands(told)
    assert said.text == say("taught-now", "en", question="how long does a parcel take to Norway please")
    assert taught(office) == {"how long does a parcel take to Norway please": "About a week."}
    assert [one.question for one in office.store.answers.unanswered(9)] == ["Where is the boss?"]
    assert (await office.commands(told)).text == said.text, "after a crash it is taken up again"


async def test_a_question_is_dropped_with_all_like_it(office: Office) -> None:
    first = office.refused("Where is the boss?")
    office.refused("where is the boss")
    other = office.refused("How much is a parcel to Norway?")
    said = await office.say(f"/unanswered drop {first.id}", role=Role.TRAINER)
    assert said.text == say("unanswered-dropped", "en", questions=2)
    assert [one.id for one in office.store.answers.unanswered(9)] == [other.id]
    assert (await office.say("/unanswered drop 99", role=Role.TRAINER)).text == say("unanswered-gone", "en")
    assert (await office.say("/unanswered much", role=Role.TRAINER)).text.startswith("Like this")


async def test_many_groups_come_page_by_page(office: Office) -> None:
    words = ["apples", "bears", "cars", "doors", "eggs", "fish", "goats"]
    for word in words:
        office.refused(word)
    first = await office.say("/unanswered", role=Role.TRAINER)
    assert len(first.text.splitlines()) == 2 + PAGE
    assert data(first)[-1] == "x:unanswered:2"
    second = await office.say("/unanswered 2", role=Role.TRAINER)
    assert second.text.splitlines()[2:] == ["6. bears", "7. apples"]
    assert data(second)[-1] == "x:unanswered:1"
    assert (await office.say("/unanswered 99", role=Role.TRAINER)).text == second.text


async def test_in_a_group_the_admin_is_told_to_address_the_bot(office: Office) -> None:
    about = office.refused("Where is the boss?", place=Place.GROUP)
    alone = Origin(unseen=True)
    said = await office.say(f"/unanswered answer {about.id}", role=Role.ADMIN, place=Place.GROUP, origin=alone)
    assert say("unanswered-write-group", "en") in said.text


async def test_nothing_unanswered_is_said_so(office: Office) -> None:
    office.asked("How long?")
    assert (await office.say("/unanswered", role=Role.TRAINER)).text == say("unanswered-none", "en")


# -- the report


async def test_the_report_counts_its_days_alone(office: Office) -> None:
    old = office.asked("Long ago?")
    user = office.person_id(Role.USER)
    office.store.ratings.rate(Rating(answer_id=old.id, user_id=user, value=RatingValue.UP))
    office.clock.now += timedelta(days=10)
    answered = office.asked("How long?")
    office.refused("What is life?")
    office.store.ratings.rate(
        Rating(answer_id=answered.id, user_id=user, value=RatingValue.DOWN, reason=RatingReason.OUT_OF_DATE)
    )
    lines = (await office.say("/report", role=Role.TRAINER)).text.splitlines()
    assert lines == [
        "**The last 7 days**",
        "",
        "Questions: 2; answered 1, not answered 1, handed to people 0.",
        "- answered · written from the passages: 1",
        "- not answered · not known: 1",
        "",
        "Satisfaction: 0 % (0 of 1 ratings are 👍; between 0 and 79 % with 95 % confidence). Complaints by reason:",
        "- Out of date: 1",
    ]
    month = (await office.say("/report 30", role=Role.TRAINER)).text
    assert "Questions: 3;" in month
    assert "50 % (1 of 2" in month
    assert (await office.say("/report 0", role=Role.TRAINER)).text.startswith("Like this")


async def test_a_correction_is_approved_and_so_taught_or_rejected(office: Office) -> None:
    answered = office.asked("How long does a refund take?")
    user = office.person_id(Role.USER)
    for text in ("Three days.", "Never."):
        office.store.ratings.correct(Correction(answer_id=answered.id, user_id=user, text=text))
    report = await office.say("/report", role=Role.TRAINER)
    assert "**#1** How long does a refund take?\n> Three days." in report.text
    assert data(report)[:4] == [f"x:report:{verb} {number}" for number in (1, 2) for verb in ("approve", "reject")]
    approved = await office.say("/report approve 1", role=Role.TRAINER)
    assert approved.text == say("taught-now", "en", question="How long does a refund take?")
    assert taught(office) == {"How long does a refund take?": "Three days."}
    assert (await office.say("/report reject 2", role=Role.TRAINER)).text == say("correction-rejected", "en")
    assert taught(office) == {"How long does a refund take?": "Three days."}
    for late in ("approve 1", "reject 1", "approve 2", "approve 99", "approve"):
        said = await office.say(f"/report {late}", role=Role.TRAINER)
        assert said.text == say("correction-decided-before", "en")
    assert say("report-corrections", "en") not in (await office.say("/report", role=Role.TRAINER)).text
    details = [detail for _, action, _, detail in office.audit() if action == "report"]
    assert details[1:3] == [
        "approve correction 1: written answer 1",
        "reject correction 2",
    ]


def curated(office: Office, question: str) -> Answer:
    """The answer that the only chunk gives to a question."""
    [one] = office.store.knowledge.load_chunks()
    source = Source(number=1, title=one.chunk.question, uri=one.uri, anchor="", excerpt=one.chunk.text, chunk_id=one.id)
    said = replace(answer(one.chunk.text), kind=AnswerKind.CURATED, sources=(source,))
    return replace(said, trace=replace(said.trace, query=question))


async def test_a_corrected_answer_that_was_taught_is_replaced_under_the_question_that_it_was_taught_for(
    office: Office,
) -> None:
    await office.say("/teach How long does a refund take? | Nine days.", role=Role.TRAINER)
    wrong = office.asked("how long do refunds take", curated(office, "how long do refunds take"))
    user = office.person_id(Role.USER)
    number = office.store.ratings.correct(Correction(answer_id=wrong.id, user_id=user, text="Five days."))
    said = await office.say(f"/report approve {number}", role=Role.TRAINER)
    assert "> Nine days." in said.text
    in_force = [one.chunk.text for one in office.store.knowledge.load_chunks() if one.chunk.anchor != EARLIER]
    assert in_force == ["Five days."]


async def test_of_a_wrong_answer_in_a_file_the_file_is_named(office: Office) -> None:
    office.files["F1"] = b"question,answer\nHow long?,Nine days.\n"
    await ingest(office, "faq.csv")
    wrong = office.asked("how long then", curated(office, "how long then"))
    user = office.person_id(Role.USER)
    number = office.store.ratings.correct(Correction(answer_id=wrong.id, user_id=user, text="Five days."))
    said = await office.say(f"/report approve {number}", role=Role.TRAINER)
    assert said.text.endswith(say("correction-elsewhere", "en", name="faq.csv"))
    assert taught(office) == {"How long?": "Five days."}


# -- documents


async def ingest(office: Office, name: str = "handbook.md", file_id: str = "F1", size: int = 0) -> str:
    file = Attachment(kind=AttachmentKind.DOCUMENT, file_id=file_id, name=name, size=size)
    said = await office.say("", role=Role.ADMIN, origin=Origin(command="ingest", attachments=(file,)))
    return said.text


async def test_a_document_that_was_sent_is_kept_and_known(office: Office) -> None:
    office.files["F1"] = b"# Refunds\n\nA refund takes five days."
    assert await ingest(office) == say("ingested", "en", added=1, changed=0, unchanged=0, chunks=1)
    [path] = [one for one in office.uploads.rglob("*") if one.is_file()]
    assert path.name == "handbook.md"
    assert path.read_bytes() == office.files["F1"]
    assert office.search("refund")[0].stored.chunk.text == "A refund takes five days."
    assert office.audit()[-1][1:] == ("ingest", "slack:D1", "handbook.md")
    assert await ingest(office) == say("ingested", "en", added=0, changed=0, unchanged=1, chunks=1), "again: no change"


async def test_it_is_said_at_once_that_a_document_is_being_taken_in(office: Office) -> None:
    office.files["F1"] = b"# Refunds\n\nFive days."
    file = Attachment(kind=AttachmentKind.DOCUMENT, file_id="F1", name="book.md")
    stored = office.accept("", role=Role.ADMIN, origin=Origin(command="ingest", attachments=(file,)))
    told: list[str] = []
    await office.commands(stored, told.append)
    assert told == ["Taking it in …"]


async def test_a_newer_upload_offers_to_remove_the_earlier_of_its_name(office: Office) -> None:
    office.files |= {"F1": b"# Refunds\n\nFive days.", "F2": b"# Refunds\n\nThree days."}
    await ingest(office)
    [older] = office.store.knowledge.documents()
    file = Attachment(kind=AttachmentKind.DOCUMENT, file_id="F2", name="handbook.md")
    said = await office.say("", role=Role.ADMIN, origin=Origin(command="ingest", attachments=(file,)))
    assert say("ingest-older", "en") in said.text
    assert data(said) == [f"x:knowledge:remove {older.id}"]


async def test_a_file_without_a_parser_is_one_clear_sentence(office: Office) -> None:
    office.files["F1"] = b"\x89PNG\r\n\x1a\n" + bytes(50)
    text = await ingest(office, "chart.png")
    assert text.startswith(say("ingested-nothing", "en"))
    assert "chart.png: " in text
    assert str(office.uploads) not in text, "a server's folders are nobody's business"


async def test_a_file_that_is_too_large_is_not_fetched_or_not_kept(office: Office) -> None:
    sentence = say("ingest-too-large", "en", name="big.md", limit="0.001")
    assert await ingest(office, "big.md", "nowhere", size=1001) == sentence
    office.files["F1"] = b"x" * 1001
    assert await ingest(office, "big.md") == sentence, "a platform may not say how large it is"
    assert not office.uploads.exists()


async def test_a_file_that_the_platform_does_not_give_is_said_so(office: Office) -> None:
    assert await ingest(office, file_id="gone") == say("ingest-not-fetched", "en")


async def test_of_several_files_each_says_what_became_of_it_and_a_bad_one_keeps_out_no_other(office: Office) -> None:
    office.files |= {"F1": b"# Refunds\n\nFive days.", "F2": b"# Fees\n\nTwo euros.", "F3": b"x" * 1001}
    document = AttachmentKind.DOCUMENT
    files = (
        Attachment(kind=document, file_id="F1", name="refunds.md"),
        Attachment(kind=document, file_id="gone", name="gone.md"),
        Attachment(kind=document, file_id="F3", name="big.md"),
        Attachment(kind=AttachmentKind.IMAGE, file_id="F4", name="chart.png"),
        Attachment(kind=document, file_id="F2", name="fees.md"),
    )
    said = await office.say("", role=Role.ADMIN, origin=Origin(command="ingest", attachments=files))
    assert said.text.splitlines() == [
        say("ingested", "en", added=2, changed=0, unchanged=0, chunks=2),
        "- refunds.md: new, passages: 1",
        "- fees.md: new, passages: 1",
        f"- gone.md: {say('ingest-not-fetched', 'en')}",
        f"- big.md: {say('ingest-too-large', 'en', name='big.md', limit='0.001')}",
        f"- chart.png: {say('ingest-no-document', 'en')}",
    ]
    assert sorted(one.title for one in office.store.knowledge.documents()) == ["Fees", "Refunds"]


async def test_a_document_is_removed_by_its_name_where_that_names_one(office: Office) -> None:
    office.files |= {"F1": b"# Refunds of cards\n\nFive days.", "F2": b"# Refunds of transfers\n\nTen days."}
    await ingest(office, "cards.md", "F1")
    await ingest(office, "transfers.md", "F2")
    cards, transfers = sorted(office.store.knowledge.documents(), key=lambda one: one.title)
    both = await office.say("/knowledge remove refunds of", role=Role.ADMIN)
    assert sorted(data(both)) == sorted(f"x:knowledge:remove {one.id}" for one in (cards, transfers))
    one = await office.say("/knowledge remove Transfers", role=Role.ADMIN)
    assert data(one) == [f"x:knowledge:remove {transfers.id} yes"]
    assert (await office.say("/knowledge remove lunch", role=Role.ADMIN)).text == say("knowledge-no-document", "en")
    assert len(office.store.knowledge.documents()) == 2, "nothing goes before it is confirmed"


async def test_a_picture_is_no_document_and_a_path_of_the_server_is_not_taken(office: Office) -> None:
    picture = Attachment(kind=AttachmentKind.IMAGE, file_id="F1")
    said = await office.say("", role=Role.ADMIN, origin=Origin(command="ingest", attachments=(picture,)))
    assert said.text == say("ingest-no-document", "en")
    for text in ("/ingest", "/ingest /etc/passwd", "/ingest file:///etc/passwd", "/ingest https://a.b /etc/passwd"):
        assert (await office.say(text, role=Role.OWNER)).text.startswith("Like this")
    assert office.store.knowledge.documents() == ()


async def test_an_address_that_cannot_be_reached_is_said_so(office: Office) -> None:
    said = await office.say("/ingest http://127.0.0.1:1/help", role=Role.ADMIN)
    assert said.text.startswith(say("ingested-nothing", "en"))
    assert "http://127.0.0.1:1/help: " in said.text


async def test_knowledge_is_summed_listed_searched_and_removed(office: Office) -> None:
    empty = await office.say("/knowledge", role=Role.ADMIN)
    assert empty.text == say("knowledge-empty", "en", command="`/burnish ingest`")
    office.files["F1"] = b"# Refunds\n\nA refund takes five days."
    await ingest(office)
    summed = await office.say("/knowledge", role=Role.ADMIN)
    assert "**default**: documents: 1, passages: 1" in summed.text
    assert data(summed) == ["x:knowledge:documents"]
    [document] = office.store.knowledge.documents()
    listed = await office.say("/knowledge documents", role=Role.ADMIN)
    assert f"- {document.id} · Refunds · handbook.md · 1" in listed.text
    found = await office.say("/knowledge search refund", role=Role.ADMIN)
    assert found.text.startswith("**1.** Refunds · ")
    assert found.text.endswith("> A refund takes five days.")
    sure = await office.say(f"/knowledge remove {document.id}", role=Role.ADMIN)
    assert data(sure) == [f"x:knowledge:remove {document.id} yes"]
    assert office.store.knowledge.documents() == (document,)
    await office.say(f"/knowledge remove {document.id} yes", role=Role.ADMIN)
    assert office.store.knowledge.documents() == ()
    gone = await office.say(f"/knowledge remove {document.id} yes", role=Role.ADMIN)
    assert gone.text == say("knowledge-no-document", "en")
    assert (await office.say("/knowledge of the law", role=Role.ADMIN)).text.startswith("Like this")
    assert office.audit()[-3][3] == f"remove document {document.id}: handbook.md"


# -- the bot itself


async def test_status_joins_what_the_store_and_the_program_know(office: Office) -> None:
    office.asked("How long?")
    office.refused("What?")
    text = (await office.say("/status", role=Role.ADMIN)).text
    assert text.splitlines() == [
        "**Status**",
        "- In the last 24 hours: 2 questions, 1 answered, 1 not.",
        "- Ratings in all: 0 👍, 0 👎.",
        "- I answer from 0 documents, cut into 0 passages.",
        "- I have been running for 2 h 7 min.",
        "- Nobody waits for an answer.",
        "- Training begins by itself: weekly sun 03:00 (UTC).",
        "",
        "**Worth a look, since the start**",
        "- Questions that ended in an apology: 3",
        "",
        "**Counted since the start**",
        "- Messages since the start: 1,234",
        "- moon phase: full",
        "- Commands: 1",
    ]
