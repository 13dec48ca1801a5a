"""What an approved correction does at once: it takes the wrong answer's place, and can be taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.texts import say
from bot.types import AnswerKind, Correction, Rating, RatingReason, RatingValue, Role, Source, StoredAnswer
from tests.integration.commands.office import Office, data
from tests.stores import answer, chunks, document


def in_force(office: Office, question: str) -> list[str]:
    """Every curated answer that the bot could give to a question."""
    office.base.refresh()
    vector = office.encoder.encode([question])[0]
    found = [match.passage.stored for match in office.base.curated(question, vector)]
    searched = {one.stored.id for one in office.base.search(question, vector)}
    assert searched <= {one.id for one in found}  # there is nothing but curated answers
    return [one.chunk.text for one in found]


def answered_from(office: Office, asked: str) -> StoredAnswer:
    """A question that was answered word for word by the one curated entry that there is in force."""
    office.base.refresh()
    [match] = office.base.curated(asked, office.encoder.encode([asked])[0])
    entry = match.passage.stored
    source = Source(
        number=1,
        title=entry.chunk.question,
        uri=entry.uri,
        anchor="",
        excerpt=entry.chunk.text,
        chunk_id=entry.id,
    )
    said = replace(answer(entry.chunk.text), kind=AnswerKind.CURATED, sources=(source,))
    return office.asked(asked, replace(said, trace=replace(said.trace, query=asked)))


async def approved(office: Office, wrong: StoredAnswer, right: str) -> str:
    """The document that the approval's undo button names."""
    user = office.person_id(Role.USER)
    number = office.store.ratings.correct(Correction(answer_id=wrong.id, user_id=user, text=right))
    said = await office.say(f"/report approve {number}", role=Role.TRAINER)
    [undo] = data(said)
    return undo.rpartition(":")[2]


def keep_file(office: Office, text: str) -> None:
    encoder = office.encoder
    office.store.knowledge.replace_document(
        document("/docs/faq.csv", digest=text),
        chunks(f"How long does a refund take?|{text}"),
        encoder.encode(["How long does a refund take?"]),
        encoder=encoder.name,
    )


@pytest.fixture
def from_file(office: Office) -> StoredAnswer:
    keep_file(office, "Nine days.")
    return answered_from(office, "how long does a refund take then")


async def test_a_wrong_entry_of_a_file_is_replaced_and_not_joined_by_another(
    office: Office, from_file: StoredAnswer
) -> None:
    await approved(office, from_file, "Five days.")
    assert in_force(office, "how long does a refund take then") == ["Five days."]
    assert in_force(office, "How long does a refund take?") == ["Five days."]


async def test_taking_the_correction_back_brings_the_entry_of_the_file_back(
    office: Office, from_file: StoredAnswer
) -> None:
    document_id = await approved(office, from_file, "Five days.")
    said = await office.say(f"/unteach {document_id}", role=Role.TRAINER)
    assert said.text.endswith(f"{say('untaught-again', 'en')}\n> Nine days.")
    assert in_force(office, "How long does a refund take?") == ["Nine days."]


async def test_the_file_ingested_again_does_not_bring_the_wrong_answer_back(
    office: Office, from_file: StoredAnswer
) -> None:
    await approved(office, from_file, "Five days.")
    keep_file(office, "Nine days, really.")
    assert in_force(office, "How long does a refund take?") == ["Five days."]


async def test_an_entry_that_changed_since_is_left_alone(office: Office, from_file: StoredAnswer) -> None:
    keep_file(office, "Three days.")
    await approved(office, from_file, "Five days.")
    assert in_force(office, "How long does a refund take?") == ["Three days.", "Five days."]
    assert in_force(office, "how long does a refund take then") == ["Five days.", "Three days."]


async def test_a_wrong_taught_answer_is_replaced_and_taken_back_step_by_step(office: Office) -> None:
    await office.say("/teach How long does a refund take? | Nine days.", role=Role.TRAINER)
    wrong = answered_from(office, "how long does a refund take then")
    document_id = await approved(office, wrong, "Five days.")
    assert in_force(office, "How long does a refund take?") == ["Five days."]
    assert len(office.store.knowledge.documents()) == 1
    said = await office.say(f"/unteach {document_id}", role=Role.TRAINER)
    assert "> Nine days." in said.text
    assert in_force(office, "How long does a refund take?") == ["Nine days."]
    said = await office.say(f"/unteach {document_id}", role=Role.TRAINER)
    assert said.text == say("untaught", "en", question="How long does a refund take?")
    assert in_force(office, "How long does a refund take?") == []


async def test_an_approval_that_a_crash_cut_short_loses_nothing_of_what_it_replaced(office: Office) -> None:
    await office.say("/teach How long does a refund take? | Nine days.", role=Role.TRAINER)
    wrong = answered_from(office, "how long does a refund take then")
    await office.say("/teach How long does a refund take? | Nine days.", role=Role.TRAINER)
    document_id = await approved(office, wrong, "Five days.")
    number = office.store.ratings.correct(
        Correction(answer_id=wrong.id, user_id=office.person_id(Role.USER), text="Five days.")
    )
    await office.say(f"/report approve {number}", role=Role.TRAINER)
    await office.say(f"/unteach {document_id}", role=Role.TRAINER)
    assert in_force(office, "How long does a refund take?") == ["Nine days."]


async def test_an_approved_correction_is_ready_to_be_learned_from(office: Office, from_file: StoredAnswer) -> None:
    await approved(office, from_file, "Five days.")
    [rated] = office.store.feedback.rated()
    assert [one.text for one in rated.corrections] == ["Five days."]


async def test_a_trainer_names_the_intent_with_a_rating(office: Office) -> None:
    asked = office.asked("good morning", role=Role.TRAINER)
    await office.say("/rate down wrong topic: greeting", role=Role.TRAINER)
    given = office.store.ratings.of(asked.id, office.person_id(Role.TRAINER))
    assert given == Rating(
        answer_id=asked.id,
        user_id=office.person_id(Role.TRAINER),
        value=RatingValue.DOWN,
        reason=RatingReason.WRONG_TOPIC,
        comment="greeting",
    )
