"""What is left of somebody's words once they are forgotten: nothing, whatever the team did with them."""

from __future__ import annotations

from sqlalchemy import select

from bot.store.schema import Base
from bot.store.store import Store
from bot.types import Correction, Origin, Place, Role, Wanted
from tests.integration.commands.office import Office

WORDS = "orange submarine"  # what somebody who is forgotten had said, in each of these


async def test_the_words_of_who_is_forgotten_lie_nowhere_whatever_the_team_did_with_them(office: Office) -> None:
    asked = [office.refused(f"Where is the {WORDS} number {number}?") for number in range(3)]
    answered, mine = office.asked(f"How long is the {WORDS}?"), office.person_id(Role.USER)
    for number in range(3):
        office.store.ratings.correct(Correction(answer_id=answered.id, user_id=mine, text=f"{WORDS} {number}"))
    waiting = office.store.handoffs.open(
        asked[0].conversation_id, mine, f"Who has the {WORDS}?", team_platform="slack", team_channel="C9"
    )
    for text in (
        f"/teach The {WORDS}? | Here.",
        f"/teach the {WORDS}",
        f"/unanswered {WORDS}",
        f"/unanswered drop {asked[0].id}",
        f"/unanswered answer {asked[1].id}",
        "/report approve 1",
        "/report reject 2",
        f"/knowledge search {WORDS}",
        f"/knowledge remove {WORDS}",
        f"/ingest {WORDS}",
        f"/grant {WORDS} admin",
        f"/promote {WORDS}",
        f"/rollback {WORDS}",
        f"/schedule {WORDS}",
        f"/pause {WORDS}",
        f"/status {WORDS}",
    ):
        await office.say(text, role=Role.OWNER)
    written = Origin(place=Place.DIRECT, command=Wanted.CURATED, subject=asked[2].id)
    await office.say("In the harbour.", role=Role.TRAINER, origin=written)
    kept = Origin(place=Place.DIRECT, command=Wanted.KEPT, subject=waiting.id)
    await office.say("The harbour master.", role=Role.TRAINER, origin=kept)
    documents = [one.id for one in office.store.knowledge.documents()]
    assert len(documents) == 4, "all of it was taught"
    assert office.store.audit.count(actor="slack:U4", action="teach", since=office.clock.now) == 2
    for number in documents:
        await office.say(f"/unteach {number}", role=Role.TRAINER)
        assert WORDS in in_the_clear(office.store), "it is looked for where it is"
    for role in (Role.TRAINER, Role.OWNER, Role.USER):  # the team quoted them, in its own messages and answers
        await office.say(f"/forget_me yes {office.person_id(role)}", role=role)
    assert len(office.audit()) >= 20, "who did what is still known"
    assert WORDS not in in_the_clear(office.store)


def in_the_clear(store: Store) -> str:
    """Everything that the store holds, decrypted."""
    with store.database.read() as connection:
        return "\n".join(str(row) for table in Base.metadata.sorted_tables for row in connection.execute(select(table)))
