"""Every command x role x place: the allowed are carried out, the others are refused, audited, and change nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Table, select

from bot.commands.base import ORDER, may
from bot.commands.registry import BY_NAME, NAMES
from bot.store.schema import AuditRow, Base
from bot.texts import say
from bot.types import AnswerKind, Origin, Place, Role
from tests.integration.commands.office import PEOPLE, Office

# what makes each command do what it does, where it is allowed
ARGUMENTS = {
    "ask": "",
    "rate": "down out of date",
    "language": "zh",
    "human": "Who pays?",
    "claim": "AAAA-BBBB-CCCC",
    "correction": "Three days.",
    "curated": "Three days.",
    "teach": "How long? | Three days.",
    "unteach": "1",
    "unanswered": "",
    "grant": "trainer",
    "ingest": "",
    "knowledge": "",
    "promote": "generator-1",
    "rollback": "generator",
    "schedule": "daily 03:00",
}
NEEDING_MENTION = {"grant", "revoke"}
NOTHING_THERE = {"promote", "rollback"}  # there is no version to do it with, and the log says so


def rows(office: Office) -> dict[str, list[Any]]:
    """Everything in the store but the log, and the messages themselves."""
    with office.store.database.read() as connection:
        tables: list[Table] = Base.metadata.sorted_tables
        left_out = {AuditRow.__tablename__, "messages", "origins", "answers", "deliveries", "conversations"}
        return {
            one.name: [tuple(row) for row in connection.execute(select(one))]
            for one in tables
            if one.name not in left_out
        }


def origin(name: str, subject: int) -> Origin:
    mentions = (PEOPLE[Role.USER],) if name in NEEDING_MENTION else ()
    return Origin(command=name, mentions=mentions, subject=subject)


@pytest.mark.parametrize("place", list(Place))
@pytest.mark.parametrize("role", ORDER)
@pytest.mark.parametrize("name", NAMES)
async def test_a_command_obeys_those_who_may_give_it_where_it_works(
    office: Office, name: str, role: Role, place: Place
) -> None:
    command = BY_NAME[name]
    about = office.asked("How long does a refund take?", role=role, place=place)
    before = rows(office)
    said = await office.say(ARGUMENTS.get(name, ""), role=role, place=place, origin=origin(name, about.id))
    assert said.kind is AnswerKind.COMMAND
    assert said.text
    actor, where = f"slack:{PEOPLE[role]}", f"slack:{'D1' if place is Place.DIRECT else 'C1'}"
    actions = [(who, what, at) for who, what, at, _ in office.audit()]
    refusals = {say("not-allowed", "en", role=say(f"role-{least}", "en")) for least in ORDER}
    if not may(role, command.least):
        assert said.text == say("not-allowed", "en", role=say(f"role-{command.least}", "en"))
        assert actions == [(actor, f"refused: {name}", where)]
        assert rows(office) == before
        assert office.commands.counts["refused"] == 1
        return
    assert said.text not in refusals
    if place not in command.places:
        assert said.text == say("command-elsewhere", "en", command=f"`/burnish {name.replace('_', ' ')}`")
        assert actions == []
        assert rows(office) == before
        return
    if may(command.least, Role.TRAINER):
        assert [what for _, what, _ in actions] == [f"refused: {name}" if name in NOTHING_THERE else name]
        assert actions[0][0] == actor
        assert actions[0][2] == where
    elif name == "claim" and role is not Role.OWNER:
        assert actions == [(actor, "refused: claim", where)], "a wrong code is counted and audited"
    else:
        assert actions == []


async def test_a_role_that_was_taken_away_counts_at_once(office: Office) -> None:
    assert "not" not in (await office.say("/status", role=Role.ADMIN)).text.splitlines()[0]
    office.store.people.set_role(office.person_id(Role.ADMIN), Role.USER)
    assert (await office.say("/status", role=Role.ADMIN)).text == say("not-allowed", "en", role=say("role-admin", "en"))


async def test_whoever_sits_at_the_server_counts_as_owner(office: Office) -> None:
    stored = office.accept("/status", role=Role.USER)
    local = replace(stored, message=replace(stored.message, platform="console"))
    assert say("status-title", "en") in (await office.commands(local)).text
    person = office.store.people.get(stored.user_id)
    assert person is not None
    assert person.role is Role.USER, "nothing of it is kept"
